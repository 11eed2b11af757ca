// node and nodes: any row by its global id, as far as the caller may know of it, and null in its place otherwise.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { type NodeName, toGlobalId } from '../../src/api/global-id.ts';
import { type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { newId } from '../../src/ids.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

const ROWS: readonly (readonly [type: NodeName, id: string])[] = [
  ['Agent', AGENTS.scout.id],
  ['Delegation', DELEGATIONS.scout.id],
  ['Memory', MEMORIES[0]?.id ?? ''],
  ['Tenant', TENANTS.acme.id],
  ['User', USERS.alice.id],
  ['World', WORLDS.garden.id],
  ['WorldMember', WORLDS.garden.members.alice?.id ?? ''],
];
const IDS = ROWS.map(([type, id]) => toGlobalId(type, id));

/** The types of what an actor finds under alice's ids. */
async function found(
  query: RunningServer['query'],
  actor: ActorName,
  asking: Asking = {},
): Promise<(string | undefined)[]> {
  const { nodes } = dataOf(await query(actor, documents.NodesDocument, { ids: IDS }, asking));
  expect(nodes.map((node) => node?.id ?? null)).toEqual(
    nodes.map((node, index) => (node === null ? null : IDS[index])),
  );
  return nodes.map((node) => node?.__typename);
}

test('nobody finds anything by an id', async ({ query }) => {
  const answer = await query('nobody', documents.NodesDocument, { ids: IDS });
  expect([answer.status, ...codesOf(answer)]).toEqual([401, 'UNAUTHENTICATED']);
});

test('of alice, others find what concerns them and nothing else', async ({ query }) => {
  const none = undefined;
  expect(await found(query, 'mallory')).toEqual([none, none, none, none, none, none, none]);
  expect(await found(query, 'mimic', { delegation: 'mimic' })).toEqual([
    none,
    none,
    none,
    none,
    none,
    none,
    none,
  ]);
  expect(await found(query, 'bob')).toEqual([none, none, none, 'Tenant', none, 'World', 'WorldMember']);
  expect(await found(query, 'late', { delegation: 'late' })).toEqual([
    none,
    none,
    none,
    'Tenant',
    none,
    none,
    none,
  ]);
  expect(await found(query, 'rogue', { delegation: 'rogue' })).toEqual([
    none,
    none,
    none,
    'Tenant',
    none,
    none,
    none,
  ]);
  expect(await found(query, 'scribe', { delegation: 'scribe' })).toEqual([
    none,
    none,
    'Memory',
    'Tenant',
    none,
    none,
    none,
  ]);
  expect(await found(query, 'scout')).toEqual(['Agent', 'Delegation', none, 'Tenant', none, none, none]);
  expect(await found(query, 'ada')).toEqual([none, 'Delegation', none, 'Tenant', 'User', none, none]);
});

test('what is hidden and what never was are answered by the same bytes', async ({ query }) => {
  for (const [type, id] of ROWS.filter(([name]) => name !== 'Tenant')) {
    const hidden = await query('mallory', documents.NodeDocument, { id: toGlobalId(type, id) });
    const absent = await query('mallory', documents.NodeDocument, { id: toGlobalId(type, newId()) });
    expect(hidden.text).toBe('{"data":{"node":null}}');
    expect(absent.text).toBe(hidden.text);
  }
});

test('an id under the wrong type leads nowhere', async ({ query }) => {
  const ids = ROWS.flatMap(([type, id]) =>
    ROWS.filter(([other]) => other !== type).map(([other]) => toGlobalId(other, id)),
  );
  const { nodes } = dataOf(await query('alice', documents.NodesDocument, { ids }));
  expect(nodes.every((node) => node === null)).toBe(true);
});

test('a type that there is not gives null in its place, and the others come all the same', async ({
  query,
}) => {
  const unknown = ['Secret', 'AgentInstructions', 'AuditEntry', 'Identity', 'Query', 'Node', 'Principal'].map(
    (type) => toGlobalId(type, AGENTS.scout.id),
  );
  const { nodes } = dataOf(
    await query('alice', documents.NodesDocument, { ids: [...unknown, IDS[0] ?? ''] }),
  );
  expect(nodes.map((node) => node?.__typename)).toEqual([...unknown.map(() => undefined), 'Agent']);
});

test('what is no global id at all is refused, alone and among others', async ({ query }) => {
  const raw = (text: string) => Buffer.from(text).toString('base64url');
  const good = IDS[0] ?? '';
  const malformed = [
    '',
    'x',
    AGENTS.scout.id,
    raw('Agent'),
    raw(`agent:${AGENTS.scout.id}`),
    raw(`Agent:${AGENTS.scout.id.toUpperCase()}`),
    raw(`Agent:${AGENTS.scout.id}x`),
    raw(`Agent:${AGENTS.scout.id}' or true`),
    `${good}=`,
    `${good} `,
    Buffer.from(`Agent:${AGENTS.scout.id}`).toString('base64').replace(/=*$/, '='),
  ];
  for (const id of malformed) {
    expect([id, ...codesOf(await query('alice', documents.NodeDocument, { id }))]).toEqual([
      id,
      'BAD_USER_INPUT',
    ]);
    expect([id, ...codesOf(await query('alice', documents.NodesDocument, { ids: [good, id] }))]).toEqual([
      id,
      'BAD_USER_INPUT',
    ]);
  }
});

test('an owner finds a row of every type, in the order asked for, each as often as asked for', async ({
  query,
}) => {
  expect(await found(query, 'alice')).toEqual(ROWS.map(([type]) => type));
  const ids = [...IDS, ...IDS].reverse();
  const { nodes } = dataOf(await query('alice', documents.NodesDocument, { ids }));
  expect(nodes.map((node) => node?.id)).toEqual(ids);
  expect(dataOf(await query('alice', documents.NodesDocument, { ids: [] })).nodes).toEqual([]);
});

test('a delegate finds as much as its delegation shows it', async ({ query }) => {
  expect(await found(query, 'scout', { delegation: 'scout' })).toEqual(ROWS.map(([type]) => type));
  expect(await found(query, 'scout', { delegation: 'scoutInGarden' })).toEqual([
    undefined,
    'Delegation',
    undefined,
    'Tenant',
    undefined,
    'World',
    'WorldMember',
  ]);
});

test('whatever a connection gives as id, node takes', async ({ query }) => {
  const { edges } = dataOf(await query('alice', documents.MemoriesDocument, {})).memories;
  for (const { node } of edges) {
    expect(dataOf(await query('alice', documents.NodeDocument, { id: node.id })).node).toEqual({
      __typename: 'Memory',
      id: node.id,
    });
  }
});
