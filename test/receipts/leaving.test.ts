// What leaves a receipt: every row of an owner that an agent reads, by whatever way, and nothing that is read otherwise.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { fromGlobalId, toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { PERMISSIONS } from '../../src/demo/permissions.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { granted } from '../kit/granted.ts';
import { type Asking, type Operation, test } from '../kit/server.ts';
import { listen } from '../kit/stream.ts';
import { write } from '../live/heard.ts';
import { rowsOf, shown, taken } from './read.ts';

const AS_SCOUT: Asking = { delegation: 'scout' };
const GARDEN = toGlobalId('World', WORLDS.garden.id);
const SCOUT = toGlobalId('Agent', AGENTS.scout.id);
const memory = (last: string) => MEMORIES.find(({ id }) => id.endsWith(last))?.id ?? '';
const alices = ['a11ce01', 'a11ce02', 'a11ce05'].map(memory);

type Read = readonly [
  document: Operation<unknown, Record<string, unknown>>,
  variables: Record<string, unknown>,
];
const read = <Variables>(document: Operation<unknown, Variables>, variables: NoInfer<Variables>): Read => [
  document as Operation<unknown, Record<string, unknown>>,
  variables as Record<string, unknown>,
];

/** Everything that an agent reads, each with enough room that nothing is read and not shown. */
const READS: readonly Read[] = [
  read(documents.MemoriesDocument, { first: 50 }),
  read(documents.MemoriesDocument, { first: 50, filter: { worldId: GARDEN } }),
  read(documents.SearchMemoriesDocument, { query: 'soil or tomatoes', first: 50 }),
  read(documents.AgentsDocument, { first: 50 }),
  read(documents.AgentWithMemoriesDocument, { id: SCOUT, first: 50 }),
  read(documents.WorldsDocument, { first: 50 }),
  read(documents.WorldWithMembersDocument, { id: GARDEN }),
  read(documents.MembersDocument, { first: 50 }),
  read(documents.ServiceCredentialsDocument, { first: 50 }),
  read(documents.PermissionsDocument, { first: 50 }),
  read(documents.ApprovalsDocument, { first: 50 }),
  read(documents.ActivityDocument, { first: 50 }),
  read(documents.DelegationsHeldDocument, { first: 50 }),
  read(documents.NodeDocument, { id: toGlobalId('User', USERS.alice.id) }),
  read(documents.NodesDocument, {
    ids: [
      ...alices.map((id) => toGlobalId('Memory', id)),
      toGlobalId('User', USERS.alice.id),
      toGlobalId('Agent', AGENTS.scribe.id),
      toGlobalId('ServiceCredential', SERVICES.weather.id),
      toGlobalId('Permission', PERMISSIONS.find(({ owner, agent }) => owner === 'alice' && !agent)?.id ?? ''),
      // out of sight, and there is nothing to be read of it
      toGlobalId('Memory', memory('b0b01')),
      toGlobalId('User', USERS.bob.id),
    ],
  }),
];

test('what an owner reads in person leaves nothing, and neither does an administrator', async ({
  server,
  query,
}) => {
  await taken(server);
  for (const [document, variables] of READS) {
    for (const actor of ['alice', 'bob', 'ada'] as const) {
      dataOf(await query(actor, document, variables));
    }
  }
  const input = { id: toGlobalId('ServiceCredential', SERVICES.weather.id) };
  dataOf(await query('alice', documents.RevealServiceSecretDocument, { input }));
  expect(await taken(server)).toEqual([]);
});

test('looking on with an agent’s eyes leaves nothing: it is the owner who reads', async ({
  server,
  query,
}) => {
  const asking: Asking = { headers: { 'view-as': DELEGATIONS.scout.id } };
  const seen = dataOf(await query('alice', documents.MemoriesDocument, { first: 50 }, asking));
  expect(seen.memories.edges.length).toBeGreaterThan(3);
  expect(await taken(server)).toEqual([]);
});

