// Credentials for services of third parties, for the tests of policies and for the probe: of every sort one with a secret and one
// without, of everybody who may keep one, and twins of alice's in the other tenant.
//
// Nothing is encrypted here: a secret is what the database looks at of an envelope (wrapped.ts). Those of the demo stand in
// src/demo/services.ts.

import { AGENTS, id, TENANTS, USERS } from '../../src/demo/cast.ts';
import type { EntityId, TenantId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { keyOf, TWINS_ONLY, under } from './wrapped.ts';

/** The owner's alone; for every agent; for one agent. */
export const SORTS = ['private', 'shared', 'assigned'] as const;
export type Sort = (typeof SORTS)[number];
export type Owner = 'alice' | 'bob' | 'mallory';
const OWNERS: readonly Owner[] = ['alice', 'bob', 'mallory'];

/** The agent for which an assigned one is: never the one through whom its owner speaks in the probe, but for bob, who has no other. */
export const ASSIGNED: Readonly<Record<Owner, EntityId>> = {
  alice: AGENTS.scribe.id,
  bob: AGENTS.bobot.id,
  mallory: id(2, 'a0bad'),
};

const rows = (code: string) =>
  Object.fromEntries(
    OWNERS.map((who) => [
      who,
      Object.fromEntries(
        SORTS.map((sort, n) => [sort, id<string>(10, `${code}${n}${USERS[who].id.slice(-5)}`)]),
      ),
    ]),
  ) as Readonly<Record<Owner, Readonly<Record<Sort, string>>>>;

/** With a secret, and without: to be given one, or to be deleted. */
export const KEPT = rows('f');
export const BARE = rows('b');

/** One of alice's twin in the other tenant, with a secret; no credential in hers has this id. */
export const TWIN_ONLY = id<string>(10, '731');

/** What a credential says besides whose it is. It has two calls. */
export const SAID = {
  service: 'spare',
  label: 'Spare',
  kind: 'api_key',
  scopes: [],
  origin: 'https://spare.invalid',
  calls: JSON.stringify([
    { name: 'first', method: 'GET', path: '/first' },
    { name: 'second', method: 'POST', path: '/second' },
  ]),
};

type Made = {
  readonly tenant: TenantId;
  readonly id: string;
  readonly owner: EntityId;
  readonly agent?: EntityId | undefined;
  readonly ownerOnly?: boolean;
  /** Under which key there is one: the owner's first, or another. */
  readonly secret?: true | string;
};

/** Makes a credential, whatever the policies would say to it. */
export async function keepService(
  sql: Sql,
  { tenant, id: key, owner, agent, ownerOnly, secret }: Made,
): Promise<void> {
  await sql.rows(
    `insert into service_credentials (tenant_id, id, owner_id, agent_id, service, label, kind, scopes, owner_only, origin,
       calls, created_by, request_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $3, $12)`,
    [
      ...[tenant, key, owner, agent ?? null, SAID.service, SAID.label, SAID.kind, SAID.scopes],
      ...[ownerOnly ?? false, SAID.origin, SAID.calls, id<string>(7, 'a44a96e')],
    ],
  );
  if (secret) {
    await sql.rows(
      `insert into service_secrets (tenant_id, id, owner_id, secret, secret_index) values ($1, $2, $3, $4, 'x')`,
      [tenant, key, owner, under(secret === true ? keyOf(owner) : secret)],
    );
  }
}

/** Makes those above. The cast, spares of agents and wrapped keys must be there. */
export async function arrangeServices(sql: Sql): Promise<void> {
  for (const who of OWNERS) {
    const { id: owner, tenant } = USERS[who];
    for (const sort of SORTS) {
      const agent = sort === 'assigned' ? ASSIGNED[who] : undefined;
      const made = { tenant: TENANTS[tenant].id, owner, agent, ownerOnly: sort === 'private' };
      await keepService(sql, { ...made, id: KEPT[who][sort], secret: true });
      await keepService(sql, { ...made, id: BARE[who][sort] });
    }
  }
}

/** Those of alice's twin, which every agent of hers may use and read. The twin and its keys must be there. */
export async function arrangeServiceTwins(sql: Sql): Promise<void> {
  const made = { tenant: TENANTS.globex.id, owner: USERS.alice.id };
  for (const sort of SORTS) {
    await keepService(sql, { ...made, id: KEPT.alice[sort], secret: TWINS_ONLY });
  }
  await keepService(sql, { ...made, id: BARE.alice.shared });
  await keepService(sql, { ...made, id: TWIN_ONLY, secret: true });
  // whoever forgot to ask for the tenant would come upon the twin's first
  await sql.rows('update service_secrets set updated_at = updated_at where tenant_id = $1', [
    TENANTS.acme.id,
  ]);
}
