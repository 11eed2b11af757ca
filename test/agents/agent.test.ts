// Reading agents: whose are seen by whom, and who learns what an agent was told.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { type ActorName, AGENTS } from '../../src/demo/cast.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

const SCOUT = toGlobalId('Agent', AGENTS.scout.id);

async function seen(
  query: RunningServer['query'],
  actor: ActorName,
  asking: Asking = {},
  variables: documents.AgentsQueryVariables = {},
) {
  return dataOf(await query(actor, documents.AgentsDocument, variables, asking)).agents.edges.map(
    ({ node }) => node,
  );
}
const names = async (...args: Parameters<typeof seen>) =>
  (await seen(...args)).map(({ name }) => name).sort();
const ofOwner = (owner: string) =>
  Object.values(AGENTS)
    .filter((agent) => agent.owner === owner)
    .map(({ name }) => name)
    .sort();

test('nobody sees an agent', async ({ query }) => {
  expect(codesOf(await query('nobody', documents.AgentsDocument, {}))).toEqual(['UNAUTHENTICATED']);
});

test('what an agent was told stays between its owner in person and the agent as itself', async ({
  query,
}) => {
  const told = async (actor: ActorName, asking: Asking = {}) => {
    const scout = (await seen(query, actor, asking)).find(({ id }) => id === SCOUT);
    return scout && [scout.systemPrompt, scout.privateInstructions];
  };
  expect(await told('scout', { delegation: 'scout' })).toEqual([null, null]);
  expect(await told('ada')).toBeUndefined();
  expect(await told('bob')).toBeUndefined();
  expect(await told('scribe')).toBeUndefined();
  const scout = [AGENTS.scout.systemPrompt, AGENTS.scout.privateInstructions];
  expect(await told('alice')).toEqual(scout);
  expect(await told('scout')).toEqual(scout);
});

test('what an agent was told is not reached by way of a relation either', async ({ query }) => {
  const text = `query ($id: ID!) {
    node(id: $id) { ... on Agent { parent { systemPrompt privateInstructions } subagents { edges { node { systemPrompt } } } } }
    memories(filter: { agentId: $id }) { edges { node { agent { systemPrompt privateInstructions } } } }
    delegationsHeld { edges { node { delegate { privateInstructions } } } }
  }`;
  const answer = await query('scout', text, { id: SCOUT }, { delegation: 'scout' });
  expect(answer.text).not.toMatch(/You are|Lisbon/);
  expect(answer.text).toContain('"systemPrompt":null');
});

test('expired, revoked, and without the capability, a delegate sees no agent', async ({ query }) => {
  expect(await names(query, 'late', { delegation: 'late' })).toEqual([]);
  expect(await names(query, 'rogue', { delegation: 'rogue' })).toEqual([]);
  expect(await names(query, 'bobot', { delegation: 'bobot' })).toEqual([]);
  expect(await names(query, 'scribe', { delegation: 'scribe' })).toEqual([]);
  expect(await names(query, 'scout', { delegation: 'scoutInGarden' })).toEqual([]);
  expect(await names(query, 'alice', { scopes: ['memory:read'] })).toEqual([]);
});

test('each owner sees its own agents, and a delegate that may read agents sees those', async ({ query }) => {
  expect(await names(query, 'alice')).toEqual(ofOwner('alice'));
  expect(await names(query, 'bob')).toEqual(ofOwner('bob'));
  expect(await names(query, 'mallory')).toEqual(ofOwner('mallory'));
  expect(await names(query, 'ada')).toEqual([]);
  expect(await names(query, 'scout', { delegation: 'scout' })).toEqual(ofOwner('alice'));
  expect(await names(query, 'mimic', { delegation: 'mimic' })).toEqual(ofOwner('mallory'));
});

test('as itself an agent sees itself and no other, its parent and its sub-agents not', async ({ query }) => {
  const [scout, ...others] = await seen(query, 'scout');
  expect([scout?.id, ...others]).toEqual([SCOUT]);
  const { node } = dataOf(
    await query('scout', documents.AgentWithMemoriesDocument, { id: SCOUT, first: 10 }),
  );
  expect(node).toMatchObject({ subagents: { edges: [] }, memories: { edges: [] } });
  const [scribe] = await seen(query, 'scribe');
  expect(scribe).toMatchObject({ name: AGENTS.scribe.name, parent: null });
});

test('agents are found by part of their name, by status and by parent', async ({ query }) => {
  expect(await names(query, 'alice', {}, { filter: { name: 'WHO WRITES' } })).toEqual([AGENTS.scribe.name]);
  expect(await names(query, 'alice', {}, { filter: { name: '%' } })).toEqual([]);
  expect(await names(query, 'alice', {}, { filter: { name: '_' } })).toEqual([]);
  expect(await names(query, 'alice', {}, { filter: { parentId: SCOUT } })).toEqual([AGENTS.scribe.name]);
  expect(await names(query, 'alice', {}, { filter: { status: 'SUSPENDED' } })).toEqual([]);
  expect(await names(query, 'alice', {}, { filter: { status: 'ACTIVE', name: 'scout' } })).toEqual([
    AGENTS.scout.name,
  ]);
  expect(await names(query, 'bob', {}, { filter: { parentId: SCOUT } })).toEqual([]);
});

test('an agent comes with its memories and sub-agents, as far as the reader sees them', async ({ query }) => {
  const read = async (actor: ActorName, asking: Asking = {}) =>
    dataOf(await query(actor, documents.AgentWithMemoriesDocument, { id: SCOUT, first: 100 }, asking)).node;
  const whole = await read('alice');
  expect(whole).toMatchObject({
    name: AGENTS.scout.name,
    subagents: { edges: [{ node: { name: AGENTS.scribe.name } }] },
  });
  expect(whole && 'memories' in whole && whole.memories?.edges).toHaveLength(3);
  expect(await read('bob')).toBeNull();
  expect(await read('scribe', { delegation: 'scribe' })).toBeNull();
});
