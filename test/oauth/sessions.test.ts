// Sessions: they begin with a token of a trusted issuer, go on by refresh tokens that are used once, and end for everybody who has
// a part of them at the same moment. Through openid-client, against the real server.

import { refreshTokenGrant, tokenRevocation } from 'openid-client';
import { expect } from 'vitest';
import { toGlobalId } from '../../src/api/global-id.ts';
import { ACTORS, type ActorName } from '../../src/demo/cast.ts';
import type { RunningServer } from '../kit/server.ts';
import { claimsOf, foreignToken, memoriesOf, publicClient, refusal, signIn, test } from './kit.ts';

const refresh = async (server: RunningServer, token: string, parameters: Record<string, string> = {}) => {
  const answer = await refreshTokenGrant(await publicClient(server), token, parameters);
  return { access: answer.access_token, refresh: answer.refresh_token ?? '', scope: answer.scope ?? '' };
};

test('stealing a refresh token and using it after its owner did ends the whole family', async ({
  server,
}) => {
  const first = await signIn(server, 'alice');
  const stolen = first.refresh;
  // the owner goes on, twice
  const second = await refresh(server, first.refresh);
  const third = await refresh(server, second.refresh);
  expect(await memoriesOf(server, third.access)).not.toBe('refused');
  // the thief comes too late, and gets nothing
  expect(await refusal(refresh(server, stolen))).toBe('400 invalid_grant');
  // from that moment on nothing of the family is good: not what the owner has for later ...
  expect(await refusal(refresh(server, third.refresh))).toBe('400 invalid_grant');
  // ... nor any access token that has not expired
  for (const { access } of [first, second, third]) {
    expect(await memoriesOf(server, access)).toBe('refused');
  }
  expect(server.log.filter(({ event }) => event === 'refresh.reused')).toHaveLength(1);
  // and the thief who comes again learns nothing new
  expect(await refusal(refresh(server, stolen))).toBe('400 invalid_grant');
});

test('stealing a refresh token and using it before its owner does ends the family when the owner comes', async ({
  server,
}) => {
  const owner = await signIn(server, 'alice');
  const thief = await refresh(server, owner.refresh);
  expect(await memoriesOf(server, thief.access)).not.toBe('refused');
  expect(await refusal(refresh(server, owner.refresh))).toBe('400 invalid_grant');
  expect(await refusal(refresh(server, thief.refresh))).toBe('400 invalid_grant');
  expect(await memoriesOf(server, thief.access)).toBe('refused');
});

test('of two uses of a refresh token at the same moment one is the second, and the family ends', async ({
  server,
}) => {
  const { refresh: token } = await signIn(server, 'alice');
  const both = await Promise.allSettled([refresh(server, token), refresh(server, token)]);
  const taken = both.filter(({ status }) => status === 'fulfilled') as PromiseFulfilledResult<{
    access: string;
    refresh: string;
  }>[];
  expect(taken.length).toBeLessThan(2);
  for (const { value } of taken) {
    expect(await refusal(refresh(server, value.refresh))).toBe('400 invalid_grant');
    expect(await memoriesOf(server, value.access)).toBe('refused');
  }
});

test('one family ends, and another of the same person goes on', async ({ server }) => {
  const [one, other] = [await signIn(server, 'alice'), await signIn(server, 'alice')];
  await refresh(server, one.refresh);
  expect(await refusal(refresh(server, one.refresh))).toBe('400 invalid_grant');
  expect(await memoriesOf(server, other.access)).not.toBe('refused');
  expect((await refresh(server, other.refresh)).access).not.toBe('');
});

test('scope can only shrink: not beyond the sign-in when refreshing, and not beyond the token when signing in', async ({
  server,
}) => {
  const narrow = await signIn(server, 'alice', { scope: 'memory:read' });
  expect(narrow.scope).toBe('memory:read');
  expect(await refusal(refresh(server, narrow.refresh, { scope: 'memory:read memory:delete' }))).toBe(
    '400 invalid_scope',
  );
  const token = ['memory:read', 'agent:read'];
  expect(await refusal(signIn(server, 'alice', { scopes: token, scope: 'memory:read memory:delete' }))).toBe(
    '400 invalid_scope',
  );
  const both = await signIn(server, 'alice', { scopes: token });
  expect(both.scope.split(' ').sort()).toEqual([...token].sort());
  const one = await refresh(server, both.refresh, { scope: 'memory:read' });
  expect([one.scope, claimsOf(one.access).scope]).toEqual(['memory:read', 'memory:read']);
});

