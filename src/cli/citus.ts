// `bailiwick citus`: puts the tables on a Citus cluster, and says where a tenant is. The operator's work, as the migrator on the
// coordinator; docs/scale/citus.md tells what must be there before and what is different afterwards.

import { readConfig } from '../config.ts';
import { distribute, nodeOf } from '../db/citus.ts';
import { openDatabase } from '../db/connect.ts';
import { withClient } from '../db/with-client.ts';
import { defineCommand, UsageError, whole } from './command.ts';

export const command = defineCommand(
  {
    name: 'citus',
    summary: 'Distributes the tables over a Citus cluster, by tenant',
    details: [
      'Stop the servers before: while the tables move, they show nothing. After every change of the policies, run it again.',
      'Example: bailiwick citus where --tenant acme',
    ],
    actions: {
      distribute: 'every table by tenant, and the policies on every node and shard; again: what is missing',
      where: 'the node that has the rows of --tenant, and serves it',
    },
    options: {
      shards: {
        type: 'string',
        value: 'n',
        about: 'distribute: of each table, the first time; 32 unless given',
      },
      tenant: { type: 'string', value: 'slug', about: 'where: whose' },
      json: { type: 'boolean', about: 'For machines: where' },
    },
  },
  async ({ shards, tenant, json }, io, action) => {
    const connection = await openDatabase(readConfig(io.env), { mode: 'attach' });
    try {
      if (action === 'distribute') {
        await distribute(
          connection.migratorUrl,
          { shards: whole('shards', shards ?? '32', 1, 1024) },
          (line) => io.out(`${line}\n`),
        );
        return 0;
      }
      if (tenant === undefined) {
        throw new UsageError('say whose: --tenant <slug>');
      }
      const node = await withClient(connection.migratorUrl, (client) => nodeOf(client, tenant));
      if (node === null) {
        io.err(`there is no tenant ${tenant}\n`);
        return 1;
      }
      io.out(
        json === true ? `${JSON.stringify({ tenant, ...node })}\n` : `${tenant}  ${node.host}:${node.port}\n`,
      );
      return 0;
    } finally {
      await connection.stop();
    }
  },
);
