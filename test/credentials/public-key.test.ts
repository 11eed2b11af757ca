// Which keys a client may register, and that nothing is kept of one but its public half. That the keys of issuers are judged in
// the same way is shown by test/auth/jwk.test.ts; here is what clients are held to besides.

import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { publicKeyOf } from '../../src/credentials/public-key.ts';
import { ecKey, likeRoca, rsaKey } from '../auth/forge.ts';

const ec = ecKey();
const rsa = rsaKey();
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsaPair = generateKeyPairSync('rsa', { modulusLength: 2048 });

test.for([
  ['a private EC key', pair.privateKey.export({ format: 'jwk' })],
  ['a private RSA key', rsaPair.privateKey.export({ format: 'jwk' })],
  ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].map(
    (name) => [`a public key with ${name} beside it`, { ...ec.jwk, [name]: 'AQAB' }] as const,
  ),
  ['a public key with an empty private half', { ...ec.jwk, d: null }],
  ['a shared secret', { kty: 'oct', k: 'c2VjcmV0' }],
  ['a shared secret that calls itself RSA', { ...rsa.jwk, k: 'c2VjcmV0' }],
  ['an RSA key of 1024 bits', rsaKey(undefined, 1024).jwk],
  ['an RSA key of 2047 bits', rsaKey(undefined, 2047).jwk],
  ['an RSA key of 4104 bits', rsaKey(undefined, 4104).jwk],
  ['an RSA key with the exponent 3', rsaKey(undefined, 2048, 3).jwk],
  ['an RSA key with the exponent 65539', rsaKey(undefined, 2048, 65539).jwk],
  ['an RSA key whose factors can be found (ROCA)', { ...rsa.jwk, n: likeRoca() }],
  ['a modulus longer than any key', { ...rsa.jwk, n: 'A'.repeat(100_000) }],
  ['a modulus that is no text', { ...rsa.jwk, n: [rsa.jwk.n] }],
  ['an EC key on P-384', ecKey(undefined, 'P-384').jwk],
  ['an EC point that is not on the curve', { ...ec.jwk, y: ec.jwk.x }],
  ['an Ed25519 key', generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })],
  ['a key for another algorithm', { ...rsa.jwk, alg: 'RS512' }],
  ['a key without an algorithm', { ...rsa.jwk, alg: null }],
  ['a key for encryption', { ...rsa.jwk, use: 'enc' }],
  ['a key with an endless id', { ...ec.jwk, kid: 'k'.repeat(2000) }],
  ['a key with an id that is no text', { ...ec.jwk, kid: 7 }],
  ['a key with an id that PostgreSQL cannot hold', { ...ec.jwk, kid: '\ud800' }],
  ['a set of keys', { keys: [ec.jwk] }],
  ['nothing', {}],
] as const)('%s is no key for a client', ([, jwk]) => {
  expect(publicKeyOf(jwk)).toBeUndefined();
});

test.for([
  ['an EC key on P-256', ec.jwk],
  ['an RSA key of 2048 bits', rsa.jwk],
  ['an RSA key of 4096 bits', rsaKey(undefined, 4096).jwk],
  ['a key with its algorithm and id', { ...ec.jwk, alg: 'ES256', kid: 'first' }],
] as const)('%s is kept as it was given', ([, jwk]) => {
  expect(publicKeyOf(jwk)).toEqual(jwk);
});

test('whatever else stands in a key is not kept', () => {
  const more = { use: 'sig', key_ops: ['verify'], ext: true, x5u: 'https://keys.example', note: 'mine' };
  expect(publicKeyOf({ ...ec.jwk, ...more })).toEqual(ec.jwk);
  expect(publicKeyOf({ ...rsa.jwk, ...more, crv: undefined })).toEqual(rsa.jwk);
});

test('a number that is spelt otherwise is kept in its one spelling', () => {
  const spelt = Buffer.from(rsa.jwk.n ?? '', 'base64url').toString('base64');
  expect(publicKeyOf({ ...rsa.jwk, n: spelt })).toEqual(rsa.jwk);
});
