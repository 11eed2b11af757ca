// A crowd for the soak: many tenants with one user each and a handful of memories, made in bulk as the migrator.

import { ISSUER } from '../../kit/as.ts';
import { asAdmin, type TestDatabase } from '../../kit/database.ts';

export type Member = { readonly slug: string; readonly tenantId: string; readonly userId: string };

/** Whose memories there are, and how many. */
export type Tally = ReadonlyMap<string, number>;

export async function makeCrowd(on: TestDatabase, size: number, memoriesEach: number): Promise<Member[]> {
  return asAdmin(on.migratorUrl, async (client) => {
    await client.query('begin');
    await client.query(
      `create temporary table crowd on commit drop as
       select 'soak-' || n as slug, md5('tenant ' || n)::uuid as tenant_id, md5('user ' || n)::uuid as id
         from generate_series(1, $1::int) n`,
      [size],
    );
    await client.query(
      'insert into tenants (tenant_id, id, slug, name) select tenant_id, tenant_id, slug, slug from crowd',
    );
    await client.query(
      "insert into entities (tenant_id, id, kind, owner_id) select tenant_id, id, 'user', id from crowd",
    );
    await client.query(
      'insert into users (tenant_id, id, owner_id, display_name) select tenant_id, id, id, slug from crowd',
    );
    await client.query(
      `insert into identities (tenant_id, id, entity_id, issuer, subject)
       select tenant_id, gen_random_uuid(), id, $1, slug from crowd`,
      [ISSUER],
    );
    await client.query(
      `insert into memories (tenant_id, id, owner_id, content, created_by, request_id)
       select tenant_id, gen_random_uuid(), id, slug || ' remembers ' || m, id, gen_random_uuid()
         from crowd, generate_series(1, $1::int) m`,
      [memoriesEach],
    );
    const { rows } = await client.query<Member>(
      'select slug, tenant_id as "tenantId", id as "userId" from crowd order by slug',
    );
    await client.query('commit');
    return rows;
  });
}

/** As they are in the database, counted without row security. */
export async function tally(on: TestDatabase): Promise<Tally> {
  return asAdmin(on.migratorUrl, async (client) => {
    const { rows } = await client.query<{ owner: string; n: number }>(
      'select owner_id as owner, count(*)::int as n from memories group by 1',
    );
    return new Map(rows.map(({ owner, n }) => [owner, n]));
  });
}
