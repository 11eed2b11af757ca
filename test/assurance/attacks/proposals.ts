// Delegations as an attacker would propose them: a root by alice and a hop below it, changed in one thing. Asked of the kernel
// (bailiwick.grant_refusal) and tried in spite of its answer. No cases here.

import { type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { type DelegationId, newId } from '../../../src/ids.ts';
import type { Acting, Sql } from '../../kit/as.ts';
import { insertion } from '../../policies/arrangement.ts';
import { delegate } from '../../policies/given.ts';
import { together } from './hops.ts';
import { open, type SqlAttack, type Step, step } from './stage.ts';

export const acme = TENANTS.acme.id;

export const alice = USERS.alice.id;

export const scout = AGENTS.scout.id;

export const scribe = AGENTS.scribe.id;

export const SCOUT = DELEGATIONS.scout.id;

export const later = (seconds: number) => new Date(Date.now() + seconds * 1000);

export const DAY = 86_400;

export const ROOT = {
  owner_id: alice as string,
  delegator_id: alice as string,
  delegate_id: AGENTS.late.id as string,
  parent_id: null as string | null,
  depth: 1,
  redelegate: 0,
  capabilities: ['memory:read'] as readonly string[] | null,
  world_id: null as string | null,
  /** Seconds from now. */
  begins: -5,
  ends: 600,
};

export type Proposal = typeof ROOT;

export const HOP: Proposal = { ...ROOT, delegator_id: scout, parent_id: SCOUT, depth: 2 };

export const root = (changes: Partial<Proposal>): Proposal => ({ ...ROOT, ...changes });

export const hop = (changes: Partial<Proposal>): Proposal => ({ ...HOP, ...changes });

export const [PASSES_ON, LIMITED] = [newId<DelegationId>(), newId<DelegationId>()];

/** Scribe under a hop that may be passed on once more; scout under one that is limited to the Garden and to twenty minutes. */
export const passing = (sql: Sql) =>
  delegate(sql, { id: PASSES_ON, from: 'scout', to: 'scribe', parent: SCOUT, redelegate: 1 });

export const limiting = (sql: Sql) =>
  delegate(sql, {
    id: LIMITED,
    from: 'alice',
    to: 'scout',
    redelegate: 1,
    world: WORLDS.garden.id,
    expires: 1200,
  });

export const onward: Acting = { delegation: PASSES_ON, given: passing };

export const inGarden: Acting = { delegation: LIMITED, given: limiting };

export const asScout: Acting = { delegation: SCOUT };

export const THIRD: Proposal = { ...ROOT, delegator_id: scribe, parent_id: PASSES_ON, depth: 3 };

export const itself: Acting = {};

export const beforehand = (given: (sql: Sql) => Promise<unknown>, acting: Acting = itself): Acting => ({
  ...acting,
  given: acting.given === undefined ? given : together(acting.given, given),
});

export type Case = readonly [rule: string, who: ActorName, acting: Acting, proposal: Proposal];

export const ASK = 'select bailiwick.grant_refusal($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)';

/** The row of a proposal, with times from when it is tried. */
export function row({ begins, ends, ...proposal }: Proposal): Readonly<Record<string, unknown>> {
  const at = (from: number) => (Number.isFinite(from) ? later(from) : 'infinity');
  return { ...proposal, not_before: at(begins), expires_at: at(ends) };
}

export function inserted(
  proposal: Proposal,
  expect: string | number,
  more: Readonly<Record<string, unknown>> = {},
): Step {
  const make = () => insertion('delegations', { tenant_id: acme, id: newId(), ...row(proposal), ...more });
  return step(make().text, expect, () => make().values);
}

export function proposed(
  [rule, who, { given, ...acting }, proposal]: Case,
  word: string | null,
): Omit<SqlAttack, 'name' | 'gain' | 'group'> {
  return {
    rule,
    ...(given && { given }),
    steps: [
      open(who, acting),
      step(ASK, String(word), () => Object.values(row(proposal))),
      inserted(proposal, word === null ? 1 : '42501'),
    ],
  };
}
