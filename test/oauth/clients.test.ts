// Clients that sign (private_key_jwt, RFC 7523): programs of a user, an agent or a service, with a key that this server never
// sees. Through openid-client, against the real server.

import { SignJWT } from 'jose';
import {
  clientCredentialsGrant,
  refreshTokenGrant,
  tokenIntrospection,
  tokenRevocation,
} from 'openid-client';
import { expect } from 'vitest';
import { toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS, TENANTS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import type { RunningServer } from '../kit/server.ts';
import { claimsOf, foreignToken, memoriesOf, publicClient, refusal, register, signIn, test } from './kit.ts';

const revoke = (server: RunningServer, id: string) =>
  server.query(
    'alice',
    `mutation ($input: RevokeCredentialInput!) { revokeCredential(input: $input) { __typename } }`,
    { input: { id } },
  );

/** Asks for a token with an assertion of one's own making. */
async function withAssertion(server: RunningServer, clientId: string, assertion: string) {
  const answer = await fetch(`${server.origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'memory:read',
      client_id: clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    }),
  });
  return `${answer.status} ${((await answer.json()) as { error?: string }).error ?? 'taken'}`;
}

test('an assertion counts once, for this server, from this client, with its own key, and for minutes', async ({
  server,
}) => {
  const { clientId, keys } = await register(server, { by: 'alice' });
  const other = await register(server, { by: 'alice' });
  const now = Math.floor(Date.now() / 1000);
  const assertion = async (changed: object = {}, key: CryptoKey = keys.privateKey) =>
    new SignJWT({
      iss: clientId,
      sub: clientId,
      aud: server.origin,
      jti: crypto.randomUUID(),
      iat: now,
      exp: now + 60,
      ...changed,
    })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(key);
  const refused = async (made: Promise<string>) =>
    expect(await withAssertion(server, clientId, await made)).toBe('401 invalid_client');

  await refused(assertion({}, other.keys.privateKey));
  expect(
    await withAssertion(
      server,
      clientId,
      await assertion({ iss: other.clientId, sub: other.clientId }, other.keys.privateKey),
    ),
  ).toBe('400 invalid_request');
  await refused(assertion({ aud: 'https://elsewhere.example' }));
  await refused(assertion({ exp: now - 120 }));
  await refused(assertion({ exp: now + 3600 }));
  await refused(assertion({ jti: undefined }));
  const good = await assertion();
  expect(await withAssertion(server, clientId, good)).toBe('200 taken');
  expect(await withAssertion(server, clientId, good)).toBe('401 invalid_client');
});

test('nobody is a client who is not registered, whose key has ended, or who is only an API key or a session', async ({
  server,
}) => {
  const { client, clientId, credential, keys } = await register(server, { by: 'alice' });
  const token = (await clientCredentialsGrant(client, { scope: 'memory:read' })).access_token;
  expect(await memoriesOf(server, token)).not.toEqual([]);
  await revoke(server, credential);
  expect(await refusal(clientCredentialsGrant(client, { scope: 'memory:read' }))).toBe('401 invalid_client');
  // and what it had got is worth nothing from the next request on
  expect(await memoriesOf(server, token)).toBe('refused');
  const { access } = await signIn(server, 'alice');
  const now = Math.floor(Date.now() / 1000);
  const elsewhere = clientId.replace('@acme', '@globex');
  for (const name of [elsewhere, `${claimsOf(access).sid}@acme`, 'nobody', `${clientId}@acme`]) {
    const claims = { iss: name, sub: name, aud: server.origin, jti: crypto.randomUUID(), exp: now + 60 };
    const assertion = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(keys.privateKey);
    expect([name, await withAssertion(server, name, assertion)]).toEqual([name, '401 invalid_client']);
  }
});

test('a client gets no more than it was registered for, and nothing without saying what', async ({
  server,
}) => {
  const { client } = await register(server, { by: 'alice', capabilities: ['memory:read'] });
  for (const scope of ['memory:delete', 'memory:read memory:delete']) {
    expect(await refusal(clientCredentialsGrant(client, { scope }))).toBe('400 invalid_scope');
  }
  expect(await refusal(clientCredentialsGrant(client))).toBe('400 invalid_scope');
  expect(await refusal(clientCredentialsGrant(client, { scope: 'everything' }))).toBe('400 invalid_scope');
  expect(
    await refusal(
      clientCredentialsGrant(client, { scope: 'memory:read', resource: 'https://elsewhere.example' }),
    ),
  ).toBe('400 invalid_target');
});

test('a client may not refresh, nor start a session of a person', async ({ server }) => {
  const { client } = await register(server, { by: 'alice' });
  const { refresh } = await signIn(server, 'alice');
  expect(await refusal(refreshTokenGrant(client, refresh))).toMatch(/^400 /);
  expect(await refusal(signIn(server, 'alice', { client }))).toBe('400 invalid_request');
  // the owner's family is not harmed by somebody who only tried
  expect((await refreshTokenGrant(await publicClient(server), refresh)).access_token).not.toBe('');
});

for (const algorithm of ['ES256', 'RS256'] as const) {
  test(`a client with a key for ${algorithm} gets a token of its holder's, and none to refresh it with`, async ({
    server,
  }) => {
    const { client, clientId } = await register(server, { by: 'alice', algorithm });
    const answer = await clientCredentialsGrant(client, { scope: 'memory:read' });
    expect(answer.refresh_token).toBeUndefined();
    expect(claimsOf(answer.access_token)).toMatchObject({
      client_id: clientId,
      tenant: 'acme',
      scope: 'memory:read',
    });
    expect(await memoriesOf(server, answer.access_token)).toEqual(
      await memoriesOf(server, await foreignToken(server, 'alice', ['memory:read'])),
    );
  });
}

