// `bailiwick keys`: the keys of the encrypted fields. The operator's work, as the migrator, while servers are running.
//
// Whatever takes long is done in batches with a pause in between, says how far it is, can be ended at any time, and goes on where it
// was when it is called again. Nothing that is encrypted is ever printed, and no key. The work itself is in src/db/custody.

import { readConfig } from '../config.ts';
import { openDataKeyRing } from '../crypto/keys.ts';
import { openDatabase } from '../db/connect.ts';
import { columnsOf, type Pass } from '../db/custody/resealing.ts';
import { withClient } from '../db/with-client.ts';
import { openRoots } from '../encryption.ts';
import { defineCommand, type ExitCode, type Io, UsageError, whole } from './command.ts';
import { destroy } from './keys/destroy.ts';
import { rotateData, rotateKek, rotateTenant, sealPlain, unseal, verify } from './keys/passes.ts';
import { prune } from './keys/prune.ts';
import { status } from './keys/status.ts';

export type KeysValues = {
  readonly tenant?: string;
  readonly owner?: string;
  readonly column?: string;
  readonly batch?: string;
  readonly pause?: string;
  readonly confirm?: string;
  readonly 'dry-run'?: boolean;
  readonly 'no-wait'?: boolean;
  readonly json?: boolean;
};

/** What an action works with. */
export type Work = {
  readonly pass: Pass & { readonly client: import('pg').Client };
  readonly values: KeysValues;
  readonly io: Io;
};

const ACTIONS: Readonly<Record<string, (work: Work) => Promise<ExitCode>>> = {
  status,
  verify,
  'rotate data': rotateData,
  'rotate tenant': rotateTenant,
  'rotate kek': rotateKek,
  seal: sealPlain,
  unseal,
  destroy,
  prune,
};

export const command = defineCommand(
  {
    name: 'keys',
    summary: 'Shows, checks, rotates and destroys the keys of encrypted fields',
    details: [
      'Needs the key provider of the server: its settings, or its DATA_DIR.',
      'What is interrupted goes on when it is called again.',
      'Example: bailiwick keys rotate data --tenant acme --pause 50',
    ],
    actions: {
      status: 'keys at every level, and what each column holds',
      verify: 'open every encrypted value; report each that does not open',
      'rotate data': 'a new key for every holder, and everything sealed anew',
      'rotate tenant': 'a new key for every tenant, which wraps the keys of its holders',
      'rotate kek': 'a new key-encryption key, which wraps the keys of tenants and those that sign tokens',
      seal: 'encrypt what stands in clear in columns that were declared since, then let nothing else in',
      unseal: 'the way back, as long as the database still lets values in clear in',
      destroy: 'make everything of --owner, or of --tenant, unreadable for good, in backups too',
      prune: 'remove key-encryption keys that wrap nothing any more; older backups do not open then',
    },
    options: {
      tenant: { type: 'string', value: 'slug', about: 'Only this tenant' },
      owner: {
        type: 'string',
        value: 'id',
        about: 'destroy: the keys of this owner and its agents, or of this agent',
      },
      column: { type: 'string', value: 'table.column', about: 'verify, seal, unseal: only this column' },
      batch: { type: 'string', value: 'rows', about: 'How many at a time, 1 to 5000; 500 unless given' },
      pause: { type: 'string', value: 'ms', about: 'Between two batches; 20 unless given' },
      'dry-run': { type: 'boolean', about: 'Say what would be done, and do nothing' },
      'no-wait': { type: 'boolean', about: 'rotate data: leave the last minutes to another call' },
      confirm: {
        type: 'string',
        value: 'text',
        about: 'destroy, prune: the slug or id once more, or prune, where nobody can be asked',
      },
      json: { type: 'boolean', about: 'status, verify: for machines' },
    },
  },
  async (values: KeysValues, io, action) => {
    const config = readConfig(io.env);
    const column = values.column;
    if (column !== undefined && columnsOf({ column }).length === 0) {
      throw new UsageError(`${column} is not encrypted: schema.prisma does not declare it so`);
    }
    const batch = whole('batch', values.batch ?? '500', 1, 5000);
    const pauseMs = whole('pause', values.pause ?? '20', 0, 60_000);
    const connection = await openDatabase(config, { mode: 'attach' });
    const roots = await openRoots(config);
    try {
      return await withClient(connection.migratorUrl, async (client) => {
        const tenantId = values.tenant === undefined ? null : await tenantOf(client, values.tenant);
        const keys = openDataKeyRing(roots);
        const pass = { client, keys, tenantId, column, batch, pauseMs, signal: io.signal };
        return await (ACTIONS[action] as (work: Work) => Promise<ExitCode>)({ pass, values, io });
      });
    } catch (error) {
      if (io.signal.aborted) {
        io.err('ended; what was done stays done, and the same command goes on from here\n');
        return 1;
      }
      throw error;
    } finally {
      roots.provider.close?.();
      await connection.stop();
    }
  },
);

async function tenantOf(client: Pass['client'], slug: string): Promise<string> {
  const { rows } = await client.query<{ id: string }>('select id from tenants where slug = $1', [slug]);
  const [tenant] = rows;
  if (tenant === undefined) {
    throw new UsageError(`there is no tenant ${slug}`);
  }
  return tenant.id;
}
