// Listening: who hears of what, and what ends a stream. Going on after it broke off: resuming.test.ts.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { dataOf } from '../kit/answer.ts';
import { granted } from '../kit/granted.ts';
import { type Asking, startServer, test } from '../kit/server.ts';
import { type Listening, listen } from '../kit/stream.ts';
import { AGENT, APPROVALS, DELEGATED, events, MEMORIES, SETTLED_MS, write } from './heard.ts';

const AS_SCOUT: Asking = { delegation: 'scout' };
const GARDEN = toGlobalId('World', WORLDS.garden.id);

test('nobody listens without a credential, by another way, to what is no stream, or to two things at once', async ({
  server,
  query,
}) => {
  const nobody = await listen(server, 'nobody', MEMORIES);
  expect([nobody.status, nobody.got[0]?.errors?.[0]?.extensions.code]).toEqual([401, 'UNAUTHENTICATED']);
  for (const delegation of ['late', 'rogue'] as const) {
    const dead = await listen(server, delegation, MEMORIES, { delegation });
    expect(dead.status).toBe(401);
  }
  const plain = await query('alice', MEMORIES);
  expect([plain.status, plain.body.errors?.[0]?.extensions.code]).toEqual([406, 'BAD_USER_INPUT']);
  for (const wrong of [
    'subscription { memoryChanged { id } agentChanged { id } }',
    'subscription { ...F } fragment F on Subscription { memoryChanged { id } }',
    'subscription { __typename }',
  ]) {
    const refused = await listen(server, 'alice', wrong);
    expect(refused.got[0]?.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  }
});

test('what happens to a row is heard by those who see it, and by nobody else', async ({ server }) => {
  const [alice, scout, inGarden, scribe, bob, ada, mallory, poor] = await Promise.all([
    listen(server, 'alice', MEMORIES),
    listen(server, 'scout', MEMORIES, AS_SCOUT),
    listen(server, 'scout', MEMORIES, { delegation: 'scoutInGarden' }),
    listen(server, 'scout', MEMORIES),
    listen(server, 'bob', MEMORIES),
    listen(server, 'ada', MEMORIES),
    listen(server, 'mallory', MEMORIES),
    listen(server, 'alice', MEMORIES, { scopes: ['agent:read'] }),
  ] as const);
  const all = [alice, scout, inGarden, scribe, bob, ada, mallory, poor];
  const loose = await write(server, 'in no world');
  const placed = await write(server, 'in the garden', { worldId: GARDEN });
  await alice.until(2);
  await server.query('alice', documents.DeleteMemoryDocument, { input: { id: loose } });
  await server.query('alice', documents.DeleteMemoryDocument, { input: { id: placed } });
  await Promise.all([alice.until(4), scout.until(4), inGarden.until(2)]);
  await sleep(SETTLED_MS);
  const whole = [
    ['CREATED', 'memory.created', loose],
    ['CREATED', 'memory.created', placed],
    ['DELETED', 'memory.deleted', loose],
    ['DELETED', 'memory.deleted', placed],
  ];
  expect(events(alice)).toEqual(whole);
  expect(events(scout)).toEqual(whole);
  expect(events(inGarden)).toEqual([whole[1], whole[3]]);
  for (const deaf of [scribe, bob, ada, mallory, poor]) {
    expect(events(deaf)).toEqual([]);
    expect(deaf.ended).toBe(false);
  }
  expect(alice.got[1]?.data).toMatchObject({
    memoryChanged: { memory: { content: 'in the garden', world: { id: GARDEN } } },
  });
  for (const stream of all) {
    stream.close();
  }
});

test('what is refused or rolled back is heard by nobody', async ({ server, query }) => {
  const alice = await listen(server, 'alice', MEMORIES);
  await query('bob', documents.UpdateMemoryDocument, {
    input: { id: toGlobalId('Memory', AGENTS.scout.id), content: 'x' },
  });
  const both = `mutation {
    a: createMemory(input: { content: "kept?" }) { __typename }
    b: createMemory(input: { content: "" }) { __typename }
  }`;
  expect((await query('alice', both)).body.errors).toBeDefined();
  const id = await write({ query }, 'the only one');
  await alice.until(1);
  await sleep(SETTLED_MS);
  expect(events(alice)).toEqual([['CREATED', 'memory.created', id]]);
  alice.close();
});

test('an owner hears of requests and decides, and the agent hears of the decision', async ({
  server,
  query,
}) => {
  const [alice, scout, scribe, bob] = await Promise.all([
    listen(server, 'alice', APPROVALS),
    listen(server, 'scout', APPROVALS, AS_SCOUT),
    listen(server, 'scribe', APPROVALS, { delegation: 'scribe' }),
    listen(server, 'bob', APPROVALS),
  ] as const);
  const input = { service: 'mail', action: 'messages.send', arguments: { to: 'stream@example.org' } };
  await query('scout', documents.AuthorizeActionDocument, { input }, AS_SCOUT);
  const [asked] = await alice.until(1);
  const { id = '' } = asked?.data?.approvalChanged ?? {};
  expect(asked?.data).toMatchObject({
    approvalChanged: { change: 'CREATED', event: 'approval.asked', approval: { state: 'WAITING' } },
  });
  await query('alice', documents.DecideApprovalDocument, {
    input: { id, decision: 'APPROVE' as documents.ApprovalDecision },
  });
  const heard = await scout.until(2);
  expect(heard[1]?.data).toMatchObject({
    approvalChanged: { id, event: 'approval.approved', approval: { state: 'APPROVED' } },
  });
  await sleep(SETTLED_MS);
  expect([events(scribe), events(bob)]).toEqual([[], []]);
  for (const stream of [alice, scout, scribe, bob]) {
    stream.close();
  }
});

test('an owner hears what agents do as it is recorded, each agent what it did itself', async ({
  server,
  query,
}) => {
  const DONE = 'subscription { activityRecorded { change event id entry { service outcome } } }';
  const [alice, scout, scribe, bob] = await Promise.all([
    listen(server, 'alice', DONE),
    listen(server, 'scout', DONE, AS_SCOUT),
    listen(server, 'scribe', DONE, { delegation: 'scribe' }),
    listen(server, 'bob', DONE),
  ] as const);
  const entries = ['STARTED', 'SUCCEEDED'].map((outcome) => ({ service: 'shell', action: 'run', outcome }));
  dataOf(
    await query(
      'scout',
      documents.RecordActivityDocument,
      { input: { entries } as documents.RecordActivityInput },
      AS_SCOUT,
    ),
  );
  await query(
    'scout',
    documents.AuthorizeActionDocument,
    { input: { service: 'weather', action: 'forecast' } },
    AS_SCOUT,
  );
  await Promise.all([alice.until(3), scout.until(3)]);
  await sleep(SETTLED_MS);
  const said = ({ got }: Listening) =>
    got.map(({ data }) => (data?.activityRecorded as unknown as { entry: object } | undefined)?.entry);
  const all = [
    { service: 'shell', outcome: 'STARTED' },
    { service: 'shell', outcome: 'SUCCEEDED' },
    { service: 'weather', outcome: 'ALLOWED' },
  ];
  expect([said(alice), said(scout), said(scribe), said(bob)]).toEqual([all, all, [], []]);
  for (const stream of [alice, scout, scribe, bob]) {
    stream.close();
  }
});

test('a revoked delegation ends the streams of its delegate within a second, and no others', async ({
  server,
}) => {
  const { id, asking } = await granted(server, ['memory:read', 'agent:read', 'delegation:read']);
  const [scout, other, alice] = await Promise.all([
    listen(server, 'scout', MEMORIES, asking),
    listen(server, 'scout', MEMORIES, AS_SCOUT),
    listen(server, 'alice', DELEGATED),
  ] as const);
  await server.query('alice', documents.RevokeDelegationDocument, { input: { id } });
  const [took] = await Promise.all([scout.end(), alice.until(1)]);
  expect(took).toBeLessThan(1000);
  expect(scout.got.at(-1)?.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  expect(events(alice)).toEqual([['UPDATED', 'delegation.revoked', id]]);
  expect(other.ended).toBe(false);
  await write(server, 'after the end');
  await other.until(1);
  expect(scout.got).toHaveLength(1);
  other.close();
  alice.close();
});

test('an expired token, a suspended agent and owner, and ended credentials end streams within a second', async () => {
  const server = await startServer();
  try {
    const suspended = await listen(server, 'scout', MEMORIES, AS_SCOUT);
    await server.query('alice', documents.SetAgentStatusDocument, {
      input: {
        id: toGlobalId('Agent', AGENTS.scout.id),
        status: 'SUSPENDED',
      } as documents.SetAgentStatusInput,
    });
    expect(await suspended.end()).toBeLessThan(1000);
    const bobs = await listen(server, 'bobot', MEMORIES, { delegation: 'bobot' });
    const bob = await listen(server, 'bob', MEMORIES);
    // by whatever way it came about
    await server.migrate((sql) =>
      sql.rows(`update entities set status = 'suspended' where id = $1`, [USERS.bob.id]),
    );
    expect(Math.max(...(await Promise.all([bobs.end(), bob.end()])))).toBeLessThan(1000);
    const narrowed = await listen(server, 'mimic', MEMORIES, { delegation: 'mimic' });
    await server.migrate((sql) =>
      sql.rows(`update delegations set expires_at = now() + interval '300 milliseconds' where id = $1`, [
        DELEGATIONS.mimic.id,
      ]),
    );
    expect(await narrowed.end()).toBeLessThan(1300);
    const alice = await listen(server, 'alice', AGENT);
    await server.query('alice', documents.EndCredentialsDocument, {
      input: { holderId: toGlobalId('User', USERS.alice.id) },
    });
    expect(await alice.end()).toBeLessThan(1000);
  } finally {
    await server.stop();
  }
});