test("an agent's client that is bound to a delegation reads its owner's rows as far as that goes", async ({
  server,
}) => {
  const own = await register(server, { by: 'alice', holder: 'scout' });
  const bound = await register(server, { by: 'alice', holder: 'scout', delegation: DELEGATIONS.scout.id });
  const read = async ({ client }: typeof own) => {
    const { access_token } = await clientCredentialsGrant(client, { scope: 'memory:read' });
    expect(claimsOf(access_token).sub).toBe(AGENTS.scout.id);
    return await memoriesOf(server, access_token);
  };
  const alices = await memoriesOf(server, await foreignToken(server, 'alice', ['memory:read']));
  expect(await read(bound)).toEqual(alices);
  expect(await read(own)).not.toEqual(alices);
});

test("a service's client, registered by an administrator, gets tokens of the service", async ({ server }) => {
  const id = '019a0000-0000-7001-8000-00000005e4f1';
  await server.migrate(async (sql) => {
    const row = `'${TENANTS.acme.id}', '${id}', '${id}'`;
    await sql.rows(`insert into entities (tenant_id, id, owner_id, kind) values (${row}, 'user')`);
    await sql.rows(
      `insert into users (tenant_id, id, owner_id, role, display_name) values (${row}, 'service', 'Importer')`,
    );
  });
  const input = (by: 'alice' | 'ada') => register(server, { by, holderId: toGlobalId('User', id) });
  await expect(input('alice')).rejects.toThrow('not registered');
  const { client } = await input('ada');
  const { access_token: token } = await clientCredentialsGrant(client, { scope: 'memory:read' });
  expect(claimsOf(token)).toMatchObject({ sub: id, tenant: 'acme' });
  expect(await memoriesOf(server, token)).toEqual([]);
});

test('introspection tells a client of the tenant what a token is good for, and everybody else nothing', async ({
  server,
}) => {
  const { client } = await register(server, { by: 'alice' });
  const stranger = await register(server, { by: 'mallory' });
  const { access, refresh } = await signIn(server, 'alice', { scope: 'memory:read' });
  expect(await tokenIntrospection(stranger.client, access)).toEqual({ active: false });
  expect(await tokenIntrospection(await publicClient(server), access)).toEqual({ active: false });
  for (const token of ['none', await foreignToken(server, 'alice'), `${access.slice(0, -8)}AAAAAAAA`]) {
    expect(await tokenIntrospection(client, token)).toEqual({ active: false });
  }
  expect(await tokenIntrospection(client, access)).toMatchObject({
    active: true,
    sub: claimsOf(access).sub,
    scope: 'memory:read',
    client_id: 'bailiwick',
    token_type: 'Bearer',
    exp: expect.any(Number),
  });
  await tokenRevocation(await publicClient(server), refresh);
  expect(await tokenIntrospection(client, access)).toEqual({ active: false });
});

test('a client revokes what was issued to it, and nothing else', async ({ server }) => {
  const one = await register(server, { by: 'alice' });
  const other = await register(server, { by: 'alice' });
  const { access_token: token } = await clientCredentialsGrant(one.client, { scope: 'memory:read' });
  await tokenRevocation(other.client, token);
  await tokenRevocation(await publicClient(server), token);
  expect(await memoriesOf(server, token)).not.toBe('refused');
  await tokenRevocation(one.client, token);
  expect(await memoriesOf(server, token)).toBe('refused');
});
