// What is written through Prisma: one row or many, changed in part, marked and unmarked, below another row, and all at once.

import { expect } from 'vitest';
import { AGENTS, USERS } from '../../src/demo/cast.ts';
import { type EntityId, newId } from '../../src/ids.ts';
import { test } from '../kit/cast.ts';
import { openLane } from './lane.ts';
import { ENVELOPE, readBack, stored } from './sealed.ts';

const alice = USERS.alice.id;

test('what is rolled back takes its key with it', async ({ database, migrate }) => {
  const lane = await openLane(database);
  const keys = () =>
    migrate((sql) => sql.rows(`select id from data_keys where holder_id = '${AGENTS.late.id}'`));
  const write = (fail: boolean) =>
    lane.run('late', async ({ db }) => {
      await db.memory.createMany({ data: [{ content: 'first secret', sensitive: true }] as never });
      if (fail) {
        throw new Error('on second thoughts');
      }
    });
  await expect(write(true)).rejects.toThrow();
  expect(await keys()).toEqual([]);
  await write(false);
  expect(await keys()).toHaveLength(1);
  const seen = await lane.read('late', ({ db }) => db.memory.findMany({ where: { sensitive: true } }));
  expect(seen.map(({ content }) => content)).toEqual(['first secret']);
});

test('two first secrets at once are sealed with one key', async ({ database, migrate }) => {
  const lanes = [await openLane(database), await openLane(database)];
  await Promise.all(
    lanes.map((lane, at) =>
      lane.run('ada', ({ db }) =>
        db.memory.createMany({ data: [{ content: `secret ${at}`, sensitive: true }] as never }),
      ),
    ),
  );
  const [count] = await migrate((sql) =>
    sql.rows<{ n: string }>(`select count(*) n from data_keys where holder_id = '${USERS.ada.id}'`),
  );
  expect(count?.n).toBe('1');
  const seen = await lanes[0]?.read('ada', ({ db }) => db.memory.findMany({ where: { sensitive: true } }));
  expect(seen?.map(({ content }) => content).sort()).toEqual(['secret 0', 'secret 1']);
});

test('a change seals for the row it is made to, one or many, and marks are set and taken away', async ({
  database,
  migrate,
}) => {
  const lane = await openLane(database);
  const ids = [newId(), newId()];
  await lane.run('alice', ({ db }) =>
    db.memory.createMany({
      data: ids.map((id, at) => ({ id, content: `plain ${at}`, tags: ['batch'], metadata: { at } })) as never,
    }),
  );
  const change = (data: object) =>
    lane.run('alice', ({ db }) =>
      db.memory.updateMany({ where: { tags: { has: 'batch' } }, data: data as never }),
    );
  expect(await change({ sensitive: true })).toEqual({ count: 2 });
  for (const [at, id] of ids.entries()) {
    expect((await stored(migrate, id)).content).toMatch(ENVELOPE);
    expect(await readBack(lane, id)).toMatchObject({ content: `plain ${at}`, metadata: { at } });
  }
  expect(await change({ content: 'identical words' })).toEqual({ count: 2 });
  const [one, other] = await Promise.all(ids.map((id) => stored(migrate, id)));
  expect(one?.content).not.toBe(other?.content);
  expect(await readBack(lane, ids[1] ?? '')).toMatchObject({
    content: 'identical words',
    metadata: { at: 1 },
  });
  expect(await change({ sensitive: false })).toEqual({ count: 2 });
  expect(await stored(migrate, ids[0] ?? '')).toMatchObject({
    content: 'identical words',
    metadata: { at: 0 },
    search: expect.stringContaining('ident'),
  });
  expect(
    await lane.run('bob', ({ db }) =>
      db.memory.updateMany({ where: { id: { in: ids } }, data: { sensitive: true } }),
    ),
  ).toEqual({ count: 0 });
});

test('new rows below a new row are sealed for their own place', async ({ database, migrate }) => {
  const lane = await openLane(database);
  const id = newId<EntityId>();
  await lane.run('alice', async ({ db }) => {
    await db.entity.create({ data: { id, kind: 'agent' } as never });
    await db.agent.create({
      data: {
        id,
        name: 'nested',
        instructions: { create: { systemPrompt: 'told at birth' } },
        memories: {
          create: [{ content: 'kept', sensitive: true }, { content: 'open' }],
          createMany: { data: [{ content: 'kept too', sensitive: true, metadata: { a: 1 } }] },
        },
      } as never,
    });
  });
  const raw = await migrate((sql) =>
    sql.rows<{ system_prompt: string }>(`select system_prompt from agent_instructions where id = '${id}'`),
  );
  expect(raw[0]?.system_prompt).toMatch(ENVELOPE);
  const seen = await lane.read('alice', ({ db }) =>
    db.agent.findFirst({ where: { id }, include: { instructions: true, memories: true } }),
  );
  expect(seen?.instructions?.systemPrompt).toBe('told at birth');
  expect(seen?.memories.map(({ content }) => content).sort()).toEqual(['kept', 'kept too', 'open']);
  expect(seen?.memories.every(({ ownerId, createdBy }) => ownerId === alice && createdBy === alice)).toBe(
    true,
  );
});

test('many secrets at once need their key once', async ({ database }) => {
  const lane = await openLane(database);
  const cost = await lane.run('mallory', async (session) => {
    const data = Array.from({ length: 50 }, (_, at) => ({ content: `secret ${at}`, sensitive: true }));
    await session.db.memory.createMany({ data: data as never });
    return session.course.statements;
  });
  expect(cost).toBe(2);
});