test('an agent that reads itself, or by itself, leaves nothing', async ({ server, query }) => {
  dataOf(await query('scout', documents.NodeDocument, { id: SCOUT }, AS_SCOUT));
  const { memories } = dataOf(await query('scout', documents.MemoriesDocument, { first: 50 }));
  expect(memories.edges.length).toBeGreaterThan(0);
  dataOf(await query('scout', documents.AgentsDocument, { first: 50 }));
  expect(await taken(server)).toEqual([]);
});

test('what is refused or out of sight leaves nothing', async ({ server, query }) => {
  for (const id of [toGlobalId('Memory', memory('b0b01')), toGlobalId('User', USERS.mallory.id)]) {
    expect(dataOf(await query('scout', documents.NodeDocument, { id }, AS_SCOUT)).node).toBeNull();
  }
  const reader = { delegation: 'scout', scopes: ['agent:read'] } as const;
  expect(
    dataOf(await query('scout', documents.MemoriesDocument, { first: 50 }, reader)).memories.edges,
  ).toEqual([]);
  expect(codesOf(await query('late', documents.MemoriesDocument, {}, { delegation: 'late' }))).toEqual([]);
  const input = { id: toGlobalId('ServiceCredential', SERVICES.tracker.id) };
  dataOf(await query('scout', documents.RevealServiceSecretDocument, { input }, AS_SCOUT));
  expect(await taken(server)).toEqual([]);
});

for (const [document, variables] of READS) {
  const [, name = ''] = /(?:query) (\w+)/.exec(String(document)) ?? [];
  const what = Object.keys(variables).filter((one) => one !== 'first');
  test(`${[name, ...what].join(' by ')}: exactly what the agent was shown is written down`, async ({
    server,
    query,
  }) => {
    const answer = dataOf(await query('scout', document, variables, AS_SCOUT));
    const left = await taken(server);
    expect(rowsOf(left)).toEqual(shown(answer, AGENTS.scout.id));
    expect(new Set(left.map(({ operation }) => operation)).size).toBeLessThanOrEqual(1);
    for (const one of left) {
      expect(one).toMatchObject({
        tenant_id: TENANTS.acme.id,
        owner_id: USERS.alice.id,
        agent_id: AGENTS.scout.id,
        delegation_id: DELEGATIONS.scout.id,
        times: 1,
        today: true,
      });
    }
  });
}

test('the reads above show a row of every type that leaves a receipt, but for a secret', async ({
  query,
}) => {
  const types = new Set<string>();
  for (const [document, variables] of READS) {
    for (const one of shown(dataOf(await query('scout', document, variables, AS_SCOUT)), AGENTS.scout.id)) {
      types.add(one.split(' ')[0] ?? '');
    }
  }
  expect([...types].sort()).toEqual(['Agent', 'Memory', 'Permission', 'ServiceCredential', 'User', 'World']);
});

