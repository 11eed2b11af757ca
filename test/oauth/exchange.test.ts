// Token exchange (RFC 8693): how an agent gets a token with which it acts for its owner, and how nobody else does. Through
// openid-client, against the real server.

import { type Configuration, genericGrantRequest } from 'openid-client';
import { expect } from 'vitest';
import { SCOPES } from '../../src/capabilities.ts';
import { type ActorName, AGENTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS, type DelegationName } from '../../src/demo/delegations.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import type { RunningServer } from '../kit/server.ts';
import { delegate } from '../policies/given.ts';
import {
  claimsOf,
  EXCHANGE,
  foreignToken,
  memoriesOf,
  publicClient,
  refusal,
  register,
  signIn,
  TOKEN_TYPE,
  test,
} from './kit.ts';

type Asked = {
  readonly subject: string;
  readonly actor?: string;
  readonly delegation?: DelegationName | string;
  readonly scope?: string;
  readonly client?: Configuration;
  readonly more?: Record<string, string>;
};

async function exchange(
  server: RunningServer,
  { subject, actor, delegation, scope, client, more = {} }: Asked,
): Promise<{ access: string; scope: string; refresh: string | undefined; issued: unknown }> {
  const named = Object.entries(DELEGATIONS).find(([name]) => name === delegation)?.[1].id ?? delegation;
  const answer = await genericGrantRequest(client ?? (await publicClient(server)), EXCHANGE, {
    subject_token: subject,
    subject_token_type: TOKEN_TYPE,
    ...(actor === undefined ? {} : { actor_token: actor, actor_token_type: TOKEN_TYPE }),
    ...(named === undefined ? {} : { delegation_id: named }),
    ...(scope === undefined ? {} : { scope }),
    ...more,
  });
  return {
    access: answer.access_token,
    scope: answer.scope ?? '',
    refresh: answer.refresh_token,
    issued: answer.issued_token_type,
  };
}

const tokens = (server: RunningServer, ...who: readonly ActorName[]) =>
  Promise.all(who.map((name) => foreignToken(server, name)));

test('nobody acts for an owner who has not delegated to them, or not any more', async ({ server }) => {
  const [alice = '', bob = '', mallory = ''] = await tokens(server, 'alice', 'bob', 'mallory');
  const [scout = '', bobot = '', late = '', rogue = ''] = await tokens(
    server,
    'scout',
    'bobot',
    'late',
    'rogue',
  );
  const cases: [what: string, asked: Asked][] = [
    ["another owner's agent", { subject: alice, actor: bobot, delegation: 'bobot' }],
    ["with another agent's delegation", { subject: alice, actor: bobot, delegation: 'scout' }],
    ['for another owner', { subject: bob, actor: scout, delegation: 'scout' }],
    ['for an owner of another tenant', { subject: mallory, actor: scout, delegation: 'scout' }],
    ['under an expired delegation', { subject: alice, actor: late, delegation: 'late' }],
    ['under a revoked delegation', { subject: alice, actor: rogue, delegation: 'rogue' }],
    ['under none that there is', { subject: alice, actor: scout, delegation: crypto.randomUUID() }],
    ['without a delegation', { subject: alice, actor: scout }],
    ['the owner for itself', { subject: alice, actor: alice, delegation: 'scout' }],
    ['without anybody to act', { subject: alice, delegation: 'scout' }],
    ['with a token that is none', { subject: alice, actor: 'none', delegation: 'scout' }],
  ];
  for (const [what, asked] of cases) {
    expect([what, await refusal(exchange(server, asked))]).toEqual([what, '400 invalid_request']);
  }
});

