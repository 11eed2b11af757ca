// What a request's headers present. Whatever is not exactly one well-formed credential is refused.

import { expect, test } from 'vitest';
import { readCredential } from '../../src/auth/credentials.ts';
import type { RefusalReason } from '../../src/auth/refusal.ts';
import { DELEGATION, OTHER_DELEGATION, refusal, uniform } from './forge.ts';

const read = async (headers: Record<string, string> | [string, string][]) =>
  readCredential(new Headers(headers));

test.each<[guarantee: string, reason: RefusalReason, headers: Record<string, string>]>([
  ['an API key alone', 'api-key', { 'x-api-key': 'bw_1' }],
  ['an empty API key', 'api-key', { 'x-api-key': '' }],
  ['a delegation without a credential', 'delegation', { 'delegation-id': DELEGATION }],
  ['the scheme DPoP', 'scheme', { authorization: 'DPoP a.b.c' }],
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

test.each([
  ['a token and an API key', { authorization: 'Bearer a.b.c', 'x-api-key': 'bw_1' }],
  ['a token and an empty API key', { authorization: 'Bearer a.b.c', 'x-api-key': '' }],
  ['a delegation id that is no UUID', { authorization: 'Bearer a.b.c', 'delegation-id': '7' }],
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
  expect(await read({ cookie: 'access_token=a.b.c; authorization=Bearer a.b.c' })).toBeUndefined();
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

test('a delegation named next to a token is read', async () => {
  const credential = await read({ authorization: 'Bearer a.b.c', 'delegation-id': DELEGATION });
  expect(credential?.delegationId).toBe(DELEGATION);
});
