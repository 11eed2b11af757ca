// How long the log is kept: each tenant's own limit, no entry within it, a little at a time, and by the server itself; which throws away
// old events too.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { firstIdOf } from '../../src/activity/moment.ts';
import { ActivityExpiry } from '../../src/db/activity.ts';
import { forgetEvents } from '../../src/db/events.ts';
import { countExpired, expireBatch } from '../../src/db/partitions.ts';
import { withService } from '../../src/db/session.ts';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import { openLane } from '../db/lane.ts';
import type { Sql } from '../kit/as.ts';
import { test } from '../kit/cast.ts';
import { insertion } from '../policies/arrangement.ts';

/** So many entries of so many days ago. */
async function put(sql: Sql, tenant: 'acme' | 'globex', daysAgo: number, count = 1): Promise<void> {
  const [agent, owner] =
    tenant === 'acme' ? ([AGENTS.scout, USERS.alice] as const) : [AGENTS.mimic, USERS.mallory];
  for (let n = 0; n < count; n += 1) {
    const id = `${firstIdOf(new Date(Date.now() - daysAgo * 86_400_000)).slice(0, 14)}7${newId().slice(15)}`;
    const { text, values } = insertion('activity_entries', {
      ...{ tenant_id: TENANTS[tenant].id, id, owner_id: owner.id, agent_id: agent.id, service: 'mail' },
      ...{ action: 'messages.send', outcome: 'failed', summary: `${tenant} ${daysAgo}`, chain: [] },
      ...{ created_by: agent.id, delegation_id: DELEGATIONS.scout.id, request_id: newId() },
    });
    await sql.rows(text, values);
  }
}
const kept = (sql: Sql) =>
  sql.list(`select summary from activity_entries where summary ~ '^(acme|globex) ' order by 1`);

async function fresh(sql: Sql): Promise<void> {
  await sql.rows(`delete from activity_entries where summary ~ '^(acme|globex) '`);
  await sql.rows('update tenants set activity_days = 400');
}

test('a limit is from one day to ten years', async ({ migrate }) => {
  await migrate(async (sql) => {
    for (const days of [0, -1, 3651, null]) {
      expect(
        await sql.touched('update tenants set activity_days = $1', [days]).catch(({ code }) => code),
      ).toMatch(/^235(14|02)$/);
    }
  });
});

test('what is within its tenant’s limit stays, whatever another tenant keeps', async ({ migrate }) => {
  await migrate(async (sql) => {
    await fresh(sql);
    await put(sql, 'acme', 399);
    await put(sql, 'acme', 401);
    await put(sql, 'globex', 29);
    await put(sql, 'globex', 31);
    await sql.rows(`update tenants set activity_days = 30 where slug = 'globex'`);
    expect(await countExpired(sql.client)).toBe(2);
    expect(await expireBatch(sql.client, 100)).toBe(2);
    expect(await kept(sql)).toEqual(['acme 399', 'globex 29']);
    expect(await expireBatch(sql.client, 100)).toBe(0);
  });
});

test('no more go at once than were asked for, the oldest first, and none for a number that is none', async ({
  migrate,
}) => {
  await migrate(async (sql) => {
    await fresh(sql);
    await put(sql, 'acme', 500, 3);
    await put(sql, 'acme', 450, 3);
    await put(sql, 'globex', 420, 2);
    for (const none of [0, -5]) {
      expect(await expireBatch(sql.client, none)).toBe(0);
    }
    expect(await sql.value('select bailiwick.expire(null)')).toBe(0);
    expect(await expireBatch(sql.client, 4)).toBe(4);
    expect((await kept(sql)).filter((summary) => summary !== 'globex 420')).toEqual(['acme 450', 'acme 450']);
    expect(await expireBatch(sql.client, 4)).toBe(4);
    expect(await kept(sql)).toEqual([]);
  });
});