test('where the subject says who may act, nobody else does, and it allows nothing by itself', async ({
  server,
}) => {
  const scout = await foreignToken(server, 'scout');
  const forScribe = await foreignToken(server, 'alice', SCOPES, 'scribe');
  const forScout = await foreignToken(server, 'alice', SCOPES, 'scout');
  const forBobot = await foreignToken(server, 'alice', SCOPES, 'bobot');
  const bobot = await foreignToken(server, 'bobot');
  const asked = { delegation: 'scout', scope: 'memory:read' };
  expect(await refusal(exchange(server, { ...asked, subject: forScribe, actor: scout }))).toBe(
    '400 invalid_request',
  );
  expect(
    await refusal(exchange(server, { ...asked, subject: forBobot, actor: bobot, delegation: 'bobot' })),
  ).toBe('400 invalid_request');
  const { client } = await register(server, { by: 'alice', holder: 'scout' });
  expect(await refusal(exchange(server, { ...asked, subject: forScout, client }))).toBe(
    '400 invalid_request',
  );
  expect((await exchange(server, { ...asked, subject: forScout, actor: scout })).scope).toBe('memory:read');
});

test('scope can only shrink: not beyond the subject, the actor or the delegation', async ({ server }) => {
  const scout = await foreignToken(server, 'scout');
  const alice = await foreignToken(server, 'alice');
  const reading = await foreignToken(server, 'alice', ['memory:read']);
  const agent = await foreignToken(server, 'scout', ['memory:read']);
  const asked = { delegation: 'scout', scope: 'memory:read memory:delete' };
  expect(await refusal(exchange(server, { ...asked, subject: reading, actor: scout }))).toBe(
    '400 invalid_scope',
  );
  expect(await refusal(exchange(server, { ...asked, subject: alice, actor: agent }))).toBe(
    '400 invalid_scope',
  );
  expect(
    await refusal(exchange(server, { ...asked, subject: alice, actor: scout, scope: 'tenant:administer' })),
  ).toBe('400 invalid_scope');
  const all = await exchange(server, { subject: alice, actor: scout, delegation: 'scout' });
  expect(all.scope.split(' ').sort()).toEqual([...DELEGATIONS.scout.capabilities].sort());
});

test('a delegated token names owner, actor and delegation, reads as far as that goes, and is not refreshed', async ({
  server,
}) => {
  const [alice = '', scout = ''] = await tokens(server, 'alice', 'scout');
  const made = await exchange(server, {
    subject: alice,
    actor: scout,
    delegation: 'scoutInGarden',
    scope: 'memory:read',
  });
  expect([made.refresh, made.issued]).toEqual([undefined, TOKEN_TYPE]);
  expect(claimsOf(made.access)).toMatchObject({
    sub: USERS.alice.id,
    act: { sub: AGENTS.scout.id },
    delegation_id: DELEGATIONS.scoutInGarden.id,
    tenant: 'acme',
    scope: 'memory:read',
  });
  expect(await memoriesOf(server, made.access)).toEqual(
    await memoriesOf(server, scout, { 'delegation-id': DELEGATIONS.scoutInGarden.id }),
  );
  // the header may not choose another one
  expect(await memoriesOf(server, made.access, { 'delegation-id': DELEGATIONS.scout.id })).toBe('refused');
});

test('a delegated token is worth nothing once its delegation is revoked', async ({ server }) => {
  const [bob = '', bobot = ''] = await tokens(server, 'bob', 'bobot');
  const { access } = await exchange(server, {
    subject: bob,
    actor: bobot,
    delegation: 'bobot',
    scope: 'memory:read',
  });
  expect(await memoriesOf(server, access)).not.toEqual([]);
  await server.migrate((sql) =>
    sql.rows(
      `update delegations set revoked_at = now(), revoked_by = delegator_id where id = '${DELEGATIONS.bobot.id}'`,
    ),
  );
  expect(await memoriesOf(server, access)).toEqual([]);
});

test('tokens of our own are exchanged like those of an issuer, and end with the session they hang on', async ({
  server,
}) => {
  const alice = (await signIn(server, 'alice')).access;
  const scout = await signIn(server, 'scout');
  const made = await exchange(server, {
    subject: alice,
    actor: scout.access,
    delegation: 'scout',
    scope: 'memory:read',
  });
  expect(claimsOf(made.access).sid).toBe(claimsOf(scout.access).sid);
  expect(await memoriesOf(server, made.access)).not.toEqual([]);
  // a sub-agent goes on from there, and who acted before is named
  const scribe = await foreignToken(server, 'scribe');
  const further = await exchange(server, { subject: made.access, actor: scribe, delegation: 'scribe' });
  expect(claimsOf(further.access)).toMatchObject({
    sub: USERS.alice.id,
    act: { sub: AGENTS.scribe.id, act: { sub: AGENTS.scout.id } },
    scope: 'memory:read',
  });
  expect(await memoriesOf(server, further.access)).not.toBe('refused');
  const narrower = await exchange(server, { subject: further.access, scope: 'memory:read' });
  expect(claimsOf(narrower.access).act).toEqual(claimsOf(further.access).act);
  expect(await memoriesOf(server, narrower.access)).not.toBe('refused');
});

