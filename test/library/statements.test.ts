// What can be sent inside a session: every form of the driver's, transactions as savepoints; and what is refused because it would end the
// session's transaction, or stay on the connection for its next user.

import type pg from 'pg';
import { expect, test } from 'vitest';
import { withSession } from '../../src/library/bailiwick.ts';
import { sessionOf } from '../../src/library/running.ts';
import { meaningOf } from '../../src/library/statement.ts';
import { ANN, BEN, ids, ORDERS, openShop } from './shop.ts';

const shop = openShop();

/** Runs work for ann on a pool of one connection. */
async function inSession<Result>(
  work: (client: pg.PoolClient) => Promise<Result>,
  pool = shop().pool({ max: 1 }),
) {
  return withSession(pool, { user: ANN }, work, { key: shop().key });
}

test('a statement is sent in every form in which the driver takes one', async () => {
  const text = 'select $1::int + 1 as n';
  await inSession(async (client) => {
    const said = [
      await client.query('select 2 as n'),
      await client.query(text, [1]),
      await client.query({ text, values: [1] }),
      await client.query({ name: 'one_more', text }, [1]),
      await client.query(
        new (class {
          readonly values = [1];
          get text() {
            return text;
          }
        })(),
      ),
      await new Promise<pg.QueryResult>((resolve, reject) =>
        client.query(text, [1], (error, result) => (error ? reject(error) : resolve(result))),
      ),
      await new Promise<pg.QueryResult>((resolve, reject) =>
        client.query('select 2 as n', (error: Error, result: pg.QueryResult) =>
          error ? reject(error) : resolve(result),
        ),
      ),
    ];
    expect(said.map(({ rows }) => rows)).toEqual(said.map(() => [{ n: 2 }]));
    const array = await client.query({ text, values: [1], rowMode: 'array' });
    expect(array.rows).toEqual([[2]]);
    const typed = await client.query({
      text,
      values: [1],
      types: { getTypeParser: () => (value: string) => `<${value}>` },
    });
    expect(typed.rows).toEqual([{ n: '<2>' }]);
    await client.query('begin');
    const failure = await new Promise((resolve) =>
      client.query('select 1/0', (error: Error) => resolve(error)),
    );
    expect(failure).toMatchObject({ code: '22012' });
    await client.query('rollback');
    expect(client.escapeLiteral("it's")).toBe("'it''s'");
  });
});

test('several commands in one statement are refused', async () => {
  for (const stacked of [
    "select 1; insert into orders (item) values ('x')",
    'select 1; commit; select 1',
    'rollback; begin',
  ]) {
    await expect(inSession((client) => client.query(stacked))).rejects.toThrow();
  }
  expect(await shop().kept("select from orders where item = 'x'")).toEqual([]);
});

test('a transaction inside a session is kept or undone for itself', async () => {
  const items = await inSession(async (client) => {
    const add = (item: string) => client.query('insert into orders (item) values ($1)', [item]);
    expect(await client.query('begin')).toMatchObject({ command: 'BEGIN' });
    await add('first');
    expect(await client.query('COMMIT')).toMatchObject({ command: 'COMMIT' });
    await client.query('start transaction isolation level read committed, read write');
    await add('second');
    expect(await client.query('/* why */ rollback work -- so')).toMatchObject({ command: 'ROLLBACK' });
    await client.query('BEGIN TRANSACTION');
    await add('third');
    await add('').catch(() => undefined);
    await expect(add('fourth')).rejects.toMatchObject({ code: '25P02' });
    // as in PostgreSQL: what has failed is not kept, and the command says so
    expect(await client.query('end')).toMatchObject({ command: 'ROLLBACK' });
    await client.query('begin');
    await client.query('savepoint mine');
    await add('fifth');
    await client.query('rollback to savepoint mine');
    await add('sixth');
    await client.query('commit');
    return (await client.query('delete from orders where id > 100 returning item')).rows;
  });
  expect(items).toEqual([{ item: 'first' }, { item: 'sixth' }]);
});

test('transactions inside a session do not overlap, and none changes what the session is', async () => {
  const { key, pool } = shop();
  await inSession(async (client) => {
    await client.query('begin');
    await expect(client.query('begin')).rejects.toThrow('open inside this session already');
    await client.query('commit');
    await expect(client.query('begin isolation level serializable')).rejects.toThrow('READ COMMITTED');
    await expect(client.query('begin read only')).rejects.toThrow('for reading and writing');
  });
  await withSession(
    pool(),
    { user: ANN },
    async (client) => {
      await client.query('begin read only, isolation level read committed');
      await client.query('commit');
      await expect(client.query('begin read write')).rejects.toThrow('read only');
    },
    { key, readOnly: true },
  );
});

test.for([
  'commit',
  ' COMMIT work',
  '/* /* */ */commit',
  '-- why\nend',
  ';commit',
  'rollback',
  'abort',
  'commit and chain',
  "prepare transaction 'x'",
])('the session’s own transaction is not ended by %j', async (ending) => {
  await inSession(async (client) => {
    await client.query("insert into orders (item) values ('went on')");
    await expect(client.query(ending)).rejects.toThrow(TypeError);
    // refused here, so nothing has happened
    expect(await client.query("delete from orders where item = 'went on'")).toMatchObject({ rowCount: 1 });
  });
});

