// Making, changing, suspending, limiting, archiving and stopping agents: what takes effect on the very next operation.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS, type DelegationName } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, startServer, test } from '../kit/server.ts';

const globalId = (name: keyof typeof AGENTS) => toGlobalId('Agent', AGENTS[name].id);

const create = async (
  query: RunningServer['query'],
  input: documents.CreateAgentInput,
  asking: Asking = {},
) => {
  const created = dataOf(await query('alice', documents.CreateAgentDocument, { input }, asking)).createAgent;
  return created.__typename === 'Agent' ? created : undefined;
};
const setStatus = async (query: RunningServer['query'], id: string, status: documents.Status) =>
  dataOf(await query('alice', documents.SetAgentStatusDocument, { input: { id, status } })).setAgentStatus;
const setCeiling = (query: RunningServer['query'], id: string, capabilities: string[] | null) =>
  query('alice', documents.SetAgentCeilingDocument, { input: { id, capabilities } });

/** What an agent can still do under a delegation. */
async function alive(
  query: RunningServer['query'],
  actor: 'scout' | 'scribe' | 'bobot',
  delegation: DelegationName = actor,
) {
  const { viewer } = dataOf(await query(actor, documents.ViewerDocument, {}, { delegation }));
  const { memories } = dataOf(await query(actor, documents.MemoriesDocument, {}, { delegation }));
  return [viewer.live, viewer.capabilities.length > 0, memories.edges.length > 0];
}
const ALIVE = [true, true, true];
const DEAD = [false, false, false];

test('a delegate that may not make agents makes none, and nobody instructs through a delegation', async ({
  server,
  query,
}) => {
  const input = { name: 'New' };
  expect(
    codesOf(await query('scout', documents.CreateAgentDocument, { input }, { delegation: 'scout' })),
  ).toEqual(['FORBIDDEN']);
  const terms = {
    delegateId: globalId('scout'),
    capabilities: ['agent:read', 'agent:create', 'agent:update'],
    lifetimeSeconds: 600,
  };
  const granted = dataOf(
    await query('alice', documents.GrantDelegationDocument, { input: terms }),
  ).grantDelegation;
  const id =
    granted.__typename === 'Delegation'
      ? Buffer.from(granted.id, 'base64url').toString().split(':')[1]
      : undefined;
  const asking: Asking = { delegation: id as Asking['delegation'] };
  const instructed = await query(
    'scout',
    documents.CreateAgentDocument,
    { input: { name: 'Told', systemPrompt: 'Obey scout' } },
    asking,
  );
  expect(codesOf(instructed)).toEqual(['FORBIDDEN']);
  const told = await query(
    'scout',
    documents.UpdateAgentDocument,
    { input: { id: globalId('scribe'), privateInstructions: 'x' } },
    asking,
  );
  expect(codesOf(told)).toEqual(['FORBIDDEN']);
  expect(await server.migrate((sql) => sql.list("select name from agents where name = 'Told'"))).toEqual([]);
  expect(
    dataOf(await query('scout', documents.CreateAgentDocument, { input: { name: 'Made by scout' } }, asking))
      .createAgent,
  ).toMatchObject({
    name: 'Made by scout',
    systemPrompt: null,
  });
  const [row] = await server.migrate((sql) =>
    sql.rows("select owner_id, created_by from agents where name = 'Made by scout'"),
  );
  expect(row).toEqual({ owner_id: USERS.alice.id, created_by: AGENTS.scout.id });
});

test('an agent is not made below one that is out of sight, which is answered like an absent one', async ({
  query,
}) => {
  const below = (parentId: string) =>
    query('alice', documents.CreateAgentDocument, { input: { name: 'x', parentId } });
  const hidden = await below(globalId('bobot'));
  expect(dataOf(hidden).createAgent.__typename).toBe('NotFound');
  expect((await below(globalId('mimic'))).text).toBe(hidden.text);
  expect((await below(toGlobalId('Agent', newId()))).text).toBe(hidden.text);
});