test('whoever comes after an agent that acts stands below it, and everybody in between is named', async ({
  server,
}) => {
  const [direct, below] = [newId<DelegationId>(), newId<DelegationId>()];
  await server.migrate(async (sql) => {
    await delegate(sql, { id: direct, from: 'alice', to: 'scribe' });
    await delegate(sql, { id: below, from: 'scribe', to: 'late', parent: DELEGATIONS.scribe.id, depth: 3 });
  });
  const [alice = '', scout = '', scribe = '', late = ''] = await tokens(
    server,
    'alice',
    'scout',
    'scribe',
    'late',
  );
  const first = await exchange(server, { subject: alice, actor: scout, delegation: 'scout' });
  // scribe may act for alice under this one too, but not as one whom scout has sent
  expect(await refusal(exchange(server, { subject: first.access, actor: scribe, delegation: direct }))).toBe(
    '400 invalid_request',
  );
  const second = await exchange(server, { subject: first.access, actor: scribe, delegation: 'scribe' });
  const third = await exchange(server, { subject: second.access, actor: late, delegation: below });
  expect(claimsOf(third.access).act).toEqual({
    sub: AGENTS.late.id,
    act: { sub: AGENTS.scribe.id, act: { sub: AGENTS.scout.id } },
  });
  expect(await memoriesOf(server, third.access)).not.toBe('refused');
  expect((await exchange(server, { subject: alice, actor: scribe, delegation: direct })).scope).toBe(
    'memory:read',
  );
});

test('a client of an agent exchanges as the one that acts', async ({ server }) => {
  const { client, clientId } = await register(server, { by: 'alice', holder: 'scout' });
  const alice = await foreignToken(server, 'alice');
  const made = await exchange(server, { subject: alice, delegation: 'scout', client });
  expect(claimsOf(made.access)).toMatchObject({
    sub: USERS.alice.id,
    act: { sub: AGENTS.scout.id },
    client_id: clientId,
    scope: 'memory:read',
  });
  expect(await memoriesOf(server, made.access)).not.toEqual([]);
  const bob = await foreignToken(server, 'bob');
  expect(await refusal(exchange(server, { subject: bob, delegation: 'scout', client }))).toBe(
    '400 invalid_request',
  );
});

test('a token of ours is exchanged for a narrower one, never for a wider or longer one', async ({
  server,
}) => {
  const { access } = await signIn(server, 'alice', { scope: 'memory:read agent:read' });
  const narrow = await exchange(server, { subject: access, scope: 'memory:read' });
  expect([narrow.scope, narrow.refresh]).toEqual(['memory:read', undefined]);
  expect(claimsOf(narrow.access).exp).toBeLessThanOrEqual(claimsOf(access).exp);
  expect(await refusal(exchange(server, { subject: narrow.access, scope: 'agent:read' }))).toBe(
    '400 invalid_scope',
  );
});

test('only access tokens for this server are issued, and only from access tokens', async ({ server }) => {
  const alice = await foreignToken(server, 'alice');
  const changed = async (more: Record<string, string>) =>
    await refusal(exchange(server, { subject: alice, more }));
  expect(await changed({ audience: 'https://elsewhere.example' })).toBe('400 invalid_target');
  expect(await changed({ resource: 'https://elsewhere.example' })).toBe('400 invalid_target');
  expect(await changed({ requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' })).toBe(
    '400 invalid_request',
  );
  expect(await changed({ subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' })).toBe(
    '400 invalid_request',
  );
});
