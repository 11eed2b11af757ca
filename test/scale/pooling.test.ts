// PgBouncer in transaction mode in front of the database: many connections on one backend, and nothing of one request in another's hands.
//
// The pooler is a real one, with as few backends as show the matter: mostly one. What it does with the whole suite is seen by
// `npm run test:pgbouncer`; here stands what is particular to it. Skipped where it is not installed.

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { beforeEach, expect, onTestFinished } from 'vitest';
import { lossOf } from '../../src/db/pooler.ts';
import { inspectWays } from '../../src/db/posture/connections.ts';
import { ACTORS } from '../../src/demo/cast.ts';
import {
  backendOf,
  expectIsolated,
  hasEnded,
  note,
  notesKept,
  openLane,
  ownersSeen,
  terminate,
  versionOf,
} from '../db/lane.ts';
import { openWire } from '../db/wire.ts';
import { test } from '../kit/cast.ts';
import { asAdmin } from '../kit/database.ts';
import { askConsole, findPgBouncer, knowsNames } from './pooling-server.ts';
import { pooled } from './pooling-stage.ts';

const found = await findPgBouncer();
beforeEach(({ skip }) => skip(found === undefined, 'pgbouncer is not installed: apt-get install pgbouncer'));

const backends = async (consoleUrl: string) =>
  (await askConsole(consoleUrl, 'show servers')).map(({ remote_pid }) => Number(remote_pid));

test('of a connection that is destroyed in the middle nothing is kept, nothing is held, and its backend serves nobody', async ({
  database,
}) => {
  const { url } = await pooled(database);
  const wire = await openWire(url);
  const lane = await openLane(database, { url: wire.url, transactionMs: 1000, statementMs: 900 });
  const endings: Record<string, (session: { pid: number }) => Promise<unknown>> = {
    thrown: () => Promise.reject(new Error('thrown')),
    cut: async () => {
      wire.cut();
      await sleep(50);
    },
    'out of time': () => sleep(2500),
  };
  for (const [ending, end] of Object.entries(endings)) {
    let pid = 0;
    const work = lane.run('alice', async (session) => {
      await note(session, `destroyed: ${ending}`);
      await session.db.$queryRaw`select pg_advisory_xact_lock(4712)::text`;
      pid = await backendOf(session);
      await end({ pid });
      await session.db.$queryRaw`select 1`;
    });
    await expect(work).rejects.toThrow();
    // whoever comes next is given another backend, in which nothing of it is open
    const [next, free] = await lane.run('bob', async (session) => {
      const [lock] = await session.db.$queryRaw<
        { free: boolean }[]
      >`select pg_try_advisory_xact_lock(4712) as free`;
      expect(await ownersSeen(session)).toEqual([ACTORS.bob.id]);
      return [await backendOf(session), lock?.free];
    });
    expect([ending, next === pid, free]).toEqual([ending, false, true]);
    expect(await hasEnded(database, pid)).toBe(true);
    expect(await notesKept(database, `destroyed: ${ending}`)).toBe(0);
    await expectIsolated(lane);
  }
});

test('requests that take turns on one backend see their own rows and no others', async ({ database }) => {
  const { url, consoleUrl } = await pooled(database);
  const lane = await openLane(database, { url, size: 8, waitMs: 8000 });
  const owners = ['alice', 'bob', 'mallory'] as const;
  const asked = Array.from({ length: 60 }, (_, n) => owners[n % owners.length] ?? 'alice');
  const seen = await Promise.all(
    asked.map((actor) =>
      lane.run(actor, async (session) => {
        const owner = await ownersSeen(session);
        await note(session, 'on a shared backend');
        return [...owner, await backendOf(session)];
      }),
    ),
  );
  const [backend] = await backends(consoleUrl);
  expect(seen).toEqual(asked.map((actor) => [ACTORS[actor].id, backend]));
  expect(await notesKept(database, 'on a shared backend')).toBe(60);
  await expectIsolated(lane);
});

test('no statement has a name on a backend that is shared', async ({ database }) => {
  const { url } = await pooled(database);
  const lane = await openLane(database, { url });
  await lane.pool.ping();
  await expectIsolated(lane);
  expect(await prepared(url)).toEqual([]);
});

test('where the pooler knows names, they are kept, and connections share them', async ({
  database,
  skip,
}) => {
  skip(!knowsNames(found?.version ?? ''), `PgBouncer ${found?.version} does not know names: 1.21 does`);
  const { url, consoleUrl } = await pooled(
    database,
    { max_prepared_statements: 100 },
    'transaction-prepared',
  );
  const lane = await openLane(database, { url, size: 4 });
  await Promise.all(['alice', 'bob', 'mallory', 'alice'].map((who) => lane.read(who as 'bob', ownersSeen)));
  await expectIsolated(lane);
  const opened = (await prepared(url)).filter((text) => text.startsWith('select bailiwick.open('));
  expect(opened).toHaveLength(1);
  // the backend that knows them ends: they are made anew on the next
  for (const pid of await backends(consoleUrl)) {
    await terminate(database, pid);
    // until the pooler has noticed, it would give it to somebody
    await expect.poll(() => backends(consoleUrl)).not.toContain(pid);
  }
  await expectIsolated(lane);
  expect(await inspectWays({ ...database, runtimeUrl: url })).toEqual([]);
});

