// What operations cost in statements and round trips, whatever the number of rows. The last round trip of most is the closing of its session,
// which carries COMMIT; the opening, which carries BEGIN, goes out with the first statement, as soon as the caller is known. A query that is
// answered without resolvers is one round trip in all.

import { expect } from 'vitest';
import { toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS, SEED_REQUEST, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { dataOf } from '../kit/answer.ts';
import { test as base, type RunningServer } from '../kit/server.ts';

const ALICE = USERS.alice.id;
const PROVENANCE = 'created_by, request_id';
const provenance = `'${ALICE}', '${SEED_REQUEST}'`;

/** Thirty agents with thirty memories each in the garden, and thirty delegations. */
async function multiply({ migrate }: RunningServer): Promise<void> {
  await migrate(async (sql) => {
    const key = `'${TENANTS.acme.id}', id, '${ALICE}'`;
    await sql.touched(`
      with made as (
        insert into entities (tenant_id, id, kind, owner_id)
        select '${TENANTS.acme.id}', gen_random_uuid(), 'agent', '${ALICE}' from generate_series(1, 30) returning id
      ), agent as (
        insert into agents (tenant_id, id, owner_id, name, updated_at, ${PROVENANCE})
        select ${key}, 'agent ' || id, now(), ${provenance} from made
      ), held as (
        insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, capabilities, not_before, expires_at, ${PROVENANCE})
        select '${TENANTS.acme.id}', gen_random_uuid(), '${ALICE}', '${ALICE}', id, '{memory:read}', now(), now() + interval '1 day', ${provenance}
          from made
      )
      insert into memories (tenant_id, id, owner_id, agent_id, world_id, content, updated_at, ${PROVENANCE})
      select '${TENANTS.acme.id}', gen_random_uuid(), '${ALICE}', id, '${WORLDS.garden.id}', 'memory ' || n, now(), ${provenance}
        from made, generate_series(1, 30) n`);
  });
}

type Kept = { edges: { node: { agent: { id: string } } }[] };

const test = base.extend('many', { scope: 'file', auto: true }, async ({ server }) => {
  await multiply(server);
  return true;
});

const NESTED = `query ($memories: Int = 20) {
  agents(first: 20) { edges { node {
    id name status
    memories(first: $memories) { edges { node { content world { name } agent { name } } } }
  } } }
}`;

test('a caller who is not known yet waits for the opening, and no longer after that', async ({
  server,
  query,
}) => {
  const ask = '{ agents(first: 5) { edges { node { name } } } }';
  const costs = [];
  for (let time = 0; time < 3; time += 1) {
    for (const [actor, under] of [['alice'], ['bob'], ['scout', 'scout']] as const) {
      costs.push(server.cost(await query(actor, ask, undefined, under && { delegation: under })).roundTrips);
    }
  }
  // whose reading is written down waits for the rows, and then for the end
  expect(costs).toEqual([2, 2, 3, 1, 1, 2, 1, 1, 2]);
});

test('agents, their memories and the worlds of these are one statement', async ({ server, query }) => {
  const answer = await query('alice', NESTED);
  const { agents } = dataOf(answer) as { agents: { edges: { node: { memories: { edges: unknown[] } } }[] } };
  expect(agents.edges).toHaveLength(20);
  expect(agents.edges.filter(({ node }) => node.memories.edges.length === 20).length).toBeGreaterThan(15);
  const { statements, roundTrips } = server.cost(answer);
  expect(statements).toHaveLength(1);
  expect(roundTrips).toBe(1);
});

test('through a delegation the same costs the same', async ({ server, query }) => {
  const answer = await query('scout', NESTED, undefined, { delegation: 'scout' });
  const { statements, roundTrips } = server.cost(answer);
  expect([statements.length, roundTrips]).toEqual([1, 2]);
});

test('the same relation under two aliases with different arguments does not cost a statement per row', async ({
  server,
  query,
}) => {
  const answer = await query(
    'alice',
    `{ agents(first: 20) { edges { node {
      id
      newest: memories(first: 5) { edges { node { content agent { id } world { name } } } }
      oldest: memories(first: 3, orderBy: { field: CREATED, direction: ASC }) { edges { node { agent { id } } } }
      facts: memories(first: 2, filter: { kind: "fact" }) { edges { node { kind agent { id } } } }
    } } } }`,
  );
  const { agents } = dataOf(answer) as {
    agents: { edges: { node: { id: string } & Record<'newest' | 'oldest' | 'facts', Kept> }[] };
  };
  for (const { node } of agents.edges) {
    const keepers = [node.newest, node.oldest, node.facts].flatMap(({ edges }) =>
      edges.map((edge) => edge.node.agent.id),
    );
    expect(new Set([node.id, ...keepers])).toEqual(new Set([node.id]));
  }
  expect(
    agents.edges.some(({ node }) => node.newest.edges.length === 5 && node.oldest.edges.length === 3),
  ).toBe(true);
  const { statements, roundTrips } = server.cost(answer);
  expect(statements.length).toBeLessThanOrEqual(3);
  expect(roundTrips).toBeLessThanOrEqual(4);
});

test('two connections side by side are a statement each', async ({ server, query }) => {
  const answer = await query(
    'alice',
    `{ a: agents(first: 20) { edges { node { name } } }
       b: agents(first: 10, orderBy: { field: NAME }) { edges { node { name } } } }`,
  );
  dataOf(answer);
  const { statements, roundTrips } = server.cost(answer);
  expect(statements).toHaveLength(2);
  expect(roundTrips).toBeLessThanOrEqual(3);
});

test('nodes is one statement per type, and one for memories that are not one’s own, however many ids', async ({
  server,
  query,
}) => {
  const agents = await server.migrate((sql) =>
    sql.list('select id from agents where owner_id = $1 limit 44', [ALICE]),
  );
  const memories = MEMORIES.slice(0, 10).map(({ id }) => toGlobalId('Memory', id));
  const ids = [
    ...agents.map((id) => toGlobalId('Agent', id)),
    ...memories,
    ...Object.values(WORLDS).map(({ id }) => toGlobalId('World', id)),
  ];
  expect(ids.length).toBeGreaterThan(45);
  const ask = `query ($ids: [ID!]!) { nodes(ids: $ids) {
      id
      ... on Agent { name memories(first: 2) { edges { node { content world { name } } } } }
      ... on Memory { content agent { name } }
      ... on World { name members(first: 5) { edges { node { role } } } }
    } }`;
  const first = await query('alice', ask, { ids });
  const { nodes } = dataOf(first) as { nodes: (null | { id: string })[] };
  expect(nodes).toHaveLength(ids.length);
  // one more for alice's keys, because one of the memories is sensitive; then they are known
  expect(server.cost(first).statements).toHaveLength(5);
  expect(server.cost(await query('alice', ask, { ids })).statements).toHaveLength(4);
});

test('members and their worlds are one statement', async ({ server, query }) => {
  const answer = await query(
    'alice',
    '{ members(first: 20) { edges { node { role userId world { name status } } } } }',
  );
  dataOf(answer);
  expect(server.cost(answer)).toMatchObject({ roundTrips: 1, statements: { length: 1 } });
});

test('worlds with members and memories are one statement', async ({ server, query }) => {
  const answer = await query(
    'alice',
    `{ worlds(first: 20) { edges { node { name
      members(first: 20) { edges { node { role } } }
      memories(first: 20) { edges { node { content agent { name } } } } } } } }`,
  );
  dataOf(answer);
  expect(server.cost(answer)).toMatchObject({ roundTrips: 2, statements: { length: 1 } });
});

test('delegations with their delegates and worlds are one statement', async ({ server, query }) => {
  const answer = await query(
    'alice',
    '{ delegationsGranted(first: 50) { edges { node { state delegate { name status } world { name } } } } }',
  );
  const { delegationsGranted } = dataOf(answer) as { delegationsGranted: { edges: unknown[] } };
  expect(delegationsGranted.edges.length).toBeGreaterThan(30);
  expect(server.cost(answer)).toMatchObject({ roundTrips: 2, statements: { length: 1 } });
});

test('agents and their sub-agents are one statement, parents included', async ({ server, query }) => {
  const answer = await query(
    'alice',
    '{ agents(first: 20) { edges { node { name parent { name } subagents(first: 5) { edges { node { name status } } } } } } }',
  );
  dataOf(answer);
  expect(server.cost(answer)).toMatchObject({ roundTrips: 1, statements: { length: 1 } });
});

test('a search is two statements: the hits, and the rows with what hangs on them', async ({
  server,
  query,
}) => {
  const answer = await query(
    'alice',
    '{ searchMemories(query: "memory", first: 20) { edges { rank node { content world { name } agent { name } } } } }',
  );
  dataOf(answer);
  expect(server.cost(answer)).toMatchObject({ roundTrips: 3, statements: { length: 2 } });
});

test('viewer is one statement, and one more for its tenant', async ({ server, query }) => {
  const alone = await query('scout', '{ viewer { live capabilities chain { depth } } }', undefined, {
    delegation: 'scout',
  });
  expect(server.cost(alone)).toMatchObject({ roundTrips: 2, statements: { length: 1 } });
  const tenant = await query('scout', '{ viewer { live tenant { name } } }', undefined, {
    delegation: 'scout',
  });
  expect(server.cost(tenant)).toMatchObject({ roundTrips: 3, statements: { length: 2 } });
});

test('a null relation and an empty list cost nothing more', async ({ server, query }) => {
  const answer = await query('bob', NESTED.replace('20', '3'), { memories: 3 });
  expect((dataOf(answer) as { agents: { edges: unknown[] } }).agents.edges).toHaveLength(1);
  expect(server.cost(answer)).toMatchObject({ roundTrips: 1, statements: { length: 1 } });
});

test('an operation on an agent by id reads it with what hangs on it in one statement', async ({
  server,
  query,
}) => {
  const answer = await query(
    'alice',
    `query ($id: ID!) { node(id: $id) { ... on Agent { name
       subagents { edges { node { name memories { edges { node { content } } } } } }
       memories(first: 100) { edges { node { content world { name } } } } } } }`,
    { id: toGlobalId('Agent', AGENTS.scout.id) },
  );
  expect(dataOf(answer)).toMatchObject({ node: { name: AGENTS.scout.name } });
  expect(server.cost(answer)).toMatchObject({ roundTrips: 2, statements: { length: 1 } });
});

test('what a mutation answers is read in one statement after the writing', async ({ server, query }) => {
  const answer = await query(
    'alice',
    `mutation ($id: ID!) { updateAgent(input: { id: $id, icon: "x" }) { ... on Agent {
       icon memories(first: 20) { edges { node { content world { name } } } } } } }`,
    { id: toGlobalId('Agent', AGENTS.scout.id) },
  );
  expect(dataOf(answer)).toMatchObject({ updateAgent: { icon: 'x' } });
  const { statements } = server.cost(answer);
  expect(statements.map((text) => text.trim().split(' ')[0]?.toLowerCase())).toEqual([
    'update',
    'select',
    'select',
  ]);
});
