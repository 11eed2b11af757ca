// Issuer, key and signature, with keys from a real HTTP server. Every forgery is really signed with the key it names.

import { verify as verifySignature } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RefusalReason } from '../../src/auth/refusal.ts';
import { createVerifier, type Verifier } from '../../src/auth/token.ts';
import { PostureError } from '../../src/errors.ts';
import type { Reach } from '../../src/outgoing/address.ts';
import type { IssuerConfig } from '../../src/trust.ts';
import {
  claims,
  ecKey,
  forge,
  issuerConfig,
  NOW,
  part,
  refusal,
  rsaKey,
  signatureForExponentOne,
  uniform,
} from './forge.ts';
import { type KeyServer, startKeyServer } from './key-server.ts';

const ec = ecKey('ec');
const rsa = rsaKey('rsa');
const leaked = ecKey('leaked');
const stranger = ecKey('ec');
const weak = rsaKey('weak', 1024);
const cube = rsaKey('cube', 2048, 3);
const p384 = ecKey('p384', 'P-384');
const encryption = rsaKey('encryption');
const exponentOne = { ...rsaKey('one').jwk, e: 'AQ' };

const now = () => NOW * 1000;
const options = { now, reach: 'loopback' } as const;

let server: KeyServer;
let verifier: Verifier;

beforeAll(async () => {
  const unfit = [weak.jwk, cube.jwk, p384.jwk, { ...encryption.jwk, use: 'enc' }, exponentOne];
  server = await startKeyServer(ec.jwk, rsa.jwk, leaked.jwk, ...unfit);
  verifier = createVerifier([issuerConfig({ jwksUri: server.uri })], {
    ...options,
    deniedKeyIds: ['leaked'],
  });
});

afterAll(async () => {
  verifier.close();
  await server[Symbol.asyncDispose]();
});

const headed = (headers: Record<string, unknown>) => forge(ec, { headers });

/** A good token with one of its parts exchanged. */
const exchanged = (index: 0 | 1, content: object) =>
  forge(ec).split('.').with(index, part(content)).join('.');

/** A good token with its 64 bytes of signature, r and then s, changed. */
function resigned(change: (r: Buffer, s: Buffer) => readonly Buffer[]): string {
  const [header, payload, signature = ''] = forge(ec).split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const changed = Buffer.concat(change(bytes.subarray(0, 32), bytes.subarray(32)));
  return `${header}.${payload}.${changed.toString('base64url')}`;
}

/** A token with its signature changed. */
function cut(token: string, change: (signature: Buffer) => Buffer): string {
  const [header, payload, signature = ''] = token.split('.');
  return `${header}.${payload}.${change(Buffer.from(signature, 'base64url')).toString('base64url')}`;
}

/** The same r and s as OpenSSL writes them (RFC 3279 section 2.2.3). */
function asn1(signature: Buffer): Buffer {
  const integers = [signature.subarray(0, 32), signature.subarray(32)].map((integer) =>
    Buffer.concat([Buffer.from([0x02, 33, 0]), integer]),
  );
  const content = Buffer.concat(integers);
  return Buffer.concat([Buffer.from([0x30, content.length]), content]);
}

const zero = Buffer.alloc(32);

