// Columns that were declared `encrypted`: what sessions seal and open, what `adopt seal` makes of what was there before, and the way back.

import { expect, onTestFinished, test, vi } from 'vitest';
import { withSession } from '../../src/library/bailiwick.ts';
import { type Cell, openSealing, type Sealing } from '../../src/library/sealing.ts';
import { openStore, phases, type Store } from './adopted.ts';

const LETTERS = `
  create schema store;
  set search_path = store;
  create table servers (id int primary key);
  create table accounts (id int primary key, server_id int not null references servers);
  create table letters (id bigint primary key, account_id int not null references accounts, subject varchar, body text not null);
  create table pages (letter_id bigint references letters, n int, body text, primary key (letter_id, n));
  insert into servers values (1), (2);
  insert into accounts values (1, 1), (2, 1), (3, 2);
  insert into letters select n, 1 + n % 3, case when n % 2 = 0 then 'subject ' || n end, 'letter ' || n from generate_series(1, 30) n;
  insert into pages select n, 2, 'page of ' || n from generate_series(1, 30) n;
`;
const DECLARED = (role: string, letters = `encrypted: ['subject', 'body']`) => `export default {
  schema: 'store',
  roles: ['${role}'],
  tenants: { table: 'servers' },
  users: { table: 'accounts', tenant: 'server_id' },
  tables: {
    accounts: { kind: 'account', owner: 'id' },
    letters: { kind: 'letter', owner: 'account_id', ${letters} },
    pages: { kind: 'letter', owner: { through: [{ column: 'letter_id', table: 'letters' }], column: 'account_id' }, encrypted: ['body'] },
  },
};\n`;
const IN_CLEAR = `select 'l' || id || coalesce(subject, '') || body as was from store.letters union all
  select 'p' || letter_id || n || body from store.pages order by 1`;
const SEALED = `select count(*)::int as n from (select unnest(array[subject, body]) as v from store.letters
  union all select body from store.pages) c where v like 'bwe1.%'`;

let store: Store;
let fields: Sealing;
let before: unknown[];
let catalog: unknown[];

async function open(operator?: 'owner') {
  store = await openStore(LETTERS, operator);
  onTestFinished(() => store.drop());
  before = await store.rows(IN_CLEAR);
  catalog = await store.catalog();
  await store.declare(DECLARED(store.role));
  fields = await openSealing(store.env);
  onTestFinished(() => fields.close());
  await store.adopted('backfill --skip-validation');
  await store.adopted('shadow --skip-validation');
  await store.adopted('strict --period 0s --skip-validation');
}

const body = (key: Cell['key'], table = 'letters'): Cell => ({ table, column: 'body', key });
const read = (user: number, cell: Cell) => {
  const where = cell.table === 'pages' ? 'letter_id = $1' : 'id = $1';
  return withSession(
    store.pool,
    { user },
    async (client) => {
      const key = typeof cell.key === 'object' ? cell.key[0] : cell.key;
      const { rows } = await client.query(
        `select ${cell.column} as v from store.${cell.table} where ${where}`,
        [key],
      );
      return await fields.open(client, cell, rows[0]?.v);
    },
    { key: store.key },
  );
};
const write = (user: number, cell: Cell, text: string) =>
  withSession(
    store.pool,
    { user },
    async (client) => {
      const sealed = await fields.seal(client, cell, text);
      await client.query('update store.letters set body = $2 where id = $1', [cell.key, sealed]);
      return sealed;
    },
    { key: store.key },
  );

test('what is sealed opens where it was written, for its owner, and nowhere else', async () => {
  await open();
  const sealed = await write(2, body(1), 'for nobody else');
  expect(sealed).toMatch(/^bwe1\.[0-9a-f]{32}\./);
  expect(await store.rows('select body from store.letters where id = 1')).toEqual([{ body: sealed }]);
  expect(await read(2, body(1))).toBe('for nobody else');
  // what stands in clear is read as before
  expect(await read(2, body(4))).toBe('letter 4');
  // copied by whoever can write past all policies: to another row, another column, another owner
  await store.rows(`update store.letters set body = '${sealed}', subject = '${sealed}' where id in (4, 2)`);
  await expect(read(2, body(4))).rejects.toMatchObject({ reason: 'altered' });
  await expect(read(2, { ...body(1), column: 'subject' })).resolves.toBeNull();
  await expect(read(2, { ...body(4), column: 'subject' })).rejects.toMatchObject({ reason: 'altered' });
  await expect(read(3, body(2))).rejects.toMatchObject({ reason: 'key' });
  await expect(fields.seal(store.pool, body(1), 'x')).rejects.toThrow('no client of a session');
});

