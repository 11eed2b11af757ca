// A session of an adopter's: who gets one, what is kept of it, how it ends, and what it costs.
//
// What cannot be done inside stands in statements.test.ts.

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { openSession, PostureError, type Principal, withSession } from '../../src/library/bailiwick.ts';
import { openWire } from '../db/wire.ts';
import { asAdmin, testUrl } from '../kit/database.ts';
import { ANN, BEN, CLEO, ids, ORDERS, openShop } from './shop.ts';

const shop = openShop();

test('everybody sees their own rows and nobody else’s, however they take turns on the connections', async () => {
  const { key, pool } = shop();
  const two = pool();
  const turns = Array.from({ length: 30 }, (_, n) => [ANN, BEN, CLEO][n % 3] ?? ANN);
  const seen = await Promise.all(turns.map((user) => withSession(two, { user }, ids, { key })));
  expect(seen).toEqual(
    turns.map((user) => ({ [ANN]: ORDERS.ann, [BEN]: ORDERS.ben, [CLEO]: ORDERS.cleo })[user]),
  );
  expect(await ids(two)).toEqual([]);
  expect(two.totalCount).toBe(2);
});

test('the context says who acts, and for whom', async () => {
  const { key, pool } = shop();
  const context = await withSession(pool(), { user: String(ANN) }, (_, known) => known, { key });
  expect(context).toMatchObject({ actorKind: 'user', chain: [], worldId: null, ownerId: context.actorId });
});

test('nobody, and whom the database does not know, is UNAUTHENTICATED, and no work is begun', async () => {
  const { key, pool } = shop();
  const work = vi.fn();
  const one = pool();
  for (const nobody of [
    undefined,
    null,
    {},
    { user: undefined },
    { user: null },
    { user: '' },
    { user: 4711 },
    { agent: ANN },
    { user: `${ANN} ` },
    { agent: 12, delegation: '00000000-0000-4000-8000-000000000000' },
  ]) {
    await expect(withSession(one, nobody as unknown as Principal, work, { key })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  }
  await expect(
    withSession(one, { user: ANN, agent: 12 } as unknown as Principal, work, { key }),
  ).rejects.toThrow('not both');
  await expect(withSession(one, { user: 7.5 }, work, { key })).rejects.toThrow('whole number');
  await expect(withSession(one, { agent: 12, delegation: 'x' }, work, { key })).rejects.toMatchObject({
    code: 'BAD_USER_INPUT',
  });
  expect(work).not.toHaveBeenCalled();
  expect(one.totalCount - one.idleCount).toBe(0);
});

test('a key that the database does not know, or none, is the application’s fault, and says what to do', async () => {
  const { pool } = shop();
  const one = pool();
  await expect(withSession(one, { user: ANN }, ids, { key: new Uint8Array(32) })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    cause: { message: expect.stringContaining('ticket: mac') },
  });
  await expect(withSession(one, { user: ANN }, ids, { key: 'short' })).rejects.toThrow(PostureError);
  vi.stubEnv('TICKET_KEY', '');
  vi.stubEnv('DATA_DIR', '/nonexistent/folder');
  try {
    await expect(withSession(one, { user: ANN }, ids)).rejects.toThrow(
      /ticket\.key cannot be read.*adopt backfill/s,
    );
    vi.stubEnv('TICKET_KEY', shop().key);
    expect(await withSession(one, { user: ANN }, ids)).toEqual(ORDERS.ann);
  } finally {
    vi.unstubAllEnvs();
  }
});

test('a database that was not adopted, and a role that was not named, open no session and say so', async () => {
  const { key, adminUrl, pool } = shop();
  const elsewhere = pool({ connectionString: testUrl(adminUrl, 'postgres') });
  await expect(withSession(elsewhere, { user: ANN }, ids, { key })).rejects.toThrow(/not been adopted/);
  const role = `stranger_${Date.now()}`;
  await asAdmin(adminUrl, (client) => client.query(`create role ${role} login password 'x'`));
  const url = new URL(adminUrl);
  url.username = role;
  url.password = 'x';
  const strangers = new pg.Pool({ connectionString: url.href });
  await expect(withSession(strangers, { user: ANN }, ids, { key })).rejects.toThrow(
    /name the role under `roles`/,
  );
  await strangers.end();
  await asAdmin(adminUrl, (client) => client.query(`drop role ${role}`));
});