test('input that cannot be an agent is refused with the place of the fault', async ({ query }) => {
  const wrong: [input: documents.CreateAgentInput, place: string][] = [
    [{ name: '' }, 'input.name'],
    [{ name: 'x'.repeat(201) }, 'input.name'],
    [{ name: 'x', model: 'x'.repeat(201) }, 'input.model'],
    [{ name: 'x', systemPrompt: 'x'.repeat(100_001) }, 'input.systemPrompt'],
    [{ name: 'x', parentId: toGlobalId('User', USERS.alice.id) }, 'Agent'],
  ];
  for (const [input, place] of wrong) {
    const answer = await query('alice', documents.CreateAgentDocument, { input });
    expect([place, ...codesOf(answer)]).toEqual([place, 'BAD_USER_INPUT']);
    expect(answer.body.errors?.[0]?.message).toContain(place);
  }
  const unnamed = await query('alice', documents.UpdateAgentDocument, {
    input: { id: globalId('scout'), name: null },
  });
  expect(codesOf(unnamed)).toEqual(['BAD_USER_INPUT']);
  expect(codesOf(await setCeiling(query, globalId('scout'), ['memory:*']))).toEqual(['BAD_USER_INPUT']);
  expect(codesOf(await setCeiling(query, globalId('scout'), ['tenant:administer']))).toEqual([
    'BAD_USER_INPUT',
  ]);
});

test('an archived agent does not come back, and holds nothing any more', async ({ server, query }) => {
  const agent = await create(query, { name: 'Short-lived' });
  const id = agent?.id ?? '';
  await query('alice', documents.GrantDelegationDocument, {
    input: { delegateId: id, capabilities: ['memory:read'], lifetimeSeconds: 600 },
  });
  const archiving = await query('alice', documents.SetAgentStatusDocument, {
    input: { id, status: 'ARCHIVED' },
  });
  expect(codesOf(archiving)).toEqual(['BAD_USER_INPUT']);
  const deleted = dataOf(await query('alice', documents.DeleteAgentDocument, { input: { id } })).deleteAgent;
  expect(deleted).toMatchObject({ __typename: 'Agent', status: 'ARCHIVED' });
  expect((await setStatus(query, id, 'ACTIVE')).__typename).toBe('NotFound');
  expect((await setStatus(query, id, 'SUSPENDED')).__typename).toBe('NotFound');
  expect(dataOf(await setCeiling(query, id, null)).setAgentCeiling.__typename).toBe('NotFound');
  expect(
    dataOf(await query('alice', documents.DeleteAgentDocument, { input: { id } })).deleteAgent.__typename,
  ).toBe('NotFound');
  const granting = await query('alice', documents.GrantDelegationDocument, {
    input: { delegateId: id, capabilities: ['memory:read'], lifetimeSeconds: 600 },
  });
  expect(dataOf(granting).grantDelegation).toMatchObject({ reason: 'DELEGATE' });
  const live = await server.migrate((sql) =>
    sql.list(
      "select id from delegations d where revoked_at is null and delegate_id in (select id from agents where name = 'Short-lived')",
    ),
  );
  expect(live).toEqual([]);
  const listed = async (filter: documents.AgentFilter) =>
    dataOf(await query('alice', documents.AgentsDocument, { filter })).agents.edges.length;
  expect(await listed({ name: 'Short-lived' })).toBe(0);
  expect(await listed({ name: 'Short-lived', status: 'ARCHIVED' })).toBe(1);
});

test('a suspended agent, and whoever acts below it, has no rights until it is active again', async ({
  query,
}) => {
  expect([await alive(query, 'scout'), await alive(query, 'scribe')]).toEqual([ALIVE, ALIVE]);
  expect(await setStatus(query, globalId('scout'), 'SUSPENDED')).toMatchObject({ status: 'SUSPENDED' });
  expect([await alive(query, 'scout'), await alive(query, 'scribe')]).toEqual([DEAD, DEAD]);
  expect(await alive(query, 'bobot')).toEqual(ALIVE);
  await setStatus(query, globalId('scout'), 'ACTIVE');
  expect([await alive(query, 'scout'), await alive(query, 'scribe')]).toEqual([ALIVE, ALIVE]);
});

