// What tests of sharing share: writing, changing and reading in the garden, by whoever, and how bob comes and goes.

import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { type ActorName, USERS, WORLDS } from '../../src/demo/cast.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import type { Asking, RunningServer } from '../kit/server.ts';
import { write } from '../live/heard.ts';

export type Query = RunningServer['query'];
export const GARDEN = toGlobalId('World', WORLDS.garden.id);
export const WORKSHOP = toGlobalId('World', WORLDS.workshop.id);
export const BOB = toGlobalId('User', USERS.bob.id);
export const MEMBER = toGlobalId('WorldMember', WORLDS.garden.members.bob?.id ?? '');
/** What an agent needs to find its way to what is shared. */
export const READING = ['memory:read', 'world:read', 'member:read'] as const;
export const WRITING = [...READING, 'memory:create', 'memory:update'] as const;

export const share = (query: Query, content: string, actor: 'alice' | 'bob' = 'alice') =>
  write({ query }, content, { worldId: GARDEN, shared: true }, actor);

/** The ids on the page of what is shared. */
export async function shared(
  query: Query,
  actor: ActorName,
  asking: Asking = {},
  worldId = GARDEN,
): Promise<string[]> {
  const page = await query(actor, documents.SharedMemoriesDocument, { worldId, first: 100 }, asking);
  return dataOf(page).sharedMemories.edges.map(({ node }) => node.id);
}
export const byId = async (query: Query, actor: ActorName, id: string, asking: Asking = {}) =>
  dataOf(await query(actor, documents.NodeDocument, { id }, asking)).node?.id ?? null;

export async function create(query: Query, actor: ActorName, more: object, asking: Asking = {}) {
  const input = { content: 'x', worldId: GARDEN, shared: true, ...more } as documents.CreateMemoryInput;
  const answer = await query(actor, documents.CreateMemoryDocument, { input }, asking);
  return codesOf(answer)[0] ?? dataOf(answer).createMemory.__typename;
}
export async function update(
  query: Query,
  actor: ActorName,
  id: string,
  change: object,
  asking: Asking = {},
) {
  const answer = await query(actor, documents.UpdateMemoryDocument, { input: { id, ...change } }, asking);
  return codesOf(answer)[0] ?? dataOf(answer).updateMemory.__typename;
}
export const role = async (query: Query, to: 'MEMBER' | 'GUEST', id = MEMBER) =>
  dataOf(await query('alice', documents.UpdateWorldMemberDocument, { input: { id, role: to } }));
export const leave = async (query: Query, id: string) =>
  dataOf(await query('bob', documents.RemoveWorldMemberDocument, { input: { id } })).removeWorldMember;
/** Bob in the garden again; the id of his membership. */
export async function join(query: Query): Promise<string> {
  const input = { worldId: GARDEN, userId: BOB };
  const { addWorldMember: made } = dataOf(await query('alice', documents.AddWorldMemberDocument, { input }));
  return 'id' in made ? made.id : '';
}