test('what work did is kept when it returns, and undone when it throws, whose own error goes on', async () => {
  const { key, pool, kept } = shop();
  const one = pool({ max: 1 });
  const add = (item: string) => (client: pg.PoolClient) =>
    client.query('insert into orders (item) values ($1) returning id', [item]);
  const made = await withSession(one, { user: BEN }, add('kept'), { key });
  const own = new RangeError('mine');
  await expect(
    withSession(
      one,
      { user: BEN },
      async (client) => {
        await add('undone')(client);
        throw own;
      },
      { key },
    ),
  ).rejects.toBe(own);
  expect(
    await kept(
      "select id, bailiwick_owner is not null as owned from orders where item in ('kept', 'undone')",
    ),
  ).toEqual([{ id: made.rows[0]?.id, owned: true }]);
  // as the driver says it, for code that looks at the SQLSTATE
  await expect(withSession(one, { user: BEN }, add(''), { key })).rejects.toMatchObject({ code: '23514' });
  await withSession(one, { user: BEN }, (client) => client.query("delete from orders where item = 'kept'"), {
    key,
  });
});

test('work that swallows a failure of the database has failed, and one that undid it has not', async () => {
  const { key, pool, kept } = shop();
  const swallowed = (undo: string) =>
    withSession(
      pool(),
      { user: BEN },
      async (client) => {
        await client.query("insert into orders (item) values ('before')");
        await client.query('savepoint mine');
        await client.query("insert into orders (item) values ('')").catch(() => undefined);
        await client.query(undo).catch(() => undefined);
      },
      { key },
    );
  await expect(swallowed('select 1')).rejects.toMatchObject({
    code: 'BAD_USER_INPUT',
    cause: { code: '23514' },
  });
  expect(await kept("select from orders where item = 'before'")).toHaveLength(0);
  await swallowed('rollback to mine');
  expect(await kept("delete from orders where item = 'before' returning 1")).toHaveLength(1);
});

test('a session for reading refuses every write', async () => {
  const { key, pool } = shop();
  for (const write of [
    "insert into orders (item) values ('x')",
    'update prices set cents = 0',
    'set transaction read write',
  ]) {
    await expect(
      withSession(pool(), { user: ANN }, (client) => client.query(write), { key, readOnly: true }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^25/) });
  }
});

test('after its end the client answers nobody', async () => {
  const { key, pool, kept } = shop();
  const one = pool({ max: 1 });
  const [stale] = await withSession(one, { user: ANN }, (client) => [client], { key });
  await withSession(
    one,
    { user: BEN },
    async () => {
      await expect(stale?.query("insert into orders (item) values ('stale')")).rejects.toThrow(
        'this session is over',
      );
    },
    { key },
  );
  expect(await kept("select from orders where item = 'stale'")).toEqual([]);
  const session = await openSession(one, { user: ANN }, { key });
  await session.rollback();
  await session.rollback();
  await expect(session.commit()).rejects.toThrow('this session is over');
  await expect(session.client.query('select 1')).rejects.toThrow('this session is over');
});

test('a session inside a session is refused at once, and not waited for', async () => {
  const { key, pool } = shop();
  const one = pool({ max: 1 });
  const inner = withSession(one, { user: ANN }, () => withSession(one, { user: ANN }, ids, { key }), { key });
  await expect(inner).rejects.toThrow('a session inside a session');
  // on another pool nothing waits for itself; and what goes on after the end is inside no more
  let ended: () => void = () => undefined;
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  let later: Promise<unknown> | undefined;
  const other = await withSession(
    one,
    { user: ANN },
    () => {
      later = end.then(() => withSession(one, { user: BEN }, ids, { key }));
      return withSession(pool(), { user: BEN }, ids, { key });
    },
    { key },
  );
  ended();
  expect([other, await later]).toEqual([ORDERS.ben, ORDERS.ben]);
});

test('who finds no connection in time is told so, also where the pool itself would wait for ever', async () => {
  const { key, pool } = shop();
  const one = pool({ max: 1 });
  const session = await openSession(one, { user: ANN }, { key });
  await expect(openSession(one, { user: BEN }, { key, waitMs: 100 })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    cause: { message: expect.stringContaining('no connection was free for 100 ms') },
  });
  await session.commit();
  expect(await withSession(one, { user: BEN }, ids, { key })).toEqual(ORDERS.ben);
});

