// Writing memories, one and many, in person and for an owner.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { newId } from '../../src/ids.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

const GARDEN = toGlobalId('World', WORLDS.garden.id);
const WORKSHOP = toGlobalId('World', WORLDS.workshop.id);
const SCOUT = toGlobalId('Agent', AGENTS.scout.id);

type Input = documents.CreateMemoryInput;
const create = async (
  query: RunningServer['query'],
  actor: 'alice' | 'bob' | 'scout' | 'bobot',
  input: Input,
  asking: Asking = {},
) => dataOf(await query(actor, documents.CreateMemoryDocument, { input }, asking)).createMemory;

const count = ({ migrate }: RunningServer) =>
  migrate((sql) => sql.value('select count(*)::int from memories'));

test('a world or an agent out of sight is refused like one that is absent, and nothing is written', async ({
  server,
  query,
}) => {
  const before = await count(server);
  const references: [hidden: Partial<Input>, absent: Partial<Input>][] = [
    [{ worldId: WORKSHOP }, { worldId: toGlobalId('World', newId()) }],
    [{ worldId: toGlobalId('World', WORLDS.vault.id) }, { worldId: toGlobalId('World', newId()) }],
    [{ agentId: toGlobalId('Agent', AGENTS.bobot.id) }, { agentId: toGlobalId('Agent', newId()) }],
    [{ agentId: toGlobalId('Agent', AGENTS.mimic.id) }, { agentId: toGlobalId('Agent', newId()) }],
  ];
  for (const [hidden, absent] of references) {
    const first = await query('alice', documents.CreateMemoryDocument, {
      input: { content: 'x', ...hidden },
    });
    expect(dataOf(first).createMemory.__typename).toBe('NotFound');
    expect(
      (await query('alice', documents.CreateMemoryDocument, { input: { content: 'x', ...absent } })).text,
    ).toBe(first.text);
  }
  expect(await count(server)).toBe(before);
});

test('a delegation limited to a world writes in that world only', async ({ query }) => {
  const asking: Asking = { delegation: 'scoutInGarden' };
  expect(await create(query, 'scout', { content: 'in', worldId: GARDEN }, asking)).toMatchObject({
    __typename: 'Memory',
    world: { id: GARDEN },
  });
  for (const input of [{ content: 'in no world' }, { content: 'x', worldId: null }]) {
    const refused = await query('scout', documents.CreateMemoryDocument, { input }, asking);
    expect(codesOf(refused)).toEqual(['FORBIDDEN']);
  }
});

test('a delegate without a capability changes and deletes nothing', async ({ query }) => {
  const id = toGlobalId('Memory', MEMORIES.find(({ owner }) => owner === 'bob')?.id ?? '');
  const asking: Asking = { delegation: 'bobot' };
  const updated = await query(
    'bobot',
    documents.UpdateMemoryDocument,
    { input: { id, content: 'x' } },
    asking,
  );
  expect(dataOf(updated).updateMemory.__typename).toBe('NotFound');
  const deleted = await query('bobot', documents.DeleteMemoryDocument, { input: { id } }, asking);
  expect(dataOf(deleted).deleteMemory.__typename).toBe('NotFound');
});

test('a token that does not carry the capability takes it away from the owner too', async ({ query }) => {
  const scopes = ['memory:read'];
  expect(
    codesOf(await query('alice', documents.CreateMemoryDocument, { input: { content: 'x' } }, { scopes })),
  ).toEqual(['FORBIDDEN']);
});

test('input that cannot be a memory is refused with the place of every fault', async ({ query }) => {
  const wrong: [input: Input, place: string][] = [
    [{ content: '' }, 'input.content'],
    [{ content: 'x'.repeat(100_001) }, 'input.content'],
    [{ content: 'x', kind: 'Not a word' }, 'input.kind'],
    [{ content: 'x', kind: '' }, 'input.kind'],
    [{ content: 'x', tags: Array(51).fill('t') }, 'input.tags'],
    [{ content: 'x', tags: [''] }, 'input.tags.0'],
    [{ content: 'x', tags: ['x'.repeat(101)] }, 'input.tags.0'],
    [{ content: 'x', worldId: SCOUT }, 'World'],
    [{ content: 'x', agentId: GARDEN }, 'Agent'],
    [{ content: 'x', agentId: 'x' }, 'global id'],
  ];
  for (const [input, place] of wrong) {
    const answer = await query('alice', documents.CreateMemoryDocument, { input });
    expect([place, ...codesOf(answer)]).toEqual([place, 'BAD_USER_INPUT']);
    expect(answer.body.errors?.[0]?.message).toContain(place);
  }
});

test('more than 500 at once are refused, and none', async ({ server, query }) => {
  const before = await count(server);
  const many = await query('alice', documents.CreateMemoriesDocument, {
    input: { memories: Array(501).fill({ content: 'x' }) },
  });
  expect(codesOf(many)).toEqual(['LIMIT_EXCEEDED']);
  expect(
    codesOf(await query('alice', documents.CreateMemoriesDocument, { input: { memories: [] } })),
  ).toEqual(['BAD_USER_INPUT']);
  expect(await count(server)).toBe(before);
});

