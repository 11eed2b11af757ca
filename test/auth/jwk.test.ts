// Which published keys may verify which signatures: each key is bound to its one algorithm.

import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { readKeySet, selectKey } from '../../src/auth/jwk.ts';
import { ecKey, likeRoca, rsaKey } from './forge.ts';

const rsa = rsaKey('r').jwk;
const ec = ecKey('e').jwk;

test.each([
  ['an RSA key of 1024 bits', rsaKey('k', 1024).jwk],
  ['an RSA key of 2047 bits', rsaKey('k', 2047).jwk],
  ['an RSA key with the exponent 1', { ...rsa, e: 'AQ' }],
  ['an RSA key with the exponent 3', rsaKey('k', 2048, 3).jwk],
  ['an RSA key with an even exponent', { ...rsa, e: Buffer.from([1, 0, 2]).toString('base64url') }],
  ['an RSA key with an exponent of 257 bits', { ...rsa, e: Buffer.alloc(33, 1).toString('base64url') }],
  ['an RSA key with the form of those that can be factored (ROCA)', { ...rsa, n: likeRoca() }],
  ['an RSA key without modulus', { kty: 'RSA', kid: 'k', e: rsa.e }],
  ['an RSA key with an empty modulus', { ...rsa, n: '' }],
  ['an RSA key made for RSA-PSS', { ...rsa, alg: 'PS256' }],
  ['an RSA key made for encryption by its algorithm', { ...rsa, alg: 'RSA-OAEP' }],
  ['a key for encryption', { ...rsa, use: 'enc' }],
  ['a key whose operations lack verify', { ...ec, key_ops: ['encrypt'] }],
  ['a key whose operations are no list', { ...ec, key_ops: 'verify' }],
  ['a key that says another algorithm', { ...ec, alg: 'RS256' }],
  ['an algorithm in other letters', { ...ec, alg: 'es256' }],
  ['a key with an id that is no text', { ...ec, kid: 7 }],
  ['a key with an empty id', { ...ec, kid: '' }],
  ['a private EC key', { ...ec, d: ec.x }],
  ['a private RSA key, also when only a prime was published', { ...rsa, p: 'AQ' }],
  ['a shared secret', { kty: 'oct', kid: 'k', k: 'c2VjcmV0' }],
  ['a shared secret in a key that calls itself RSA', { ...rsa, k: 'c2VjcmV0' }],
  ['an EC key on P-384', ecKey('k', 'P-384').jwk],
  ['an EC key on secp256k1', ecKey('k', 'secp256k1').jwk],
  ['an EC point that is not on the curve', { ...ec, y: ec.x }],
  ['an Ed25519 key', generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })],
  ['a key of an unknown type', { ...ec, kty: 'constructor' }],
])('%s is left out', (_, jwk) => {
  expect(readKeySet({ keys: [jwk] })).toEqual([]);
});

test.each([
  ['two keys with one id', { keys: [rsa, { ...ec, kid: 'r' }] }],
  ['two keys with one id, though only one could verify', { keys: [rsa, { kty: 'oct', kid: 'r', k: 'AA' }] }],
  ['one key twice', { keys: [ec, ec] }],
  ['a key that is no object', { keys: [ec, 'key'] }],
  ['keys that are no list', { keys: { 0: ec } }],
  ['no keys', {}],
  ['a bare list', [ec]],
  ['null', null],
])('a set with %s is refused as a whole', (_, set) => {
  expect(() => readKeySet(set)).toThrow(TypeError);
});

test('a key that only comes close to that form is kept', () => {
  const modulus = BigInt(`0x${Buffer.from(likeRoca(), 'base64url').toString('hex')}`) + 2n;
  const n = Buffer.from(modulus.toString(16), 'hex').toString('base64url');
  expect(readKeySet({ keys: [{ ...rsa, n }] })).toHaveLength(1);
});

test('every key is bound to one algorithm by what it is', () => {
  const keys = readKeySet({ keys: [rsa, { ...ec, alg: 'ES256', use: 'sig', key_ops: ['verify'] }] });
  expect(keys.map(({ id, algorithm }) => [id, algorithm])).toEqual([
    ['r', 'RS256'],
    ['e', 'ES256'],
  ]);
});

test('a key is selected by its exact id only', () => {
  const keys = readKeySet({ keys: [rsa, ec] });
  expect(['r', 'R', 'r ', '', 'e'].map((id) => selectKey(keys, id)?.id)).toEqual([
    'r',
    undefined,
    undefined,
    undefined,
    'e',
  ]);
});

test('no id selects a key only when there is no other', () => {
  expect(selectKey(readKeySet({ keys: [rsa, ec] }), undefined)).toBeUndefined();
  expect(selectKey(readKeySet({ keys: [ec] }), undefined)?.id).toBe('e');
});

test('an id does not select a key that has none', () => {
  expect(selectKey(readKeySet({ keys: [ecKey().jwk] }), 'e')).toBeUndefined();
});
