// Proof of possession with a client that others have written (openid-client), over real HTTP: what it sends is taken,
// and what somebody overhears of it is worth nothing. What a proof must be in detail: test/auth/dpop.test.ts.

import { calculateJwkThumbprint, exportJWK } from 'jose';
import {
  allowInsecureRequests,
  Configuration,
  customFetch,
  fetchProtectedResource,
  getDPoPHandle,
  randomDPoPKeyPair,
} from 'openid-client';
import { expect } from 'vitest';
import { proofMemory } from '../auth/prove.ts';
import { type Front, PING, test, token } from './front.ts';

type Client = {
  /** Asks for a row; the answer's status. */
  ask(): Promise<number>;
  /** Headers of the last request. */
  readonly sent: () => Record<string, string>;
};

/** A client with a key of its own and a token that is bound to it. */
async function enroll({ origin }: Front, algorithm: string): Promise<Client> {
  let sent: Record<string, string> = {};
  const config = new Configuration({ issuer: 'https://issuer.test/' }, 'client');
  allowInsecureRequests(config);
  config[customFetch] = (url, options) => {
    sent = { ...options.headers };
    return fetch(url, options as RequestInit);
  };
  const keys = await randomDPoPKeyPair(algorithm);
  const jkt = await calculateJwkThumbprint(await exportJWK(keys.publicKey));
  const bound = token('alice', { cnf: { jkt } });
  const options = { DPoP: getDPoPHandle(config, keys) };
  return {
    async ask() {
      const headers = new Headers({ 'content-type': 'application/json' });
      const body = JSON.stringify({ query: PING });
      const url = new URL(`${origin}/graphql`);
      const answer = await fetchProtectedResource(config, bound, url, 'POST', body, headers, options);
      return answer.status;
    },
    sent: () => sent,
  };
}

test('what was overheard cannot be sent again, nor without its proof, nor as a bearer token', async ({
  open,
}) => {
  const front = await open({ proofs: proofMemory() });
  const client = await enroll(front, 'ES256');
  expect(await client.ask()).toBe(200);
  const { authorization = '', dpop = '' } = client.sent();
  expect(authorization).toMatch(/^DPoP /);
  const replays = [
    { authorization, dpop },
    { authorization },
    { authorization: authorization.replace('DPoP', 'Bearer') },
    { authorization: authorization.replace('DPoP', 'Bearer'), dpop },
    { authorization: `DPoP ${token('alice')}`, dpop },
  ];
  for (const headers of replays) {
    expect((await front.ask(headers as Record<string, string>)).status).toBe(401);
  }
  const reasons = front.log.filter(({ event }) => event === 'auth.refused').map(({ reason }) => reason);
  expect(reasons).toEqual(['replay', 'dpop', 'binding', 'dpop', 'binding']);
});

test('a proof for the address behind the proxy is refused where clients know another', async ({ open }) => {
  const front = await open({ proofs: proofMemory(), publicOrigin: 'https://api.bailiwick.example' });
  const client = await enroll(front, 'ES256');
  await expect(client.ask()).rejects.toThrow();
  expect(front.log).toContainEqual(expect.objectContaining({ event: 'auth.refused', reason: 'dpop-htu' }));
});

for (const algorithm of ['ES256', 'RS256']) {
  test(`a client with a key for ${algorithm} is served, time and again`, async ({ open }) => {
    const front = await open({ proofs: proofMemory() });
    const client = await enroll(front, algorithm);
    expect([await client.ask(), await client.ask()]).toEqual([200, 200]);
  });
}
