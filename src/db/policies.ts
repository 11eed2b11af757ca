// The policies: reads prisma/policies, applies them as a whole, and says which are in force.
//
// Policy files are the present truth of access. Applying first takes away every policy, grant and kernel function,
// then runs all files in order, in one transaction: what no file declares does not exist afterwards. The checksum of the
// files is kept in the database, so that a server can refuse to run against policies that are not its own.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from 'pg';
import { ensurePartitions } from './partitions.ts';
import { withClient } from './with-client.ts';

/** The folder of the policy files in this package. */
export const POLICY_FOLDER = fileURLToPath(new URL('../../prisma/policies/', import.meta.url));

/** Held while migrations or policies are being applied, so that two starting servers wait for each other. */
export const SCHEMA_LOCK = 0x6261696c;

export type PolicyFile = { readonly name: string; readonly sql: string };

/** The policy files in the order in which they are applied. */
export function readPolicies(folder = POLICY_FOLDER): PolicyFile[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ name: basename(file, '.sql'), sql: readFileSync(`${folder}/${file}`, 'utf8') }));
}

/** SHA-256 over names and contents, in hexadecimal. */
export function policyChecksum(files: readonly PolicyFile[] = readPolicies()): string {
  const hash = createHash('sha256');
  for (const { name, sql } of files) {
    hash.update(`${name}\n${sql.length}\n${sql}`);
  }
  return hash.digest('hex');
}

/** The checksum of the policies that a database enforces, or null when none were ever applied. */
export async function checksumInForce(client: Client): Promise<string | null> {
  const { rows } = await client.query<{ checksum: string }>('select checksum from bailiwick.policy_state');
  return rows[0]?.checksum ?? null;
}

// Ours are the tables of schema public that carry tenant_id, plus the kernel's own; a table of somebody else is left alone.
const CLEAR = `
do $$
declare
  item record;
begin
  for item in
    select p.polname, c.oid::regclass as "table"
      from pg_policy p join pg_class c on c.oid = p.polrelid
     where c.relnamespace = 'public'::regnamespace
       and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')
  loop
    execute format('drop policy %I on %s', item.polname, item."table");
  end loop;
  -- the kernel's functions too, but for the three that column defaults hold on to
  for item in
    select f.oid::regprocedure as "function"
      from pg_proc f
     where f.pronamespace = 'bailiwick'::regnamespace
       and f.proname not in ('actor_id', 'delegation_id', 'request_id')
  loop
    execute format('drop function %s', item."function");
  end loop;
  drop type if exists bailiwick.context;
  drop type if exists bailiwick.verdict;
  for item in
    select c.oid::regclass as "table"
      from pg_class c
     where c.relkind in ('r', 'p')
       and (c.relnamespace = 'bailiwick'::regnamespace
            or c.relnamespace = 'public'::regnamespace
               and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id'))
  loop
    execute format('revoke all on %s from public, bailiwick_runtime, bailiwick_kernel', item."table");
  end loop;
end $$`;

/**
 * Applies the policy files to a database, unless they are in force already.
 *
 * @param migratorUrl Connection of the migrator role, the owner of the tables.
 * @returns whether anything was applied.
 * @throws the database's error, with the name of the file at fault; nothing is applied then.
 */
export async function applyPolicies(
  migratorUrl: string,
  { files = readPolicies(), force = false }: { files?: readonly PolicyFile[]; force?: boolean } = {},
): Promise<boolean> {
  return withClient(migratorUrl, async (client) => {
    const checksum = policyChecksum(files);
    if (!force && (await checksumInForce(client)) === checksum) {
      return false;
    }
    await client.query('begin');
    await client.query("set local lock_timeout = '10s'");
    await client.query('select pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
    await client.query(CLEAR);
    for (const { name, sql } of files) {
      await client.query(sql).catch((error: unknown) => {
        throw new Error(`policy file ${name}.sql could not be applied: ${String(error)}`, { cause: error });
      });
    }
    await client.query('select bailiwick.ensure_seal_key()');
    await ensurePartitions(client);
    await client.query(
      `insert into bailiwick.policy_state (checksum) values ($1)
       on conflict (singleton) do update set checksum = excluded.checksum, applied_at = now()`,
      [checksum],
    );
    await client.query('commit');
    return true;
  });
}

/** Makes a ticket key known to the database, so that it accepts tickets signed with it. Idempotent. */
export async function installTicketKey(migratorUrl: string, kid: string, secret: Uint8Array): Promise<void> {
  await withClient(migratorUrl, (client) =>
    client.query("select bailiwick.install_key($1, 'ticket', $2)", [kid, Buffer.from(secret)]),
  );
}
