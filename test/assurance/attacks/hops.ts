// Chains to act through and what cases try with them: a pair of hops made to measure, a limit to the Garden, ceilings; a memory
// written, nothing seen. Shared by the cases about chains; tries nothing itself.

import { type ActorName, TENANTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { type DelegationId, newId } from '../../../src/ids.ts';
import type { Acting, Sql } from '../../kit/as.ts';
import { insertion } from '../../policies/arrangement.ts';
import { delegate, type Made } from '../../policies/given.ts';
import { MEMORIES } from './seals.ts';
import { open, type SqlAttack, type Step, step } from './stage.ts';

export const acme = TENANTS.acme.id;

export const alice = USERS.alice.id;

export const SCOUT = DELEGATIONS.scout.id;

export const SCRIBE = DELEGATIONS.scribe.id;

export const GARDEN = WORLDS.garden.id;

export type Given = (sql: Sql) => Promise<unknown>;

export const together =
  (...all: readonly Given[]): Given =>
  async (sql) => {
    for (const one of all) {
      await one(sql);
    }
  };

export const set =
  (table: 'delegations' | 'entities' | 'tenants' | 'users', id: string, change: string): Given =>
  (sql) =>
    sql.rows(`update ${table} set ${change} where tenant_id = $1 and id = $2`, [acme, id]);

/** Writes a memory in the name of an owner, perhaps into a world. */
export function writes(
  expect: string | number,
  owner_id: string = alice,
  world_id: string | null = null,
): Step {
  const row = { tenant_id: acme, id: newId(), owner_id, content: 'New.', tags: [], world_id };
  const { text, values } = insertion('memories', row);
  return step(text, expect, values);
}

export const CAPABILITIES = `select bailiwick.describe()->>'capabilities'`;

const READABLE = ['entities', 'delegations'];

/** Without any authority: nothing is seen, and nothing is written. */
export const powerless: readonly Step[] = [
  step(MEMORIES, 0),
  ...READABLE.map((table) => step(`select from ${table}`, 0)),
  writes('42501'),
  step(`update memories set kind = 'changed'`, 0),
  step('delete from memories', 0),
  step(CAPABILITIES, '[]'),
  step(`select bailiwick.describe()->>'live'`, 'false'),
];

export const through = { scout: { delegation: SCOUT }, scribe: { delegation: SCRIBE } } as const;

export const chain = { group: 'delegation', gain: 'an agent goes on after it was stopped' } as const;

export const [UPPER, LOWER] = [newId<DelegationId>(), newId<DelegationId>()];

export const MEMORY = ['memory:read', 'memory:create', 'memory:update', 'memory:delete'];

/** A delegation to scout and a hop to scribe below it. */
export const pair = (upper: Partial<Made>, lower: Partial<Made> = {}): Given =>
  together(
    (sql) => delegate(sql, { id: UPPER, from: 'alice', to: 'scout', redelegate: 1, ...upper }),
    (sql) => delegate(sql, { id: LOWER, from: 'scout', to: 'scribe', parent: UPPER, ...lower }),
  );

export const asLower: Acting = { delegation: LOWER };

export const asUpper: Acting = { delegation: UPPER };

export const reads = (count: number): Step => step(MEMORIES, count);

export const ceiling =
  (id: string, ...capabilities: string[]): Given =>
  (sql) =>
    sql.rows('update entities set ceiling = $1::jsonb where tenant_id = $2 and id = $3', [
      JSON.stringify(capabilities),
      acme,
      id,
    ]);

export const garden = { ...asUpper };

export const inGarden = (...given: Given[]) =>
  together(
    pair({
      world: GARDEN,
      capabilities: [...MEMORY, 'world:read', 'member:read', 'user:read', 'agent:read', 'delegation:read'],
    }),
    ...given,
  );

export type Limit = readonly [
  rule: string,
  actor: ActorName,
  acting: Acting,
  given: Given | undefined,
  steps: readonly Step[],
  gain?: string,
];

export const limited = (cases: Readonly<Record<string, Limit>>, control: boolean): SqlAttack[] =>
  Object.entries(cases).map(
    ([what, [rule, actor, acting, given, steps, gain]]): SqlAttack => ({
      ...chain,
      name: control ? what : `using ${what}`,
      gain: gain ?? (control ? 'an agent could not do its work' : 'more than was granted'),
      rule,
      ...(control && { control }),
      ...(given && { given }),
      steps: [open(actor, acting), ...steps],
    }),
  );