test('nothing begins with a token that is none, of nobody, or of an issuer that is not trusted', async ({
  server,
}) => {
  const good = await foreignToken(server, 'alice');
  const altered = `${good.slice(0, -8)}AAAAAAAA`;
  for (const subject of ['', 'none', altered]) {
    const answer = await fetch(`${server.origin}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        client_id: 'bailiwick',
        subject_token: subject,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      }),
    });
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      400,
      'invalid_request',
    ]);
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  }
});

test('somebody who is suspended signs in no more, refreshes no more, and reads no more', async ({
  server,
}) => {
  const { access, refresh: token } = await signIn(server, 'bob');
  expect(await memoriesOf(server, access)).not.toEqual([]);
  const status = (to: string) =>
    server.migrate((sql) => sql.rows(`update entities set status = '${to}' where id = '${ACTORS.bob.id}'`));
  await status('suspended');
  try {
    expect(await memoriesOf(server, access)).toEqual([]);
    expect(await refusal(refresh(server, token))).toBe('400 invalid_grant');
    expect(await refusal(signIn(server, 'bob'))).toBe('400 invalid_request');
  } finally {
    await status('active');
  }
});

test('revoking the refresh token ends its session (RFC 7009)', async ({ server }) => {
  const { access, refresh: token } = await signIn(server, 'alice');
  await tokenRevocation(await publicClient(server), token);
  expect(await memoriesOf(server, access)).toBe('refused');
  expect(await refusal(refresh(server, token))).toBe('400 invalid_grant');
});

test('revoking an access token ends that one, from the next request on', async ({ server }) => {
  const { access, refresh: token } = await signIn(server, 'alice');
  await tokenRevocation(await publicClient(server), access);
  expect(await memoriesOf(server, access)).toBe('refused');
  expect(await memoriesOf(server, (await refresh(server, token)).access)).not.toBe('refused');
});

test('revoking what is no token of ours is answered like any revocation, and ends nothing', async ({
  server,
}) => {
  const client = await publicClient(server);
  for (const token of ['none', await foreignToken(server, 'alice')]) {
    await tokenRevocation(client, token);
  }
  expect(await memoriesOf(server, await foreignToken(server, 'alice'))).not.toBe('refused');
});

const LIST = `{ credentials(first: 50, filter: { kinds: [SESSION], ended: false }) { edges { node { id kind label holderId } } } }`;
const REVOKE = `mutation ($input: RevokeCredentialInput!) { revokeCredential(input: $input) { __typename } }`;
const revoke = async (server: RunningServer, who: ActorName, id: string) => {
  type Revoked = { revokeCredential: { __typename: string } };
  const answer = await server.query<Revoked>(who, REVOKE, { input: { id } });
  return answer.body.data?.revokeCredential.__typename;
};
type Listed = {
  credentials: { edges: { node: { id: string; kind: string; label: string; holderId: string } }[] };
};

test('a session is listed for its owner and for administrators, and ended by either on the next request', async ({
  server,
}) => {
  for (const by of ['alice', 'ada'] as const) {
    const { access, refresh: token } = await signIn(server, 'alice');
    const id = toGlobalId('Credential', claimsOf(access).sid);
    const seen = async (who: 'alice' | 'ada' | 'bob' | 'mallory') => {
      const answer = await server.query<Listed>(who, LIST);
      return answer.body.data?.credentials.edges.some(({ node }) => node.id === id);
    };
    expect([await seen('bob'), await seen('mallory')]).toEqual([false, false]);
    for (const stranger of ['bob', 'mallory'] as const) {
      expect(await revoke(server, stranger, id)).toBe('NotFound');
    }
    expect(await memoriesOf(server, access)).not.toBe('refused');
    expect([await seen('alice'), await seen('ada')]).toEqual([true, true]);
    expect(await revoke(server, by, id)).toBe('RevokedCredential');
    expect(await memoriesOf(server, access)).toBe('refused');
    expect(await refusal(refresh(server, token))).toBe('400 invalid_grant');
    expect(await seen('alice')).toBe(false);
  }
});

test('ending all credentials of somebody ends their sessions', async ({ server }) => {
  const { access, refresh: token } = await signIn(server, 'bob');
  const end = `mutation ($input: EndCredentialsInput!) { endCredentials(input: $input) { __typename } }`;
  const answer = await server.query('ada', end, { input: { holderId: toGlobalId('User', ACTORS.bob.id) } });
  expect(answer.body.errors).toBeUndefined();
  expect(await memoriesOf(server, access)).toBe('refused');
  expect(await refusal(refresh(server, token))).toBe('400 invalid_grant');
});

test('an access token lives for fifteen minutes, is at+jwt, and says who, where and for what', async ({
  server,
}) => {
  const { access } = await signIn(server, 'alice', { scope: 'memory:read' });
  const header = JSON.parse(Buffer.from(access.split('.')[0] ?? '', 'base64url').toString());
  expect(header).toMatchObject({ typ: 'at+jwt', alg: 'ES256', kid: expect.any(String) });
  const claims = claimsOf(access);
  expect(claims.exp - claims.iat).toBe(15 * 60);
  expect(claims).toMatchObject({
    iss: server.origin,
    aud: `${server.origin}/graphql`,
    sub: ACTORS.alice.id,
    tenant: 'acme',
    client_id: 'bailiwick',
    scope: 'memory:read',
    jti: expect.any(String),
    sid: expect.any(String),
  });
  expect(await memoriesOf(server, access)).not.toEqual([]);
});
