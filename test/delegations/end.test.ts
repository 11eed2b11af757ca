// Ending delegations: who can, and that it holds from the very next operation on, for everything below.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { type ActorName, AGENTS, type AgentName } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import type { DelegationId } from '../../src/ids.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

const agent = (name: AgentName) => toGlobalId('Agent', AGENTS[name].id);
type Chain = {
  readonly root: string;
  readonly hop: string;
  readonly asScout: Asking;
  readonly asScribe: Asking;
};

const under = (id: string): Asking => ({
  delegation: Buffer.from(id, 'base64url').toString().split(':')[1] as DelegationId,
});

/** alice to scout to scribe, for one test alone. */
async function chain(query: RunningServer['query']): Promise<Chain> {
  const terms = { capabilities: ['memory:read', 'delegation:read'], lifetimeSeconds: 600 };
  const granted = dataOf(
    await query('alice', documents.GrantDelegationDocument, {
      input: { delegateId: agent('scout'), redelegate: 1, ...terms },
    }),
  ).grantDelegation;
  const root = granted.__typename === 'Delegation' ? granted.id : '';
  const input = { delegateId: agent('scribe'), ...terms, lifetimeSeconds: 500 };
  const passed = dataOf(
    await query('scout', documents.RedelegateDocument, { input }, under(root)),
  ).redelegate;
  const hop = passed.__typename === 'Delegation' ? passed.id : '';
  expect(granted.__typename + passed.__typename).toBe('DelegationDelegation');
  return { root, hop, asScout: under(root), asScribe: under(hop) };
}

const reads = async (query: RunningServer['query'], actor: ActorName, asking: Asking) =>
  dataOf(await query(actor, documents.MemoriesDocument, {}, asking)).memories.edges.length > 0;
const both = async (query: RunningServer['query'], { asScout, asScribe }: Chain) => [
  await reads(query, 'scout', asScout),
  await reads(query, 'scribe', asScribe),
];
const revoke = async (query: RunningServer['query'], actor: ActorName, id: string, asking: Asking = {}) =>
  dataOf(await query(actor, documents.RevokeDelegationDocument, { input: { id } }, asking)).revokeDelegation;
const renounce = (query: RunningServer['query'], actor: ActorName, id: string, asking: Asking = {}) =>
  query(actor, documents.RenounceDelegationDocument, { input: { id } }, asking);
const narrow = async (
  query: RunningServer['query'],
  actor: ActorName,
  id: string,
  seconds: number,
  asking: Asking = {},
) => {
  const input = { id, expiresAt: new Date(Date.now() + seconds * 1000).toISOString() };
  return dataOf(await query(actor, documents.NarrowDelegationDocument, { input }, asking)).narrowDelegation;
};

test('nobody below, beside or outside a delegation ends it', async ({ query }) => {
  const made = await chain(query);
  const strangers: [ActorName, Asking][] = [
    ['bob', {}],
    ['mallory', {}],
    ['bobot', { delegation: 'bobot' }],
    ['scribe', made.asScribe],
    ['scribe', {}],
    ['late', { delegation: 'late' }],
    ['rogue', { delegation: 'rogue' }],
    ['alice', { scopes: ['delegation:read'] }],
    ['ada', { scopes: ['delegation:read', 'delegation:update'] }],
  ];
  for (const [actor, asking] of strangers) {
    expect([actor, (await revoke(query, actor, made.root, asking)).__typename]).toEqual([actor, 'NotFound']);
    expect([actor, (await narrow(query, actor, made.root, 60, asking)).__typename]).toEqual([
      actor,
      'NotFound',
    ]);
    expect([
      actor,
      dataOf(await renounce(query, actor, made.root, asking)).renounceDelegation.__typename,
    ]).toEqual([actor, 'NotFound']);
  }
  expect(await both(query, made)).toEqual([true, true]);
});

test('a delegate does not revoke what it holds, and an owner does not renounce what another holds', async ({
  query,
}) => {
  const made = await chain(query);
  expect((await revoke(query, 'scout', made.root)).__typename).toBe('NotFound');
  expect(dataOf(await renounce(query, 'alice', made.root)).renounceDelegation.__typename).toBe('NotFound');
  expect(codesOf(await renounce(query, 'scout', made.root, made.asScout))).toEqual(['BAD_USER_INPUT']);
  expect(await both(query, made)).toEqual([true, true]);
});

test('a delegation is not shortened into the past', async ({ query }) => {
  const { root } = await chain(query);
  const answer = await query('alice', documents.NarrowDelegationDocument, {
    input: { id: root, expiresAt: new Date(Date.now() - 1000).toISOString() },
  });
  expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
});

test('what an owner revokes shows nothing from the next operation on, and nothing below it', async ({
  query,
}) => {
  const made = await chain(query);
  expect(await both(query, made)).toEqual([true, true]);
  const ended = await revoke(query, 'alice', made.root);
  expect(ended).toMatchObject({ __typename: 'RevokedDelegation', delegationId: made.root });
  expect(await both(query, made)).toEqual([false, false]);
  const { viewer } = dataOf(await query('scribe', documents.ViewerDocument, {}, made.asScribe));
  expect(viewer).toMatchObject({ live: false, capabilities: [] });
  expect(await revoke(query, 'alice', made.root)).toEqual(ended);
});

