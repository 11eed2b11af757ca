// A real Citus cluster made ready for tests: roles and policies on every node, the tables distributed, the cast in them; and which node
// is whose. It may have been left behind by an earlier run. Starting one is the work of citus-cluster.sh; nothing here knows what is allowed.

import { readFileSync } from 'node:fs';
import pg from 'pg';
import { distribute, listNodes, type Node, nodeOf, onNode } from '../../src/db/citus.ts';
import { applyMigrations, MIGRATIONS_FOLDER } from '../../src/db/engine.ts';
import { applyPolicies } from '../../src/db/policies.ts';
import { ensureRoles } from '../../src/db/roles.ts';
import { withClient } from '../../src/db/with-client.ts';
import { TENANTS, type TenantSlug } from '../../src/demo/cast.ts';
import { seedCast } from '../../src/demo/seed.ts';
import { type Database, ISSUER } from '../kit/as.ts';
import { testKeys } from '../kit/keys.ts';

/** One node by itself, its shards in view. */
export const ALONE = '-c citus.enable_ddl_propagation=off -c citus.override_table_visibility=off';
const POWERS = readFileSync(new URL('../../prisma/citus/00-powers.sql', import.meta.url), 'utf8');

/** What a database must have set before its tables are distributed. */
const SETTINGS = ['citus.allow_nested_distributed_execution = on', 'plan_cache_mode = force_custom_plan'];

export type Cluster = {
  readonly nodes: readonly Node[];
  /** The coordinator's, as the migrator. */
  readonly migratorUrl: string;
  /** The node that has a tenant. */
  there(tenant: TenantSlug): Database;
  /** Any node. */
  at(node: Node): Database;
  /** Distributes again: what a shard that has moved still lacks. */
  settle(): Promise<void>;
  /** Moves a tenant's shards to another node that takes some. */
  move(tenant: TenantSlug): Promise<void>;
};

/** @param admin An administrator's URL of the coordinator. */
export async function prepareCluster(admin: string): Promise<Cluster> {
  const nodes = await withClient(admin, listNodes);
  const migratorUrl = role('migrator', admin);
  const where = new Map<TenantSlug, Database>();
  const settle = () => distribute(migratorUrl, { shards: 4 }, () => undefined);
  const at = (node: Node): Database => {
    const adminUrl = onNode(admin, node);
    return { adminUrl, runtimeUrl: role('runtime', adminUrl), migratorUrl: role('migrator', adminUrl) };
  };
  async function locate(): Promise<void> {
    for (const tenant of Object.keys(TENANTS) as TenantSlug[]) {
      const node = await withClient(migratorUrl, (client) => nodeOf(client, tenant));
      where.set(tenant, at(node as Node));
    }
  }
  await makeReady(admin, nodes);
  await settle();
  for (const node of nodes) {
    await withClient(onNode(admin, node, ALONE), async (client) => {
      await client.query('begin');
      await client.query(POWERS);
      await client.query('commit');
    });
  }
  await seedCast(migratorUrl, { issuer: ISSUER, keys: testKeys() });
  await locate();
  return {
    nodes,
    migratorUrl,
    there: (tenant) => where.get(tenant) as Database,
    at,
    settle,
    async move(tenant) {
      await withClient(admin, async (client) => {
        const from = (await nodeOf(client, tenant)) as Node;
        const to = nodes.find(({ coordinator, port }) => !coordinator && port !== from.port) as Node;
        await client.query(
          `select citus_move_shard_placement(get_shard_id_for_distribution_column('entities', $1::uuid), $2, $3, $4, $5, 'block_writes')`,
          [TENANTS[tenant].id, from.host, from.port, to.host, to.port],
        );
        // what was moved away is dropped behind everybody's back otherwise, while the policies are taken from it
        await client.query('call citus_cleanup_orphaned_resources()');
      });
      await locate();
    },
  };
}

export function databaseOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

/** Roles on every node; on the coordinator the settings, migrations and, the first time, the policies. */
async function makeReady(admin: string, nodes: readonly Node[]): Promise<void> {
  const database = databaseOf(admin);
  for (const node of nodes) {
    await withClient(onNode(admin, node, ALONE), (client) =>
      ensureRoles(client, { database, passwords: { migrator: 'migrator', runtime: 'runtime' } }),
    );
  }
  await withClient(admin, async (client) => {
    for (const setting of SETTINGS) {
      await client.query(`alter database ${pg.escapeIdentifier(database)} set ${setting}`);
    }
  });
  const [coordinator] = nodes as [Node, ...Node[]];
  const alone = onNode(role('migrator', admin), coordinator, ALONE);
  await applyMigrations(alone, { migrationsDir: MIGRATIONS_FOLDER });
  const distributed = await withClient(admin, (client) =>
    client.query('select from pg_dist_partition limit 1'),
  );
  if (distributed.rowCount === 0) {
    await applyPolicies(alone);
  }
}

/** The same database as one of our roles. */
function role(name: 'migrator' | 'runtime', url: string): string {
  const as = new URL(url);
  as.username = `bailiwick_${name}`;
  as.password = name;
  return as.href;
}
