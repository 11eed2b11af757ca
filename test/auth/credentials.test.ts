// What a request's headers present. Whatever is not exactly one well-formed credential is refused.

import { expect, test } from 'vitest';
import { hashApiKey, makeApiKey } from '../../src/auth/api-key.ts';
import { presentedCredential, readCredential } from '../../src/auth/credentials.ts';
import type { RefusalReason } from '../../src/auth/refusal.ts';
import { DELEGATION, OTHER_DELEGATION, refusal, uniform } from './forge.ts';

const KEY = makeApiKey().key;

const read = async (headers: Record<string, string> | [string, string][]) =>
  readCredential(new Headers(headers));

test.each<[guarantee: string, reason: RefusalReason, headers: Record<string, string>]>([
  ['a text that has not the form of an API key', 'api-key', { 'x-api-key': 'bwk_1' }],
  ['an API key with a typing error', 'api-key', { 'x-api-key': `${KEY.slice(0, -1)}-` }],
  ['an API key with a scheme', 'api-key', { 'x-api-key': `Bearer ${KEY}` }],
  ['an empty API key', 'api-key', { 'x-api-key': '' }],
  ['an API key as a token', 'scheme', { authorization: `Credential ${KEY}` }],
  ['a delegation without a credential', 'delegation', { 'delegation-id': DELEGATION }],
  ['the scheme DPoP without a proof', 'dpop', { authorization: 'DPoP a.b.c' }],
  ['the scheme DPoP with an empty proof', 'dpop', { authorization: 'DPoP a.b.c', dpop: '' }],
  ['a proof of two parts', 'dpop', { authorization: 'DPoP a.b.c', dpop: 'd.e' }],
  ['a proof with something after it', 'dpop', { authorization: 'DPoP a.b.c', dpop: 'd.e.f g' }],
  ['a proof with a bearer token', 'dpop', { authorization: 'Bearer a.b.c', dpop: 'd.e.f' }],
  ['a proof with an API key', 'dpop', { 'x-api-key': KEY, dpop: 'd.e.f' }],
  ['a proof without a credential', 'dpop', { dpop: 'd.e.f' }],
  ['the scheme Basic', 'scheme', { authorization: 'Basic YWxpY2U6' }],
  ['an empty Authorization', 'scheme', { authorization: '' }],
  ['a scheme without a token', 'scheme', { authorization: 'Bearer' }],
  ['a token without a scheme', 'scheme', { authorization: 'a.b.c' }],
  ['two spaces before the token', 'scheme', { authorization: 'Bearer  a.b.c' }],
  ['a tab before the token', 'scheme', { authorization: 'Bearer\ta.b.c' }],
  ['something after the token', 'scheme', { authorization: 'Bearer a.b.c d' }],
  ['a character outside the grammar of a token', 'scheme', { authorization: 'Bearer a.b,c' }],
  ['padding inside the token', 'scheme', { authorization: 'Bearer a=.b.c' }],
])('%s is refused with the uniform answer', async (_, reason, headers) => {
  expect(await refusal(read(headers))).toEqual(uniform(reason));
});

test('two Authorization headers are refused, even when they are equal', async () => {
  const twice = read([
    ['authorization', 'Bearer a.b.c'],
    ['authorization', 'Bearer a.b.c'],
  ]);
  expect(await refusal(twice)).toEqual(uniform('scheme'));
});

test('two proofs are refused, even when they are equal', async () => {
  const twice = read([
    ['authorization', 'DPoP a.b.c'],
    ['dpop', 'd.e.f'],
    ['dpop', 'd.e.f'],
  ]);
  expect(await refusal(twice)).toEqual(uniform('dpop'));
});

test('two API keys are refused, even when they are equal', async () => {
  const twice = read([
    ['x-api-key', KEY],
    ['x-api-key', KEY],
  ]);
  expect(await refusal(twice)).toEqual(uniform('api-key'));
});

test.each([
  ['a token and an API key', { authorization: 'Bearer a.b.c', 'x-api-key': KEY }],
  [
    'a bound token, its proof and an API key',
    { authorization: 'DPoP a.b.c', dpop: 'd.e.f', 'x-api-key': KEY },
  ],
  ['a token and an empty API key', { authorization: 'Bearer a.b.c', 'x-api-key': '' }],
  ['a delegation id that is no UUID', { authorization: 'Bearer a.b.c', 'delegation-id': '7' }],
  ['a delegation id that is no UUID next to an API key', { 'x-api-key': KEY, 'delegation-id': '7' }],
  ['an empty delegation id', { authorization: 'Bearer a.b.c', 'delegation-id': '' }],
  [
    'a delegation id in upper case',
    { authorization: 'Bearer a.b.c', 'delegation-id': DELEGATION.toUpperCase() },
  ],
  [
    'two delegation ids',
    { authorization: 'Bearer a.b.c', 'delegation-id': `${DELEGATION}, ${OTHER_DELEGATION}` },
  ],
])('%s is called malformed', async (_, headers) => {
  expect(await refusal(read(headers))).toMatchObject({ code: 'BAD_USER_INPUT', reason: undefined });
});

test('a cookie is not a credential', async () => {
  expect(
    await read({ cookie: `access_token=a.b.c; authorization=Bearer a.b.c; x-api-key=${KEY}` }),
  ).toBeUndefined();
});

test('a request without a credential presents none', async () => {
  expect(await read({ accept: 'application/json' })).toBeUndefined();
});

test.each(['Bearer', 'bearer', 'BEARER'])('a token is read after the scheme %s', async (scheme) => {
  expect(await read({ authorization: `${scheme} aA0-._~+/.b.c==` })).toEqual({
    kind: 'bearer',
    token: 'aA0-._~+/.b.c==',
    delegationId: undefined,
  });
});

test.each(['DPoP', 'dpop', 'DPOP'])('a token and its proof are read after the scheme %s', async (scheme) => {
  expect(await read({ authorization: `${scheme} a.b.c`, dpop: 'd.e.f' })).toEqual({
    kind: 'dpop',
    token: 'a.b.c',
    proof: 'd.e.f',
    delegationId: undefined,
  });
});

test('of an API key only the hash is kept', async () => {
  const credential = await read({ 'x-api-key': KEY });
  expect(credential).toEqual({ kind: 'key', hash: hashApiKey(KEY), delegationId: undefined });
  expect(JSON.stringify(credential)).not.toContain(KEY.slice(4, 10));
});

test.each<[what: string, headers: Record<string, string>]>([
  ['a token', { authorization: 'Bearer a.b.c' }],
  ['a bound token', { authorization: 'DPoP a.b.c', dpop: 'd.e.f' }],
  ['an API key', { 'x-api-key': KEY }],
])('a delegation named next to %s is read', async (_, headers) => {
  const credential = await read({ ...headers, 'delegation-id': DELEGATION });
  expect(credential?.delegationId).toBe(DELEGATION);
});

test('whatever is sent as a credential counts as one, and nothing else does', () => {
  const counted = (headers: Record<string, string>) =>
    presentedCredential(new Headers(headers)) !== undefined;
  expect(counted({ authorization: 'Basic YWxpY2U6' })).toBe(true);
  expect(counted({ authorization: '' })).toBe(true);
  expect(counted({ 'x-api-key': '' })).toBe(true);
  expect(counted({ dpop: 'd.e.f', 'delegation-id': DELEGATION, cookie: 'a=b' })).toBe(false);
});
