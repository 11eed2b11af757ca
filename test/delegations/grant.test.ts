// Granting and passing on: every rule that stands against a delegation, and what one that was granted opens.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import {
  type ActorName,
  AGENTS,
  type AgentName,
  USERS,
  WORLDS,
  type WorldName,
} from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

const agent = (name: AgentName) => toGlobalId('Agent', AGENTS[name].id);
const world = (name: WorldName) => toGlobalId('World', WORLDS[name].id);
const DAY = 86_400;

type Input = documents.GrantDelegationInput;
const terms = (rest: Partial<Input>): Input => ({
  delegateId: agent('scout'),
  capabilities: ['memory:read'],
  lifetimeSeconds: 600,
  ...rest,
});

/** What came of it: the delegation, or the rule that stands against it. */
async function grant(
  query: RunningServer['query'],
  actor: ActorName,
  rest: Partial<Input>,
  asking: Asking = {},
) {
  const { grantDelegation } = dataOf(
    await query(actor, documents.GrantDelegationDocument, { input: terms(rest) }, asking),
  );
  return grantDelegation.__typename === 'Delegation'
    ? grantDelegation
    : grantDelegation.__typename === 'DelegationRefused'
      ? grantDelegation.reason
      : undefined;
}
async function pass(query: RunningServer['query'], actor: ActorName, rest: Partial<Input>, asking: Asking) {
  const { redelegate } = dataOf(
    await query(
      actor,
      documents.RedelegateDocument,
      { input: terms({ delegateId: agent('scribe'), ...rest }) },
      asking,
    ),
  );
  return redelegate.__typename === 'Delegation'
    ? redelegate
    : redelegate.__typename === 'DelegationRefused'
      ? redelegate.reason
      : undefined;
}
/** As the header names it. */
function under(granted: Awaited<ReturnType<typeof grant>>): Asking {
  const [type, id] = Buffer.from(typeof granted === 'object' ? granted.id : '', 'base64url')
    .toString()
    .split(':');
  expect(type).toBe('Delegation');
  return { delegation: id as DelegationId };
}
const remembered = async (query: RunningServer['query'], actor: ActorName, asking: Asking) =>
  dataOf(await query(actor, documents.MemoriesDocument, { first: 100 }, asking)).memories.edges.length;

test('authority: only a person grants, only in person; only a delegate passes on, only what it acts under', async ({
  query,
}) => {
  expect(await grant(query, 'scout', { delegateId: agent('scribe') })).toBe('AUTHORITY');
  expect(await grant(query, 'scout', { delegateId: agent('scribe') }, { delegation: 'scout' })).toBe(
    'AUTHORITY',
  );
  expect(await grant(query, 'alice', {}, { scopes: ['memory:read', 'delegation:read'] })).toBe('AUTHORITY');
  expect(await pass(query, 'alice', {}, {})).toBe('AUTHORITY');
  expect(await pass(query, 'scout', {}, {})).toBe('AUTHORITY');
  expect(await pass(query, 'rogue', {}, { delegation: 'rogue' })).toBe('AUTHORITY');
  expect(await pass(query, 'late', {}, { delegation: 'late' })).toBe('AUTHORITY');
});

test('redelegate: no more further hops than the delegation above leaves', async ({ query }) => {
  expect(await pass(query, 'scout', { redelegate: 2 }, { delegation: 'scout' })).toBe('REDELEGATE');
  expect(await pass(query, 'scout', {}, { delegation: 'scoutInGarden' })).toBe('REDELEGATE');
  expect(await pass(query, 'scribe', { delegateId: agent('late') }, { delegation: 'scribe' })).toBe(
    'REDELEGATE',
  );
  for (const redelegate of [-1, 4]) {
    expect(
      codesOf(await query('alice', documents.GrantDelegationDocument, { input: terms({ redelegate }) })),
    ).toEqual(['BAD_USER_INPUT']);
  }
});