/** The texts of what a backend of this pooler knows by name. */
async function prepared(url: string): Promise<string[]> {
  return asAdmin(url, async (client) => {
    const { rows } = await client.query<{ statement: string }>(
      'select statement from pg_prepared_statements',
    );
    return rows.map(({ statement }) => statement);
  });
}

test('PostgreSQL enforces the limits, and none of them stays on the backend', async ({ database }) => {
  const { url } = await pooled(database);
  const role = await limitsOf(url);
  const lane = await openLane(database, { url, statementMs: 300, transactionMs: 700 });
  const ends = async (work: Promise<unknown>) => {
    const error = (await work.catch((thrown: unknown) => thrown)) as Error & { cause?: { code?: string } };
    return error.cause?.code;
  };
  expect(await ends(lane.run('alice', ({ db }) => db.$queryRaw`select pg_sleep(2)::text`))).toBe('57014');
  const idle = lane.run('alice', async ({ db }) => {
    await sleep(500);
    await db.$queryRaw`select 1`;
  });
  expect(await ends(idle)).toBe('25P03');
  if ((await versionOf(database)) >= 170_000) {
    const long = lane.run('alice', async ({ db }) => {
      for (let n = 0; n < 10; n += 1) {
        await db.$queryRaw`select pg_sleep(0.15)::text`;
      }
    });
    expect(await ends(long)).toBe('25P04');
  }
  await expectIsolated(lane);
  expect(await limitsOf(url)).toEqual(role);
});

function limitsOf(url: string): Promise<unknown[]> {
  return asAdmin(url, async (client) => {
    const { rows } = await client.query(
      "select name, setting from pg_settings where name like '%\\_timeout' order by name",
    );
    return rows;
  });
}

test('what a backend said before it ended counts, and not what the pooler said of that', async ({
  database,
}) => {
  const { url } = await pooled(database);
  const wire = await openWire(url);
  const lane = await openLane(database, { url: wire.url, statementMs: 300, transactionMs: 4000 });
  for (const _ of [1, 2, 3]) {
    // a statement is on its way when the backend ends for having waited too long; both words arrive at once
    const idle = lane.run('alice', async ({ db }) => {
      wire.hold();
      await sleep(800);
      setTimeout(() => wire.resume(), 100);
      await db.$queryRaw`select 1`;
    });
    await expect(idle).rejects.toMatchObject({ code: 'TIMEOUT', cause: { code: '25P03' } });
  }
  await expectIsolated(lane);
});

test('a pooler costs no round trip', async ({ database }) => {
  const { url } = await pooled(database);
  const wire = await openWire(url);
  const lane = await openLane(database, { url: wire.url });
  await lane.read('alice', ownersSeen);
  wire.listen();
  await lane.read('alice', ownersSeen);
  expect(wire.heard().roundTrips).toBe(3);
});

test('no backend to be had is UNAVAILABLE', async ({ database }) => {
  const { url } = await pooled(database, { query_wait_timeout: 1 });
  const holding = await openLane(database, { url, statementMs: 5000, transactionMs: 8000 });
  const waiting = await openLane(database, { url });
  await holding.run('alice', async () => {
    await expect(waiting.read('bob', ownersSeen)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
  await expectIsolated(waiting);
});

test('a backend that ends while COMMIT is on its way leaves it open whether it was kept', async ({
  database,
  migrate,
}) => {
  await migrate(async (sql) => {
    await sql.rows(`create function public.slow() returns trigger language plpgsql as
      $$ begin perform pg_sleep(1); return null; end $$`);
    await sql.rows(`create constraint trigger slow after insert on memories deferrable initially deferred
      for each row when (new.content = 'slow to keep') execute function public.slow()`);
  });
  onTestFinished(() =>
    migrate((sql) => sql.rows('drop function public.slow() cascade')).then(() => undefined),
  );
  const { url } = await pooled(database);
  const lane = await openLane(database, { url });
  const work = lane.run('alice', async (session) => {
    await note(session, 'slow to keep');
    const pid = await backendOf(session);
    setTimeout(() => void terminate(database, pid), 300);
  });
  await expect(work).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('read again'),
  });
  expect(await notesKept(database, 'slow to keep')).toBe(0);
  await expectIsolated(lane);
});

test('a fatal word is a loss where the pooler may have said it, and else what it says', () => {
  const said = (code: string, severity: string) => Object.assign(new Error(code), { code, severity });
  const [own, fatal, refused] = [said('08P01', 'FATAL'), said('57P01', 'FATAL'), said('23505', 'ERROR')];
  for (const committing of [true, false]) {
    expect(lossOf(own, committing)).toMatchObject({
      message: 'Connection terminated by the pooler',
      cause: own,
    });
    expect(lossOf(refused, committing)).toBe(refused);
  }
  expect(lossOf(fatal, false)).toBe(fatal);
  expect(lossOf(fatal, true)).toMatchObject({ message: 'Connection terminated by the pooler', cause: fatal });
  expect(lossOf(fatal, true)).not.toHaveProperty('severity');
});

test('a listener that came through the pooler would hear nothing, which is why it goes past it', async ({
  database,
}) => {
  const { url } = await pooled(database);
  const client = new pg.Client(url);
  await client.connect();
  onTestFinished(() => client.end());
  const heard: string[] = [];
  client.on('notification', ({ channel }) => heard.push(channel));
  await client.query('listen bailiwick_scale');
  await asAdmin(database.adminUrl, (admin) => admin.query('notify bailiwick_scale'));
  await sleep(200);
  expect(heard).toEqual([]);
});
