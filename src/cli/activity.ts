// `bailiwick activity`: how long the activity log is kept, and what it is kept in. The operator's work, as the migrator.
//
// A running server throws away by itself what is past its tenant's limit, a little every hour. This does it at once, and drops whole
// months that are past everybody's, which no server does.

import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import {
  countExpired,
  dropExpired,
  ensurePartitions,
  expireBatch,
  listPartitions,
  MONTHS_AHEAD,
  setReceipts,
  setRetention,
} from '../db/partitions.ts';
import { asMigrator } from './as-migrator.ts';
import { columns, defineCommand, type ExitCode, type Io, UsageError, whole } from './command.ts';
import { progress } from './progress.ts';

type Values = {
  readonly tenant?: string;
  readonly days?: string;
  readonly every?: string;
  readonly batch?: string;
  readonly pause?: string;
  readonly json?: boolean;
};
type Action = (client: pg.Client, values: Values, io: Io) => Promise<ExitCode>;

const ACTIONS: Readonly<Record<string, Action>> = { prune, retain, receipts, partitions };

export const command = defineCommand(
  {
    name: 'activity',
    summary: 'Keeps the activity log as long as each tenant wants it',
    details: [
      'Entries are kept for 400 days unless a tenant says otherwise.',
      'Example: bailiwick activity retain --tenant acme --days 90',
    ],
    actions: {
      prune: 'throw away what is past its tenant’s limit; drop months that are past every limit',
      retain: 'keep the entries of --tenant, and receipts of reading, for --days',
      receipts: 'one in --every operations of agents in --tenant leaves receipts of what it read; 1: all',
      partitions:
        'the months that there are partitions for, with what is in them; makes those that are missing',
    },
    options: {
      tenant: { type: 'string', value: 'slug', about: 'retain, receipts: whose' },
      days: { type: 'string', value: 'n', about: 'retain: 1 to 3650' },
      every: {
        type: 'string',
        value: 'n',
        about: 'receipts: 1 to 1000; 1 unless somebody has said otherwise',
      },
      batch: {
        type: 'string',
        value: 'rows',
        about: 'prune: how many at a time, 1 to 100000; 5000 unless given',
      },
      pause: { type: 'string', value: 'ms', about: 'prune: between two batches; 20 unless given' },
      json: { type: 'boolean', about: 'For machines' },
    },
  },
  (values: Values, io, action) => asMigrator(io, (client) => (ACTIONS[action] as Action)(client, values, io)),
);

async function prune(client: pg.Client, values: Values, io: Io): Promise<ExitCode> {
  const batch = whole('batch', values.batch ?? '5000', 1, 100_000);
  const pause = whole('pause', values.pause ?? '20', 0, 60_000);
  const dropped = await dropExpired(client);
  const total = await countExpired(client);
  const bar = progress(io, 'thrown away');
  let removed = 0;
  let last = -1;
  while (last !== 0 && !io.signal.aborted) {
    last = await expireBatch(client, batch);
    removed += last;
    // more pass their limit while this runs
    bar.at(removed, Math.max(total, removed));
    await sleep(last === 0 ? 0 : pause);
  }
  bar.end();
  if (values.json === true) {
    io.out(`${JSON.stringify({ dropped, removed, complete: last === 0 }, null, 2)}\n`);
  } else {
    io.out(`${removed} entries thrown away, ${dropped.length} months dropped\n`);
  }
  if (last !== 0) {
    io.err('ended; the same command goes on from here\n');
    return 1;
  }
  return 0;
}

async function retain(client: pg.Client, values: Values, io: Io): Promise<ExitCode> {
  if (values.tenant === undefined || values.days === undefined) {
    throw new UsageError('say whose and how long: --tenant <slug> --days <n>');
  }
  const days = whole('days', values.days, 1, 3650);
  const done = await setRetention(client, values.tenant, days);
  return told(done, values, { days }, `${days} days`, io);
}

async function receipts(client: pg.Client, values: Values, io: Io): Promise<ExitCode> {
  if (values.tenant === undefined || values.every === undefined) {
    throw new UsageError('say whose and how many: --tenant <slug> --every <n>');
  }
  const every = whole('every', values.every, 1, 1000);
  const done = await setReceipts(client, values.tenant, every);
  return told(done, values, { every }, every === 1 ? 'every operation' : `one operation in ${every}`, io);
}

/** Says what a tenant has now, or that there is no such tenant. */
function told(
  done: boolean,
  { tenant, json }: Values,
  setting: Readonly<Record<string, number>>,
  words: string,
  io: Io,
): ExitCode {
  if (!done) {
    io.err(`there is no tenant ${tenant}\n`);
    return 1;
  }
  io.out(json === true ? `${JSON.stringify({ tenant, ...setting })}\n` : `${tenant}  ${words}\n`);
  return 0;
}

async function partitions(client: pg.Client, values: Values, io: Io): Promise<ExitCode> {
  const made = await ensurePartitions(client, MONTHS_AHEAD, ['activity_entries']);
  const all = await listPartitions(client, 'activity_entries');
  if (values.json === true) {
    io.out(`${JSON.stringify(all, null, 2)}\n`);
    return 0;
  }
  io.out(
    columns(
      all.map(({ name, rows, bytes }) => [
        name,
        `${rows === null ? 'not counted' : `about ${rows} entries`}, ${(bytes / 1_048_576).toFixed(1)} MiB`,
      ]),
    ),
  );
  io.err(made === 0 ? '' : `${made} of them are new\n`);
  return 0;
}
