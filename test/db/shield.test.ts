// The shield around a transaction, against the faults of Prisma's interactive transactions and of the pool below them.
//
// Each fault is injected while alice and bob take turns on one connection. Afterwards nobody may have seen a foreign
// row, nothing of the aborted work may be there, the connection at fault must be gone and the pool must serve again.
// Where Prisma 7.10 no longer makes the mistake itself, its adapter's transaction is called in the order in which the
// reported release called it; such tests say so. Connections that are lost stand in connections.test.ts.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Transaction as AdapterTransaction } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { expect, vi } from 'vitest';
import { ACTORS } from '../../src/demo/cast.ts';
import { BailiwickError } from '../../src/errors.ts';
import { test } from '../kit/cast.ts';
import {
  backendOf,
  expectIsolated,
  hasEnded,
  holdTransaction,
  note,
  notesKept,
  openLane,
  ownersSeen,
  sql,
} from './lane.ts';
import { openWire } from './wire.ts';

const OWNERS = sql('select distinct owner_id::text from memories');

/** Makes the pool lend the connection of its next loan to everybody who asks, as after a double release. */
function lendToEverybody(): void {
  const { connect } = pg.Pool.prototype;
  let lent: unknown;
  vi.spyOn(pg.Pool.prototype, 'connect').mockImplementation(function (this: pg.Pool) {
    lent ??= (connect as () => Promise<pg.PoolClient>).call(this);
    return lent as never;
  } as never);
}

function write(tx: AdapterTransaction, content: string): Promise<number> {
  const owner = '(select bailiwick.actor_id())';
  return tx.executeRaw(
    sql(`insert into memories (tenant_id, id, owner_id, content)
         values ((select bailiwick.tenant_id()), gen_random_uuid(), ${owner}, '${content}')`),
  );
}

// prisma/orm#29762, provoked in 7.10: the second statement of a query is ready when the transaction has timed out.
test('a statement that is late after the rollback of a timeout does not run', async ({ database }) => {
  const wire = await openWire(database.runtimeUrl);
  const lane = await openLane(database, {
    url: wire.url,
    statementMs: 3000,
    transactionMs: 6000,
    prisma: { timeoutMs: 300 },
  });
  const pid = await lane.read('alice', backendOf);
  const late = lane.run('alice', async (session) => {
    await note(session, 'late statement');
    wire.hold();
    setTimeout(() => wire.resume(), 600);
    await session.db.agent.findMany({ include: { memories: true }, relationLoadStrategy: 'query' });
    await note(session, 'late statement');
  });
  await expect(late).rejects.toMatchObject({ code: 'TIMEOUT' });
  await expectIsolated(lane);
  expect(await hasEnded(database, pid)).toBe(true);
  expect(await notesKept(database, 'late statement')).toBe(0);
});

// The same, as the reported release did it.
test('a transaction handle takes no statement after its rollback', async ({ database }) => {
  const lane = await openLane(database);
  const { tx, pid } = await holdTransaction(lane, 'alice');
  await write(tx, 'after rollback');
  await tx.executeRaw(sql('ROLLBACK'));
  await expect(write(tx, 'after rollback')).rejects.toThrow('transaction that is over');
  await tx.rollback();
  await expect(tx.queryRaw(OWNERS)).rejects.toThrow('transaction that is over');
  await expectIsolated(lane);
  expect(await hasEnded(database, pid)).toBe(true);
  expect(await notesKept(database, 'after rollback')).toBe(0);
});

