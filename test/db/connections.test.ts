// Connections that are lost, and limits that are reached: every way in which a transaction ends without its request.
//
// After each of them the request must have been told truly what became of its work, nothing of it may be there unless
// COMMIT was answered, the connection must be gone, and the next requests must be served as if nothing had happened.
// The limits are those of a lane (400 ms for a statement and between statements, 800 ms for a transaction).

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { readConfig } from '../../src/config.ts';
import type { Session } from '../../src/db/session.ts';
import { test } from '../kit/cast.ts';
import { asAdmin, type TestDatabase } from '../kit/database.ts';
import {
  backendOf,
  expectIsolated,
  hasEnded,
  type Lane,
  note,
  notesKept,
  openLane,
  ownersSeen,
  terminate,
  versionOf,
} from './lane.ts';
import { openWire } from './wire.ts';

/** Alice writes, then meets a misfortune; the code of the answer she gets. Checks all that must hold afterwards. */
async function afterMisfortune(
  on: TestDatabase,
  lane: Lane,
  misfortune: (session: Session, pid: number) => Promise<unknown>,
): Promise<unknown> {
  const content = `misfortune ${Math.random()}`;
  let pid = 0;
  const outcome = await lane
    .run('alice', async (session) => {
      pid = await backendOf(session);
      await note(session, content);
      await misfortune(session, pid);
      return ownersSeen(session);
    })
    .catch((error: unknown) => error);
  await expectIsolated(lane);
  expect(await hasEnded(on, pid)).toBe(true);
  expect(await notesKept(on, content)).toBe(0);
  return (outcome as { code?: unknown }).code ?? outcome;
}

test('a backend that is terminated between two statements is UNAVAILABLE, and nothing is kept', async ({
  database,
}) => {
  const lane = await openLane(database);
  const code = await afterMisfortune(database, lane, async (_session, pid) => {
    await terminate(database, pid);
    await sleep(50);
  });
  expect(code).toBe('UNAVAILABLE');
});

test('a backend that is terminated during a statement is UNAVAILABLE, and nothing is kept', async ({
  database,
}) => {
  const lane = await openLane(database, { statementMs: 5000, transactionMs: 8000 });
  const code = await afterMisfortune(database, lane, async ({ db }, pid) => {
    await Promise.all([
      db.$queryRaw`select pg_sleep(3)::text`,
      sleep(50).then(() => terminate(database, pid)),
    ]);
  });
  expect(code).toBe('UNAVAILABLE');
});

test('a backend that is terminated at the end of the work is UNAVAILABLE, and nothing is kept', async ({
  database,
}) => {
  const lane = await openLane(database);
  const content = 'terminated at the end';
  const late = lane.run('alice', async (session) => {
    await note(session, content);
    await terminate(database, await backendOf(session));
  });
  await expect(late).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expectIsolated(lane);
  expect(await notesKept(database, content)).toBe(0);
});

test('a statement beyond statement_timeout is TIMEOUT, and nothing is kept', async ({ database }) => {
  const lane = await openLane(database);
  const code = await afterMisfortune(database, lane, ({ db }) => db.$queryRaw`select pg_sleep(3)::text`);
  expect(code).toBe('TIMEOUT');
});

test('work that leaves its transaction idle too long is TIMEOUT, and nothing is kept', async ({
  database,
}) => {
  const lane = await openLane(database);
  const code = await afterMisfortune(database, lane, () => sleep(600));
  expect(code).toBe('TIMEOUT');
});

test('a transaction beyond transaction_timeout is TIMEOUT, and nothing is kept', async ({ database }) => {
  const lane = await openLane(database);
  const started = Date.now();
  const code = await afterMisfortune(database, lane, async ({ db }) => {
    for (let n = 0; n < 30; n += 1) {
      await db.$queryRaw`select pg_sleep(0.1)::text`;
    }
  });
  expect(code).toBe('TIMEOUT');
  // before version 17 PostgreSQL has no such limit, and the shield's own is a second later
  expect(Date.now() - started).toBeLessThan((await versionOf(database)) >= 170_000 ? 1700 : 2700);
});

test('the shield ends a transaction that a server before version 17 cannot limit', async ({ database }) => {
  const lane = await openLane(database, { transactionMs: 200, serverVersion: 160_000 });
  const started = Date.now();
  const code = await afterMisfortune(database, lane, async ({ db }) => {
    for (let n = 0; n < 30; n += 1) {
      await db.$queryRaw`select pg_sleep(0.1)::text`;
    }
  });
  expect(code).toBe('TIMEOUT');
  expect(Date.now() - started).toBeGreaterThan(1200);
});