test('capabilities: no more than above, and reading wherever there is writing', async ({ query }) => {
  expect(
    await pass(
      query,
      'scout',
      { capabilities: ['memory:read', 'user:read', 'user:update'] },
      { delegation: 'scout' },
    ),
  ).toBe('CAPABILITIES');
  expect(await grant(query, 'alice', { capabilities: ['memory:create'] })).toBe('CAPABILITIES');
  expect(await grant(query, 'alice', { capabilities: ['memory:read', 'memory:read'] })).toBe('CAPABILITIES');
  for (const capability of [
    'memory:*',
    '*',
    'tenant:administer',
    'delegation:create',
    'memory:read ',
    'secret:create',
  ]) {
    const answer = await query('alice', documents.GrantDelegationDocument, {
      input: terms({ capabilities: [capability] }),
    });
    expect([capability, ...codesOf(answer)]).toEqual([capability, 'BAD_USER_INPUT']);
  }
  expect(
    codesOf(await query('alice', documents.GrantDelegationDocument, { input: terms({ capabilities: [] }) })),
  ).toEqual(['BAD_USER_INPUT']);
});

test('world: none in which the owner takes no part, be it hidden or absent', async ({ query }) => {
  for (const worldId of [world('workshop'), world('vault'), toGlobalId('World', newId())]) {
    expect(await grant(query, 'alice', { worldId })).toBe('WORLD');
  }
  const inGarden = await grant(query, 'alice', { worldId: world('garden'), redelegate: 1 });
  expect(await pass(query, 'scout', { worldId: world('vault') }, under(inGarden))).toBe('WORLD');
});

test('lifetime: not in the past, not beyond ninety days, nor an hour further down, nor the delegation above', async ({
  query,
}) => {
  const at = (seconds: number) => ({
    lifetimeSeconds: null,
    expiresAt: new Date(Date.now() + seconds * 1000).toISOString(),
  });
  expect(await grant(query, 'alice', at(-60))).toBe('LIFETIME');
  expect(await grant(query, 'alice', at(91 * DAY))).toBe('LIFETIME');
  expect(
    await grant(query, 'alice', { ...at(60), notBefore: new Date(Date.now() + 120_000).toISOString() }),
  ).toBe('LIFETIME');
  expect(await pass(query, 'scout', at(2 * 3600), { delegation: 'scout' })).toBe('LIFETIME');
  const short = await grant(query, 'alice', { lifetimeSeconds: 300, redelegate: 1 });
  expect(await pass(query, 'scout', { lifetimeSeconds: 600 }, under(short))).toBe('LIFETIME');
  for (const end of [
    { lifetimeSeconds: null },
    { lifetimeSeconds: 0 },
    { lifetimeSeconds: -5 },
    { ...at(60), lifetimeSeconds: 60 },
  ]) {
    expect(codesOf(await query('alice', documents.GrantDelegationDocument, { input: terms(end) }))).toEqual([
      'BAD_USER_INPUT',
    ]);
  }
});

test('cycle: nobody stands twice in a chain', async ({ query }) => {
  expect(await pass(query, 'scout', { delegateId: agent('scout') }, { delegation: 'scout' })).toBe('CYCLE');
  const long = await pass(query, 'scout', { redelegate: 1 }, { delegation: 'scout' });
  expect(long).toMatchObject({ depth: 2 });
  expect(await pass(query, 'scribe', { delegateId: agent('scout'), lifetimeSeconds: 500 }, under(long))).toBe(
    'CYCLE',
  );
});

test('delegate: an agent of the owner that takes part, and nobody else, hidden and absent alike', async ({
  query,
}) => {
  for (const delegateId of [agent('bobot'), agent('mimic'), toGlobalId('Agent', newId())]) {
    expect(await grant(query, 'alice', { delegateId })).toBe('DELEGATE');
    expect(await pass(query, 'scout', { delegateId }, { delegation: 'scout' })).toBe('DELEGATE');
  }
  const user = await query('alice', documents.GrantDelegationDocument, {
    input: terms({ delegateId: toGlobalId('User', USERS.bob.id) }),
  });
  expect(codesOf(user)).toEqual(['BAD_USER_INPUT']);
});

