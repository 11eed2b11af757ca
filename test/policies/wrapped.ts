// Wrapped keys for the tests of policies and for the probe: one of each tenant, one of everybody, and some that do not count any
// more; and values as they stand in an encrypted column.
//
// Nothing is encrypted here. The database has no part in that: it looks at the beginning of a value and at the rows of its keys.

import { ACTORS, type ActorName, AGENTS, id, TENANTS, USERS } from '../../src/demo/cast.ts';
import type { EntityId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { ownerOf } from './credentials.ts';

const acme = TENANTS.acme.id;
const globex = TENANTS.globex.id;

/** A version that no key of the cast has. */
const VERSION = 7;

/** A key of each tenant that wraps data keys, and one of acme's for its indexes. */
export const TENANT_KEYS = {
  acme: id<string>(11, 'acce'),
  globex: id<string>(11, '610be'),
  index: id<string>(11, '14de8'),
} as const;

/** Far enough from every limit that the time a test takes does not matter. */
const AGED = `retired_at = statement_timestamp() - interval '1 day'`;

const nameOf = (holder: string): string => holder.slice(-12).replace(/^0+/, '');

/** The key of an entity that is laid out here: a user's begins with 1, an agent's with 2. */
export const keyOf = (holder: EntityId): string => id(12, `${holder.slice(17, 18)}${nameOf(holder)}`);

/** A key of everybody's in the cast. */
export const DATA_KEYS = Object.fromEntries(
  Object.entries(ACTORS).map(([who, { id: holder }]) => [who, keyOf(holder)]),
) as Readonly<Record<ActorName, string>>;

/** Keys of alice's that do not count any more. */
export const DESTROYED = id<string>(12, 'dead');
export const RETIRED_LONG_AGO = id<string>(12, '01d');

/** A live key of alice's twin in the other tenant; no key in hers has this id. */
export const TWINS_ONLY = id<string>(12, '731');

/** A value that names a key: all of an envelope that the database looks at. */
export const under = (key: string, rest = 'x'): string => `bwe1.${key.replaceAll('-', '')}.${rest}`;

type Kept = {
  readonly tenant?: string;
  readonly id: string;
  readonly holder: EntityId;
  readonly owner: EntityId;
  readonly version?: number;
};

/** Keeps a data key, as the migrator. The tenant's must be there. */
export async function keepDataKey(
  sql: Sql,
  { tenant = acme, version = VERSION, ...key }: Kept,
): Promise<void> {
  await sql.rows(
    `insert into data_keys (tenant_id, id, owner_id, holder_id, tenant_key_id, version, wrapped, erasable)
     values ($1, $2, $3, $4, $5, $6, 'x', false)`,
    [
      tenant,
      key.id,
      key.owner,
      key.holder,
      tenant === globex ? TENANT_KEYS.globex : TENANT_KEYS.acme,
      version,
    ],
  );
}

/** Keeps a key of a tenant, as the migrator. */
export async function keepTenantKey(sql: Sql, tenant: string, key: string, purpose = 'wrap'): Promise<void> {
  await sql.rows(
    `insert into tenant_keys (tenant_id, id, purpose, version, wrapped, erasable) values ($1, $2, $3, $4, 'x', false)`,
    [tenant, key, purpose, VERSION],
  );
}

/** Makes the keys of the cast. The cast must be there. */
export async function arrangeWrapped(sql: Sql): Promise<void> {
  await keepTenantKey(sql, acme, TENANT_KEYS.acme);
  await keepTenantKey(sql, globex, TENANT_KEYS.globex);
  await keepTenantKey(sql, acme, TENANT_KEYS.index, 'index');
  for (const [who, key] of Object.entries(DATA_KEYS) as [ActorName, string][]) {
    const { tenant, id: holder } = ACTORS[who];
    await keepDataKey(sql, { tenant: TENANTS[tenant].id, id: key, holder, owner: ownerOf(who) });
  }
  const ended = { [DESTROYED]: 'wrapped = null, destroyed_at = now()', [RETIRED_LONG_AGO]: AGED };
  for (const [n, [key, set]] of Object.entries(ended).entries()) {
    await keepDataKey(sql, {
      id: key,
      holder: USERS.alice.id,
      owner: USERS.alice.id,
      version: VERSION + 1 + n,
    });
    await sql.rows(`update data_keys set ${set} where tenant_id = $1 and id = $2`, [acme, key]);
  }
}

/** The keys of alice's and scout's twins. The twins must be there. */
export async function arrangeWrappedTwins(sql: Sql): Promise<void> {
  const owner = USERS.alice.id;
  for (const holder of [owner, AGENTS.scout.id]) {
    await keepDataKey(sql, { tenant: globex, id: keyOf(holder), holder, owner });
  }
  await keepDataKey(sql, { tenant: globex, id: TWINS_ONLY, holder: owner, owner, version: VERSION + 1 });
}