test('whoever passed it on ends that hop and keeps its own; so does the owner', async ({ query }) => {
  const first = await chain(query);
  expect((await revoke(query, 'scout', first.hop, first.asScout)).__typename).toBe('RevokedDelegation');
  expect(await both(query, first)).toEqual([true, false]);
  const second = await chain(query);
  expect((await revoke(query, 'alice', second.hop)).__typename).toBe('RevokedDelegation');
  expect(await both(query, second)).toEqual([true, false]);
});

test('an administrator of the tenant ends any delegation of it', async ({ query }) => {
  const made = await chain(query);
  expect((await revoke(query, 'ada', made.root)).__typename).toBe('RevokedDelegation');
  expect(await both(query, made)).toEqual([false, false]);
});

test('a delegate gives up what it holds, as itself or while acting under another', async ({ query }) => {
  const first = await chain(query);
  expect(dataOf(await renounce(query, 'scribe', first.hop)).renounceDelegation).toMatchObject({
    delegationId: first.hop,
  });
  expect(await both(query, first)).toEqual([true, false]);
  const second = await chain(query);
  expect(
    dataOf(await renounce(query, 'scout', second.root, first.asScout)).renounceDelegation.__typename,
  ).toBe('RevokedDelegation');
  expect(await both(query, second)).toEqual([false, false]);
  expect(await both(query, first)).toEqual([true, false]);
});

test('a delegation ends earlier, never later, and everything below ends with it', async ({
  server,
  query,
}) => {
  const made = await chain(query);
  const ends = async (seconds: number) => {
    const narrowed = await narrow(query, 'alice', made.root, seconds);
    return narrowed.__typename === 'Delegation'
      ? Math.round((new Date(narrowed.expiresAt).getTime() - Date.now()) / 1000)
      : undefined;
  };
  expect(await ends(300)).toBeLessThanOrEqual(300);
  const kept = await ends(500);
  expect(kept).toBeLessThanOrEqual(300);
  expect(kept).toBeGreaterThan(200);
  await server.migrate((sql) =>
    sql.touched(
      "update delegations set not_before = now() - interval '1 hour', created_at = now() - interval '1 hour', expires_at = now() - interval '1 second' where id = $1",
      [made.asScout.delegation],
    ),
  );
  expect(await both(query, made)).toEqual([false, false]);
});

test('lists of what was granted and what is held say where each stands', async ({ query }) => {
  const { root } = await chain(query);
  await revoke(query, 'alice', root);
  const granted = async (
    actor: ActorName,
    asking: Asking = {},
    variables: documents.DelegationsGrantedQueryVariables = {},
  ) =>
    dataOf(
      await query(actor, documents.DelegationsGrantedDocument, { first: 100, ...variables }, asking),
    ).delegationsGranted.edges.map(({ node }) => node);
  const held = async (actor: ActorName, asking: Asking = {}) =>
    dataOf(
      await query(actor, documents.DelegationsHeldDocument, { first: 100 }, asking),
    ).delegationsHeld.edges.map(({ node }) => node);
  const id = (name: keyof typeof DELEGATIONS) => toGlobalId('Delegation', DELEGATIONS[name].id);

  expect((await granted('bob')).map((node) => node.id)).toEqual([id('bobot')]);
  expect((await granted('mallory')).map((node) => node.id)).toEqual([id('mimic')]);
  expect(await granted('late', { delegation: 'late' })).toEqual([]);
  expect(
    (await granted('scribe', { delegation: 'scribe' })).every((node) => node.delegateId === agent('scribe')),
  ).toBe(true);
  expect(await held('alice')).toEqual([]);
  const states = new Map((await granted('alice')).map((node) => [node.id, node.state]));
  expect([
    states.get(id('scout')),
    states.get(id('late')),
    states.get(id('rogue')),
    states.get(root),
  ]).toEqual(['ACTIVE', 'EXPIRED', 'REVOKED', 'REVOKED']);
  expect(states.has(id('scribe'))).toBe(true);
  expect(states.has(id('bobot'))).toBe(false);
  const ended = (await granted('alice', {}, { filter: { ended: true } })).map((node) => node.state);
  expect(new Set(ended)).toEqual(new Set(['EXPIRED', 'REVOKED']));
  const going = (await granted('alice', {}, { filter: { ended: false, delegateId: agent('scout') } })).map(
    (node) => node.id,
  );
  expect(going).toEqual(expect.arrayContaining([id('scout'), id('scoutInGarden')]));
  expect((await held('scout')).map((node) => node.id)).toEqual(
    expect.arrayContaining([id('scout'), id('scoutInGarden'), root]),
  );
  expect((await held('scribe')).every((node) => node.delegateId === agent('scribe'))).toBe(true);
  expect((await granted('scout')).every((node) => node.delegatorId === agent('scout'))).toBe(true);
});
