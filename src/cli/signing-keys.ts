// `bailiwick signing-keys`: the keys that sign this installation's tokens, for the day when the schedule is not enough.
//
// The operator's work, as the migrator. A running server reads the keys again within a minute, so that is how long a removed
// one still counts. Private halves are neither shown nor unwrapped.

import type pg from 'pg';
import { readConfig } from '../config.ts';
import { openDatabase } from '../db/connect.ts';
import type { StoredSigningKey } from '../db/tokens.ts';
import { withClient } from '../db/with-client.ts';
import { openRoots } from '../encryption.ts';
import { type KeyStore, openKeyRing } from '../oauth/signing-keys.ts';
import { columns, defineCommand, type ExitCode, type Io, UsageError } from './command.ts';

type Values = { readonly kid?: string; readonly json?: boolean };

export const command = defineCommand(
  {
    name: 'signing-keys',
    summary: "Lists, rotates and removes the keys that sign this installation's tokens",
    details: [
      'They are made when the first token is asked for, and take turns by themselves every thirty days.',
      'Needs the key provider of the server: its settings, or its DATA_DIR.',
    ],
    actions: {
      list: 'every key, and which one signs',
      rotate: 'have a new one take over in an hour, when everybody has seen it',
      remove: 'trust --kid no longer, and every token that it signed; another one signs at once',
    },
    options: {
      kid: { type: 'string', value: 'id', about: 'remove: which key' },
      json: { type: 'boolean', about: 'list: for machines' },
    },
  },
  async (values: Values, io, action) => {
    const config = readConfig(io.env);
    const connection = await openDatabase(config, { mode: 'attach' });
    try {
      return await withClient(connection.migratorUrl, async (client) => {
        const store = asMigrator(client);
        if (action === 'list') {
          return await list(store, values, io);
        }
        if (action === 'remove') {
          await remove(client, values, io);
        }
        const { provider } = await openRoots(config);
        const added = await openKeyRing(store, provider).rotate(action === 'remove');
        io.out(`added ${added.join(', ')}\n`);
        provider.close?.();
        return 0;
      });
    } finally {
      await connection.stop();
    }
  },
);

/** The keys as their owner reads and writes them, without a context. */
function asMigrator(client: pg.Client): KeyStore {
  return {
    async signingKeys() {
      const { rows } = await client.query<StoredSigningKey>(
        `select kid, algorithm, public_key as "publicKey", private_key as "privateKey", active_at as "activeAt"
           from bailiwick.signing_keys order by active_at, kid`,
      );
      return rows;
    },
    async addSigningKey({ kid, algorithm, publicKey, privateKey, activeAt }, predecessor) {
      const { rowCount } = await client.query(
        `insert into bailiwick.signing_keys (kid, algorithm, public_key, private_key, active_at, predecessor)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
        [kid, algorithm, JSON.stringify(publicKey), Buffer.from(privateKey), activeAt, predecessor],
      );
      return rowCount === 1;
    },
  };
}

async function list(store: KeyStore, { json }: Values, io: Io): Promise<ExitCode> {
  const keys = await store.signingKeys();
  const now = new Date();
  const listed = keys.map(({ kid, algorithm, activeAt }) => {
    const later = keys.filter((other) => other.algorithm === algorithm && other.activeAt > activeAt);
    const state =
      activeAt > now ? 'waits' : later.some((other) => other.activeAt <= now) ? 'has signed' : 'signs';
    return { kid, algorithm, state, since: activeAt.toISOString() };
  });
  io.out(
    json === true
      ? `${JSON.stringify(listed, null, 2)}\n`
      : listed.length === 0
        ? 'No key yet: the first token makes them.\n'
        : columns(
            listed.map(({ kid, algorithm, state, since }) => [kid, `${algorithm}  ${state}  ${since}`]),
          ),
  );
  return 0;
}

async function remove(client: pg.Client, { kid }: Values, io: Io): Promise<void> {
  if (kid === undefined) {
    throw new UsageError('remove needs --kid');
  }
  const { rowCount } = await client.query('delete from bailiwick.signing_keys where kid = $1', [kid]);
  if (rowCount !== 1) {
    throw new UsageError(`there is no key ${kid}`);
  }
  io.out(`removed ${kid}\n`);
}
