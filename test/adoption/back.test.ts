// The way back from each phase, under locks that others hold, and out of the database: nothing is left, and no row is lost.

import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { all, count, MEMORIES, openStore, phases, type Store, uuid } from './adopted.ts';

let store: Store;
let before: unknown;
beforeAll(async () => {
  store = await openStore();
  before = await store.catalog();
  await store.adopted('backfill');
  await store.adopted('shadow');
  await store.adopted('strict --period 0s');
});
afterAll(() => store.drop());

test('each phase is taken back by itself, and what was written meanwhile is valid in both directions', async () => {
  await store.as(
    { user: uuid('a2') },
    `insert into store.memories (id, agent_id, content) values ('${uuid('z')}', '${uuid('g2')}', '{}')`,
  );
  await store.adopted('rollback');
  expect(await phases(store)).toEqual(all('shadow'));
  expect(count(await store.old(MEMORIES))).toBe(63);
  await store.adopted('rollback --table memories --to owned');
  expect(await phases(store)).toEqual([
    'accounts shadow',
    'memories owned',
    'participants shadow',
    'rooms shadow',
  ]);
  await store.adopted('rollback --to none');
  expect(await phases(store)).toEqual(all('none'));
  await store.old(
    `insert into store.memories (id, agent_id, content) values ('${uuid('w')}', '${uuid('g3')}', '{}')`,
  );
  await store.adopted('backfill');
  await store.adopted('shadow');
  await store.adopted('strict --period 0s');
  expect(
    await store.as({ user: uuid('a3') }, `select id from store.memories where id = '${uuid('w')}'`),
  ).toHaveLength(1);
});

test('a step that does not get its lock is tried again, and the application waits no longer than that', async () => {
  const holder = new pg.Client({ connectionString: store.url });
  await holder.connect();
  await holder.query('begin');
  await holder.query('lock table store.memories in access share mode');
  const going = store.adopt('rollback --table memories --lock-timeout 30');
  const started = performance.now();
  let longest = 0;
  while (performance.now() - started < 600) {
    const asked = performance.now();
    await store.as({ user: uuid('a2') }, MEMORIES);
    longest = Math.max(longest, performance.now() - asked);
  }
  await holder.query('commit');
  await holder.end();
  const { code, err } = await going;
  expect([code, err]).toEqual([0, expect.stringContaining('no lock yet, attempt 2')]);
  expect(longest).toBeLessThan(1000);
  expect((await phases(store))[1]).toBe('memories shadow');
});

test('removal leaves nothing but the rows', async () => {
  expect((await store.adopt('remove')).code).toBe(2);
  await store.adopted('remove --yes');
  expect(await store.catalog()).toEqual(before);
  expect(count(await store.old(MEMORIES))).toBe(64);
  // and once more: there is nothing left to do
  expect(await store.adopted('remove --yes')).toContain('nothing to remove');
});