test('one bad memory among many, and none is written', async ({ server, query }) => {
  const before = await count(server);
  const good = Array.from({ length: 20 }, (_, n) => ({ content: `good ${n}` }));
  const bad: Input[] = [{ content: '' }, { content: 'x', kind: 'NO' }, { content: 'x', agentId: 'x' }];
  for (const one of bad) {
    const answer = await query('alice', documents.CreateMemoriesDocument, {
      input: { memories: [...good, one] },
    });
    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
  }
  for (const one of [
    { content: 'x', worldId: WORKSHOP },
    { content: 'x', agentId: toGlobalId('Agent', newId()) },
  ]) {
    const answer = await query('alice', documents.CreateMemoriesDocument, {
      input: { memories: [...good, one] },
    });
    expect(dataOf(answer).createMemories.__typename).toBe('NotFound');
  }
  expect(await count(server)).toBe(before);
});

test('five hundred are one INSERT, and come back in the order given', async ({ server, query }) => {
  const contents = Array.from({ length: 500 }, (_, n) => `bulk ${n}`);
  const memories = contents.map((content) => ({ content, worldId: GARDEN, agentId: SCOUT, tags: ['bulk'] }));
  const answer = await query('alice', documents.CreateMemoriesDocument, { input: { memories } });
  expect(dataOf(answer).createMemories).toMatchObject({ memories: contents.map((content) => ({ content })) });
  const { statements, roundTrips } = server.cost(answer);
  expect(statements.filter((text) => /^insert into "public"."memories"/i.test(text))).toHaveLength(1);
  expect(statements.filter((text) => /^insert/i.test(text))).toHaveLength(1);
  expect(roundTrips).toBeLessThanOrEqual(7);
});

test('an owner writes, changes and deletes a memory', async ({ query }) => {
  const input = {
    content: 'Buy string',
    kind: 'task',
    tags: ['b', 'a'],
    metadata: { due: { day: 3 } },
    worldId: GARDEN,
    agentId: SCOUT,
  };
  const created = await create(query, 'alice', input);
  expect(created).toMatchObject({
    __typename: 'Memory',
    content: 'Buy string',
    kind: 'task',
    tags: ['b', 'a'],
    metadata: { due: { day: 3 } },
    world: { id: GARDEN },
    agent: { id: SCOUT },
  });
  const id = created.__typename === 'Memory' ? created.id : '';
  const update = async (changes: Partial<documents.UpdateMemoryInput>) =>
    dataOf(await query('alice', documents.UpdateMemoryDocument, { input: { id, ...changes } })).updateMemory;
  expect(await update({ content: 'Buy twine' })).toMatchObject({
    content: 'Buy twine',
    kind: 'task',
    tags: ['b', 'a'],
  });
  expect(await update({ tags: [], metadata: {} })).toMatchObject({
    content: 'Buy twine',
    tags: [],
    metadata: {},
  });
  expect(await update({ content: null, kind: null })).toMatchObject({ content: 'Buy twine', kind: 'task' });
  const removed = dataOf(
    await query('alice', documents.DeleteMemoryDocument, { input: { id } }),
  ).deleteMemory;
  expect(removed).toEqual({ __typename: 'DeletedMemory', deletedId: id });
  expect(dataOf(await query('alice', documents.NodeDocument, { id })).node).toBeNull();
  const again = dataOf(await query('alice', documents.DeleteMemoryDocument, { input: { id } })).deleteMemory;
  expect(again.__typename).toBe('NotFound');
});

test('what is left out has sensible values: a note, of nobody in particular, in no world', async ({
  query,
}) => {
  expect(await create(query, 'bob', { content: 'plain' })).toMatchObject({
    kind: 'note',
    tags: [],
    metadata: {},
    agent: null,
    world: null,
  });
});

test('a delegate keeps what it writes, unless it names another agent of the owner', async ({
  server,
  query,
}) => {
  await create(query, 'bobot', { content: 'kept by bobot' }, { delegation: 'bobot' });
  const keeper = (content: string) =>
    server.migrate((sql) =>
      sql.rows('select owner_id, agent_id from memories where content = $1', [content]),
    );
  expect(await keeper('kept by bobot')).toEqual([{ owner_id: USERS.bob.id, agent_id: AGENTS.bobot.id }]);
  const scribe = toGlobalId('Agent', AGENTS.scribe.id);
  expect(
    await create(query, 'scout', { content: 'for scribe', agentId: scribe }, { delegation: 'scout' }),
  ).toMatchObject({ agent: { id: scribe } });
});

test('what an agent writes as itself is its own, and its owner does not see it', async ({ query }) => {
  const mine = await create(query, 'scout', { content: 'my own' });
  const id = mine.__typename === 'Memory' ? mine.id : '';
  expect(dataOf(await query('scout', documents.NodeDocument, { id })).node).toMatchObject({ id });
  expect(dataOf(await query('alice', documents.NodeDocument, { id })).node).toBeNull();
  expect(
    dataOf(await query('scout', documents.NodeDocument, { id }, { delegation: 'scout' })).node,
  ).toBeNull();
});
