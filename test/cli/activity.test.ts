// `bailiwick activity`: how long each tenant's log is kept, what is past that, and the months that hold the rest.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { firstIdOf } from '../../src/activity/moment.ts';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { seedCast } from '../../src/demo/seed.ts';
import { newId } from '../../src/ids.ts';
import { ISSUER, migrate } from '../kit/as.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { testKeys } from '../kit/keys.ts';
import { transcript } from './transcript.ts';

let database: TestDatabase;
let env: Record<string, string>;
beforeAll(async () => {
  database = await createTestDatabase();
  await seedCast(database.migratorUrl, { issuer: ISSUER, keys: testKeys() });
  env = { DATABASE_URL: database.runtimeUrl, MIGRATION_DATABASE_URL: database.migratorUrl };
});
afterAll(() => database.drop());

const put = (daysAgo: number, count: number) =>
  migrate(database, async (sql) => {
    for (let n = 0; n < count; n += 1) {
      const id = `${firstIdOf(new Date(Date.now() - daysAgo * 86_400_000)).slice(0, 14)}7${newId().slice(15)}`;
      await sql.rows(
        `insert into activity_entries (tenant_id, id, owner_id, agent_id, service, action, summary, outcome, created_by, delegation_id, request_id)
         values ($1, $2, $3, $4, 'mail', 'messages.send', 'put', 'failed', $4, $2, $2)`,
        [TENANTS.acme.id, id, USERS.alice.id, AGENTS.scout.id],
      );
    }
  });
const left = () =>
  migrate(database, (sql) => sql.value(`select count(*)::int from activity_entries where summary = 'put'`));

test('what cannot be is wrong use, and changes nothing', async () => {
  const cases: [line: string, fault: RegExp][] = [
    ['activity', /say which: prune, retain, receipts, partitions/],
    ['activity retain', /--tenant <slug> --days <n>/],
    ['activity retain --tenant acme', /--tenant <slug> --days <n>/],
    ['activity retain --tenant acme --days 0', /--days must be a whole number from 1 to 3650/],
    ['activity retain --tenant acme --days 3651', /--days must be/],
    ['activity retain --tenant acme --days ten', /--days must be/],
    ['activity receipts --tenant acme', /--tenant <slug> --every <n>/],
    ['activity receipts --tenant acme --every 0', /--every must be a whole number from 1 to 1000/],
    ['activity prune --batch 0', /--batch must be/],
    ['activity prune --pause -1', /--pause|ambiguous/],
  ];
  for (const [line, fault] of cases) {
    const { code, out, err } = await transcript(line, env);
    expect([line, code, out]).toEqual([line, 2, '']);
    expect(err).toMatch(fault);
  }
  expect(await transcript('activity retain --tenant nowhere --days 9', env)).toEqual({
    code: 1,
    out: '',
    err: 'there is no tenant nowhere\n',
  });
  expect(await migrate(database, (sql) => sql.list('select distinct activity_days from tenants'))).toEqual([
    '400',
  ]);
});

test('a tenant says how many operations of agents leave receipts of what they read', async () => {
  const every = () =>
    migrate(database, (sql) => sql.value("select receipt_every from tenants where slug = 'acme'"));
  expect(await every()).toBe(1);
  expect((await transcript('activity receipts --tenant acme --every 10', env)).out).toBe(
    'acme  one operation in 10\n',
  );
  expect(await every()).toBe(10);
  expect((await transcript('activity receipts --tenant acme --every 1', env)).out).toBe(
    'acme  every operation\n',
  );
  expect((await transcript('activity receipts --tenant nowhere --every 1', env)).code).toBe(1);
  expect(await every()).toBe(1);
});

test('what is past the limit is thrown away in batches, and what is within it stays', async () => {
  await put(380, 7);
  await put(20, 2);
  expect((await transcript('activity prune', env)).out).toBe('0 entries thrown away, 0 months dropped\n');
  expect(await transcript('activity retain --tenant acme --days 30', env)).toEqual({
    code: 0,
    out: 'acme  30 days\n',
    err: '',
  });
  const { code, out } = await transcript('activity prune --batch 2 --pause 0 --json', env);
  expect([code, JSON.parse(out)]).toEqual([0, { dropped: [], removed: 7, complete: true }]);
  expect(await left()).toBe(2);
});

test('what is ended goes on where it was', async () => {
  await put(381, 3);
  const ended = AbortSignal.abort();
  const first = await transcript('activity prune', env, ended);
  expect([first.code, first.err]).toEqual([1, 'ended; the same command goes on from here\n']);
  expect((await transcript('activity prune', env)).out).toBe('3 entries thrown away, 0 months dropped\n');
});

test('the months are listed, and those that are missing are made', async () => {
  await migrate(database, async (sql) => {
    const [last] = (
      await sql.list(
        `select relname from pg_class where relispartition and relname ~ '^activity_entries_2.*[0-9]$'`,
      )
    )
      .toSorted()
      .toReversed();
    await sql.rows(`drop table ${last}`);
  });
  const { code, out, err } = await transcript('activity partitions', env);
  expect([code, err]).toEqual([0, '1 of them are new\n']);
  expect(out.split('\n')).toHaveLength(16);
  expect(out).toMatch(/^ {2}activity_entries_past +\S.*MiB\n/);
  const again = JSON.parse((await transcript('activity partitions --json', env)).out);
  expect(again).toHaveLength(15);
  expect(again[1]).toEqual({
    name: expect.stringMatching(/^activity_entries_\d{4}_\d\d$/),
    from: expect.stringMatching(/-01T00:00:00\.000Z$/),
    until: expect.stringMatching(/-01T00:00:00\.000Z$/),
    rows: null,
    bytes: expect.any(Number),
  });
});
