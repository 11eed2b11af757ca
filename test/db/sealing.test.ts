// Transparent encryption through Prisma: envelopes in the table, values for the holder, nothing for anybody else, and an error
// where something does not open.

import { expect } from 'vitest';
import { AGENTS } from '../../src/demo/cast.ts';
import { BailiwickError } from '../../src/errors.ts';
import { through as chains, test } from '../kit/cast.ts';
import { type Lane, openLane } from './lane.ts';
import { ENVELOPE, readBack, type Stored, secret, stored } from './sealed.ts';

const scout = AGENTS.scout.id;
const PRIVATE = 'Dr. Iyer answers on Tuesdays and prefers the telephone.';
const PROMPT = 'You are Scout. Find, check and note. Never state what you could not trace to a source.';

/** What came of asking for a value that is damaged. */
async function damage(lane: Lane, id: string): Promise<unknown> {
  const row = await readBack(lane, id);
  try {
    return row?.content;
  } catch (error) {
    return error;
  }
}

test('whoever is not the holder reads null in place of the value, without a word about it', async ({
  database,
  migrate,
}) => {
  const lane = await openLane(database);
  const id = await secret(lane, 'for alice alone');
  // a policy that shows too much: what row security is there for has failed
  await migrate((sql) =>
    sql.rows('create policy leak on memories for select to bailiwick_runtime using (true)'),
  );
  await migrate((sql) => sql.rows('drop policy tenant_floor on memories'));
  const read = "select id, owner_id, sensitive, content, metadata from memories where id = '%'".replace(
    '%',
    id,
  );
  for (const [actor, acting] of [
    ['bob', undefined],
    ['ada', undefined],
    ['scout', undefined],
    ['mallory', undefined],
    ['bobot', chains.bobot],
  ] as const) {
    const [row] = await lane.read(
      actor,
      async ({ db }) => db.$opened('Memory', await db.$queryRawUnsafe<object[]>(read)),
      acting,
    );
    expect([actor, row]).toEqual([actor, expect.objectContaining({ id, content: null, metadata: null })]);
  }
  const [own] = await lane.read(
    'scout',
    async ({ db }) => db.$opened('Memory', await db.$queryRawUnsafe<object[]>(read)),
    chains.scout,
  );
  expect(own).toMatchObject({ content: 'for alice alone', metadata: {} });
  await migrate((sql) => sql.rows('drop policy leak on memories'));
  await migrate((sql) =>
    sql.rows(`create policy tenant_floor on memories as restrictive for all to bailiwick_runtime
      using (tenant_id = (select bailiwick.tenant_id()))`),
  );
});

test('a value from raw SQL is not opened without what it is bound to', async ({ database }) => {
  const lane = await openLane(database);
  const opened = lane.read('alice', async ({ db }) =>
    db.$opened('Memory', await db.$queryRaw<object[]>`select id, content, sensitive from memories`),
  );
  await expect(opened).rejects.toMatchObject({
    cause: { message: 'Memory.content opens only with owner_id beside it' },
  });
});

test('raw SQL shows an envelope, to the owner too, and no words to search', async ({ database, migrate }) => {
  const lane = await openLane(database);
  const id = await secret(lane, 'xyzzy', { metadata: { plugh: 'plover' } });
  const row = await stored(migrate, id);
  expect(row.content).toMatch(ENVELOPE);
  expect(row.metadata).toMatch(ENVELOPE);
  expect(row.search).toBeNull();
  const [raw] = await lane.read(
    'alice',
    ({ db }) => db.$queryRaw<Stored[]>`select content, metadata from memories where id = ${id}::uuid`,
  );
  expect(raw?.content).toMatch(ENVELOPE);
});

test('a value that was altered, or moved from another row, is an error to whoever asks for it and hides no other', async ({
  database,
  migrate,
}) => {
  const lane = await openLane(database);
  const [one, other, third] = [
    await secret(lane, 'one'),
    await secret(lane, 'other'),
    await secret(lane, 'third'),
  ];
  const { content } = await stored(migrate, other);
  await migrate((sql) => sql.rows(`update memories set content = '${content}' where id = '${one}'`));
  await migrate((sql) =>
    sql.rows(`update memories set content = left(content, -2) || 'AA' where id = '${third}'`),
  );
  for (const id of [one, third]) {
    const error = await damage(lane, id);
    expect(error).toBeInstanceOf(BailiwickError);
    expect(error).toMatchObject({ code: 'INTERNAL', cause: { reason: 'altered', place: { rowId: id } } });
    expect((error as Error).message).not.toMatch(/one|other|third|bwe1/);
  }
  const page = await lane.read('alice', ({ db }) =>
    db.memory.findMany({ where: { id: { in: [one, other, third] } }, orderBy: { id: 'asc' } }),
  );
  expect(page).toHaveLength(3);
  expect(page[1]?.content).toBe('other');
});