test.each<[guarantee: string, reason: RefusalReason, token: () => string]>([
  ['ES256 in the header of an RSA signature', 'key', () => forge(rsa, { headers: { alg: 'ES256' } })],
  ['RS256 in the header of an EC signature', 'key', () => headed({ alg: 'RS256' })],
  ['an RSA key of 1024 bits', 'key', () => forge(weak)],
  ['an RSA key with the exponent 3', 'key', () => forge(cube)],
  ['an EC key on another curve', 'key', () => forge(p384)],
  ['a key that is for encryption', 'key', () => forge(encryption)],
  ['an unknown key id', 'key', () => headed({ kid: 'unknown' })],
  ['a key id in other letters', 'key', () => headed({ kid: 'EC' })],
  ['a key id that is a path', 'key', () => headed({ kid: '../keys/ec' })],
  ['no key id, where the issuer has several keys', 'key', () => headed({ kid: undefined })],
  ['a key on the deny-list', 'denied-key', () => forge(leaked)],
  ["a stranger's key under a known id", 'signature', () => forge(stranger)],
  ['a signature of zeros', 'signature', () => resigned(() => [zero, zero])],
  ['a signature with r = 0', 'signature', () => resigned((_, s) => [zero, s])],
  ['a signature with s = 0', 'signature', () => resigned((r) => [r, zero])],
  ['a signature of 63 bytes', 'signature', () => resigned((r, s) => [r, s.subarray(0, 31)])],
  ['a signature of 65 bytes', 'signature', () => resigned((r, s) => [r, s, Buffer.alloc(1)])],
  ['an RSA signature of 255 bytes', 'signature', () => cut(forge(rsa), (bytes) => bytes.subarray(1))],
  [
    'an RSA signature of 257 bytes',
    'signature',
    () => cut(forge(rsa), (bytes) => Buffer.concat([Buffer.alloc(1), bytes])),
  ],
  ['an EC signature in ASN.1', 'signature', () => cut(forge(ec), asn1)],
  ['claims exchanged after signing', 'signature', () => exchanged(1, claims({ sub: 'bob' }))],
  [
    'a header exchanged after signing',
    'signature',
    () => exchanged(0, { alg: 'ES256', kid: 'ec', typ: 'at+jwt' }),
  ],
])('a token with %s is refused', async (_, reason, token) => {
  expect(await refusal(verifier.verify(token()))).toEqual(uniform(reason));
});

// Anybody can write this signature, since it holds no secret; jose accepts it.
test('a token under an RSA key with the exponent 1 is refused, though its signature matches', async () => {
  const data = `${part({ alg: 'RS256', typ: 'at+jwt', kid: 'one' })}.${part(claims())}`;
  const signature = signatureForExponentOne(data);
  const token = `${data}.${signature.toString('base64url')}`;

  expect(verifySignature('sha256', Buffer.from(data), { key: exponentOne, format: 'jwk' }, signature)).toBe(
    true,
  );
  expect(await refusal(verifier.verify(token))).toEqual(uniform('key'));
});

test('a good token is refused while its issuer publishes two keys with one id', async () => {
  await using keys = await startKeyServer(ec.jwk, { ...rsa.jwk, kid: 'ec' });
  const ambiguous = createVerifier([issuerConfig({ jwksUri: keys.uri })], options);

  expect(await refusal(ambiguous.verify(forge(ec)))).toEqual(uniform('keys'));
});

// Otherwise whoever runs one issuer could sign in as the subjects of another.
test("one issuer's key does not sign for another issuer", async () => {
  await using keys = await startKeyServer(stranger.jwk);
  const mallory = issuerConfig({ issuer: 'https://mallory.example', jwksUri: keys.uri });
  const both = createVerifier([issuerConfig({ jwksUri: server.uri }), mallory], options);

  expect(await refusal(both.verify(forge(stranger)))).toEqual(uniform('signature'));
  const own = forge(stranger, { claims: { iss: mallory.issuer } });
  expect(await both.verify(own)).toMatchObject({ issuer: mallory.issuer });
});

test('a token of ill form or of an unknown issuer causes no fetch', async () => {
  await using keys = await startKeyServer(ec.jwk);
  const unasked = createVerifier([issuerConfig({ jwksUri: keys.uri })], options);

  await refusal(unasked.verify(headed({ typ: 'JWT' })));
  await refusal(unasked.verify(forge(ec, { claims: { iss: 'https://mallory.example' } })));
  expect(keys.requests()).toBe(0);
});

test('a storm of unknown key ids over many issuers makes ten fetches, and good tokens go on', async () => {
  await using keys = await startKeyServer(ec.jwk);
  const clock = { at: now() };
  const names = Array.from({ length: 15 }, (_, n) => `https://id-${n}.example`);
  const issuers = names.map((issuer) => issuerConfig({ issuer, jwksUri: keys.uri }));
  const many = createVerifier(issuers, { ...options, now: () => clock.at });
  const good = () => Promise.all(names.map((iss) => many.verify(forge(ec, { claims: { iss } }))));
  await good();
  clock.at += 60_000;

  const storm = names.flatMap((iss) =>
    Array.from({ length: 5 }, (_, n) =>
      refusal(many.verify(forge(ec, { headers: { kid: `made-up-${n}` }, claims: { iss } }))),
    ),
  );
  await good();
  expect(new Set((await Promise.all(storm)).map(({ reason }) => reason))).toEqual(new Set(['key']));
  expect(keys.requests()).toBe(15 + 10);
});

