// Who is calling, and for whom: every way in which token and headers can contradict each other is refused.

import { afterAll, expect, test } from 'vitest';
import { authenticate } from '../../src/auth/actor.ts';
import { createVerifier } from '../../src/auth/token.ts';
import { DELEGATION, ecKey, forge, ISSUER, issuerConfig, NOW, OTHER_DELEGATION, refusal } from './forge.ts';

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
  return authenticate(headers, verifier);
}

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

test('a request without a credential is anonymous', async () => {
  expect(await authenticate(new Headers(), verifier)).toEqual({ kind: 'anonymous' });
});

test('a user acts as herself', async () => {
  expect(await send({})).toEqual({
    kind: 'subject',
    issuer: ISSUER,
    tenant: 'acme',
    subject: 'alice',
    onBehalfOf: undefined,
    delegationId: undefined,
    scopes: ['memory:create', 'memory:read'],
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
