// Worlds and their members: who sees which world and who takes part in it, and who decides on that.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { type ActorName, USERS, WORLDS } from '../../src/demo/cast.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

const GARDEN = toGlobalId('World', WORLDS.garden.id);
const user = (name: keyof typeof USERS) => toGlobalId('User', USERS[name].id);

const worlds = async (
  query: RunningServer['query'],
  actor: ActorName,
  asking: Asking = {},
  variables: documents.WorldsQueryVariables = {},
) =>
  dataOf(await query(actor, documents.WorldsDocument, variables, asking))
    .worlds.edges.map(({ node }) => node.name)
    .sort();
const members = async (
  query: RunningServer['query'],
  actor: ActorName,
  asking: Asking = {},
  variables: documents.MembersQueryVariables = {},
) =>
  dataOf(await query(actor, documents.MembersDocument, variables, asking)).members.edges.map(
    ({ node }) => node,
  );
const create = async (query: RunningServer['query'], actor: ActorName, name: string) => {
  const created = dataOf(await query(actor, documents.CreateWorldDocument, { input: { name } })).createWorld;
  return created.__typename === 'World' ? created.id : '';
};
const add = async (query: RunningServer['query'], actor: ActorName, input: documents.AddWorldMemberInput) =>
  dataOf(await query(actor, documents.AddWorldMemberDocument, { input })).addWorldMember;
const remove = async (query: RunningServer['query'], actor: ActorName, id: string, asking: Asking = {}) =>
  dataOf(await query(actor, documents.RemoveWorldMemberDocument, { input: { id } }, asking))
    .removeWorldMember;

test('nobody sees a world or a member', async ({ query }) => {
  expect(codesOf(await query('nobody', documents.WorldsDocument, {}))).toEqual(['UNAUTHENTICATED']);
  expect(codesOf(await query('nobody', documents.MembersDocument, {}))).toEqual(['UNAUTHENTICATED']);
});

test('who takes no part sees neither the world nor its members', async ({ query }) => {
  for (const actor of ['mallory', 'ada', 'scout', 'scribe'] as const) {
    expect(await worlds(query, actor)).not.toContain('Garden');
    expect((await members(query, actor)).filter(({ world }) => world?.id === GARDEN)).toEqual([]);
  }
  expect(await worlds(query, 'scribe', { delegation: 'scribe' })).toEqual([]);
  expect(await worlds(query, 'rogue', { delegation: 'rogue' })).toEqual([]);
  expect(await worlds(query, 'bobot', { delegation: 'bobot' })).toEqual([]);
  expect(await worlds(query, 'alice', { scopes: ['member:read'] })).toEqual([]);
});

test('a member changes nothing of a world, and is not told that it is another who may', async ({ query }) => {
  const input = { id: GARDEN, name: 'Bob’s garden' };
  expect(dataOf(await query('bob', documents.UpdateWorldDocument, { input })).updateWorld.__typename).toBe(
    'NotFound',
  );
  expect(
    dataOf(await query('bob', documents.DeleteWorldDocument, { input: { id: GARDEN } })).deleteWorld
      .__typename,
  ).toBe('NotFound');
  expect((await add(query, 'bob', { worldId: GARDEN, userId: user('ada') })).__typename).toBe('NotFound');
});

test('the owner’s own membership is neither changed nor removed, and no second owner is made', async ({
  query,
}) => {
  const own = toGlobalId('WorldMember', WORLDS.garden.members.alice?.id ?? '');
  expect((await remove(query, 'alice', own)).__typename).toBe('NotFound');
  const change = (id: string, role: documents.MemberRole) =>
    query('alice', documents.UpdateWorldMemberDocument, { input: { id, role } });
  expect(dataOf(await change(own, 'GUEST')).updateWorldMember.__typename).toBe('NotFound');
  const bobs = toGlobalId('WorldMember', WORLDS.garden.members.bob?.id ?? '');
  expect(codesOf(await change(bobs, 'OWNER'))).toEqual(['BAD_USER_INPUT']);
  const adding = await query('alice', documents.AddWorldMemberDocument, {
    input: { worldId: GARDEN, userId: user('ada'), role: 'OWNER' },
  });
  expect(codesOf(adding)).toEqual(['BAD_USER_INPUT']);
});

test('a delegate decides on members only with that capability', async ({ query }) => {
  const asking: Asking = { delegation: 'scout' };
  const adding = await query(
    'scout',
    documents.AddWorldMemberDocument,
    { input: { worldId: GARDEN, userId: user('ada') } },
    asking,
  );
  expect(codesOf(adding)).toEqual(['FORBIDDEN']);
  expect(
    (await remove(query, 'scout', toGlobalId('WorldMember', WORLDS.garden.members.bob?.id ?? ''), asking))
      .__typename,
  ).toBe('NotFound');
});

test('a name that is none is refused', async ({ query }) => {
  for (const name of ['', 'x'.repeat(201)]) {
    expect(codesOf(await query('alice', documents.CreateWorldDocument, { input: { name } }))).toEqual([
      'BAD_USER_INPUT',
    ]);
    expect(
      codesOf(await query('alice', documents.UpdateWorldDocument, { input: { id: GARDEN, name } })),
    ).toEqual(['BAD_USER_INPUT']);
  }
});