test.each<[why: string, issuers: IssuerConfig[], reach: Reach]>([
  ['its keys would travel in the clear', [issuerConfig({ jwksUri: 'http://id.acme.example/keys' })], 'any'],
  ['it is configured twice', [issuerConfig(), issuerConfig({ audience: 'other' })], 'any'],
  ['its keys are at a private address', [issuerConfig({ jwksUri: 'https://10.0.0.1/keys' })], 'public'],
  [
    'its keys are at a private address, in development',
    [issuerConfig({ jwksUri: 'https://[fd00::1]/' })],
    'loopback',
  ],
  [
    'its keys are on this machine, in production',
    [issuerConfig({ jwksUri: 'http://localhost/keys' })],
    'public',
  ],
])('the server does not start with an issuer when %s', (_, issuers, reach) => {
  expect(() => createVerifier(issuers, { reach })).toThrow(PostureError);
});

test('an issuer is held to the algorithms it is configured for', async () => {
  await using keys = await startKeyServer(ec.jwk, rsa.jwk);
  const config = issuerConfig({ jwksUri: keys.uri, algorithms: ['ES256'] });
  const narrow = createVerifier([config], options);

  expect(await refusal(narrow.verify(forge(rsa)))).toEqual(uniform('alg'));
  expect(keys.requests()).toBe(0);
  expect(await narrow.verify(forge(ec))).toMatchObject({ subject: 'alice' });
});

test.each<[what: string, types: IssuerConfig['types'], headers: object, changed: object]>([
  ['of type JWT, where only access tokens are', ['at+jwt'], { typ: 'JWT' }, {}],
  ['of type at+jwt, where only JWT is', ['JWT'], {}, {}],
  ['without type, where JWT is', ['at+jwt', 'JWT'], { typ: undefined }, {}],
  ['of type logout+jwt, where JWT is', ['at+jwt', 'JWT'], { typ: 'logout+jwt' }, {}],
  ['of type JWT that is an id token', ['JWT'], { typ: 'JWT' }, { at_hash: 'x' }],
  ['of type JWT that is a logout token', ['JWT'], { typ: 'JWT' }, { events: {} }],
])('a token %s accepted, is refused', async (_, types, headers, changed) => {
  const typed = createVerifier([issuerConfig({ jwksUri: server.uri, types })], options);
  const token = forge(ec, { headers: { ...headers }, claims: { ...changed } });
  expect(await refusal(typed.verify(token))).toEqual(uniform('typ'));
});

test('a token of type JWT is accepted where the configuration says so', async () => {
  const both = createVerifier([issuerConfig({ jwksUri: server.uri, types: ['at+jwt', 'JWT'] })], options);
  for (const typ of ['JWT', 'jwt', 'application/jwt', 'at+jwt']) {
    expect(await both.verify(headed({ typ }))).toMatchObject({ subject: 'alice' });
  }
});

test.each([
  ['RS256', rsa],
  ['ES256', ec],
])('a good token under %s is accepted', async (_, key) => {
  expect(await verifier.verify(forge(key))).toMatchObject({ subject: 'alice', tenant: 'acme' });
});

test('a token without key id is accepted from an issuer with a single key', async () => {
  await using keys = await startKeyServer(ec.jwk);
  const single = createVerifier([issuerConfig({ jwksUri: keys.uri })], options);

  expect(await single.verify(headed({ kid: undefined }))).toMatchObject({ subject: 'alice' });
});

test('a key that its issuer adds is used without a restart, and the old one until it is withdrawn', async () => {
  await using keys = await startKeyServer(ec.jwk);
  const clock = { at: now() };
  const rotating = createVerifier([issuerConfig({ jwksUri: keys.uri })], { ...options, now: () => clock.at });
  const old = forge(ec, { claims: { exp: NOW + 3600 } });
  const young = forge(rsa, { claims: { exp: NOW + 3600 } });
  await rotating.verify(old);

  keys.publish(ec.jwk, rsa.jwk);
  clock.at += 60_000;
  expect(await rotating.verify(young)).toMatchObject({ subject: 'alice' });
  expect(await rotating.verify(old)).toMatchObject({ subject: 'alice' });

  keys.publish(rsa.jwk);
  clock.at += 600_000;
  expect(await rotating.verify(young)).toMatchObject({ subject: 'alice' });
  expect(await refusal(rotating.verify(old))).toEqual(uniform('key'));
});