test('everything is sealed, nothing in clear is let in any more, and everybody reads what they read', async () => {
  await open();
  await write(2, body(1), 'letter 1');
  const told = await store.adopt('seal --batch 4 --pause 0');
  expect(told).toMatchObject({ code: 0 });
  expect(told.out).toMatch(/^letters: 44 values sealed\npages: 30 values sealed\n/);
  expect(await store.rows(SEALED)).toEqual([{ n: 75 }]);
  expect(await read(2, body(4))).toBe('letter 4');
  expect(await read(1, { ...body(6), column: 'subject' })).toBe('subject 6');
  expect(await read(3, body([5, 2], 'pages'))).toBe('page of 5');
  await expect(
    store.as({ user: 2 }, "insert into store.letters values (99, 2, null, 'in clear')"),
  ).rejects.toMatchObject({ code: '23514' });
  expect((await store.adopted('seal')).split('\n').slice(0, 2)).toEqual([
    'letters: 0 values sealed',
    'pages: 0 values sealed',
  ]);
});

test('sealing that is ended goes on where it was, and everything is readable in between', async () => {
  await open();
  const ending = new AbortController();
  const sealing = store.adopt('seal --batch 1 --pause 20', { signal: ending.signal });
  await vi.waitUntil(async () => (await store.rows<{ n: number }>(SEALED))[0]?.n, { interval: 10 });
  ending.abort();
  expect(await sealing).toMatchObject({ code: 1 });
  const [{ n } = { n: 75 }] = await store.rows<{ n: number }>(SEALED);
  expect(n).toBeLessThan(75);
  expect(await read(2, body(1))).toBe('letter 1');
  expect(await read(1, body(30))).toBe('letter 30');
  await store.adopted('seal');
  expect(await store.rows(SEALED)).toEqual([{ n: 75 }]);
});

test('what has moved to another owner opens again when it was sealed anew', async () => {
  await open();
  await store.adopted('seal');
  await store.rows('update store.letters set account_id = 3 where id = 1');
  await expect(read(3, body(1))).rejects.toMatchObject({ reason: 'key' });
  expect(await store.adopted('seal')).toMatch(
    /letters: 0 values sealed; 1 sealed anew for who has them now\npages: 0 values sealed; 1 sealed anew/,
  );
  expect(await read(3, body(1))).toBe('letter 1');
  expect(await read(3, body([1, 2], 'pages'))).toBe('page of 1');
});

test('the way back: sealed values stay readable, nothing leaves while they are there, and all are in clear in the end', async () => {
  await open('owner');
  await store.adopted('seal --table letters');
  await store.adopted('rollback --to shadow --skip-validation');
  expect(await read(2, body(4))).toBe('letter 4');
  expect(await store.adopt('seal')).toMatchObject({ code: 2 });
  for (const line of ['rollback --to none', 'remove --yes']) {
    const { code, err } = await store.adopt(line);
    expect(code).toBe(1);
    expect(err).toContain('adopt unseal --table letters');
  }
  await store.declare(DECLARED(store.role, `encrypted: ['body']`));
  expect((await store.adopt('backfill')).err).toContain(
    'is declared without subject encrypted, and is sealed',
  );
  await store.declare(DECLARED(store.role));
  expect(await store.adopted('unseal')).toMatch(/^letters: 45 values in clear\npages: 0 values in clear\n/);
  expect(await store.rows(IN_CLEAR)).toEqual(before);
  expect(await read(2, body(4))).toBe('letter 4');
  await store.adopted('remove --yes');
  expect(await store.catalog()).toEqual(catalog);
  expect(await store.rows(IN_CLEAR)).toEqual(before);
});

test('columns may be declared encrypted later on, and no longer while nothing is sealed', async () => {
  await open();
  await store.declare(DECLARED(store.role, `encrypted: ['body']`));
  await store.adopted('backfill');
  expect(await store.adopted('seal --table letters')).toMatch(/^letters: 30 values sealed\n/);
  await store.declare(DECLARED(store.role));
  await store.adopted('backfill');
  expect(await store.adopted('seal --table letters')).toMatch(/^letters: 15 values sealed\n/);
  expect(await phases(store)).toEqual(['accounts strict', 'letters strict', 'pages strict']);
});

test('a value that does not open is named and stays; one whose key was destroyed is gone, and stands in nobody’s way', async () => {
  await open();
  await store.adopted('seal --table letters');
  await store.rows("update store.letters set body = overlay(body placing 'AAAA' from 60) where id = 7");
  await store.rows(`update bailiwick_data.data_keys set wrapped = null, destroyed_at = now()
    where holder_id = (select bailiwick_owner from store.letters where id = 2)`);
  fields.close();
  expect(await read(3, body(2))).toBeNull();
  await expect(read(2, body(7))).rejects.toMatchObject({ reason: 'altered' });
  await expect(write(3, body(2), 'x')).rejects.toMatchObject({ code: 'CONFLICT' });
  const { code, out } = await store.adopt('unseal --table letters');
  expect(code).toBe(1);
  expect(out).toContain(
    'letters: 29 values in clear; 15 gone, because their key was destroyed; 1 do not open, and stay as they are\n  body of 7: altered\n',
  );
  expect((await store.adopt('remove --yes')).err).toContain('has 1 sealed values');
  await store.rows("update store.letters set body = 'lost' where id = 7");
  await store.adopted('remove --yes');
});
