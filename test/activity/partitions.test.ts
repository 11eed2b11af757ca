// The months of the activity log (those of the audit: test/db/audit-months.test.ts): an entry lies in the month of its id, there is no gap and no entry in between, what was late for its
// month moves there, and a month goes when everybody's limit has passed it.

import { expect } from 'vitest';
import { firstIdOf } from '../../src/activity/moment.ts';
import { dropExpired, ensurePartitions, listPartitions, MONTHS_AHEAD } from '../../src/db/partitions.ts';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import { openLane } from '../db/lane.ts';
import type { Sql } from '../kit/as.ts';
import { itself, test } from '../kit/cast.ts';
import { insertion } from '../policies/arrangement.ts';

const DAY = 86_400_000;
const month = (ahead: number) => {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1));
};
const nameOf = (moment: Date) => `activity_entries_${moment.toISOString().slice(0, 7).replace('-', '_')}`;

const ensure = (sql: Sql, months = MONTHS_AHEAD) =>
  ensurePartitions(sql.client, months, ['activity_entries']);

/** An entry of that moment, as the migrator can make it; which partition took it. */
async function put(sql: Sql, moment: Date, tenant: 'acme' | 'globex' = 'acme'): Promise<string> {
  const [agent, owner] =
    tenant === 'acme' ? ([AGENTS.scout, USERS.alice] as const) : [AGENTS.mimic, USERS.mallory];
  const id = `${firstIdOf(moment).slice(0, 14)}7${newId().slice(15)}`;
  const { text, values } = insertion('activity_entries', {
    ...{ tenant_id: TENANTS[tenant].id, id, owner_id: owner.id, agent_id: agent.id, service: 'mail' },
    ...{ action: 'messages.send', outcome: 'failed', summary: 'put', chain: [], created_by: agent.id },
    ...{ delegation_id: DELEGATIONS.scout.id, request_id: newId() },
  });
  await sql.rows(text, values);
  return placeOf(sql, id);
}
const placeOf = async (sql: Sql, id: string) =>
  String(await sql.value('select tableoid::regclass::text from activity_entries where id = $1', [id]));

/** Whatever is tried with partitions is undone. */
async function undone(sql: Sql, work: () => Promise<void>): Promise<void> {
  await sql.rows('begin');
  try {
    await work();
  } finally {
    await sql.rows('rollback');
  }
}

test('months follow each other from before the first to a year ahead, without a gap', async ({ migrate }) => {
  const all = await migrate((sql) => listPartitions(sql.client, 'activity_entries'));
  expect(all.map(({ name }) => name)).toEqual([
    'activity_entries_past',
    ...Array.from({ length: 13 }, (_, ahead) => nameOf(month(ahead))),
    'activity_entries_other',
  ]);
  for (const [index, { from }] of all.slice(1, -1).entries()) {
    expect(from).toEqual(all[index]?.until);
  }
  expect([all[0]?.from, all.at(-1)?.from, all.at(-1)?.until]).toEqual([null, null, null]);
  expect(all[0]?.until).toEqual(month(0));
});

test('an entry lies in the month of its id, to the millisecond', async ({ migrate }) => {
  await migrate((sql) =>
    undone(sql, async () => {
      for (const ahead of [0, 1, 5, 12]) {
        expect(await put(sql, month(ahead))).toBe(nameOf(month(ahead)));
        expect(await put(sql, new Date(month(ahead + 1).getTime() - 1))).toBe(nameOf(month(ahead)));
      }
      expect(await put(sql, new Date(month(0).getTime() - 1))).toBe('activity_entries_past');
      expect(await put(sql, month(13))).toBe('activity_entries_other');
    }),
  );
});

test('making them a second time makes nothing, and two who make them at once make each once', async ({
  migrate,
}) => {
  expect(await migrate((sql) => ensure(sql))).toBe(0);
  const made = await Promise.all([1, 2, 3].map(() => migrate((sql) => ensure(sql, 14))));
  expect(made.toSorted()).toEqual([0, 0, 2]);
  await migrate(async (sql) => {
    await sql.rows(`drop table ${nameOf(month(13))}`);
    await sql.rows(`drop table ${nameOf(month(14))}`);
  });
});

test('after a year without a start nothing is missing in between, and what was late moves into its month', async ({
  migrate,
}) => {
  await migrate((sql) =>
    undone(sql, async () => {
      for (let ahead = 3; ahead <= 12; ahead += 1) {
        await sql.rows(`drop table ${nameOf(month(ahead))}`);
      }
      expect(await put(sql, month(5))).toBe('activity_entries_other');
      expect(await put(sql, month(30))).toBe('activity_entries_other');
      expect(await ensure(sql)).toBe(10);
      const places = await sql.list(`select tableoid::regclass from activity_entries where summary = 'put'`);
      expect(places).toEqual([nameOf(month(5)), 'activity_entries_other'].sort());
    }),
  );
});

