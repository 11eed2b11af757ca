// Rows that an attacker would make: of which table, of whose, changed in one thing. Shared by the cases about row security.

import { TENANTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import type { Acting } from '../../kit/as.ts';
import { insertion } from '../../policies/arrangement.ts';
import { type Step, step } from './stage.ts';

export const acme = TENANTS.acme.id;

export const globex = TENANTS.globex.id;

export const alice = USERS.alice.id;

export const bob = USERS.bob.id;

export const GARDEN = WORLDS.garden.id;

export const rows = { group: 'row security' } as const;

export const asScout: Acting = { delegation: DELEGATIONS.scout.id };

export function made(table: string, row: Readonly<Record<string, unknown>>, expect: string | number): Step {
  const { text, values } = insertion(table, { tenant_id: acme, id: newId(), ...row });
  return step(text, expect, values);
}

export const memory = (row: Readonly<Record<string, unknown>>, expect: string | number) =>
  made('memories', { owner_id: alice, content: 'New.', tags: [], ...row }, expect);
