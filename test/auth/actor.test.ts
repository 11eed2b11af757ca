// Who is calling, and for whom: every way in which token and headers can contradict each other is refused.

import { afterAll, expect, test } from 'vitest';
import { type Authentication, authenticate } from '../../src/auth/actor.ts';
import { makeApiKey } from '../../src/auth/api-key.ts';
import { createVerifier } from '../../src/auth/token.ts';
import {
  DELEGATION,
  ecKey,
  forge,
  ISSUER,
  issuerConfig,
  NOW,
  OTHER_DELEGATION,
  refusal,
  uniform,
} from './forge.ts';
import { HELD, proofMemory, prove, thumbprint } from './prove.ts';

const key = ecKey('ec');
const verifier = createVerifier([], {
  now: () => NOW * 1000,
  inProcess: [{ config: issuerConfig(), jwks: () => ({ keys: [key.jwk] }) }],
});
afterAll(() => verifier.close());

/** Sends a token with these claims, and perhaps a delegation in the header. */
function send(claims: Readonly<Record<string, unknown>>, delegation?: string) {
  const headers = new Headers({ authorization: `Bearer ${forge(key, { claims })}` });
  if (delegation !== undefined) {
    headers.set('delegation-id', delegation);
  }
  return present(headers, { verifier });
}

const present = (headers: Headers, by: Authentication) =>
  authenticate({ headers, method: 'POST', url: '/graphql' }, by);

const bound = forge(key, { claims: { cnf: { jkt: thumbprint(HELD) } } });
const proving = {
  verifier,
  proofs: proofMemory(),
  publicOrigin: 'https://api.bailiwick.example',
  now: () => NOW * 1000,
};
const withProof = (token: string, proof = prove(token)) =>
  new Headers({ authorization: `DPoP ${token}`, dpop: proof });

test('a bad token is an error and never anonymous', async () => {
  expect(await refusal(send({ exp: NOW - 60 }))).toMatchObject({
    code: 'UNAUTHENTICATED',
    reason: 'expired',
  });
});

test('a delegation that claim and header name differently is refused', async () => {
  expect(await refusal(send({ delegation_id: DELEGATION }, OTHER_DELEGATION))).toMatchObject({
    code: 'UNAUTHENTICATED',
    reason: 'delegation',
  });
});

// It would act for its owner without a limit that anyone could revoke.
test('an actor without a delegation is refused', async () => {
  expect(await refusal(send({ act: { sub: 'scout' } }))).toMatchObject({
    code: 'UNAUTHENTICATED',
    reason: 'delegation',
  });
});

test('a malformed delegation header is called malformed, whatever the token', async () => {
  expect(await refusal(send({ exp: NOW - 60 }, '7'))).toMatchObject({ code: 'BAD_USER_INPUT' });
});

test('a token that is bound to a key does not count as a bearer token', async () => {
  const headers = new Headers({ authorization: `Bearer ${bound}` });
  expect(await refusal(present(headers, proving))).toEqual(uniform('binding'));
});

test('a token that is bound to no key is not made better by a proof', async () => {
  expect(await refusal(present(withProof(forge(key)), proving))).toEqual(uniform('binding'));
});

test('a proof for another address than that of the request is refused', async () => {
  const request = { headers: withProof(bound), method: 'POST', url: '/elsewhere' };
  expect(await refusal(authenticate(request, proving))).toEqual(uniform('dpop-htu'));
});

test('a bad token is refused before its proof is used up', async () => {
  const proofs = proofMemory();
  const expired = forge(key, { claims: { exp: NOW - 60, cnf: { jkt: thumbprint(HELD) } } });
  expect(await refusal(present(withProof(expired), { ...proving, proofs }))).toEqual(uniform('expired'));
  expect(proofs.asked).toEqual([]);
});

test('a proof counts once', async () => {
  const headers = withProof(bound);
  await present(headers, proving);
  expect(await refusal(present(headers, proving))).toEqual(uniform('replay'));
});

test('where used proofs are not remembered, none is taken', async () => {
  expect(await refusal(present(withProof(bound), { ...proving, proofs: undefined }))).toEqual(
    uniform('scheme'),
  );
});

test('behind a proxy, the Host header says nothing about the address', async () => {
  const headers = withProof(bound, prove(bound, HELD, { claims: { htu: 'http://inside:4000/graphql' } }));
  headers.set('host', 'inside:4000');
  expect(await refusal(present(headers, proving))).toEqual(uniform('dpop-htu'));
});

test.each(['', 'a b', 'a, b', '['])('where no public origin is known, the Host %j is none', async (host) => {
  const headers = withProof(bound, prove(bound, HELD, { claims: { htu: `http://${host}/graphql` } }));
  headers.set('host', host);
  const { publicOrigin: _, ...hosted } = proving;
  expect(await refusal(present(headers, hosted))).toEqual(uniform('dpop-htu'));
});

test('a request without a credential is anonymous', async () => {
  expect(await present(new Headers(), { verifier })).toEqual({ kind: 'anonymous' });
});

test('an API key is not looked up here: the caller is whoever has it', async () => {
  const { key: apiKey, hash } = makeApiKey();
  const headers = new Headers({ 'x-api-key': apiKey });
  expect(await present(headers, { verifier })).toEqual({ kind: 'key', hash, delegationId: undefined });
  headers.set('delegation-id', DELEGATION);
  expect(await present(headers, { verifier })).toEqual({ kind: 'key', hash, delegationId: DELEGATION });
});

test('whoever holds the key of a bound token is its subject', async () => {
  expect(await present(withProof(bound), proving)).toMatchObject({ kind: 'subject', subject: 'alice' });
});

test('where no public origin is known, the Host header names the address', async () => {
  const headers = withProof(bound, prove(bound, HELD, { claims: { htu: 'http://localhost:4000/graphql' } }));
  headers.set('host', 'localhost:4000');
  const { publicOrigin: _, ...hosted } = proving;
  expect(await present(headers, hosted)).toMatchObject({ subject: 'alice' });
});

test('a user acts as herself', async () => {
  expect(await send({ jti: 'token', sid: 'session' })).toEqual({
    kind: 'subject',
    issuer: ISSUER,
    issuerId: undefined,
    tenant: 'acme',
    subject: 'alice',
    onBehalfOf: undefined,
    priorActors: [],
    delegationId: undefined,
    scopes: ['memory:create', 'memory:read'],
    issuedAt: new Date((NOW - 60) * 1000),
    tokenId: 'token',
    sessionId: 'session',
    expiresAt: new Date((NOW + 630) * 1000),
  });
});

test.each([
  ['the claim', { delegation_id: DELEGATION }, undefined],
  ['the header', {}, DELEGATION],
  ['both alike', { delegation_id: DELEGATION }, DELEGATION],
])('an agent acts for its owner by a delegation named in %s', async (_, claims, header) => {
  expect(await send({ ...claims, act: { sub: 'scout' } }, header)).toMatchObject({
    subject: 'scout',
    onBehalfOf: 'alice',
    delegationId: DELEGATION,
  });
});

test('an agent that authenticates as itself names its delegation in the header', async () => {
  expect(await send({ sub: 'scout' }, DELEGATION)).toMatchObject({
    subject: 'scout',
    onBehalfOf: undefined,
    delegationId: DELEGATION,
  });
});
