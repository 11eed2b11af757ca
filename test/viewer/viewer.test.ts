// viewer: what a caller is told about its own authority, whoever it is and whatever has ended.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { SCOPES } from '../../src/capabilities.ts';
import { type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

const view = async (query: RunningServer['query'], actor: ActorName, asking: Asking = {}) =>
  dataOf(await query(actor, documents.ViewerDocument, {}, asking)).viewer;

test('nobody is told that it is nobody', async ({ query }) => {
  const answer = await query('nobody', documents.ViewerDocument, {});
  expect([answer.status, ...codesOf(answer)]).toEqual([401, 'UNAUTHENTICATED']);
  expect(answer.headers.get('www-authenticate')).toBe('Bearer');
});

test('a delegation that has expired or was revoked is not live and allows nothing', async ({ query }) => {
  const late = await view(query, 'late', { delegation: 'late' });
  expect(late).toMatchObject({
    live: false,
    capabilities: [],
    owner: { id: toGlobalId('User', USERS.alice.id) },
  });
  expect(new Date(late.chain[0]?.expiresAt ?? 0).getTime()).toBeLessThan(Date.now());
  const rogue = await view(query, 'rogue', { delegation: 'rogue' });
  expect(rogue).toMatchObject({ live: false, capabilities: [] });
  expect(rogue.chain[0]?.revokedAt).not.toBeNull();
});

test('capabilities are the token, the delegations and nothing more', async ({ query }) => {
  const { capabilities } = await view(query, 'scout', { delegation: 'scout' });
  expect(capabilities).toEqual([...DELEGATIONS.scout.capabilities].sort());
  const less = await view(query, 'scout', {
    delegation: 'scout',
    scopes: ['memory:read', 'agent:create', 'made:up'],
  });
  expect(less.capabilities).toEqual(['memory:read']);
  expect((await view(query, 'scribe', { delegation: 'scribe' })).capabilities).toEqual(['memory:read']);
  expect((await view(query, 'alice', { scopes: [] })).capabilities).toEqual([]);
});

test('a world limit leaves what stands in a world', async ({ query }) => {
  const { capabilities, chain } = await view(query, 'scout', { delegation: 'scoutInGarden' });
  expect(capabilities).toEqual([...DELEGATIONS.scoutInGarden.capabilities].sort());
  expect(chain[0]?.worldId).toBe(toGlobalId('World', WORLDS.garden.id));
});

test('only an administrator with a token for it is one', async ({ query }) => {
  for (const actor of ['alice', 'bob', 'mallory', 'scout'] as const) {
    const viewer = await view(query, actor);
    expect([actor, viewer.administrator, viewer.capabilities.includes('tenant:administer')]).toEqual([
      actor,
      false,
      false,
    ]);
  }
  expect(await view(query, 'ada', { scopes: ['user:read'] })).toMatchObject({ administrator: false });
  expect(await view(query, 'ada')).toMatchObject({ administrator: true, capabilities: [...SCOPES].sort() });
});

test('in person, actor and owner are the same and no chain stands between them', async ({ query }) => {
  const alice = { id: toGlobalId('User', USERS.alice.id), kind: 'USER', status: 'ACTIVE' };
  expect(await view(query, 'alice')).toMatchObject({
    actor: alice,
    owner: alice,
    live: true,
    chain: [],
    tenant: { id: toGlobalId('Tenant', TENANTS.acme.id), slug: 'acme', name: TENANTS.acme.name },
  });
  expect((await view(query, 'mallory')).tenant.slug).toBe('globex');
});

test('through a chain, the actor is the last delegate and the owner its root', async ({ query }) => {
  const viewer = await view(query, 'scribe', { delegation: 'scribe' });
  expect(viewer).toMatchObject({
    live: true,
    actor: { id: toGlobalId('Agent', AGENTS.scribe.id), kind: 'AGENT' },
    owner: { id: toGlobalId('User', USERS.alice.id), kind: 'USER' },
    chain: [
      {
        depth: 1,
        delegationId: toGlobalId('Delegation', DELEGATIONS.scout.id),
        delegateId: toGlobalId('Agent', AGENTS.scout.id),
      },
      {
        depth: 2,
        delegationId: toGlobalId('Delegation', DELEGATIONS.scribe.id),
        redelegate: 0,
        revokedAt: null,
        worldId: null,
      },
    ],
  });
  const ends = new Date(viewer.tokenExpiresAt).getTime() - Date.now();
  expect(ends).toBeGreaterThan(3_500_000);
  expect(ends).toBeLessThan(3_700_000);
});
