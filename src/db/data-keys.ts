// The wrapped keys, as the session's context may see them (prisma/policies/22-tenant-keys.sql, 23-data-keys.sql), and the kernel's
// functions that keep the first ones (05-keys.sql). Nothing is unwrapped here, and no key is ever in a statement in clear.

import type { Purpose, StoredDataKey, StoredTenantKey } from '../crypto/hierarchy.ts';
import type { KeyTable } from '../crypto/keys.ts';
import type { Transaction } from './client.ts';

/** The key tables of a session of this tenant. */
export function keyTable(db: Pick<Transaction, '$queryRaw'>, tenantId: string): KeyTable {
  return {
    dataKeys: (holders) => db.$queryRaw<StoredDataKey[]>`
      select k.id::text, k.tenant_id::text as "tenantId", k.holder_id::text as "holderId", k.version, k.wrapped, k.erasable,
             k.retired_at is not null as retired,
             jsonb_build_object('id', t.id, 'tenantId', t.tenant_id, 'purpose', t.purpose, 'version', t.version,
               'wrapped', t.wrapped, 'erasable', t.erasable) as "tenantKey"
        from public.data_keys k
        join public.tenant_keys t on t.tenant_id = k.tenant_id and t.id = k.tenant_key_id
       where k.tenant_id = ${tenantId}::uuid and k.holder_id = any (${[...holders]}::uuid[])`,

    async tenantKey(purpose: Purpose) {
      const [key] = await db.$queryRaw<StoredTenantKey[]>`
        select t.id::text, t.tenant_id::text as "tenantId", t.purpose, t.version, t.wrapped, t.erasable
          from public.tenant_keys t
         where t.tenant_id = ${tenantId}::uuid and t.purpose = ${purpose}
         order by t.version desc limit 1`;
      return key;
    },

    async addTenantKey({ id, purpose, wrapped, erasable }) {
      await db.$queryRaw`select bailiwick.add_tenant_key(${id}::uuid, ${purpose}, ${wrapped}, ${erasable}) as added`;
    },

    async addDataKey({ id, holderId, tenantKey, wrapped, erasable }) {
      await db.$queryRaw`
        select bailiwick.add_data_key(${id}::uuid, ${holderId}::uuid, ${tenantKey.id}::uuid, ${wrapped}, ${erasable}) as added`;
    },
  };
}