test('of two that throw away at once one does nothing', async ({ migrate }) => {
  await migrate((sql) => fresh(sql));
  await migrate((sql) => put(sql, 'acme', 500, 2));
  const gone = await Promise.all(
    [1, 2].map(() =>
      migrate(async (sql) => {
        await sql.rows('begin');
        const count = await expireBatch(sql.client, 10);
        await sleep(200);
        await sql.rows('commit');
        return count;
      }),
    ),
  );
  expect(gone.toSorted()).toEqual([0, 2]);
});

test('a server throws away by itself what is past its time, and nothing after it was closed', async ({
  database,
  migrate,
}) => {
  await migrate((sql) => fresh(sql));
  await migrate((sql) => put(sql, 'acme', 500, 3));
  await migrate((sql) => put(sql, 'acme', 300));
  const lane = await openLane(database, { size: 2, statementMs: 10_000, transactionMs: 20_000 });
  const failures: unknown[] = [];
  const closed = new ActivityExpiry(lane.database, (error) => failures.push(error), 50);
  await closed.close();
  await sleep(200);
  expect(await migrate((sql) => kept(sql))).toHaveLength(4);
  const expiry = new ActivityExpiry(lane.database, (error) => failures.push(error), 0);
  await expect.poll(() => migrate((sql) => kept(sql)), { timeout: 10_000 }).toEqual(['acme 300']);
  await expiry.close();
  expect(failures).toEqual([]);
});

test('a server throws away old events to which nobody ever listened, some thousands at a time', async ({
  database,
  migrate,
}) => {
  const fill = (sql: Sql, count: number, age: string) =>
    sql.rows(
      `insert into bailiwick.events (tenant_id, owner_id, kind, event, id, recorded_at)
       select $1, $2, 'memory', 'memory.created', $2, clock_timestamp() - $3::interval from generate_series(1, $4)`,
      [TENANTS.acme.id, USERS.alice.id, age, count],
    );
  await migrate((sql) => fill(sql, 12_000, '90 days'));
  await migrate((sql) => fill(sql, 3, '14 minutes'));
  const lane = await openLane(database, { size: 2, statementMs: 10_000, transactionMs: 20_000 });
  const failures: unknown[] = [];
  // what is gone with each look: with a transaction for each, others see it shrink
  const left = () => migrate((sql) => sql.value('select count(*)::int from bailiwick.events'));
  const seen = new Set<unknown>();
  const expiry = new ActivityExpiry(lane.database, (error) => failures.push(error), 0);
  await expect
    .poll(
      async () => {
        const count = await left();
        seen.add(count);
        return count;
      },
      { timeout: 10_000, interval: 20 },
    )
    .toBe(3);
  await expiry.close();
  expect(failures).toEqual([]);
  expect([...seen].filter((count) => ![12_003, 7003, 2003, 3].includes(count as number))).toEqual([]);
  expect(seen.has(7003) || seen.has(2003)).toBe(true);
});

test('of two servers that throw away old events at once one does nothing', async ({ database, migrate }) => {
  await migrate((sql) =>
    sql.rows(
      `insert into bailiwick.events (tenant_id, owner_id, kind, event, id, recorded_at)
       values ($1, $2, 'memory', 'memory.created', $2, clock_timestamp() - interval '1 hour')`,
      [TENANTS.acme.id, USERS.alice.id],
    ),
  );
  const old = `select count(*)::int from bailiwick.events where recorded_at < clock_timestamp() - interval '15 minutes'`;
  const lane = await openLane(database, { size: 2, statementMs: 10_000, transactionMs: 20_000 });
  const once = () => withService(lane.database, 'identity', { readOnly: false }, forgetEvents);
  await migrate(async (sql) => {
    await sql.rows('begin');
    await sql.rows(`select pg_advisory_xact_lock(hashtext('bailiwick.forget_events'))`);
    expect(await once()).toBe(false);
    await sql.rows('rollback');
    expect(await sql.value(old)).toBe(1);
    expect(await once()).toBe(false);
    expect(await sql.value(old)).toBe(0);
  });
});
