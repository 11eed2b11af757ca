// The wrapped keys of an adopter's session, as its context may see them: data-keys.ts for whoever has a connection and no Prisma. Asked for
// as one text, because an application may have told its driver to read any type in its own way.

import type { StoredDataKey, StoredTenantKey } from '../crypto/hierarchy.ts';
import type { KeyTable } from '../crypto/keys.ts';
import { DATA_KEY, TENANT_KEY } from './operator-keys.ts';

/** Sends one statement in the session's transaction. */
export type Send = (statement: {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}) => Promise<{ readonly rows: readonly unknown[] }>;

/** The key tables of a session of this tenant. */
export function sessionKeyTable(send: Send, tenantId: string): KeyTable {
  const all = async <Row>(name: string, sql: string, values: unknown[]): Promise<Row[]> => {
    const text = `select coalesce(json_agg(k), '[]')::text as keys from (${sql}) k`;
    const { rows } = await send({ name: `bailiwick_${name}`, text, values });
    return JSON.parse((rows[0] as { keys: string }).keys);
  };
  return {
    dataKeys: (holders) =>
      all<StoredDataKey>(
        'data_keys',
        `select ${DATA_KEY}
           from bailiwick_data.data_keys k
           join bailiwick_data.tenant_keys t on t.tenant_id = k.tenant_id and t.id = k.tenant_key_id
          where k.tenant_id = $1 and k.holder_id = any ($2::uuid[])`,
        [tenantId, [...holders]],
      ),
    async tenantKey(purpose) {
      const [key] = await all<StoredTenantKey>(
        'tenant_key',
        `select ${TENANT_KEY} from bailiwick_data.tenant_keys t
          where t.tenant_id = $1 and t.purpose = $2 order by t.version desc limit 1`,
        [tenantId, purpose],
      );
      return key;
    },
    async addTenantKey({ id, purpose, wrapped, erasable }) {
      await send({
        name: 'bailiwick_add_tenant_key',
        text: 'select bailiwick.add_tenant_key($1, $2, $3, $4)',
        values: [id, purpose, wrapped, erasable],
      });
    },
    async addDataKey({ id, holderId, tenantKey, wrapped, erasable }) {
      await send({
        name: 'bailiwick_add_data_key',
        text: 'select bailiwick.add_data_key($1, $2, $3, $4, $5)',
        values: [id, holderId, tenantKey.id, wrapped, erasable],
      });
    },
  };
}
