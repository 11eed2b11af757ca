// Reading the activity log: the owner sees all of it, an agent its own part, newest first, and every filter finds what it says.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { ACTIVITY, type Done } from '../../src/demo/activity.ts';
import { type ActorName, AGENTS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
const summaries = (which: (done: Done) => boolean) =>
  ACTIVITY.filter(which)
    .toSorted((a, b) => b.made - a.made)
    .map(({ summary, outcome }) => `${summary} ${outcome}`);
const ofAlice = (done: Done) => done.owner === 'alice';

async function page(
  query: RunningServer['query'],
  actor: ActorName,
  variables: documents.ActivityQueryVariables,
  asking: Asking = {},
) {
  return dataOf(await query(actor, documents.ActivityDocument, variables, asking)).activity;
}

async function seen(
  query: RunningServer['query'],
  actor: ActorName,
  filter: documents.ActivityFilter = {},
  asking: Asking = {},
): Promise<string[]> {
  const { edges } = await page(query, actor, { first: 100, filter }, asking);
  return edges.map(({ node }) => `${node.summary} ${node.outcome.toLowerCase()}`);
}

test('nobody sees an entry, and a delegate that may not read the log sees none', async ({ query }) => {
  expect(codesOf(await query('nobody', documents.ActivityDocument, {}))).toEqual(['UNAUTHENTICATED']);
  expect(await seen(query, 'bobot', {}, { delegation: 'bobot' })).toEqual([]);
  expect(await seen(query, 'mimic', {}, { delegation: 'mimic' })).toEqual([]);
  expect(await seen(query, 'rogue', {}, { delegation: 'rogue' })).toEqual([]);
  expect(await seen(query, 'scout', {}, { delegation: 'scout', scopes: ['memory:read'] })).toEqual([]);
  expect(await seen(query, 'scout')).toEqual([]);
  expect(await seen(query, 'ada')).toEqual([]);
});

test('an entry of somebody else is null by its id, and so is what another agent did', async ({
  server,
  query,
}) => {
  const ids = async (owner: string) =>
    (
      await server.migrate((sql) =>
        sql.list(`select id from activity_entries where summary like $1`, [owner]),
      )
    ).map((id) => toGlobalId('ActivityEntry', id));
  const [alices, bobs] = [await ids('pages: 3'), await ids('part: hinge')];
  const read = async (actor: ActorName, asking: Asking, id: readonly string[]) =>
    dataOf(await query(actor, documents.NodesDocument, { ids: [...id] }, asking)).nodes;
  expect(await read('bob', {}, alices)).toEqual([null]);
  expect(await read('alice', {}, bobs)).toEqual([null]);
  expect(await read('scout', { delegation: 'scout' }, alices)).toEqual([null]);
  expect(await read('alice', {}, alices)).toEqual([expect.objectContaining({ id: alices[0] })]);
});

test('each owner sees the log of its agents, newest first, and an agent what it did itself', async ({
  query,
}) => {
  expect(await seen(query, 'alice')).toEqual(summaries(ofAlice));
  expect(await seen(query, 'bob')).toEqual(summaries(({ owner }) => owner === 'bob'));
  expect(await seen(query, 'mallory')).toEqual(summaries(({ owner }) => owner === 'mallory'));
  expect(await seen(query, 'scout', {}, { delegation: 'scout' })).toEqual(
    summaries(({ agent }) => agent === 'scout'),
  );
});

test('an agent finds nothing of another by asking for it', async ({ query }) => {
  const filter = { agentId: toGlobalId('Agent', AGENTS.scribe.id) };
  expect(await seen(query, 'scout', filter, { delegation: 'scout' })).toEqual([]);
  expect(await seen(query, 'alice', filter)).toEqual(summaries(({ agent }) => agent === 'scribe'));
});

test('filters narrow, alone and together', async ({ query }) => {
  const cases: [documents.ActivityFilter, (done: Done) => boolean][] = [
    [{ agentId: toGlobalId('Agent', AGENTS.scout.id) }, ({ agent }) => agent === 'scout'],
    [{ service: 'tracker' }, ({ service }) => service === 'tracker'],
    [{ service: 'track' }, () => false],
    [{ action: 'messages.send' }, ({ action }) => action === 'messages.send'],
    [{ outcome: 'DENIED' }, ({ outcome }) => outcome === 'denied'],
    [
      { service: 'tracker', outcome: 'SUCCEEDED' },
      ({ service, outcome }) => service === 'tracker' && outcome === 'succeeded',
    ],
    [{ service: 'tracker', outcome: 'DENIED' }, () => false],
    [{ since: ago(1.5) }, ({ made }) => made > -1.5 * 3600],
    [{ until: ago(1.5) }, ({ made }) => made < -1.5 * 3600],
    [{ since: ago(20), until: ago(2.5) }, ({ made }) => made > -20 * 3600 && made < -2.5 * 3600],
    [{ since: '0001-01-01T00:00:00Z', until: '9999-01-01T00:00:00Z' }, () => true],
    [{ since: '2200-01-01T00:00:00Z' }, () => false],
  ];
  for (const [filter, which] of cases) {
    expect(await seen(query, 'alice', filter), JSON.stringify(filter)).toEqual(
      summaries((done) => ofAlice(done) && which(done)),
    );
  }
});

test('pages follow each other without a gap and without a repetition, in both directions', async ({
  query,
}) => {
  const all = (await page(query, 'alice', { first: 100 })).edges.map(({ node }) => node.id);
  const forwards: string[] = [];
  let after: string | null = null;
  do {
    const { edges, pageInfo }: Awaited<ReturnType<typeof page>> = await page(query, 'alice', {
      first: 2,
      after,
    });
    forwards.push(...edges.map(({ node }) => node.id));
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after !== null);
  expect(forwards).toEqual(all);
  const end = await page(query, 'alice', { last: 3 });
  expect(end.edges.map(({ node }) => node.id)).toEqual(all.slice(-3));
  const before = await page(query, 'alice', { last: 3, before: end.pageInfo.startCursor });
  expect(before.edges.map(({ node }) => node.id)).toEqual(all.slice(-6, -3));
});

test('a cursor of one owner is none of another’s, and no cursor is made up', async ({ query }) => {
  const { pageInfo } = await page(query, 'alice', { first: 1 });
  expect(
    codesOf(await query('bob', documents.ActivityDocument, { first: 1, after: pageInfo.endCursor })),
  ).toEqual(['BAD_USER_INPUT']);
  expect(codesOf(await query('alice', documents.ActivityDocument, { first: 1, after: 'bm9uZQ' }))).toEqual([
    'BAD_USER_INPUT',
  ]);
});

test('an entry says who did what through which chain, where it went, and which other it ends', async ({
  query,
}) => {
  const { edges } = await page(query, 'alice', { first: 10, filter: { service: 'tracker' } });
  const [succeeded, started] = edges.map(({ node }) => node);
  expect(succeeded).toMatchObject({
    agentId: toGlobalId('Agent', AGENTS.scout.id),
    agent: { name: AGENTS.scout.name },
    action: 'issues.list',
    summary: 'bed: lower',
    outcome: 'SUCCEEDED',
    durationMs: 184,
    approvalId: null,
    startedId: started?.id,
    network: { host: 'tracker.invalid', method: 'GET', port: 443, tls: true },
    chain: [toGlobalId('Delegation', DELEGATIONS.scout.id)],
  });
  const [printed] = (await page(query, 'alice', { first: 1, filter: { service: 'printer' } })).edges;
  expect(printed?.node).toMatchObject({
    network: null,
    startedId: null,
    chain: [DELEGATIONS.scout.id, DELEGATIONS.scribe.id].map((id) => toGlobalId('Delegation', id)),
  });
});

test('a page is one statement, whatever it is filtered by', async ({ server, query }) => {
  const filters: documents.ActivityFilter[] = [{}, { service: 'tracker' }, { since: '1970-01-01T00:00:00Z' }];
  for (const filter of filters) {
    const answer = await query('alice', documents.ActivityDocument, { first: 5, filter });
    expect(server.cost(answer).statements).toHaveLength(1);
  }
});
