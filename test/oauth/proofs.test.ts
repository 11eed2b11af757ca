// Tokens that are bound to a key (RFC 9449), from sign-in to the rows: what is stolen of them is worth nothing without the key.
// Through openid-client, against the real server; the memory of used proofs is the database's.

import { calculateJwkThumbprint, exportJWK } from 'jose';
import {
  type Configuration,
  customFetch,
  type DPoPHandle,
  fetchProtectedResource,
  genericGrantRequest,
  getDPoPHandle,
  randomDPoPKeyPair,
  refreshTokenGrant,
} from 'openid-client';
import { expect } from 'vitest';
import type { RunningServer } from '../kit/server.ts';
import {
  claimsOf,
  EXCHANGE,
  foreignToken,
  memoriesOf,
  publicClient,
  refusal,
  TOKEN_TYPE,
  test,
} from './kit.ts';

type Holder = {
  readonly client: Configuration;
  readonly handle: DPoPHandle;
  readonly thumbprint: string;
  /** The proof that went with its last request. */
  readonly sent: () => string;
};

async function holder(server: RunningServer): Promise<Holder> {
  const client = await publicClient(server);
  let sent = '';
  client[customFetch] = (url, options) => {
    sent = new Headers(options.headers).get('dpop') ?? '';
    return fetch(url, options as RequestInit);
  };
  const keys = await randomDPoPKeyPair('ES256', { extractable: true });
  const thumbprint = await calculateJwkThumbprint(await exportJWK(keys.publicKey));
  return { client, handle: getDPoPHandle(client, keys), thumbprint, sent: () => sent };
}

async function signInBound(server: RunningServer, { client, handle }: Holder) {
  const parameters = { subject_token: await foreignToken(server, 'alice'), subject_token_type: TOKEN_TYPE };
  const answer = await genericGrantRequest(client, EXCHANGE, parameters, { DPoP: handle });
  return { access: answer.access_token, refresh: answer.refresh_token ?? '', type: answer.token_type };
}

const QUERY = JSON.stringify({ query: '{ memories(first: 1) { edges { node { id } } } }' });

async function ask(server: RunningServer, token: string, { client, handle }: Holder): Promise<number> {
  const url = new URL(`${server.origin}/graphql`);
  const headers = new Headers({ 'content-type': 'application/json' });
  return await fetchProtectedResource(client, token, url, 'POST', QUERY, headers, { DPoP: handle }).then(
    ({ status }) => status,
    // what the library makes of a challenge
    ({ status }: { status: number }) => status,
  );
}

/** Sends a token and a proof as somebody would who has overheard both. */
const overheard = async (server: RunningServer, token: string, proof: string) =>
  (
    await fetch(`${server.origin}/graphql`, {
      method: 'POST',
      headers: { authorization: `DPoP ${token}`, dpop: proof, 'content-type': 'application/json' },
      body: QUERY,
    })
  ).status;

test('a bound token is refused as a bearer token, with another key, and with a proof that was used', async ({
  server,
}) => {
  const [alice, thief] = [await holder(server), await holder(server)];
  const { access, type } = await signInBound(server, alice);
  expect([type, claimsOf(access).cnf]).toEqual(['dpop', { jkt: alice.thumbprint }]);
  expect(await memoriesOf(server, access)).toBe('refused');
  expect(await ask(server, access, thief)).toBe(401);
  expect(await ask(server, access, alice)).toBe(200);
  expect(await overheard(server, access, alice.sent())).toBe(401);
  expect(await ask(server, access, alice)).toBe(200);
});

test('a bound refresh token is refused without the key, and a refusal does not end the family', async ({
  server,
}) => {
  const [alice, thief] = [await holder(server), await holder(server)];
  const { refresh } = await signInBound(server, alice);
  expect(await refusal(refreshTokenGrant(await publicClient(server), refresh))).toBe('400 invalid_grant');
  expect(await refusal(refreshTokenGrant(thief.client, refresh, {}, { DPoP: thief.handle }))).toBe(
    '400 invalid_grant',
  );
  const next = await refreshTokenGrant(alice.client, refresh, {}, { DPoP: alice.handle });
  expect(claimsOf(next.access_token).cnf).toEqual({ jkt: alice.thumbprint });
  expect(await ask(server, next.access_token, alice)).toBe(200);
});

test('a proof counts once at the token endpoint too', async ({ server }) => {
  const alice = await holder(server);
  await signInBound(server, alice);
  const parameters = {
    grant_type: EXCHANGE,
    client_id: 'bailiwick',
    subject_token: await foreignToken(server, 'alice'),
    subject_token_type: TOKEN_TYPE,
  };
  const answer = await fetch(`${server.origin}/oauth/token`, {
    method: 'POST',
    headers: { dpop: alice.sent() },
    body: new URLSearchParams(parameters),
  });
  expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, 'invalid_grant']);
});

test('a bound token is exchanged by whoever has its key alone', async ({ server }) => {
  const [alice, thief] = [await holder(server), await holder(server)];
  const { access } = await signInBound(server, alice);
  const narrower = (who: Holder | undefined) =>
    publicClient(server).then((client) =>
      genericGrantRequest(
        who?.client ?? client,
        EXCHANGE,
        { subject_token: access, subject_token_type: TOKEN_TYPE, scope: 'memory:read' },
        who && { DPoP: who.handle },
      ),
    );
  expect(await refusal(narrower(undefined))).toBe('400 invalid_request');
  expect(await refusal(narrower(thief))).toBe('400 invalid_request');
  expect(claimsOf((await narrower(alice)).access_token).cnf).toEqual({ jkt: alice.thumbprint });
});

test('who proves nothing is told that proofs are taken', async ({ server }) => {
  const answer = await fetch(`${server.origin}/graphql`, {
    method: 'POST',
    headers: { authorization: 'Bearer none', 'content-type': 'application/json' },
    body: QUERY,
  });
  expect(answer.headers.get('www-authenticate')).toBe('Bearer, DPoP algs="ES256 RS256"');
});