test('owners and members see a world and everybody in it; delegates as far as they may', async ({
  query,
}) => {
  expect(await worlds(query, 'alice')).toEqual(['Garden']);
  expect(await worlds(query, 'bob')).toEqual(['Garden', 'Workshop']);
  expect(await worlds(query, 'mallory')).toEqual(['Vault']);
  expect(await worlds(query, 'scout', { delegation: 'scout' })).toEqual(['Garden']);
  expect(await worlds(query, 'scout', { delegation: 'scoutInGarden' })).toEqual(['Garden']);
  const inGarden = [
    [user('alice'), 'OWNER'],
    [user('bob'), 'MEMBER'],
  ];
  for (const [actor, asking] of [
    ['alice', {}],
    ['scout', { delegation: 'scout' }],
    ['scout', { delegation: 'scoutInGarden' }],
  ] as [ActorName, Asking][]) {
    expect((await members(query, actor, asking)).map(({ userId, role }) => [userId, role]).sort()).toEqual(
      inGarden.sort(),
    );
  }
  const { node } = dataOf(await query('bob', documents.WorldWithMembersDocument, { id: GARDEN }));
  expect(node && 'members' in node && node.members?.edges).toHaveLength(2);
});

test('worlds are found by name and by whose they are, members by role', async ({ query }) => {
  expect(await worlds(query, 'bob', {}, { filter: { mine: true } })).toEqual(['Workshop']);
  expect(await worlds(query, 'bob', {}, { filter: { mine: false } })).toEqual(['Garden']);
  expect(await worlds(query, 'bob', {}, { filter: { name: 'SHOP' } })).toEqual(['Workshop']);
  expect(await worlds(query, 'bob', {}, { filter: { name: '%' } })).toEqual([]);
  expect(
    (await members(query, 'alice', {}, { filter: { role: 'OWNER' } })).map(({ userId }) => userId),
  ).toEqual([user('alice')]);
});

test('a world comes with its owner as a member; it is changed in part, and archived for good', async ({
  query,
}) => {
  const id = await create(query, 'alice', 'Orchard');
  expect((await members(query, 'alice')).find(({ world }) => world?.id === id)).toMatchObject({
    userId: user('alice'),
    role: 'OWNER',
  });
  const update = async (changes: object) =>
    dataOf(await query('alice', documents.UpdateWorldDocument, { input: { id, ...changes } })).updateWorld;
  expect(await update({ description: 'Apples' })).toMatchObject({ name: 'Orchard', description: 'Apples' });
  expect(await update({ name: 'Old orchard', description: null })).toMatchObject({
    name: 'Old orchard',
    description: null,
  });
  expect((await add(query, 'alice', { worldId: id, userId: user('bob') })).__typename).toBe('WorldMember');
  expect(await worlds(query, 'bob')).toContain('Old orchard');
  expect(
    dataOf(await query('alice', documents.DeleteWorldDocument, { input: { id } })).deleteWorld,
  ).toMatchObject({ status: 'ARCHIVED' });
  expect(await worlds(query, 'bob')).not.toContain('Old orchard');
  expect(dataOf(await query('bob', documents.NodeDocument, { id })).node).toBeNull();
  expect(await worlds(query, 'alice')).not.toContain('Old orchard');
  expect(await worlds(query, 'alice', {}, { filter: { status: 'ARCHIVED' } })).toEqual(['Old orchard']);
  expect(
    dataOf(await query('alice', documents.DeleteWorldDocument, { input: { id } })).deleteWorld.__typename,
  ).toBe('NotFound');
});

test('members come, change and go: removed by the owner, or by leaving', async ({ query }) => {
  const worldId = await create(query, 'alice', 'Pond');
  const added = await add(query, 'alice', { worldId, userId: user('bob'), role: 'GUEST' });
  expect(added).toMatchObject({ __typename: 'WorldMember', role: 'GUEST', userId: user('bob') });
  expect(await add(query, 'alice', { worldId, userId: user('bob') })).toMatchObject({
    __typename: 'AlreadyThere',
  });
  const id = added.__typename === 'WorldMember' ? added.id : '';
  const changed = await query('alice', documents.UpdateWorldMemberDocument, {
    input: { id, role: 'MEMBER' },
  });
  expect(dataOf(changed).updateWorldMember).toMatchObject({ role: 'MEMBER' });
  expect((await remove(query, 'bobot', id, { delegation: 'bobot' })).__typename).toBe('NotFound');
  expect(await remove(query, 'bob', id)).toEqual({ __typename: 'RemovedMember', removedId: id });
  expect(await worlds(query, 'bob')).not.toContain('Pond');
  const again = await add(query, 'alice', { worldId, userId: user('bob') });
  const second = again.__typename === 'WorldMember' ? again.id : '';
  expect(await remove(query, 'alice', second)).toEqual({ __typename: 'RemovedMember', removedId: second });
  expect(await worlds(query, 'bob')).not.toContain('Pond');
});
