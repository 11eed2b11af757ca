// What is read without Prisma is narrowed like what is read through it: with row security off, the second layer alone keeps every statement
// with the caller's tenant and owner. And the last statement of a session, which takes its end along.

import { expect } from 'vitest';
import { readDirectly } from '../../../src/db/direct/reading.ts';
import type { Query, Wanted } from '../../../src/db/direct/statement.ts';
import type { NamedStatement } from '../../../src/db/exchange.ts';
import { opening } from '../../../src/db/pool.ts';
import type { Opening } from '../../../src/db/sealed-connection.ts';
import { test as cast } from '../../kit/cast.ts';
import { backendOf, expectIsolated, hasEnded, note, notesKept, openLane } from '../lane.ts';
import { test as base, CALLERS, concernOf, delegate, listsOf, MODELS } from '../unguarded.ts';

type Model = (typeof MODELS)[number];

const test = base.extend('lane', { scope: 'file' }, ({ unguarded }, { onCleanup }) =>
  openLane(unguarded, { statementMs: 5000, transactionMs: 20_000 }, onCleanup),
);

const plain = (model: Model): Wanted => ({ model, fields: new Set(['id']), singles: new Map() });
const ALL: Query = { where: {}, orderBy: [{ id: 'asc' }], take: 1000 };

test.for(MODELS)('no direct read of %s leaves the caller', async (model, { unguarded, lane }) => {
  for (const [actor, acting] of CALLERS) {
    await lane.read(
      actor,
      async (session) => {
        const { concerned, foreign } = await concernOf(unguarded, model, session);
        expect(foreign.length).toBeGreaterThan(0);
        const read = async (where: object) => {
          const { rows, places } = await readDirectly(
            { wanted: plain(model), query: { ...ALL, where } },
            false,
          );
          return rows.map((row) => row[places.id]);
        };
        expect(await read({})).toEqual(concerned);
        expect(await read({ OR: [{ id: { in: foreign.map(({ id }) => id) } }, {}] })).toEqual(concerned);
        expect(await read({ id: { in: foreign.map(({ id }) => id) } })).toEqual([]);
      },
      acting,
    );
  }
});

const NESTED = MODELS.flatMap((model) =>
  listsOf(model).map(({ name, type }) => [model, name, type] as const),
);

test.for(NESTED)('no direct read of %s.%s leaves the caller', async ([model, relation, other], { lane }) => {
  for (const [actor, acting] of CALLERS) {
    await lane.read(
      actor,
      async (session) => {
        const level = { wanted: plain(model), query: ALL };
        const below = { wanted: plain(other), query: ALL, relation };
        const { rows, places } = await readDirectly({ ...level, below }, false);
        const pairs = rows.flatMap((row) => {
          const inner = row[places.below?.id ?? -1];
          return inner === null ? [] : [`${row[places.id]} ${inner}`];
        });
        const through = await delegate(session, model).findMany({
          select: { id: true, [relation]: { select: { id: true } } },
        });
        const expected = through.flatMap((row) =>
          (row[relation] as { id: string }[]).map(({ id }) => `${row.id} ${id}`),
        );
        expect(pairs.sort()).toEqual(expected.sort());
      },
      acting,
    );
  }
});

const LAST: NamedStatement = { name: '', text: 'select distinct owner_id::text as owner from memories' };
const connection = () => (opening.getStore() as Required<Opening>).connection;

cast('the last statement takes the end of its session along', async ({ database }) => {
  const lane = await openLane(database);
  const pid = await lane.read('bob', backendOf);
  const { roundTrips, statements, ended } = await lane.read('alice', async (session) => {
    expect(await connection().read(LAST, true)).toEqual([[session.ownerId]]);
    const { roundTrips, statements, ended } = session.course;
    return { roundTrips, statements, ended };
  });
  expect([roundTrips, statements, ended]).toEqual([2, 1, true]);
  // its connection is good for the next
  expect(await lane.read('bob', backendOf)).toBe(pid);
  await expectIsolated(lane);
});

cast('after the last statement there is none', async ({ database }) => {
  const lane = await openLane(database);
  const late = await lane.read('alice', async ({ db }) => {
    await connection().read(LAST, true);
    const more = [
      () => connection().query(LAST),
      () => connection().read(LAST, true),
      () => db.memory.count(),
    ];
    return await Promise.all(more.map((ask) => ask().then(String, (error: Error) => error.message)));
  });
  expect(late).toEqual(Array(3).fill(expect.stringContaining('in a transaction that is committed')));
  await expectIsolated(lane);
});

cast('a last statement that fails is an error, and its connection is gone', async ({ database }) => {
  const lane = await openLane(database);
  const pid = await lane.read('alice', backendOf);
  await expect(
    lane.read('alice', () => connection().read({ name: '', text: 'select 1 / 0' }, true)),
  ).rejects.toMatchObject({
    code: 'INTERNAL',
    cause: { code: '22012' },
  });
  expect(await hasEnded(database, pid)).toBe(true);
  await expectIsolated(lane);
});

cast(
  'a session that another statement has opened for somebody else does not end well',
  async ({ database }) => {
    const lane = await openLane(database);
    const foreign = { name: '', text: "select set_config('bailiwick.context', '', true)" };
    await expect(lane.read('alice', () => connection().read(foreign, true))).rejects.toMatchObject({
      code: 'INTERNAL',
    });
    await expectIsolated(lane);
  },
);

cast('what writes has no last statement', async ({ database }) => {
  const lane = await openLane(database);
  await expect(
    lane.run('alice', async (session) => {
      await note(session, 'before the last');
      await connection().read(LAST, true);
    }),
  ).rejects.toMatchObject({ code: 'INTERNAL', cause: expect.any(TypeError) });
  expect(await notesKept(database, 'before the last')).toBe(0);
  await expectIsolated(lane);
});