test('a value in clear where only envelopes may stand is an error', async ({ database, migrate }) => {
  const lane = await openLane(database);
  const id = await secret(lane, 'sealed');
  await migrate((sql) => sql.rows('alter table memories drop constraint memories_content_sealed'));
  await migrate((sql) => sql.rows(`update memories set content = 'smuggled' where id = '${id}'`));
  expect(await damage(lane, id)).toMatchObject({ code: 'INTERNAL', cause: { reason: 'plain' } });
  await migrate((sql) => sql.rows(`delete from memories where id = '${id}'`));
  await migrate((sql) =>
    sql.rows(
      `alter table memories add constraint memories_content_sealed check (not sensitive or starts_with(content, 'bwe1.'))`,
    ),
  );
});

test('what a destroyed key sealed is gone without an error, and nothing more is sealed for its holder', async ({
  database,
  migrate,
}) => {
  const lane = await openLane(database);
  const told = () =>
    lane.read('bob', ({ db }) =>
      db.agentInstructions.findMany({ where: { id: AGENTS.bobot.id }, select: { systemPrompt: true } }),
    );
  expect(await told()).toEqual([{ systemPrompt: 'You are Bobot. Be brief. Always give part numbers.' }]);
  await migrate((sql) =>
    sql.rows(
      `update data_keys set wrapped = null, destroyed_at = now() where holder_id = '${AGENTS.bobot.id}'`,
    ),
  );
  // another server, which remembers nothing
  const later = await openLane(database);
  const gone = await later.read('bob', ({ db }) =>
    db.agentInstructions.findMany({ where: { id: AGENTS.bobot.id }, select: { systemPrompt: true } }),
  );
  expect(gone).toEqual([{ systemPrompt: null }]);
  const written = later.run('bob', ({ db }) =>
    db.agentInstructions.updateMany({ where: { id: AGENTS.bobot.id }, data: { systemPrompt: 'anew' } }),
  );
  await expect(written).rejects.toMatchObject({ code: 'CONFLICT' });
  // and this one, which still remembers the key, is refused by the database
  const late = lane.run('bob', ({ db }) =>
    db.agentInstructions.updateMany({ where: { id: AGENTS.bobot.id }, data: { systemPrompt: 'late' } }),
  );
  await expect(late).rejects.toMatchObject({ code: 'FORBIDDEN' });
});

test('nobody compares, orders or groups by what is encrypted', async ({ database }) => {
  const lane = await openLane(database);
  for (const ask of [
    { where: { content: 'x' } },
    { where: { OR: [{ NOT: { content: { contains: 'x' } } }] } },
    { where: { agent: { is: { instructions: { is: { systemPrompt: 'x' } } } } } },
    { orderBy: { content: 'asc' } },
    { distinct: ['content'] },
  ]) {
    await expect(lane.read('alice', ({ db }) => db.memory.findMany(ask as never))).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/which is encrypted$/) },
    });
  }
  await expect(
    lane.read('alice', ({ db }) => db.memory.groupBy({ by: ['content'] } as never)),
  ).rejects.toMatchObject({ code: 'INTERNAL' });
});

test('values are read however they are asked for, and what was only needed to open them does not show', async ({
  database,
}) => {
  const lane = await openLane(database);
  await lane.read('alice', async ({ db, tenantId }) => {
    const people = { sensitive: true, tags: { has: 'people' } };
    expect(await db.memory.findMany({ where: people, select: { content: true } })).toEqual([
      { content: PRIVATE },
    ]);
    const omitted = await db.memory.findFirst({
      where: people,
      omit: { ownerId: true, id: true, sensitive: true },
    });
    expect(omitted).toMatchObject({ content: PRIVATE });
    expect(Object.keys(omitted ?? {})).not.toContain('ownerId');
    const agents = await db.agent.findMany({
      where: { id: scout },
      select: { name: true, instructions: { select: { systemPrompt: true } } },
    });
    expect(agents).toEqual([
      { name: 'Scout, the research assistant', instructions: { systemPrompt: PROMPT } },
    ]);
    const included = await db.entity.findMany({
      where: { id: scout },
      include: { agent: { include: { instructions: true } } },
    });
    expect(included[0]?.agent?.instructions?.systemPrompt).toBe(PROMPT);
    const unique = await db.agentInstructions.findUnique({ where: { tenantId_id: { tenantId, id: scout } } });
    expect(unique?.privateInstructions).toMatch(/Lisbon/);
  });
});

test('an agent as itself reads what it is told, and under a delegation it does not', async ({ database }) => {
  const lane = await openLane(database);
  const told = ({ db }: { db: Parameters<Parameters<Lane['read']>[1]>[0]['db'] }) =>
    db.agentInstructions.findMany({ where: { id: scout }, select: { systemPrompt: true } });
  expect(await lane.read('scout', told, chains.scout)).toEqual([]);
  expect(await lane.read('scout', told)).toEqual([{ systemPrompt: PROMPT }]);
});

test('keys are fetched once, and then cost no round trip', async ({ database }) => {
  const lane = await openLane(database);
  const cost = () =>
    lane.read('alice', async (session) => {
      await session.db.memory.findMany({ where: { sensitive: true } });
      return session.course.statements;
    });
  expect([await cost(), await cost(), await cost()]).toEqual([2, 1, 1]);
});