test('a ceiling limits an agent and whoever acts below it, from the next operation on', async ({ query }) => {
  const write = () =>
    query('scout', documents.CreateMemoryDocument, { input: { content: 'x' } }, { delegation: 'scout' });
  expect(codesOf(await write())).toEqual([]);
  dataOf(await setCeiling(query, globalId('scout'), ['memory:read']));
  expect(codesOf(await write())).toEqual(['FORBIDDEN']);
  expect(
    dataOf(await query('scout', documents.ViewerDocument, {}, { delegation: 'scout' })).viewer.capabilities,
  ).toEqual(['memory:read']);
  expect(await alive(query, 'scribe')).toEqual(ALIVE);
  dataOf(await setCeiling(query, globalId('scout'), []));
  expect(await alive(query, 'scribe')).toEqual([true, false, false]);
  dataOf(await setCeiling(query, globalId('scout'), null));
  expect(codesOf(await write())).toEqual([]);
});

test('an owner makes an agent with everything it is told, and changes it in part', async ({ query }) => {
  const input = {
    name: 'Gardener',
    icon: '🌱',
    description: 'Waters',
    model: 'm',
    settings: { a: [1, { b: 2 }] },
    systemPrompt: 'Be',
    privateInstructions: 'Hush',
    parentId: globalId('scout'),
  };
  const created = await create(query, input);
  const { parentId, ...plain } = input;
  expect(created).toMatchObject({ ...plain, parent: { id: parentId }, status: 'ACTIVE' });
  const update = async (changes: Omit<documents.UpdateAgentInput, 'id'>) =>
    dataOf(
      await query('alice', documents.UpdateAgentDocument, { input: { id: created?.id ?? '', ...changes } }),
    ).updateAgent;
  expect(await update({ name: 'Head gardener' })).toMatchObject({ ...plain, name: 'Head gardener' });
  expect(await update({ icon: null, systemPrompt: null })).toMatchObject({
    icon: null,
    systemPrompt: null,
    privateInstructions: 'Hush',
  });
  expect(await update({ privateInstructions: 'New' })).toMatchObject({
    systemPrompt: null,
    privateInstructions: 'New',
  });
  expect(await update({ settings: {} })).toMatchObject({ settings: {}, description: 'Waters' });
});

test('the kill switch ends everything an agent holds, at once and for good, whoever pulls it', async () => {
  for (const actor of ['alice', 'ada'] as const) {
    const server = await startServer();
    try {
      const { query } = server;
      expect([await alive(query, 'scout'), await alive(query, 'scribe')]).toEqual([ALIVE, ALIVE]);
      const input = { agentId: globalId('scout') };
      const stop = async (asking: Asking = {}) =>
        dataOf(await query(actor, documents.RevokeAgentDocument, { input }, asking)).revokeAgent;
      expect((await stop({ scopes: ['agent:update', 'memory:read'] })).__typename).toBe('NotFound');
      const held = [DELEGATIONS.scout.id, DELEGATIONS.scoutInGarden.id].map((id) =>
        toGlobalId('Delegation', id),
      );
      expect(await stop()).toEqual({
        __typename: 'StoppedAgent',
        agentId: input.agentId,
        revokedIds: expect.arrayContaining(held),
      });
      expect(await alive(query, 'scout')).toEqual(DEAD);
      expect(await alive(query, 'scout', 'scoutInGarden')).toEqual(DEAD);
      expect(await alive(query, 'scribe')).toEqual(DEAD);
      expect(await alive(query, 'bobot')).toEqual(ALIVE);
      expect(await stop()).toMatchObject({ revokedIds: [] });
    } finally {
      await server.stop();
    }
  }
});