// prisma/orm#29719, provoked in 7.10: BEGIN is answered after maxWait has passed.
test('a transaction that began too late to be waited for goes back to nobody', async ({ database }) => {
  const wire = await openWire(database.runtimeUrl);
  const lane = await openLane(database, {
    url: wire.url,
    statementMs: 3000,
    transactionMs: 6000,
    prisma: { waitMs: 1000 },
  });
  const pid = await lane.read('alice', backendOf);
  wire.hold();
  const worked = vi.fn();
  await expect(lane.run('alice', worked)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  wire.resume();
  await expectIsolated(lane);
  expect(worked).not.toHaveBeenCalled();
  expect(await hasEnded(database, pid)).toBe(true);
});

// #29719 as the reported release did it: released without commit or rollback, in the middle of the transaction.
test('a connection that is given back inside a transaction is not lent again', async ({ database }) => {
  const lane = await openLane(database);
  const { tx, pid } = await holdTransaction(lane, 'alice');
  await write(tx, 'given back inside');
  await tx.commit();
  await expectIsolated(lane);
  expect(await hasEnded(database, pid)).toBe(true);
  expect(await notesKept(database, 'given back inside')).toBe(0);
});

// prisma/orm#29952: Prisma 7.10 lets the timeout wait for the COMMIT, so the two releases are made by hand.
test('a second release does not take the connection from its next user', async ({ database }) => {
  const lane = await openLane(database);
  const { tx, pid } = await holdTransaction(lane, 'alice');
  await tx.executeRaw(sql('COMMIT'));
  await tx.commit();
  const seen = await lane.run('bob', async (session) => {
    expect(await backendOf(session)).toBe(pid);
    await tx.rollback();
    await expect(tx.executeRaw(sql('ROLLBACK'))).resolves.toBe(0);
    await tx.commit();
    const mallory = lane.run('mallory', ownersSeen);
    await sleep(50);
    expect(lane.pool.waitingCount).toBe(1);
    return { bob: await ownersSeen(session), mallory };
  });
  expect(seen.bob).toEqual([ACTORS.bob.id]);
  expect(await seen.mallory).toEqual([ACTORS.mallory.id]);
  await expectIsolated(lane);
});

test('a commit that is answered after the timeout of Prisma is a commit, and the connection is whole', async ({
  database,
}) => {
  const wire = await openWire(database.runtimeUrl);
  const lane = await openLane(database, {
    url: wire.url,
    statementMs: 3000,
    transactionMs: 6000,
    prisma: { timeoutMs: 300 },
  });
  await lane.run('alice', async (session) => {
    await note(session, 'slow commit');
    wire.hold('bailiwick_commit');
    setTimeout(() => wire.resume(), 600);
  });
  await expectIsolated(lane);
  expect(await notesKept(database, 'slow commit')).toBe(1);
});

// What #29762 would do to a pipelined connection: the statement arrives behind COMMIT and commits by itself.
test('a statement that is sent while COMMIT is on its way does not run', async ({ database }) => {
  const lane = await openLane(database);
  const { tx } = await holdTransaction(lane, 'alice');
  const committed = tx.executeRaw(sql('COMMIT'));
  const late = tx.executeRaw(sql("select set_config('bailiwick.left_over', 'alice', false)"));
  await expect(late).rejects.toThrow('transaction that is closing');
  await committed;
  await tx.commit();
  const left = await lane.read(
    'bob',
    ({ db }) => db.$queryRaw`select current_setting('bailiwick.left_over', true) as l`,
  );
  expect(left).toEqual([{ l: null }]);
  await expectIsolated(lane);
});

// prisma/orm#25811 and #29271: many requests, one connection, everybody slow.
test('who finds no connection in time is told so, and the others are served', async ({ database }) => {
  const lane = await openLane(database, { waitMs: 300 });
  const crowd = Array.from({ length: 12 }, (_, n) =>
    lane.read(n % 2 === 0 ? 'alice' : 'bob', async (session) => {
      await session.db.$queryRaw`select pg_sleep(0.1)::text as slept`;
      return [n % 2, ...(await ownersSeen(session))];
    }),
  );
  const outcomes = await Promise.allSettled(crowd);
  const served = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
  expect(served.length).toBeGreaterThan(0);
  for (const [who, ...owners] of served) {
    expect(owners).toEqual([who === 0 ? ACTORS.alice.id : ACTORS.bob.id]);
  }
  expect(refused.length).toBeGreaterThan(0);
  expect(new Set(refused)).toEqual(new Set(['UNAVAILABLE']));
  await expectIsolated(lane);
});

// What a double-released client does (isolation.md 1.5): the pool lends one connection to two requests.
test('two requests on one connection both fail, and neither sees a row of the other', async ({
  database,
}) => {
  const lane = await openLane(database);
  const pid = await lane.read('alice', backendOf);
  lendToEverybody();
  const seen: string[][] = [];
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const alice = lane.run('alice', async (session) => {
    await note(session, 'interleaved');
    first.resolve();
    await second.promise;
    seen.push(await ownersSeen(session));
  });
  await first.promise;
  const bob = lane.run('bob', async (session) => seen.push(await ownersSeen(session)));
  await expect(bob).rejects.toMatchObject({ code: 'INTERNAL' });
  second.resolve();
  await expect(alice).rejects.toBeInstanceOf(BailiwickError);
  vi.restoreAllMocks();
  expect(seen).toEqual([]);
  await expectIsolated(lane);
  expect(await hasEnded(database, pid)).toBe(true);
  expect(await notesKept(database, 'interleaved')).toBe(0);
});

test('of two requests that begin on one connection at once, neither sees a row of the other', async ({
  database,
}) => {
  const lane = await openLane(database);
  const pid = await lane.read('alice', backendOf);
  lendToEverybody();
  const together = await Promise.allSettled(
    (['alice', 'bob'] as const).map((actor) =>
      lane.run(actor, async (session) => {
        await sleep(50);
        const owners = await ownersSeen(session);
        await note(session, 'at once');
        return owners;
      }),
    ),
  );
  vi.restoreAllMocks();
  expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expectIsolated(lane);
  expect(await hasEnded(database, pid)).toBe(true);
  expect(await notesKept(database, 'at once')).toBe(0);
});

// porsager/postgres#1216: a handle that outlived its transaction executes inside the one that replaced it.
test('a stale handle does not reach the transaction that took over its connection', async ({ database }) => {
  const lane = await openLane(database);
  const stale = await holdTransaction(lane, 'alice');
  await stale.tx.executeRaw(sql('COMMIT'));
  await stale.tx.commit();
  await lane.run('bob', async (session) => {
    expect(await backendOf(session)).toBe(stale.pid);
    await expect(stale.tx.queryRaw(OWNERS)).rejects.toThrow('transaction that is over');
    await expect(write(stale.tx, 'stale handle')).rejects.toThrow('transaction that is over');
    await expect(stale.tx.executeRaw(sql('COMMIT'))).rejects.toThrow('transaction that is over');
    expect(await ownersSeen(session)).toEqual([ACTORS.bob.id]);
  });
  await expectIsolated(lane);
  expect(await notesKept(database, 'stale handle')).toBe(0);
});

test('the client of a session that is over answers nobody', async ({ database }) => {
  const lane = await openLane(database);
  const stale = await lane.run('alice', async (session) => session);
  const borrowed = lane.run('bob', () => ownersSeen(stale));
  await expect(borrowed).rejects.toMatchObject({ code: 'INTERNAL' });
  await expectIsolated(lane);
});

test('a query that outlives its request writes nothing', async ({ database }) => {
  const lane = await openLane(database);
  const outcome = Promise.withResolvers<unknown>();
  await lane.run('alice', async (session) => {
    setTimeout(() => note(session, 'outlived').then(outcome.resolve, outcome.resolve), 20);
  });
  await expectIsolated(lane);
  expect(await outcome.promise).toBeInstanceOf(Error);
  expect(await notesKept(database, 'outlived')).toBe(0);
});
