// Owners in two tenants with many sensitive memories, sealed with the real hierarchy and loaded in bulk as the migrator; and what
// stands in the table afterwards, opened value by value by itself, without anything that rotates.

import type { Client } from 'pg';
import { keyIdOf, open, seal } from '../../../src/crypto/envelope.ts';
import type { DataKeyRing } from '../../../src/crypto/keys.ts';
import { operatorKeyTable } from '../../../src/db/operator-keys.ts';
import { newId } from '../../../src/ids.ts';
import { ISSUER } from '../../kit/as.ts';

export type Owner = {
  readonly slug: string;
  readonly tenantId: string;
  readonly id: string;
  /** Of its tokens. */
  readonly subject: string;
};

/** A row, and what was last written into it. */
export type Kept = { readonly id: string; content: string };

const TENANTS = 2;
const BATCH = 2000;

/** Makes so many owners in each tenant. */
export async function makeOwners(client: Client, each: number): Promise<readonly Owner[]> {
  const owners: Owner[] = [];
  for (let tenant = 0; tenant < TENANTS; tenant += 1) {
    const [tenantId, slug] = [newId() as string, `rotation-${tenant}`];
    await client.query('insert into tenants (tenant_id, id, slug, name) values ($1, $1, $2, $2)', [
      tenantId,
      slug,
    ]);
    for (let n = 0; n < each; n += 1) {
      const owner = { slug, tenantId, id: newId() as string, subject: `${slug}-${n}` };
      owners.push(owner);
      const { id, subject } = owner;
      await client.query("insert into entities (tenant_id, id, kind, owner_id) values ($1, $2, 'user', $2)", [
        tenantId,
        id,
      ]);
      await client.query(
        'insert into users (tenant_id, id, owner_id, display_name) values ($1, $2, $2, $3)',
        [tenantId, id, subject],
      );
      await client.query(
        'insert into identities (tenant_id, id, entity_id, issuer, subject) values ($1, $2, $3, $4, $5)',
        [tenantId, newId(), id, ISSUER, subject],
      );
    }
  }
  return owners;
}

/** Gives an owner so many sensitive memories. */
export async function load(client: Client, keys: DataKeyRing, owner: Owner, rows: number): Promise<Kept[]> {
  const { tenantId, id: ownerId, subject } = owner;
  const session = keys.forSession(tenantId, operatorKeyTable(client, tenantId));
  const key = await session.sealingKey(ownerId);
  const loaded: Kept[] = [];
  while (loaded.length < rows) {
    const batch = Array.from({ length: Math.min(BATCH, rows - loaded.length) }, (_, n) => ({
      id: newId() as string,
      content: `${subject} remembers ${loaded.length + n} of ${rows}`,
    }));
    const sealed = (column: string, plain: string, rowId: string) =>
      seal(plain, { tenantId, ownerId, table: 'memories', column, rowId }, key);
    await client.query(
      `insert into memories (tenant_id, id, owner_id, sensitive, content, metadata, created_by, request_id)
       select $1, v.id, $2, true, v.content, to_jsonb(v.metadata), $2, v.id
         from unnest($3::uuid[], $4::text[], $5::text[]) as v (id, content, metadata)`,
      [
        tenantId,
        ownerId,
        batch.map(({ id }) => id),
        batch.map(({ id, content }) => sealed('content', content, id)),
        batch.map(({ id }) => sealed('metadata', metadataOf(id), id)),
      ],
    );
    loaded.push(...batch);
  }
  return loaded;
}

/** What the metadata of a row are, as text. */
export function metadataOf(id: string): string {
  return JSON.stringify({ of: id });
}

/** Compares every row of an owner with what was written. Returns what is wrong, and how many rows there are. */
export async function audit(
  client: Client,
  keys: DataKeyRing,
  { tenantId, id: ownerId }: Owner,
  written: ReadonlyMap<string, string>,
): Promise<{ readonly rows: number; readonly wrong: readonly string[] }> {
  const session = keys.forSession(tenantId, operatorKeyTable(client, tenantId));
  const held = (await session.keysOf(new Map([[ownerId, new Set()]]))).get(ownerId);
  const { rows } = await client.query<{ id: string; content: string; metadata: string }>(
    "select id, content, metadata #>> '{}' as metadata from memories where tenant_id = $1 and owner_id = $2",
    [tenantId, ownerId],
  );
  const wrong = rows.flatMap(({ id, ...stored }) => {
    const opened = (column: 'content' | 'metadata') => {
      try {
        const place = { tenantId, ownerId, table: 'memories', column, rowId: id };
        return open(stored[column], place, (keyId) => held?.byId.get(keyId));
      } catch (error) {
        return String(error);
      }
    };
    const found = [opened('content'), opened('metadata')];
    const expected = [written.get(id), metadataOf(id)];
    return found.every((value, at) => value === expected[at]) ? [] : [`${id}: ${found} for ${expected}`];
  });
  return { rows: rows.length, wrong };
}

/** How many envelopes are under keys for new values, and how many under retired ones; beside them, those under none at all. */
export async function countByKey(
  client: Client,
): Promise<{ live: number; retired: number; unknown: number }> {
  const { rows: keys } = await client.query<{ id: string; retired: boolean }>(
    'select id, retired_at is not null as retired from data_keys',
  );
  const { rows } = await client.query<{ head: string; n: number }>(
    `select left(v.stored, 38) as head, count(*)::int as n
       from memories m, lateral (values (m.content), (m.metadata #>> '{}')) as v (stored) group by 1`,
  );
  const retired = new Map(keys.map((key) => [key.id, key.retired]));
  const counts = { live: 0, retired: 0, unknown: 0 };
  for (const { head, n } of rows) {
    const found = retired.get(keyIdOf(head) ?? '');
    counts[found === undefined ? 'unknown' : found ? 'retired' : 'live'] += n;
  }
  return counts;
}