test('a statement that ends the transaction all the same ends the session, and nothing runs behind it', async () => {
  const one = shop().pool({ max: 1 });
  const cut = inSession(async (client) => {
    // past the look at how it begins
    const { connection } = sessionOf(client);
    await expect(connection.send({ text: 'commit' })).rejects.toThrow('ended the transaction of its session');
    return client.query("insert into prices values ('behind', 1)");
  }, one);
  await expect(cut).rejects.toThrow();
  expect(await shop().kept("select from prices where item = 'behind'")).toEqual([]);
  expect(await withSession(one, { user: BEN }, ids, { key: shop().key })).toEqual(ORDERS.ben);
});

test('what would stay on the connection is refused', async () => {
  await inSession(async (client) => {
    for (const [statement, why] of [
      ['listen news', 'LISTEN'],
      ['prepare p as select 1', 'PREPARE'],
      ['deallocate all', 'prepared statements'],
      ['discard all', 'state'],
      ['set role none', 'SET LOCAL'],
      ['set session role none', 'SET LOCAL'],
      ['SET SESSION AUTHORIZATION default', 'SET LOCAL'],
    ] as const) {
      await expect(client.query(statement)).rejects.toThrow(why);
    }
    await client.query("set application_name = 'mine'; ");
    await client.query('set local role none');
    expect(() => client.release()).toThrow('by itself');
    expect(() => client.query({ submit: () => undefined } as unknown as pg.Submittable)).toThrow(
      'cursors and streams',
    );
    expect(() => (client as unknown as { connect(): void }).connect()).toThrow('asPool');
    expect(() => (client as unknown as { setTypeParser(): void }).setTypeParser()).toThrow('type parser');
  });
});

test('settings, cursors and locks end with the session, and its connection goes on', async () => {
  const one = shop().pool({ max: 1 });
  const first = await inSession(async (client) => {
    await client.query("set search_path = 'nowhere'");
    await client.query('declare mine cursor with hold for select 1 as n');
    expect((await client.query('fetch mine')).rows).toEqual([{ n: 1 }]);
    await client.query('select pg_advisory_lock(42)');
    return (await client.query('select pg_backend_pid() as pid')).rows[0];
  }, one);
  const left = await one.query(
    `select pg_backend_pid() as pid, current_setting('search_path') as path, (select count(*)::int from pg_cursors) as cursors,
            (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks`,
  );
  expect(left.rows).toEqual([{ ...first, path: '"$user", public', cursors: 0, locks: 0 }]);
});

test('settings that were made with SET when the connection was made are reset, and those of the pool stay', async () => {
  const one = shop().pool({ max: 1, options: '-c search_path=public,pg_catalog' });
  one.on('connect', (client) => void client.query("set application_name = 'by hand'"));
  const settings = async (client: Pick<pg.ClientBase, 'query'>) =>
    (
      await client.query(
        "select current_setting('search_path') as path, current_setting('application_name') as name",
      )
    ).rows[0];
  expect(await settings(one)).toEqual({ path: 'public,pg_catalog', name: 'by hand' });
  await inSession(async (client) => client.query('set search_path = nowhere'), one);
  expect(await settings(one)).toEqual({ path: 'public,pg_catalog', name: '' });
});

test.for([
  'create temp table left_over as select * from orders',
  "select set_config('role', 'none', false), set_config('role', 'bailiwick_runtime', false)",
])('what cannot be taken from a connection goes with it: %s', async (leaving) => {
  const one = shop().pool({ max: 1 });
  const pidOf = async (client: Pick<pg.ClientBase, 'query'>) =>
    (await client.query('select pg_backend_pid() as pid')).rows[0].pid;
  const pid = await inSession(async (client) => {
    const own = await pidOf(client);
    await client.query(leaving);
    return own;
  }, one);
  expect(await pidOf(one)).not.toBe(pid);
  await expect(one.query('select * from left_over')).rejects.toMatchObject({ code: '42P01' });
});

test('what a statement means is told by its first words, past comments', () => {
  const meanings = {
    'select 1': 'other',
    begin: 'begin',
    'begin work': 'begin',
    'begin transaction isolation level read uncommitted not deferrable': 'begin',
    'begin isolation level repeatable read': 'refused',
    'start transaction read write': 'begin',
    start: 'other',
    'commit and no chain': 'commit',
    "commit prepared 'x'": 'refused',
    'rollback to a': 'rollback to',
    'rollback transaction to savepoint a': 'rollback to',
    'abort and chain': 'refused',
    'release a': 'other',
    'set local role a': 'other',
    'set local session authorization a': 'other',
    'set transaction read only': 'other',
    'set search_path = a': 'other',
    'unlisten *': 'other',
    '/* commit': 'other',
    '-- commit': 'other',
    '': 'other',
    '\u00a0commit': 'commit',
    committed: 'other',
    '(select 1)': 'other',
  };
  for (const [text, is] of Object.entries(meanings)) {
    expect([text, meaningOf(text).is]).toEqual([text, is]);
  }
});