test('a session ends after its time, whatever its work waits for, and nothing of it is kept', async () => {
  const { key, pool, kept } = shop();
  const one = pool({ max: 1 });
  for (const wait of [
    () => new Promise<never>(() => undefined),
    (client: pg.PoolClient) => client.query('select pg_sleep(5)'),
    () => sleep(400),
  ]) {
    const late = withSession(
      one,
      { user: ANN },
      async (client) => {
        await client.query("insert into orders (item) values ('late')");
        await wait(client);
        return client.query("insert into orders (item) values ('later')");
      },
      { key, limitMs: 200 },
    );
    await expect(late).rejects.toMatchObject({ code: 'TIMEOUT' });
  }
  expect(await kept("select from orders where item like 'late%'")).toEqual([]);
  expect(await withSession(one, { user: ANN }, ids, { key })).toEqual(ORDERS.ann);
  await expect(withSession(one, { user: ANN }, ids, { key, limitMs: 300_001 })).rejects.toThrow('limitMs');
});

test('the time of a session, and a second, is PostgreSQL’s too, unless the connection’s own limit is tighter', async () => {
  const { key, pool } = shop();
  const limit = async (options: pg.PoolConfig) =>
    withSession(
      pool(options),
      { user: ANN },
      async (client) => (await client.query('show statement_timeout')).rows[0],
      { key, limitMs: 1500 },
    );
  expect(await limit({})).toEqual({ statement_timeout: '2500ms' });
  expect(await limit({ statement_timeout: 700 })).toEqual({ statement_timeout: '700ms' });
  expect(await limit({ statement_timeout: 90_000 })).toEqual({ statement_timeout: '2500ms' });
});

test('a connection that is lost is UNAVAILABLE, and the next one is a new one', async () => {
  const { key, pool, adminUrl } = shop();
  const one = pool({ max: 1 });
  const kill = (pid: number) =>
    asAdmin(adminUrl, (client) => client.query('select pg_terminate_backend($1)', [pid]));
  const pidOf = async (client: pg.PoolClient) =>
    (await client.query('select pg_backend_pid() as pid')).rows[0].pid;
  const cut = withSession(
    one,
    { user: ANN },
    async (client) => {
      await kill(await pidOf(client));
      await sleep(50);
      await client.query('select 1');
    },
    { key },
  );
  await expect(cut).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  const unnoticed = withSession(one, { user: ANN }, async (client) => kill(await pidOf(client)), { key });
  await expect(unnoticed).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(await withSession(one, { user: ANN }, ids, { key })).toEqual(ORDERS.ann);
});

test('a connection that is thrown away may hear of its end, and the process goes on', async () => {
  const { pool, key } = shop();
  const one = pool({ max: 1 });
  const gone = new Promise<pg.PoolClient>((resolve) => {
    one.once('remove', resolve as (client: unknown) => void);
  });
  await expect(
    withSession(one, { user: ANN }, () => Promise.reject(new Error('undone')), { key }),
  ).rejects.toThrow('undone');
  const client = await gone;
  expect(() =>
    client.emit('error', new Error('terminating connection due to administrator command')),
  ).not.toThrow();
});

test('a connection that somebody gave back inside a transaction is not used', async () => {
  const { key, pool, kept } = shop();
  const one = pool({ max: 1 });
  const careless = await one.connect();
  await careless.query('begin; update prices set cents = 1');
  careless.release();
  expect(await withSession(one, { user: ANN }, ids, { key })).toEqual(ORDERS.ann);
  expect(await kept('select cents from prices')).toEqual([{ cents: 300 }]);
});

test('opening is one round trip and closing another, and the pool’s own ways are as they were', async () => {
  const { key, pool, url } = shop();
  const wire = await openWire(url);
  const one = pool({ connectionString: wire.url, max: 1 });
  await withSession(one, { user: ANN }, ids, { key });
  wire.listen();
  await withSession(one, { user: ANN }, ids, { key });
  expect(wire.heard().roundTrips).toBe(3);
  const client = await one.connect();
  expect((client as { pipeline?: boolean }).pipeline).toBe(false);
  client.release();
});

test('a version of the driver without pipelining is served as well, one statement after the other', async () => {
  const { key, pool, url } = shop();
  const wire = await openWire(url);
  const older = class extends pg.Client {
    constructor(options?: pg.ClientConfig) {
      super(options);
      delete (this as { pipeline?: boolean }).pipeline;
      Object.defineProperty(this, 'getTransactionStatus', { value: undefined });
    }
  };
  const one = pool({ connectionString: wire.url, max: 1, Client: older } as pg.PoolConfig);
  expect(await withSession(one, { user: ANN }, ids, { key })).toEqual(ORDERS.ann);
  wire.listen();
  await withSession(one, { user: BEN }, (client) => client.query('select 1'), { key });
  expect(wire.heard().roundTrips).toBe(7);
  expect(one.totalCount).toBe(1);
});
