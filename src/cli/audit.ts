// `bailiwick audit`: the months of the audit log, and taking one out to archive it. The operator's work, as the migrator.
//
// No server ever removes an entry of the audit, and neither does this: a month that was taken out is a table by itself, which is archived
// and dropped by whoever answers for it. Nothing here shows an entry.

import type pg from 'pg';
import { detachMonth, type Kept, listPartitions } from '../db/partitions.ts';
import { asMigrator } from './as-migrator.ts';
import { columns, defineCommand, type ExitCode, type Io, UsageError } from './command.ts';

type Values = { readonly month?: string; readonly json?: boolean };
type Action = (client: pg.Client, values: Values, io: Io) => Promise<ExitCode>;

const ACTIONS: Readonly<Record<string, Action>> = { months, detach };

export const command = defineCommand(
  {
    name: 'audit',
    summary: 'Shows the months of the audit log, and takes one out to be archived',
    details: [
      'Nothing ever removes an entry of the audit. A month that was taken out is a table by itself: pg_dump it, then drop it.',
      'Example: bailiwick audit detach --month 2026-10',
    ],
    actions: {
      months: 'the months that there are, with what is in them and from when until when',
      detach:
        'take --month out of the log, when it is over; it stays as a table that nobody but its owner reads',
    },
    options: {
      month: { type: 'string', value: 'YYYY-MM', about: 'detach: which' },
      json: { type: 'boolean', about: 'For machines' },
    },
  },
  (values: Values, io, action) => asMigrator(io, (client) => (ACTIONS[action] as Action)(client, values, io)),
);

const day = (moment: Date) => moment.toISOString().slice(0, 10);

async function months(client: pg.Client, { json }: Values, io: Io): Promise<ExitCode> {
  const all = (await listPartitions(client, 'audit_entries')).map(({ name, ...rest }) => ({
    month: /_(\d{4})_(\d\d)$/.exec(name)?.slice(1).join('-') ?? null,
    table: name,
    ...rest,
  }));
  if (json === true) {
    io.out(`${JSON.stringify(all, null, 2)}\n`);
    return 0;
  }
  io.out(
    columns(
      all.map(({ month, rows, bytes, from, until }) => [
        month ?? 'other',
        [
          `${rows === null ? 'not counted' : `about ${rows} entries`}, ${(bytes / 1_048_576).toFixed(1)} MiB`,
          until === null
            ? 'of no month above'
            : `from ${from === null ? 'the beginning' : day(from)} until ${day(until)}`,
        ].join(', '),
      ]),
    ),
  );
  return 0;
}

async function detach(client: pg.Client, { month, json }: Values, io: Io): Promise<ExitCode> {
  if (month === undefined || !/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) {
    throw new UsageError('say which month: --month <YYYY-MM>');
  }
  const done = await detachMonth(client, month);
  if (typeof done === 'string') {
    io.err(`${WHY[done](month)}\n`);
    return 1;
  }
  io.out(
    json === true
      ? `${JSON.stringify({ month, table: done.table })}\n`
      : `${done.table} is no part of the audit any more\n`,
  );
  io.err(`archive it, then drop it: pg_dump --table=public.${done.table} …; drop table ${done.table}\n`);
  return 0;
}

const WHY: Readonly<Record<Kept, (month: string) => string>> = {
  absent: (month) => `the audit has no month ${month}; \`bailiwick audit months\` lists those it has`,
  'not over': (month) =>
    `${month} is not over, or was not five minutes ago: entries are still written to it; nothing was changed`,
  'in use': () => 'the audit is in use, perhaps by a backup; nothing was changed, try again later',
};
