// What cases about delegations start from: rows as the migrator can make them, and the states in which an authority is dead.
//
// Meant for the `given` of as(): the transaction they are made in is rolled back. Rows that a policy would refuse can be
// made here on purpose; what no row may be, the tables' own constraints refuse even here.

import { DELEGABLE, PERSONAL } from '../../src/capabilities.ts';
import { ACTORS, type ActorName, TENANTS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { insert } from './arrangement.ts';

const acme = TENANTS.acme.id;

export type Made = {
  readonly id?: DelegationId;
  readonly from: ActorName;
  readonly to: ActorName;
  readonly parent?: DelegationId;
  readonly depth?: number;
  readonly redelegate?: number;
  readonly capabilities?: readonly string[];
  readonly world?: string | null;
  /** Seconds from now. */
  readonly begins?: number;
  readonly expires?: number;
};

/** A delegation of Alice's authority. */
export async function delegate(sql: Sql, made: Made): Promise<DelegationId> {
  const id = made.id ?? newId<DelegationId>();
  const later = (seconds: number) => new Date(Date.now() + seconds * 1000);
  await insert(sql, 'delegations', {
    tenant_id: acme,
    id,
    owner_id: ACTORS.alice.id,
    delegator_id: ACTORS[made.from].id,
    delegate_id: ACTORS[made.to].id,
    parent_id: made.parent ?? null,
    depth: made.depth ?? (made.parent === undefined ? 1 : 2),
    redelegate: made.redelegate ?? 0,
    capabilities: made.capabilities ?? ['memory:read'],
    world_id: made.world ?? null,
    not_before: later(made.begins ?? -5),
    created_at: later(Math.min(made.begins ?? -5, 0)),
    expires_at: later(made.expires ?? 3000),
    created_by: ACTORS[made.from].id,
    request_id: newId(),
  });
  return id;
}

const status = (who: ActorName | 'garden', to: string) => (sql: Sql) =>
  sql.touched('update entities set status = $1 where tenant_id = $2 and id = $3', [
    to,
    acme,
    who === 'garden' ? WORLDS.garden.id : ACTORS[who].id,
  ]);
const change = (id: DelegationId, set: string) => (sql: Sql) =>
  sql.touched(`update delegations set ${set} where tenant_id = $1 and id = $2`, [acme, id]);

/** States in which nothing that is done through scout, and therefore through scribe, has any authority left. */
export const DEAD = {
  'the delegation has expired': change(
    DELEGATIONS.scout.id,
    `not_before = now() - interval '1 hour', expires_at = now() - interval '1 second'`,
  ),
  'the delegation is revoked': change(DELEGATIONS.scout.id, `revoked_at = now(), revoked_by = owner_id`),
  'the delegation is not yet valid': change(DELEGATIONS.scout.id, `not_before = now() + interval '1 minute'`),
  'the agent is suspended': status('scout', 'suspended'),
  'the agent is archived': status('scout', 'archived'),
  'the owner is suspended': status('alice', 'suspended'),
  'the owner is archived': status('alice', 'archived'),
  'the tenant is suspended': (sql) =>
    sql.touched(`update tenants set status = 'suspended' where tenant_id = $1`, [acme]),
} satisfies Readonly<Record<string, (sql: Sql) => Promise<unknown>>>;

export const suspend = (who: ActorName | 'garden') => status(who, 'suspended');

/** All that can be delegated, and what cannot: a delegation that names it has that of it which chains can have. */
export const EVERYTHING: readonly string[] = [...DELEGABLE, ...PERSONAL];

type Lifeless = {
  readonly who: 'scout' | 'scribe' | 'late' | 'rogue';
  readonly made?: Partial<Made>;
  readonly after?: (sql: Sql, delegation: DelegationId) => Promise<unknown>;
};

/** A delegation of alice's that is made for the case. */
export const granted = (
  to: Lifeless['who'],
  capabilities: readonly string[],
  after: (sql: Sql, delegation: DelegationId) => Promise<unknown> = async () => undefined,
  made: Partial<Made> = {},
): Acting => {
  const delegation = newId<DelegationId>();
  const given = async (sql: Sql) => {
    await delegate(sql, { id: delegation, from: 'alice', to, capabilities, ...made });
    await after(sql, delegation);
  };
  return { delegation, given };
};

const ceiling = (sql: Sql, who: ActorName) =>
  sql.touched(`update entities set ceiling = '["memory:read"]' where tenant_id = $1 and id = $2`, [
    acme,
    ACTORS[who].id,
  ]);

/** How a delegation of alice's, whatever it names, reaches nothing that stands in no world. */
export const REACHES_NOTHING: Readonly<Record<string, Lifeless>> = {
  'is limited to a world': { who: 'scout', made: { world: WORLDS.garden.id } },
  'has expired': { who: 'late', made: { begins: -100, expires: -1 } },
  'is not yet valid': { who: 'scout', made: { begins: 60 } },
  'was revoked': {
    who: 'rogue',
    after: (sql, id) => change(id, 'revoked_at = now(), revoked_by = owner_id')(sql),
  },
  'is held by an agent that is suspended': { who: 'scribe', after: status('scribe', 'suspended') },
  'is held by an agent that is archived': { who: 'scribe', after: status('scribe', 'archived') },
  'is of an owner who is suspended': { who: 'scribe', after: status('alice', 'suspended') },
  'stands in a tenant that is suspended': { who: 'scribe', after: DEAD['the tenant is suspended'] },
  'is held by an agent whose ceiling is below it': {
    who: 'scribe',
    after: (sql) => ceiling(sql, 'scribe'),
  },
  'is of an owner whose ceiling is below it': { who: 'scribe', after: (sql) => ceiling(sql, 'alice') },
};