test('a new month is as closed as the others', async ({ migrate }) => {
  await migrate((sql) =>
    undone(sql, async () => {
      await sql.rows('alter default privileges grant select on tables to bailiwick_runtime');
      await ensure(sql, 14);
      expect(
        await sql.rows(
          `select relrowsecurity, relforcerowsecurity, has_any_column_privilege('bailiwick_runtime', oid, 'select') as readable
             from pg_class where relname = $1`,
          [nameOf(month(14))],
        ),
      ).toEqual([{ relrowsecurity: true, relforcerowsecurity: true, readable: false }]);
    }),
  );
});

test('a page is read from the newest month on, and from no month that it does not need', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    const plan = (
      await sql.rows<{ 'QUERY PLAN': string }>(
        `explain select id from activity_entries where tenant_id = $1 and owner_id = $2 and id < $3 order by id desc limit 20`,
        [TENANTS.acme.id, USERS.alice.id, firstIdOf(new Date(Date.now() + DAY))],
      )
    )
      .map((row) => row['QUERY PLAN'])
      .join('\n');
    expect(plan).toMatch(/-> {2}Append/);
    expect(plan).not.toMatch(/Sort|activity_entries_other/);
    expect(plan).not.toContain(nameOf(month(2)));
  });
});

test('a month goes only when every tenant’s limit has passed it, and the one before the first takes its place', async ({
  migrate,
}) => {
  const later = (days: number) => `set local bailiwick.none = '${days}'`;
  expect(later(1)).toBeDefined();
  await migrate((sql) =>
    undone(sql, async () => {
      // as it would be had the log been there for four months
      await sql.rows('drop table activity_entries_past');
      for (const ahead of [-4, -3, -2, -1]) {
        await sql.rows(
          `create table ${nameOf(month(ahead))} partition of activity_entries
             for values from ('${firstIdOf(month(ahead))}') to ('${firstIdOf(month(ahead + 1))}')`,
        );
      }
      await sql.rows(
        `create table activity_entries_past partition of activity_entries
           for values from (minvalue) to ('${firstIdOf(month(-4))}')`,
      );
      await put(sql, new Date(month(-3).getTime() + DAY));
      const names = async () =>
        (await listPartitions(sql.client, 'activity_entries')).map(({ name }) => name).slice(0, 5);
      const before = await names();
      expect(await dropExpired(sql.client)).toEqual([]);
      await sql.rows(`update tenants set activity_days = 1 where slug = 'acme'`);
      expect(await dropExpired(sql.client)).toEqual([]);
      expect(await names()).toEqual(before);
      // acme alone keeps less than the whole; now nobody keeps more than two months and a bit
      const days = Math.floor((Date.now() - month(-2).getTime()) / DAY);
      await sql.rows('update tenants set activity_days = $1', [days]);
      expect(await dropExpired(sql.client)).toEqual([nameOf(month(-4)), nameOf(month(-3))]);
      expect(await names()).toEqual([
        'activity_entries_past',
        ...[-2, -1, 0, 1].map((n) => nameOf(month(n))),
      ]);
      expect(await put(sql, month(-3))).toBe('activity_entries_past');
      expect(await ensure(sql)).toBe(0);
    }),
  );
});

test('no plan of a page is kept, because a kept one would look into every month', async ({ database }) => {
  const lane = await openLane(database, { statementMs: 10_000, transactionMs: 20_000 });
  await lane.read('alice', async ({ db }) => {
    for (let n = 0; n < 7; n += 1) {
      await db.activityEntry.findMany({ take: 1, orderBy: { id: 'desc' } });
      await db.memory.findMany({ take: 1, orderBy: { id: 'desc' } });
    }
    const kept = await db.$queryRaw<{ table: string }[]>`
      select (regexp_match(statement, '"(memories|activity_entries)"'))[1] as "table" from pg_prepared_statements
       where statement ~ '"(memories|activity_entries)"'`;
    expect(kept).toEqual([{ table: 'memories' }]);
  });
});

test('what a moment is as an id, the server and the database agree on', async ({ migrate }) => {
  await migrate(async (sql) => {
    for (const moment of ['1970-01-01T00:00:00Z', '2026-11-22T04:27:49.123Z', '2199-12-31T23:59:59.999Z']) {
      expect(await sql.value('select bailiwick.id_at($1)::text', [moment])).toBe(firstIdOf(new Date(moment)));
    }
  });
});
