// Reading receipts: who sees them, which of them filters find, and what they say.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { SCOPES } from '../../src/capabilities.ts';
import { type ActorName, AGENTS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { type Answer, codesOf, dataOf } from '../kit/answer.ts';
import { granted } from '../kit/granted.ts';
import { type Asking, test as base, type RunningServer } from '../kit/server.ts';
import { write } from '../live/heard.ts';

const AS_SCOUT: Asking = { delegation: 'scout' };
const GARDEN = toGlobalId('World', WORLDS.garden.id);
const memory = (n: number) => toGlobalId('Memory', MEMORIES[n]?.id ?? '');
const today = () => new Date().toISOString().slice(0, 10);

/** Everything that is read here, and by whom; the last is a fellow's agent reading what alice shares. */
const test = base.extend('read', { scope: 'file' }, async ({ server, query }) => {
  const node = async (actor: ActorName, id: string, asking: Asking) =>
    dataOf(await query(actor, documents.NodeDocument, { id }, asking)).node;
  await server.migrate((sql) => sql.touched('delete from access_receipts'));
  await node('scout', memory(0), AS_SCOUT);
  await node('scout', memory(1), AS_SCOUT);
  await node('scout', memory(1), AS_SCOUT);
  await node('scribe', memory(0), { delegation: 'scribe' });
  await query('scout', documents.NodesDocument, { ids: [GARDEN] }, AS_SCOUT);
  const shared = await write(server, 'shared', { worldId: GARDEN, shared: true });
  const { asking } = await granted(server, ['memory:read', 'world:read', 'member:read'], {
    by: 'bob',
    to: 'bobot',
    world: 'garden',
  });
  await node('bobot', shared, asking);
  return { shared };
});

type Filter = documents.ReceiptFilter;
async function page(
  query: RunningServer['query'],
  variables: documents.AccessReceiptsQueryVariables = {},
  actor: ActorName = 'alice',
  asking: Asking = {},
) {
  return dataOf(await query(actor, documents.AccessReceiptsDocument, variables, asking)).accessReceipts;
}
const rowsFound = async (query: RunningServer['query'], filter: Filter) =>
  (await page(query, { first: 50, filter })).edges.map(({ node }) => `${node.operation} ${node.rowId}`);

test('nobody but the owner in person sees a receipt, and no agent whatever it may do', async ({
  read,
  query,
  server,
}) => {
  expect(read.shared).not.toBe('');
  expect(codesOf(await query('nobody', documents.AccessReceiptsDocument, {}))).toEqual(['UNAUTHENTICATED']);
  const [{ node: one } = { node: undefined }] = (await page(query)).edges;
  const id = one?.id ?? '';
  expect(dataOf(await query('alice', documents.NodeDocument, { id })).node).toEqual({
    __typename: 'AccessReceipt',
    id,
  });
  const all = await granted(server, [
    ...(['memory:read', 'agent:read', 'activity:read', 'baseline:read', 'user:read'] as const),
  ]);
  const others: readonly (readonly [ActorName, Asking])[] = [
    ['bob', {}],
    ['ada', {}],
    ['mallory', {}],
    ['scout', {}],
    ['scout', AS_SCOUT],
    ['scout', all.asking],
    ['scribe', { delegation: 'scribe' }],
    ['bobot', { delegation: 'bobot' }],
    ['alice', { scopes: SCOPES.filter((scope) => scope !== 'receipt:read') }],
    ['alice', { headers: { 'view-as': DELEGATIONS.scout.id } }],
  ];
  for (const [actor, asking] of others) {
    expect([actor, (await page(query, {}, actor, asking)).edges]).toEqual([actor, []]);
    expect(dataOf(await query(actor, documents.NodeDocument, { id }, asking)).node).toBeNull();
  }
});

test('no delegation carries the right to see receipts', async ({ query }) => {
  const input = {
    delegateId: toGlobalId('Agent', AGENTS.scout.id),
    capabilities: ['receipt:read'],
    lifetimeSeconds: 600,
    redelegate: 0,
  };
  const answer = await query('alice', documents.GrantDelegationDocument, { input });
  expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
  expect(answer.body.errors?.[0]?.message).toContain('input.capabilities.0');
});

test('a day that is none, or a row that is none, is refused', async ({ query }) => {
  for (const [filter, place] of [
    [{ from: 'yesterday' }, 'filter.from'],
    [{ to: '2026-02-30' }, 'filter.to'],
    [{ from: '2026-11-22T00:00:00Z' }, 'filter.from'],
    [{ rowId: 'x' }, 'global id'],
    [{ agentId: GARDEN }, 'Agent'],
  ] as const) {
    const answer = await query('alice', documents.AccessReceiptsDocument, { filter });
    expect([place, ...codesOf(answer)]).toEqual([place, 'BAD_USER_INPUT']);
    expect(answer.body.errors?.[0]?.message).toContain(place);
  }
});

test('filters narrow, alone and together', async ({ read: { shared }, query }) => {
  const scout = toGlobalId('Agent', AGENTS.scout.id);
  const scribe = toGlobalId('Agent', AGENTS.scribe.id);
  const all = [
    `node ${shared}`,
    `nodes ${GARDEN}`,
    `node ${memory(0)}`,
    `node ${memory(1)}`,
    `node ${memory(0)}`,
  ];
  const cases: [Filter, string[]][] = [
    [{}, all],
    [{ agentId: scribe }, [`node ${memory(0)}`]],
    // of a fellow: the agent is not alice's, and what it has read is
    [{ agentId: toGlobalId('Agent', AGENTS.bobot.id) }, [`node ${shared}`]],
    [{ rowId: memory(1) }, [`node ${memory(1)}`]],
    [{ rowId: memory(2) }, []],
    [{ kind: 'World' }, [`nodes ${GARDEN}`]],
    [{ kind: 'Worl' }, []],
    [{ operation: 'nodes' }, [`nodes ${GARDEN}`]],
    [{ from: today(), to: today() }, all],
    [{ from: '2200-01-01' }, []],
    [{ to: '2026-01-01' }, []],
    [{ agentId: scout, rowId: memory(0), operation: 'node' }, [`node ${memory(0)}`]],
    [{ agentId: scribe, rowId: memory(1) }, []],
  ];
  for (const [filter, found] of cases) {
    expect([filter, (await rowsFound(query, filter)).sort()]).toEqual([filter, found.sort()]);
  }
});

test('a receipt says who has read what through which delegation, how often and when', async ({
  read,
  query,
}) => {
  const { edges } = await page(query, { first: 1, filter: { rowId: memory(1) } });
  const [node] = edges.map((edge) => edge.node);
  expect(node).toMatchObject({
    agentId: toGlobalId('Agent', AGENTS.scout.id),
    agent: { name: AGENTS.scout.name },
    operation: 'node',
    kind: 'Memory',
    rowId: memory(1),
    times: 2,
    delegationId: toGlobalId('Delegation', DELEGATIONS.scout.id),
  });
  expect(node?.day).toBe(node?.lastAt.slice(0, 10));
  expect(Date.parse(node?.firstAt ?? '')).toBeLessThan(Date.parse(node?.lastAt ?? ''));
  const [fellows] = (await page(query, { filter: { rowId: read.shared } })).edges;
  expect(fellows?.node).toMatchObject({ agentId: toGlobalId('Agent', AGENTS.bobot.id), agent: null });
});

test('of a secret that was read, the receipt names its credential', async ({ server, query }) => {
  const { asking } = await granted(server, ['credential:read', 'secret:read']);
  const id = toGlobalId('ServiceCredential', SERVICES.weather.id);
  dataOf(await query('scout', documents.RevealServiceSecretDocument, { input: { id } }, asking));
  const { edges } = await page(query, { filter: { kind: 'ServiceSecret' } });
  expect(edges.map(({ node }) => [node.operation, node.rowId])).toEqual([['revealServiceSecret', id]]);
});

test('a receipt stays when its row is gone', async ({ server, query }) => {
  const id = await write(server, 'soon gone');
  await query('scout', documents.NodeDocument, { id }, AS_SCOUT);
  await query('alice', documents.DeleteMemoryDocument, { input: { id } });
  expect(await rowsFound(query, { rowId: id })).toEqual([`node ${id}`]);
});

test('pages follow each other without a gap, newest first, and each is one statement', async ({
  server,
  query,
}) => {
  const all = (await page(query, { first: 50 })).edges.map(({ node }) => node.id);
  const found: string[] = [];
  let after: string | null = null;
  do {
    const answer: Answer<documents.AccessReceiptsQuery> = await query(
      'alice',
      documents.AccessReceiptsDocument,
      { first: 2, after },
    );
    expect(server.cost(answer).statements).toHaveLength(1);
    const { edges, pageInfo } = dataOf(answer).accessReceipts;
    found.push(...edges.map(({ node }) => node.id));
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after !== null);
  expect(found).toEqual(all);
  expect(all.length).toBeGreaterThan(4);
});