test('what nobody asked to be told the id of is written down all the same', async ({ server, query }) => {
  await taken(server);
  const text = `{
    memories(first: 50) { edges { node { content world { name } agent { name } } } }
    agents(first: 50) { edges { node { name memories(first: 50) { edges { node { content } } } } } }
    worlds(first: 50) { edges { node { name } } }
    permissions(first: 50) { edges { node { note } } }
    serviceCredentials(first: 50) { edges { node { label } } }
    node(id: "${toGlobalId('User', USERS.alice.id)}") { ... on User { displayName } }
  }`;
  dataOf(await query('scout', text, {}, AS_SCOUT));
  const bare = await taken(server);
  dataOf(
    await query(
      'scout',
      text.replaceAll(/\{ (name|content|note|label|displayName)\b/g, '{ id $1'),
      {},
      AS_SCOUT,
    ),
  );
  expect(rowsOf(bare)).toEqual(rowsOf(await taken(server)));
  expect(new Set(bare.map(({ kind }) => kind)).size).toBe(6);
  expect(new Set(bare.map(({ operation }) => operation))).toEqual(
    new Set(['agents memories node permissions serviceCredentials worlds']),
  );
});

test('a secret that an agent is shown is written down', async ({ server, query }) => {
  const input = { id: toGlobalId('ServiceCredential', SERVICES.weather.id) };
  const { asking } = await granted(server, ['credential:read', 'secret:read']);
  await taken(server);
  const { revealServiceSecret: revealed } = dataOf(
    await query('scout', documents.RevealServiceSecretDocument, { input }, asking),
  );
  expect(revealed.__typename).toBe('RevealedSecret');
  expect((await taken(server)).map(({ kind, row_id, operation }) => [kind, row_id, operation])).toEqual([
    ['ServiceSecret', SERVICES.weather.id, 'revealServiceSecret'],
  ]);
});

test('what a mutation answers with is written down', async ({ server, query }) => {
  const id = await write({ query }, 'to be changed', { worldId: GARDEN, agentId: SCOUT });
  await taken(server);
  const { updateMemory: updated } = dataOf(
    await query('scout', documents.UpdateMemoryDocument, { input: { id, content: 'changed' } }, AS_SCOUT),
  );
  const left = await taken(server);
  expect(rowsOf(left)).toEqual(shown(updated, AGENTS.scout.id));
  expect(left.map(({ operation }) => operation)).toEqual(['updateMemory', 'updateMemory']);
});

test('what a stream tells an agent is written down before it is told', async ({ server }) => {
  const stream = await listen(
    server,
    'scout',
    'subscription { memoryChanged { id memory { content } } }',
    AS_SCOUT,
  );
  await taken(server);
  const id = await write(server, 'heard');
  await stream.until(1);
  expect((await taken(server)).map(({ kind, row_id, operation }) => [kind, row_id, operation])).toEqual([
    ['Memory', fromGlobalId(id).id, 'memoryChanged'],
  ]);
  stream.close();
});

test('a row is counted once for each operation, each day and each kind of operation by itself', async ({
  server,
  query,
}) => {
  await taken(server);
  const id = toGlobalId('Memory', memory('a11ce01'));
  const twice = `{ a: node(id: "${id}") { id } b: node(id: "${id}") { id } }`;
  await query('scout', twice, {}, AS_SCOUT);
  const last = await query('scout', documents.NodeDocument, { id }, AS_SCOUT);
  await query('scribe', documents.NodeDocument, { id }, { delegation: 'scribe' });
  const both = await query('scout', documents.NodesDocument, { ids: [id] }, AS_SCOUT);
  const left = () =>
    server.migrate((sql) =>
      sql.rows(
        `select agent_id, operation, times, request_id from access_receipts
          where day = (now() at time zone 'UTC')::date order by operation, agent_id`,
      ),
    );
  expect(await left()).toEqual([
    { agent_id: AGENTS.scout.id, operation: 'node', times: 2, request_id: last.requestId },
    { agent_id: AGENTS.scribe.id, operation: 'node', times: 1, request_id: expect.any(String) },
    { agent_id: AGENTS.scout.id, operation: 'nodes', times: 1, request_id: both.requestId },
  ]);
  // as if all that had been yesterday
  await server.migrate((sql) => sql.touched('update access_receipts set day = day - 1'));
  await query('scout', documents.NodeDocument, { id }, AS_SCOUT);
  expect(await left()).toMatchObject([{ operation: 'node', times: 1 }]);
  expect(await taken(server)).toHaveLength(4);
});

test('what a fellow’s agent reads of what is shared is written down with whom it belongs to', async ({
  server,
  query,
}) => {
  const id = await write(server, 'shared in the garden', { worldId: GARDEN, shared: true });
  const { asking } = await granted(server, ['memory:read', 'world:read', 'member:read'], {
    by: 'bob',
    to: 'bobot',
    world: 'garden',
  });
  await taken(server);
  const { node } = dataOf(await query('bobot', documents.NodeDocument, { id }, asking));
  expect(node).toMatchObject({ id });
  expect(await taken(server)).toMatchObject([
    {
      ...{ kind: 'Memory', row_id: fromGlobalId(id).id, operation: 'node' },
      ...{ owner_id: USERS.alice.id, agent_id: AGENTS.bobot.id, tenant_id: TENANTS.acme.id },
    },
  ]);
});
