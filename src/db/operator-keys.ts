// The wrapped keys as their operator reads and keeps them: as the migrator, whom row security does not bind. For work that is
// nobody's request: demo data, sealing what was there before, rotation. Requests use data-keys.ts.

import type pg from 'pg';
import type { EncryptedField } from '../crypto/declared.ts';
import { type Place, seal } from '../crypto/envelope.ts';
import type { StoredDataKey, StoredTenantKey } from '../crypto/hierarchy.ts';
import type { KeyTable, SessionKeys } from '../crypto/keys.ts';

type Client = Pick<pg.Client, 'query'>;

/** A tenant's key as the columns have it, `t` being the table. */
export const TENANT_KEY = `t.id, t.tenant_id as "tenantId", t.purpose, t.version, t.wrapped, t.erasable`;
/** A data key as the columns have it, `k` being the table, and the tenant's key `t` above it. */
export const DATA_KEY = `k.id, k.tenant_id as "tenantId", k.holder_id as "holderId", k.version, k.wrapped, k.erasable,
  k.retired_at is not null as retired,
  jsonb_build_object('id', t.id, 'tenantId', t.tenant_id, 'purpose', t.purpose, 'version', t.version,
    'wrapped', t.wrapped, 'erasable', t.erasable) as "tenantKey"`;

/**
 * The key tables of a tenant.
 *
 * @param schema Where they are: bailiwick_data in an adopter's database.
 */
export function operatorKeyTable(
  client: Client,
  tenantId: string,
  schema: 'public' | 'bailiwick_data' = 'public',
): KeyTable {
  return {
    async dataKeys(holders) {
      const { rows } = await client.query<StoredDataKey>(
        `select ${DATA_KEY}
           from ${schema}.data_keys k
           join ${schema}.tenant_keys t on t.tenant_id = k.tenant_id and t.id = k.tenant_key_id
          where k.tenant_id = $1 and k.holder_id = any ($2)`,
        [tenantId, [...holders]],
      );
      return rows;
    },
    async tenantKey(purpose) {
      const { rows } = await client.query<StoredTenantKey>(
        `select ${TENANT_KEY} from ${schema}.tenant_keys t
          where t.tenant_id = $1 and t.purpose = $2 order by t.version desc limit 1`,
        [tenantId, purpose],
      );
      return rows[0];
    },
    async addTenantKey({ id, purpose, version, wrapped, erasable }) {
      await client.query(
        `insert into ${schema}.tenant_keys (tenant_id, id, purpose, version, wrapped, erasable)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
        [tenantId, id, purpose, version, wrapped, erasable],
      );
    },
    async addDataKey({ id, holderId, version, wrapped, erasable, tenantKey }) {
      await client.query(
        `insert into ${schema}.data_keys (tenant_id, id, owner_id, holder_id, tenant_key_id, version, wrapped, erasable)
         select e.tenant_id, $2, e.owner_id, e.id, $4, $5, $6, $7
           from ${schema}.entities e where e.tenant_id = $1 and e.id = $3
         on conflict do nothing`,
        [tenantId, id, holderId, tenantKey.id, version, wrapped, erasable],
      );
    },
  };
}

/**
 * The envelope of a value for its place; null for null.
 *
 * @param keys Of the tenant in which the row is.
 */
export async function sealFor(
  keys: SessionKeys,
  field: Pick<EncryptedField, 'table' | 'column'>,
  row: {
    readonly tenantId: string;
    readonly ownerId: string;
    readonly rowId: string;
    readonly holderId: string;
  },
  plain: string | null,
): Promise<string | null> {
  if (plain === null) {
    return null;
  }
  const { tenantId, ownerId, rowId, holderId } = row;
  const place: Place = { tenantId, ownerId, rowId, table: field.table, column: field.column };
  return seal(plain, place, await keys.sealingKey(holderId));
}
