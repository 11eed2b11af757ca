// Sharing memories in a world: who may share and take back, who reads what others share and by which way, and that it ends on the next
// request after somebody has left.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { SCOPES } from '../../src/capabilities.ts';
import { USERS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { granted } from '../kit/granted.ts';
import { test } from '../kit/server.ts';
import { listen } from '../kit/stream.ts';
import { events, MEMORIES, SETTLED_MS, write } from '../live/heard.ts';
import {
  BOB,
  byId,
  create,
  GARDEN,
  join,
  leave,
  MEMBER,
  READING,
  role,
  share,
  shared,
  update,
  WORKSHOP,
  WRITING,
} from './shared.ts';

test('what stands in no world or is sensitive is not shared, and the answer says which', async ({
  query,
}) => {
  for (const [more, message] of [
    [{ worldId: null }, /worldId/],
    [{ sensitive: true }, /sensitive/],
    [{ worldId: null, sensitive: true }, /worldId/],
  ] as const) {
    const input = { content: 'x', worldId: GARDEN, shared: true, ...more } as documents.CreateMemoryInput;
    for (const [document, variables] of [
      [documents.CreateMemoryDocument, { input }],
      [documents.CreateMemoriesDocument, { input: { memories: [{ content: 'y' }, input] } }],
    ] as const) {
      const answer = await query(
        'alice',
        document as typeof documents.CreateMemoryDocument,
        variables as never,
      );
      expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
      expect(answer.body.errors?.[0]?.message).toMatch(message);
    }
  }
  const loose = await write({ query }, 'in no world');
  expect(await update(query, 'alice', loose, { shared: true })).toBe('FORBIDDEN');
  const secret = await write({ query }, 'a secret', { worldId: GARDEN, sensitive: true });
  expect(await update(query, 'alice', secret, { shared: true })).toBe('BAD_USER_INPUT');
  const known = await share(query, 'known');
  expect(await update(query, 'alice', known, { sensitive: true })).toBe('BAD_USER_INPUT');
  expect(await update(query, 'alice', known, { sensitive: true, shared: false })).toBe('Memory');
});

test('in a world of others nobody shares, and it is answered like one that is absent', async ({ query }) => {
  expect(await create(query, 'alice', { worldId: WORKSHOP })).toBe('NotFound');
  expect(await create(query, 'alice', { worldId: toGlobalId('World', newId()) })).toBe('NotFound');
});

test('a guest is shared with and does not share', async ({ query }) => {
  const before = await share(query, 'from before', 'bob');
  const kept = await write({ query }, 'kept to himself', { worldId: GARDEN }, 'bob');
  const alices = await share(query, 'for members and guests');
  await role(query, 'GUEST');
  try {
    expect(await create(query, 'bob', {})).toBe('FORBIDDEN');
    expect(await update(query, 'bob', kept, { shared: true })).toBe('FORBIDDEN');
    expect(await create(query, 'bob', { shared: false })).toBe('Memory');
    expect(await shared(query, 'bob')).toEqual(expect.arrayContaining([alices, before]));
    // what he has shared before is his to take back
    expect(await update(query, 'bob', before, { shared: false })).toBe('Memory');
    expect(await shared(query, 'alice')).not.toContain(before);
  } finally {
    await role(query, 'MEMBER');
  }
});

test('what others share nobody changes, takes back or deletes but its owner', async ({ server, query }) => {
  const id = await share(query, 'to be left alone');
  const { asking } = await granted(server, [...WRITING, 'memory:delete'], {
    by: 'bob',
    to: 'bobot',
    world: 'garden',
  });
  for (const [actor, acting] of [
    ['bob', {}],
    ['bobot', asking],
  ] as const) {
    expect(await byId(query, actor, id, acting)).toBe(id);
    for (const change of [{ content: 'y' }, { shared: false }, { tags: [] }, { sensitive: true }]) {
      expect([actor, await update(query, actor, id, change, acting)]).toEqual([actor, 'NotFound']);
    }
    const deleted = await query(actor, documents.DeleteMemoryDocument, { input: { id } }, acting);
    expect(dataOf(deleted).deleteMemory.__typename).toBe('NotFound');
  }
  expect(
    await server.migrate((sql) =>
      sql.value(`select content from memories where content = 'to be left alone'`),
    ),
  ).toBe('to be left alone');
});

test('who takes no part gets an empty page, as of a world that is absent', async ({ query }) => {
  const id = await share(query, 'among members');
  for (const actor of ['ada', 'mallory', 'scout', 'mimic'] as const) {
    expect([actor, await shared(query, actor)]).toEqual([actor, []]);
    expect(await byId(query, actor, id)).toBeNull();
  }
  const page = (worldId: string) => query('ada', documents.SharedMemoriesDocument, { worldId });
  const there = await page(GARDEN);
  expect(there.text).toBe((await page(toGlobalId('World', newId()))).text);
  expect(codesOf(await query('alice', documents.SharedMemoriesDocument, { worldId: BOB }))).toEqual([
    'BAD_USER_INPUT',
  ]);
  expect(codesOf(await query('nobody', documents.SharedMemoriesDocument, { worldId: GARDEN }))).toEqual([
    'UNAUTHENTICATED',
  ]);
});

test('a token without reading memories reads none of others either', async ({ query }) => {
  const id = await share(query, 'not for this token');
  const scopes = SCOPES.filter((scope) => scope !== 'memory:read');
  expect(await shared(query, 'bob', { scopes })).toEqual([]);
  expect(await byId(query, 'bob', id, { scopes })).toBeNull();
});

test('an agent reads what others share only where its delegation names the world, and shares only there', async ({
  server,
  query,
}) => {
  const id = await share(query, 'for members, and their agents that are sent here');
  const [anywhere, here] = [
    await granted(server, WRITING, { by: 'bob', to: 'bobot' }),
    await granted(server, WRITING, { by: 'bob', to: 'bobot', world: 'garden' }),
  ];
  expect(await shared(query, 'bobot', anywhere.asking)).not.toContain(id);
  expect(await byId(query, 'bobot', id, anywhere.asking)).toBeNull();
  expect(await create(query, 'bobot', {}, anywhere.asking)).toBe('FORBIDDEN');
  expect(await create(query, 'bobot', { shared: false }, anywhere.asking)).toBe('Memory');
  expect(await shared(query, 'bobot', here.asking)).toContain(id);
  expect(await byId(query, 'bobot', id, here.asking)).toBe(id);
  expect(await create(query, 'bobot', { content: 'by an agent, shared' }, here.asking)).toBe('Memory');
  expect(
    await update(
      query,
      'bobot',
      await write({ query }, 'bob’s', { worldId: GARDEN }, 'bob'),
      { shared: true },
      anywhere.asking,
    ),
  ).toBe('FORBIDDEN');
  const sharedByAgent = dataOf(
    await query('alice', documents.SharedMemoriesDocument, { worldId: GARDEN, first: 100 }),
  );
  expect(sharedByAgent.sharedMemories.edges.map(({ node }) => node.content)).toContain('by an agent, shared');
});

test('of its owner’s own, an agent without a world sees on that page what its owner shares', async ({
  query,
}) => {
  const [mine, others] = [await share(query, 'alice’s'), await share(query, 'bob’s', 'bob')];
  const seen = await shared(query, 'scout', { delegation: 'scout' });
  expect(seen).toContain(mine);
  expect(seen).not.toContain(others);
});

test('a fellow reads it, says whose it is, and sees neither the agent nor more of the owner', async ({
  query,
}) => {
  const scout = { delegation: 'scoutInGarden' } as const;
  expect(await create(query, 'scout', { content: 'by scout' }, scout)).toBe('Memory');
  const page = dataOf(await query('bob', documents.SharedMemoriesDocument, { worldId: GARDEN, first: 1 }));
  expect(page.sharedMemories.edges[0]?.node).toMatchObject({
    content: 'by scout',
    shared: true,
    ownerId: toGlobalId('User', USERS.alice.id),
    agent: null,
    world: { id: GARDEN },
  });
});

test('memories and search hold one’s own alone, and so do those of a world', async ({ server, query }) => {
  const id = await share(query, 'zucchini of the upper bed');
  const { asking } = await granted(server, WRITING, { by: 'bob', to: 'bobot', world: 'garden' });
  for (const [actor, acting] of [
    ['bob', {}],
    ['bobot', asking],
  ] as const) {
    expect(await shared(query, actor, acting)).toContain(id);
    const { memories } = dataOf(await query(actor, documents.MemoriesDocument, { first: 100 }, acting));
    expect(new Set(memories.edges.map(({ node }) => node.ownerId))).toEqual(new Set([BOB]));
    const here = { first: 100, filter: { worldId: GARDEN } };
    const inWorld = dataOf(await query(actor, documents.MemoriesDocument, here, acting)).memories;
    expect(inWorld.edges.map(({ node }) => node.id)).not.toContain(id);
    const found = dataOf(await query(actor, documents.SearchMemoriesDocument, { query: 'zucchini' }, acting));
    expect(found.searchMemories.edges).toEqual([]);
    const { node } = dataOf(await query(actor, documents.WorldWithMembersDocument, { id: GARDEN }, acting));
    expect(JSON.stringify(node)).not.toContain('zucchini');
  }
  expect(
    dataOf(await query('alice', documents.SearchMemoriesDocument, { query: 'zucchini' })).searchMemories
      .edges,
  ).toHaveLength(1);
});

test('a filter on another world finds nothing among what is shared here', async ({ query }) => {
  await share(query, 'here');
  const filter = { worldId: WORKSHOP };
  const page = dataOf(await query('bob', documents.SharedMemoriesDocument, { worldId: GARDEN, filter }));
  expect(page.sharedMemories.edges).toEqual([]);
});

test('pages follow each other without a gap, and a cursor of one world or of one’s own is none of another', async ({
  query,
}) => {
  for (const content of ['one', 'two', 'three', 'four', 'five']) {
    await share(query, content, content.length % 2 === 0 ? 'bob' : 'alice');
  }
  const all = await shared(query, 'bob');
  const found: string[] = [];
  let after: string | null = null;
  let first = '';
  do {
    const { edges, pageInfo }: documents.SharedMemoriesQuery['sharedMemories'] = dataOf(
      await query('bob', documents.SharedMemoriesDocument, { worldId: GARDEN, first: 2, after }),
    ).sharedMemories;
    found.push(...edges.map(({ node }) => node.id));
    first ||= pageInfo.endCursor ?? '';
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after !== null);
  expect(found).toEqual(all);
  for (const wrong of [
    query('bob', documents.SharedMemoriesDocument, { worldId: WORKSHOP, after: first }),
    query('bob', documents.MemoriesDocument, { after: first }),
    query('alice', documents.SharedMemoriesDocument, { worldId: GARDEN, after: first }),
  ]) {
    expect(codesOf(await wrong)).toEqual(['BAD_USER_INPUT']);
  }
});

test('a fellow hears of what is shared, changed, taken back and deleted, and of nothing else', async ({
  server,
  query,
}) => {
  const { asking } = await granted(server, READING, { by: 'bob', to: 'bobot', world: 'garden' });
  const loose = await granted(server, READING, { by: 'bob', to: 'bobot' });
  const [bob, sent, unsent, ada, mallory] = await Promise.all([
    listen(server, 'bob', MEMORIES),
    listen(server, 'bobot', MEMORIES, asking),
    listen(server, 'bobot', MEMORIES, loose.asking),
    listen(server, 'ada', MEMORIES),
    listen(server, 'mallory', MEMORIES),
  ] as const);
  await write(server, 'alice’s own', { worldId: GARDEN });
  const one = await share(query, 'shared');
  await bob.until(1);
  await update(query, 'alice', one, { content: 'changed' });
  await bob.until(2);
  const two = await share(query, 'to be deleted');
  await bob.until(3);
  await query('alice', documents.DeleteMemoryDocument, { input: { id: two } });
  await Promise.all([bob.until(4), sent.until(4)]);
  const secret = await write(server, 'never shared', { worldId: GARDEN });
  await query('alice', documents.DeleteMemoryDocument, { input: { id: secret } });
  await sleep(SETTLED_MS);
  const heard = [
    ['CREATED', 'memory.created', one],
    ['UPDATED', 'memory.updated', one],
    ['CREATED', 'memory.created', two],
    ['DELETED', 'memory.deleted', two],
  ];
  expect([bob, sent].map(events)).toEqual([heard, heard]);
  expect([unsent, ada, mallory].map(events)).toEqual([[], [], []]);
  expect(bob.got[1]?.data).toMatchObject({ memoryChanged: { memory: { content: 'changed' } } });
  for (const stream of [bob, sent, unsent, ada, mallory]) {
    stream.close();
  }
});

test('who has left reads and hears nothing from the next request on, and who has come back all of it', async ({
  server,
  query,
}) => {
  const id = await share(query, 'while he was here');
  const bobs = await share(query, 'of one who leaves', 'bob');
  const { asking } = await granted(server, READING, { by: 'bob', to: 'bobot', world: 'garden' });
  const bob = await listen(server, 'bob', MEMORIES);
  expect(await byId(query, 'bob', id)).toBe(id);
  let member = MEMBER;
  expect((await leave(query, member)).__typename).toBe('RemovedMember');
  expect(await byId(query, 'bob', id)).toBeNull();
  expect(await shared(query, 'bob')).not.toContain(id);
  expect(
    codesOf(await query('bobot', documents.SharedMemoriesDocument, { worldId: GARDEN }, asking)),
  ).toEqual([]);
  expect(await shared(query, 'bobot', asking)).toEqual([]);
  await update(query, 'alice', id, { content: 'behind his back' });
  await share(query, 'behind his back too');
  await sleep(SETTLED_MS);
  expect(events(bob)).toEqual([]);
  // what he had shared stays with the others until he takes it back, which he can, and cannot share again
  expect(await shared(query, 'alice')).toContain(bobs);
  expect(await update(query, 'bob', bobs, { content: 'still shared' })).toBe('FORBIDDEN');
  expect(await update(query, 'bob', bobs, { shared: false })).toBe('Memory');
  expect(await shared(query, 'alice')).not.toContain(bobs);
  expect(await update(query, 'bob', bobs, { shared: true })).toBe('FORBIDDEN');
  member = await join(query);
  expect(member).not.toBe('');
  expect(await shared(query, 'bob')).toContain(id);
  const again = await share(query, 'he is back');
  const back = await listen(server, 'bob', MEMORIES, {}, bob.lastEventId);
  await back.until(1);
  expect(events(back).map(([, , one]) => one)).toContain(again);
  bob.close();
  back.close();
});

test('in a world that is archived nothing is shared any more', async ({ query }) => {
  const { createWorld: made } = dataOf(
    await query('alice', documents.CreateWorldDocument, { input: { name: 'For a while' } }),
  );
  const worldId = 'id' in made ? made.id : '';
  await query('alice', documents.AddWorldMemberDocument, { input: { worldId, userId: BOB } });
  const id = await write({ query }, 'for a while', { worldId, shared: true });
  expect(await byId(query, 'bob', id)).toBe(id);
  dataOf(await query('alice', documents.DeleteWorldDocument, { input: { id: worldId } }));
  expect(await byId(query, 'bob', id)).toBeNull();
  expect(await shared(query, 'bob', {}, worldId)).toEqual([]);
  expect(await create(query, 'alice', { worldId })).not.toBe('Memory');
});
