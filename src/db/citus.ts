// A Citus cluster: distributes the tables by tenant, and has every node enforce the policies on its shards. The operator's work, as
// the migrator and on the coordinator; no request comes here. docs/scale/citus.md tells what a cluster can do and what not.
//
// Where which table goes stands in citus-tables.ts, what Citus has to be told besides in prisma/citus. Nothing here adds nodes, moves
// shards or makes roles. Everything may be run again: what is done already stays as it is.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Client, escapeIdentifier } from 'pg';
import { PostureError } from '../errors.ts';
import { ANCHOR, DISTRIBUTION_COLUMN, placed, WITHIN_TENANT } from './citus-tables.ts';
import { ensurePartitions } from './partitions.ts';
import { applyPolicies, policyChecksum, readPolicies, SCHEMA_LOCK } from './policies.ts';
import { withClient } from './with-client.ts';

/** What is run on each node after the policies, in this order. */
const adapting = () =>
  ['05-kernel', '10-shards'].map((name) => ({
    name: `citus/${name}`,
    sql: readFileSync(fileURLToPath(new URL(`../../prisma/citus/${name}.sql`, import.meta.url)), 'utf8'),
  }));

/** One node by itself, its shards in view: nothing is passed on to others. */
const ALONE =
  '-c citus.enable_ddl_propagation=off -c citus.override_table_visibility=off -c citus.enable_manual_changes_to_shards=on';

export type Node = { readonly host: string; readonly port: number; readonly coordinator: boolean };

/** Says what was done, one line at a time. */
export type Tell = (line: string) => void;

/**
 * The nodes of the cluster, the coordinator first.
 *
 * @param client On the coordinator.
 */
export async function listNodes(client: Client): Promise<Node[]> {
  const { rows } = await client.query<Node>(
    `select nodename as host, nodeport as port, groupid = 0 as coordinator
       from pg_dist_node where isactive and noderole = 'primary' order by groupid`,
  );
  return rows;
}

/** The same role and database on another node. */
export function onNode(url: string, { host, port }: Pick<Node, 'host' | 'port'>, options?: string): string {
  const there = new URL(url);
  there.hostname = host;
  there.port = `${port}`;
  if (options !== undefined) {
    there.searchParams.set('options', options);
  }
  return there.href;
}

/**
 * Distributes every table and has every node enforce the policies. Nobody should be served meanwhile: between the two steps the tables
 * show nothing.
 *
 * @param url The coordinator, as the migrator, who must reach every node under the same password.
 * @param options.shards How many shards each table gets; counts only the first time.
 * @throws {PostureError} with what is in the way; nothing has been changed then.
 */
export async function distribute(url: string, { shards }: { shards: number }, tell: Tell): Promise<void> {
  const nodes = await withClient(url, async (client) => {
    await refuseUnready(client);
    // partitions that are missing are made while the coordinator still does so for all
    await ensurePartitions(client);
    await distributeTables(client, shards, tell);
    return await listNodes(client);
  });
  const tables = await withClient(url, definitions);
  for (const node of nodes) {
    await enforce(onNode(url, node, ALONE), tables);
    tell(
      `${node.host}:${node.port}: policies in force on ${node.coordinator ? 'the coordinator' : 'a worker'}`,
    );
  }
}

/**
 * On which node a tenant's rows are: where its requests are to be served.
 *
 * @returns null where there is no such tenant.
 */
export async function nodeOf(client: Client, slug: string): Promise<Node | null> {
  const { rows } = await client.query<Node>(
    `select n.nodename as host, n.nodeport as port, n.groupid = 0 as coordinator
       from public.tenants t
       join pg_dist_placement p on p.shardid = get_shard_id_for_distribution_column('${ANCHOR}', t.tenant_id)
       join pg_dist_node n on n.groupid = p.groupid and n.noderole = 'primary'
      where t.slug = $1`,
    [slug],
  );
  return rows[0] ?? null;
}

async function refuseUnready(client: Client): Promise<void> {
  const findings: string[] = [];
  const { rows } = await client.query<{ citus: boolean; policies: boolean }>(
    `select exists (select from pg_extension where extname = 'citus') as citus,
            to_regprocedure('bailiwick.open(text, text)') is not null as policies`,
  );
  if (rows[0]?.citus !== true) {
    throw new PostureError('This database cannot be distributed:', [
      'the extension citus is not installed in it',
    ]);
  }
  if (!rows[0].policies) {
    findings.push('the migrations and policies have not been applied; run `bailiwick migrate` first');
  }
  const place = await client.query<{
    coordinator: boolean;
    nested: boolean;
    custom: boolean;
    workers: number;
  }>(
    `select (select groupid from pg_dist_local_group) = 0 as coordinator,
            current_setting('citus.allow_nested_distributed_execution')::boolean as nested,
            current_setting('plan_cache_mode') = 'force_custom_plan' as custom,
            (select count(*)::int from pg_dist_node where shouldhaveshards and isactive and noderole = 'primary') as workers`,
  );
  if (place.rows[0]?.coordinator !== true) {
    findings.push('this is a worker; connect to the coordinator');
  }
  if (place.rows[0]?.nested !== true) {
    findings.push(
      'policies call functions that read tables: alter database … set citus.allow_nested_distributed_execution = on',
    );
  }
  if (place.rows[0]?.custom !== true) {
    findings.push(
      'a plan is good for one tenant only: alter database … set plan_cache_mode = force_custom_plan',
    );
  }
  if (place.rows[0]?.workers === 0) {
    findings.push('no node takes shards: add a worker, or let the coordinator keep them (shouldhaveshards)');
  }
  if (findings.length > 0) {
    throw new PostureError('This database cannot be distributed:', findings);
  }
  await refuseUnreachable(client);
}

