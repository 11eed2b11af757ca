// Reading memories: each actor sees the memories of one owner, as far as its authority goes at this moment.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { type ActorName, AGENTS, WORLDS } from '../../src/demo/cast.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

const ofOwner = (owner: ActorName) =>
  MEMORIES.filter((memory) => memory.owner === owner).map(({ content }) => content);

async function seen(query: RunningServer['query'], actor: ActorName, asking: Asking = {}): Promise<string[]> {
  const { memories } = dataOf(await query(actor, documents.MemoriesDocument, { first: 100 }, asking));
  return memories.edges.map(({ node }) => node.content ?? 'nothing').sort();
}

test('nobody sees a memory', async ({ query }) => {
  expect(codesOf(await query('nobody', documents.MemoriesDocument, {}))).toEqual(['UNAUTHENTICATED']);
});

test('expired, revoked, and without the capability, a delegate sees nothing', async ({ query }) => {
  expect(await seen(query, 'late', { delegation: 'late' })).toEqual([]);
  expect(await seen(query, 'rogue', { delegation: 'rogue' })).toEqual([]);
  expect(await seen(query, 'scout', { delegation: 'scout', scopes: ['agent:read'] })).toEqual([]);
  expect(await seen(query, 'alice', { scopes: [] })).toEqual([]);
});

test('a delegation of somebody else is no delegation', async ({ query }) => {
  for (const [actor, delegation] of [
    ['bobot', 'scout'],
    ['scribe', 'scout'],
    ['mallory', 'scout'],
    ['alice', 'scout'],
    ['mimic', 'bobot'],
  ] as const) {
    const answer = await query(actor, documents.MemoriesDocument, {}, { delegation });
    expect([actor, answer.status, ...codesOf(answer)]).toEqual([actor, 401, 'UNAUTHENTICATED']);
  }
});

test('a member of a world does not see what other members remember there', async ({ query }) => {
  const { node } = dataOf(
    await query('bob', documents.WorldWithMembersDocument, { id: toGlobalId('World', WORLDS.garden.id) }),
  );
  const contents =
    node && 'memories' in node ? node.memories?.edges.map((edge) => edge.node.content) : undefined;
  expect(contents).toEqual(
    MEMORIES.filter(({ owner, world }) => owner === 'bob' && world === 'garden').map(
      ({ content }) => content,
    ),
  );
});

test('each owner sees its own memories and no others, an administrator included', async ({ query }) => {
  for (const actor of ['alice', 'bob', 'ada', 'mallory'] as const) {
    expect(await seen(query, actor)).toEqual(ofOwner(actor).sort());
  }
});

test('an agent sees its own as itself, and its owner’s through a delegation, never both', async ({
  query,
}) => {
  expect(await seen(query, 'scout')).toEqual(ofOwner('scout'));
  expect(await seen(query, 'scout', { delegation: 'scout' })).toEqual(ofOwner('alice').sort());
  expect(await seen(query, 'scribe', { delegation: 'scribe' })).toEqual(ofOwner('alice').sort());
  expect(await seen(query, 'bobot', { delegation: 'bobot' })).toEqual(ofOwner('bob').sort());
});

test('a delegation limited to a world shows the memories of that world', async ({ query }) => {
  const inGarden = MEMORIES.filter(({ owner, world }) => owner === 'alice' && world === 'garden').map(
    ({ content }) => content,
  );
  expect(await seen(query, 'scout', { delegation: 'scoutInGarden' })).toEqual(inGarden.sort());
});

test('what a delegate may not read beside a memory is null, not an error', async ({ query }) => {
  const { memories } = dataOf(
    await query('scribe', documents.MemoriesDocument, { first: 100 }, { delegation: 'scribe' }),
  );
  expect(memories.edges.map(({ node }) => [node.agent, node.world])).toEqual(
    memories.edges.map(() => [null, null]),
  );
  const full = dataOf(
    await query('scout', documents.MemoriesDocument, { first: 100 }, { delegation: 'scout' }),
  ).memories;
  expect(full.edges.some(({ node }) => node.agent?.id === toGlobalId('Agent', AGENTS.scout.id))).toBe(true);
  expect(full.edges.some(({ node }) => node.world?.id === toGlobalId('World', WORLDS.garden.id))).toBe(true);
});