test('a server that falls silent holds a request no longer than the limit, and the pool recovers', async ({
  database,
}) => {
  const wire = await openWire(database.runtimeUrl);
  const lane = await openLane(database, { url: wire.url });
  const started = Date.now();
  const code = await afterMisfortune(database, lane, async ({ db }) => {
    wire.hold();
    setTimeout(() => wire.resume(), 2500);
    await db.$queryRaw`select 1`;
  });
  expect(code).toBe('TIMEOUT');
  expect(Date.now() - started).toBeLessThan(4500);
});

test('a wire that is cut during a statement is UNAVAILABLE, and nothing is kept', async ({ database }) => {
  const wire = await openWire(database.runtimeUrl);
  const lane = await openLane(database, { url: wire.url });
  const code = await afterMisfortune(database, lane, async ({ db }) => {
    setTimeout(() => wire.cut(), 50);
    await db.$queryRaw`select pg_sleep(0.3)::text`;
  });
  expect(code).toBe('UNAVAILABLE');
});

test('a commit whose answer is lost is not called a failure that kept nothing', async ({ database }) => {
  const wire = await openWire(database.runtimeUrl);
  const lane = await openLane(database, { url: wire.url });
  for (const loss of ['cut', 'silence'] as const) {
    const content = `commit, then ${loss}`;
    const lost = lane.run('alice', async (session) => {
      await note(session, content);
      wire.hold('bailiwick_commit');
      setTimeout(() => (loss === 'cut' ? wire.cut() : undefined), 200);
    });
    await expect(lost).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('read again'),
    });
    wire.resume();
    await expectIsolated(lane);
    expect(await notesKept(database, content)).toBe(1);
  }
});

test('an idle connection that the server closes troubles neither the process nor the next request', async ({
  database,
}) => {
  const lane = await openLane(database, { size: 2 });
  const told: Error[] = [];
  lane.pool.on('error', (error) => told.push(error));
  // first before Prisma has connected, which listens to the pool too
  for (const use of [
    () => lane.pool.ping(),
    () => Promise.all([lane.read('alice', backendOf), lane.read('bob', backendOf)]),
  ]) {
    await use();
    const ended = await asAdmin(database.adminUrl, async (client) => {
      const { rowCount } = await client.query(
        `select pg_terminate_backend(pid, 2000) from pg_stat_activity
          where application_name = 'bailiwick' and datname = current_database()`,
      );
      return rowCount;
    });
    expect(ended).toBeGreaterThan(0);
    await sleep(50);
    expect(lane.pool.totalCount).toBe(0);
  }
  // what an operator logs of it says nothing about how to connect
  expect(told.length).toBeGreaterThan(0);
  expect(told.filter((error) => 'client' in error)).toEqual([]);
  await expectIsolated(lane);
});

test('a ping on a connection that dies fails, and the process lives', async ({ database }) => {
  const wire = await openWire(database.runtimeUrl);
  const lane = await openLane(database, { url: wire.url });
  await lane.pool.ping();
  for (const death of [() => wire.cut(), () => undefined]) {
    wire.hold();
    const ping = lane.pool.ping();
    setTimeout(death, 100);
    await expect(ping).rejects.toBeInstanceOf(Error);
    wire.resume();
    await expectIsolated(lane);
  }
});

test("PostgreSQL's limits on a connection lie below Prisma's", async ({ database }) => {
  const { pool: limits } = readConfig({});
  const lane = await openLane(database, limits);
  const asked: unknown[] = [];
  const { client } = lane.database;
  const spied = new Proxy(client, {
    get: (target, name) =>
      name === '$transaction'
        ? (work: never, options: unknown) => {
            asked.push(options);
            return client.$transaction(work, options as never);
          }
        : Reflect.get(target, name),
  });
  Object.assign(lane.database, { client: spied });
  const ms = await lane.read(
    'alice',
    ({ db }) =>
      db.$queryRaw`
      select name, setting::int as ms from pg_settings
       where name in ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')
       order by name desc`,
  );
  const inTransaction = (await versionOf(database)) >= 170_000 ? limits.transactionMs : undefined;
  expect(ms).toEqual([
    ...(inTransaction === undefined ? [] : [{ name: 'transaction_timeout', ms: inTransaction }]),
    { name: 'statement_timeout', ms: limits.statementMs },
    { name: 'idle_in_transaction_session_timeout', ms: limits.statementMs },
  ]);
  expect(limits.statementMs).toBeLessThanOrEqual(limits.transactionMs);
  expect(asked).toEqual([{ timeout: limits.transactionMs + 5000, maxWait: limits.waitMs + 5000 }]);
});