/** The migrator works on every node, and the roles must be there. */
async function refuseUnreachable(client: Client): Promise<void> {
  const { rows } = await client.query<{ where: string; success: boolean; result: string }>(
    `select nodename || ':' || nodeport as where, success, result
       from run_command_on_all_nodes($$
         select count(*) from pg_roles
          where (rolname, rolcanlogin, rolbypassrls) in
                (('bailiwick_migrator', true, true), ('bailiwick_runtime', true, false), ('bailiwick_kernel', false, false))$$)
       join pg_dist_node using (nodeid)`,
  );
  const findings = rows
    .filter(({ success, result }) => !success || result !== '3')
    .map(({ where, success, result }) =>
      success ? `${where}: the roles are not there as prisma/roles.sql makes them` : `${where}: ${result}`,
    );
  if (findings.length > 0) {
    throw new PostureError('A node is not ready:', findings);
  }
}

/** In one transaction: the tables are distributed or they are not. */
async function distributeTables(client: Client, shards: number, tell: Tell): Promise<void> {
  const done = await client.query<{ table: string }>(
    `select n.nspname || '.' || c.relname as table
       from pg_dist_partition p join pg_class c on c.oid = p.logicalrelid join pg_namespace n on n.oid = c.relnamespace
      where p.partmethod = 'h' or p.repmodel = 't'`,
  );
  const placedAlready = new Set(done.rows.map(({ table }) => table));
  const reference = placed('reference').filter((table) => !placedAlready.has(table));
  const distributed = placed('distributed').filter((table) => !placedAlready.has(table));
  for (const table of [...placedAlready].filter((one) => !one.includes('_20'))) {
    tell(`${table}: as it was`);
  }
  if (reference.length + distributed.length === 0) {
    return;
  }
  await client.query('begin');
  await client.query("set local citus.multi_shard_modify_mode = 'sequential'");
  await client.query('select pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
  const keys = await setAside(client, [...reference, ...distributed]);
  for (const table of reference) {
    await client.query('select create_reference_table($1)', [table]);
    tell(`${table}: all of it on every node`);
  }
  for (const table of distributed) {
    if (table === ANCHOR) {
      await client.query('select create_distributed_table($1, $2, shard_count := $3)', [
        table,
        DISTRIBUTION_COLUMN,
        shards,
      ]);
    } else {
      await client.query('select create_distributed_table($1, $2, colocate_with := $3)', [
        table,
        DISTRIBUTION_COLUMN,
        ANCHOR,
      ]);
    }
    tell(
      `${table}: by ${DISTRIBUTION_COLUMN}${table === ANCHOR ? `, in ${shards} shards` : `, beside ${ANCHOR}`}`,
    );
  }
  for (const key of keys) {
    await client.query(key);
  }
  await client.query('commit');
}

/**
 * Takes away what stands in the way of distributing: foreign keys, because a table cannot refer to one that is still here when it is not;
 * policies, because Citus takes none with a sub-select; indexes that are unique over all tenants.
 *
 * @returns what makes the foreign keys again.
 */
async function setAside(client: Client, tables: readonly string[]): Promise<string[]> {
  const keys = await client.query<{ away: string; again: string }>(
    `select format('alter table %s drop constraint %I', conrelid::regclass, conname) as away,
            format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as again
       from pg_constraint
      where contype = 'f' and conparentid = 0 and (conrelid = any ($1::regclass[]) or confrelid = any ($1::regclass[]))`,
    [tables],
  );
  const policies = await client.query<{ away: string }>(
    `select format('drop policy %I on %s', polname, polrelid::regclass) as away from pg_policy where polrelid = any ($1::regclass[])`,
    [tables],
  );
  for (const { away } of [...keys.rows, ...policies.rows]) {
    await client.query(away);
  }
  for (const [index, { table, columns }] of Object.entries(WITHIN_TENANT)) {
    if (tables.includes(table)) {
      await client.query(`drop index public.${escapeIdentifier(index)}`);
      await client.query(
        `create unique index ${escapeIdentifier(index)} on ${table} (${columns.map(escapeIdentifier).join(', ')})`,
      );
    }
  }
  return keys.rows.map(({ again }) => again);
}

/** What makes the tables that each node has for itself. */
async function definitions(client: Client): Promise<Map<string, string[]>> {
  const tables = new Map<string, string[]>();
  for (const table of placed('node')) {
    const { rows } = await client.query<{ ddl: string }>('select master_get_table_ddl_events($1) as ddl', [
      table,
    ]);
    tables.set(
      table,
      rows.map(({ ddl }) => ddl),
    );
  }
  return tables;
}

/** Policies, kernel and shards of one node, in one transaction. */
async function enforce(url: string, tables: Map<string, string[]>): Promise<void> {
  await withClient(url, async (client) => {
    for (const [table, statements] of tables) {
      const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [
        table,
      ]);
      if (rows[0]?.there !== true) {
        await client.query(['begin', ...statements, 'commit'].join(';\n'));
      }
    }
  });
  await applyPolicies(url, { files: [...readPolicies(), ...adapting()], force: true });
  // the server asks for the policies by their own checksum
  await withClient(url, (client) =>
    client.query('update bailiwick.policy_state set checksum = $1', [policyChecksum()]),
  );
}
