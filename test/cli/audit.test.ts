// `bailiwick audit`: the months of the audit as an operator sees them, and which of them are taken out.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { firstIdOf } from '../../src/activity/moment.ts';
import { migrate } from '../kit/as.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { transcript } from './transcript.ts';

let database: TestDatabase;
let env: Record<string, string>;
/** The last month that is over. */
let over: Date;
const monthOf = (moment: Date) => moment.toISOString().slice(0, 7);
const tableOf = (moment: Date) => `audit_entries_${monthOf(moment).replace('-', '_')}`;
const later = (moment: Date, months: number) =>
  new Date(Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth() + months, 1));

beforeAll(async () => {
  database = await createTestDatabase();
  env = { DATABASE_URL: database.runtimeUrl, MIGRATION_DATABASE_URL: database.migratorUrl };
  const begins = await migrate(database, (sql) =>
    sql.value(`select min(m.month)::text from bailiwick.months_of('public.audit_entries') m`),
  );
  const first = new Date(`${String(begins).replace(' ', 'T')}Z`);
  // a month is over after five minutes; and on the last day of one the audit of a new database begins with the next
  const present = later(new Date(Date.now() - 600_000), 0);
  over = later(present, -1);
  // as it would be had the database been there for a month
  await migrate(database, async (sql) => {
    await sql.rows(`alter table audit_entries detach partition ${tableOf(first)}`);
    for (let month = over; month < first; month = later(month, 1)) {
      await sql.rows(
        `create table ${tableOf(month)} partition of audit_entries
           for values from (${month === over ? 'minvalue' : `'${firstIdOf(month)}'`}) to ('${firstIdOf(later(month, 1))}')`,
      );
    }
    await sql.rows(
      `alter table audit_entries attach partition ${tableOf(first)}
         for values from ('${firstIdOf(first)}') to ('${firstIdOf(later(first, 1))}')`,
    );
  });
});
afterAll(() => database.drop());

const parts = () =>
  migrate(database, (sql) =>
    sql.list(`select inhrelid::regclass from pg_inherits where inhparent = 'audit_entries'::regclass`),
  );

test('what cannot be is wrong use, and changes nothing', async () => {
  const before = await parts();
  const cases: [line: string, fault: RegExp][] = [
    ['audit', /say which: months, detach/],
    ['audit detach', /--month <YYYY-MM>/],
    ['audit detach --month 2026-13', /--month <YYYY-MM>/],
    ['audit detach --month 2026-1', /--month <YYYY-MM>/],
    ['audit detach --month other', /--month <YYYY-MM>/],
    ['audit detach 2026-10', /unexpected argument 2026-10/],
    ['audit prune', /say which: months, detach/],
  ];
  for (const [line, fault] of cases) {
    const { code, out, err } = await transcript(line, env);
    expect([line, code, out]).toEqual([line, 2, '']);
    expect(err).toMatch(fault);
  }
  expect(await parts()).toEqual(before);
});

test('the months are listed, the oldest first, with what is in them', async () => {
  const { code, out, err } = await transcript('audit months', env);
  expect([code, err]).toEqual([0, '']);
  const lines = out.trimEnd().split('\n');
  expect(lines[0]).toMatch(
    new RegExp(
      `^  ${monthOf(over)}  not counted, 0\\.\\d MiB, from the beginning until ${monthOf(later(over, 1))}-01$`,
    ),
  );
  expect(lines[1]).toContain(`from ${monthOf(later(over, 1))}-01 until ${monthOf(later(over, 2))}-01`);
  expect(lines.at(-1)).toMatch(/^ {2}other +not counted, 0\.\d MiB, of no month above$/);
  const all = JSON.parse((await transcript('audit months --json', env)).out);
  expect(all).toHaveLength(lines.length);
  expect(all[1]).toEqual({
    month: monthOf(later(over, 1)),
    table: tableOf(later(over, 1)),
    from: later(over, 1).toISOString(),
    until: later(over, 2).toISOString(),
    rows: null,
    bytes: expect.any(Number),
  });
  expect(all.at(-1)).toMatchObject({ month: null, table: 'audit_entries_other', from: null, until: null });
});

test('a month that is not over, or not there, is not taken out', async () => {
  const before = await parts();
  for (const ahead of [1, 2, 5]) {
    const month = monthOf(later(over, ahead));
    expect(await transcript(`audit detach --month ${month}`, env)).toEqual({
      code: 1,
      out: '',
      err: `${month} is not over, or was not five minutes ago: entries are still written to it; nothing was changed\n`,
    });
  }
  for (const month of ['1999-01', '2999-12']) {
    const { code, err } = await transcript(`audit detach --month ${month}`, env);
    expect([code, err]).toEqual([
      1,
      `the audit has no month ${month}; \`bailiwick audit months\` lists those it has\n`,
    ]);
  }
  expect(await parts()).toEqual(before);
});

test('while the audit is in use for long, nothing is taken out', async () => {
  await migrate(database, async (sql) => {
    await sql.rows('begin');
    await sql.rows('lock table audit_entries in access share mode');
    expect(await transcript(`audit detach --month ${monthOf(over)}`, env)).toEqual({
      code: 1,
      out: '',
      err: 'the audit is in use, perhaps by a backup; nothing was changed, try again later\n',
    });
    await sql.rows('rollback');
  });
  expect(await parts()).toContain(tableOf(over));
});

test('a month that is over is taken out once, and stays as a table', async () => {
  const table = tableOf(over);
  expect(await transcript(`audit detach --month ${monthOf(over)} --json`, env)).toEqual({
    code: 0,
    out: `${JSON.stringify({ month: monthOf(over), table })}\n`,
    err: `archive it, then drop it: pg_dump --table=public.${table} …; drop table ${table}\n`,
  });
  expect(await parts()).not.toContain(table);
  expect(await migrate(database, (sql) => sql.value(`select to_regclass('${table}')::text`))).toBe(table);
  expect((await transcript(`audit detach --month ${monthOf(over)}`, env)).err).toContain('has no month');
});