test('a refusal grants nothing and says why in words', async ({ server, query }) => {
  const count = () => server.migrate((sql) => sql.value('select count(*)::int from delegations'));
  const before = await count();
  const answer = dataOf(
    await query('alice', documents.GrantDelegationDocument, { input: terms({ delegateId: agent('bobot') }) }),
  ).grantDelegation;
  expect(answer).toEqual({
    __typename: 'DelegationRefused',
    reason: 'DELEGATE',
    message: expect.stringMatching(/agent/),
  });
  expect(await count()).toBe(before);
});

test('a sub-agent to whom it is passed on reads, and writes only if that was passed on too', async ({
  query,
}) => {
  const passed = await pass(query, 'scout', { purpose: 'Read along' }, { delegation: 'scout' });
  expect(passed).toMatchObject({
    depth: 2,
    parentId: toGlobalId('Delegation', DELEGATIONS.scout.id),
    ownerId: toGlobalId('User', USERS.alice.id),
    delegatorId: agent('scout'),
    delegateId: agent('scribe'),
    purpose: 'Read along',
    state: 'ACTIVE',
    redelegate: 0,
  });
  expect(await remembered(query, 'scribe', under(passed))).toBe(7);
  const write = (asking: Asking) =>
    query('scribe', documents.CreateMemoryDocument, { input: { content: 'by scribe' } }, asking);
  expect(codesOf(await write(under(passed)))).toEqual(['FORBIDDEN']);
  const more = await pass(
    query,
    'scout',
    { capabilities: ['memory:read', 'memory:create'] },
    { delegation: 'scout' },
  );
  expect(dataOf(await write(under(more))).createMemory).toMatchObject({
    __typename: 'Memory',
    content: 'by scribe',
  });
});

test('an agent can be given what its owner does in a world of another', async ({ query }) => {
  const inGarden = await grant(query, 'bob', {
    delegateId: agent('bobot'),
    worldId: world('garden'),
    capabilities: ['memory:read', 'world:read'],
  });
  expect(inGarden).toMatchObject({ worldId: world('garden'), world: { name: 'Garden' } });
  expect(await remembered(query, 'bobot', under(inGarden))).toBe(1);
});

test('a delegation that begins later is pending and shows nothing yet', async ({ query }) => {
  const later = await grant(query, 'alice', { notBefore: new Date(Date.now() + 300_000).toISOString() });
  expect(later).toMatchObject({ state: 'PENDING' });
  expect(await remembered(query, 'scout', under(later))).toBe(0);
  expect(dataOf(await query('scout', documents.ViewerDocument, {}, under(later))).viewer.live).toBe(false);
});

test('four hops are the most there can be, and each can only allow less', async ({ query }) => {
  const first = await grant(query, 'alice', {
    redelegate: 3,
    capabilities: ['memory:read', 'memory:create', 'agent:read'],
  });
  const less = { redelegate: 2, capabilities: ['memory:read', 'agent:read'], lifetimeSeconds: 500 };
  const second = await pass(query, 'scout', less, under(first));
  const later = { delegateId: agent('late'), redelegate: 1, lifetimeSeconds: 400 };
  const third = await pass(query, 'scribe', later, under(second));
  const fourth = await pass(
    query,
    'late',
    { delegateId: agent('rogue'), lifetimeSeconds: 300 },
    under(third),
  );
  expect([first, second, third, fourth].map((hop) => (typeof hop === 'object' ? hop.depth : hop))).toEqual([
    1, 2, 3, 4,
  ]);
  expect(await remembered(query, 'rogue', under(fourth))).toBeGreaterThan(0);
  expect(dataOf(await query('rogue', documents.ViewerDocument, {}, under(fourth))).viewer).toMatchObject({
    live: true,
    capabilities: ['memory:read'],
  });
});
