// An API key's form: what is refused without asking anybody, and that nobody can guess a key.

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { hashApiKey, makeApiKey } from '../../src/auth/api-key.ts';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const { key, hash, hint } = makeApiKey();

/** The next character of the alphabet in this place. */
const mistyped = (place: number) =>
  key.slice(0, place) +
  ALPHABET.charAt((ALPHABET.indexOf(key.charAt(place)) + 1) % 62) +
  key.slice(place + 1);

test.each<[guarantee: string, text: string]>([
  ['nothing', ''],
  ['the prefix alone', 'bwk_'],
  ['no prefix', key.slice(4)],
  ['another prefix', `bwx_${key.slice(4)}`],
  ['the prefix in capitals', `BWK_${key.slice(4)}`],
  ['one character less', key.slice(0, -1)],
  ['one character more', `${key}0`],
  ['a space before it', ` ${key}`],
  ['a line break after it', `${key}\n`],
  ['a second key after a comma', `${key}, ${key}`],
  ['no checksum', key.slice(0, -6)],
  ['the checksum of nothing', `${key.slice(0, -6)}000000`],
  ['a character outside the alphabet', `${key.slice(0, 10)}-${key.slice(11)}`],
  ['a letter that only looks alike', `${key.slice(0, 10)}\u0430${key.slice(11)}`],
])('a text with %s is no key', (_, text) => {
  expect(hashApiKey(text)).toBeUndefined();
});

test('one wrong character anywhere is found', () => {
  const places = Array.from({ length: key.length - 4 }, (_, index) => index + 4);
  expect(places.filter((place) => hashApiKey(mistyped(place)) !== undefined)).toEqual([]);
});

test('two neighbours that changed places are found', () => {
  const swapped = Array.from({ length: key.length - 5 }, (_, index) => index + 4)
    .map((place) => key.slice(0, place) + key.charAt(place + 1) + key.charAt(place) + key.slice(place + 2))
    .filter((text) => text !== key);
  expect(swapped.filter((text) => hashApiKey(text) !== undefined)).toEqual([]);
});

test('the hint shows four characters of the secret and no more', () => {
  expect(hint).toBe(key.slice(0, 8));
  expect(hint).toMatch(/^bwk_[0-9A-Za-z]{4}$/);
});

// Chi-square with 61 degrees of freedom lies beyond 300 less than once in 10^30 runs (Chernoff's bound). Bytes taken
// modulo 62 without throwing any away would make it about 1 400: eight characters would come a quarter more often than
// the others.
test('every character is as likely as every other', () => {
  const counts = new Map([...ALPHABET].map((character) => [character, 0]));
  const length = 43;
  const runs = 5_000;
  for (let run = 0; run < runs; run += 1) {
    for (const character of makeApiKey().key.slice(4, 4 + length)) {
      counts.set(character, (counts.get(character) ?? 0) + 1);
    }
  }
  const expected = (runs * length) / 62;
  const deviation = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  expect(counts.size).toBe(62);
  expect(deviation).toBeLessThan(300);
});

test('no two keys are alike', () => {
  const keys = Array.from({ length: 10_000 }, () => makeApiKey().key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(new Set(keys.map((text) => text.slice(4, 14))).size).toBe(keys.length);
});

test('a key carries 256 bits, its form and the checksum of all before it', () => {
  expect(key).toMatch(/^bwk_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$/);
  expect(43 * Math.log2(62)).toBeGreaterThan(256);
  const value = [...key.slice(-6)].reduce((sum, character) => sum * 62 + ALPHABET.indexOf(character), 0);
  expect(value).toBe(crc32(key.slice(0, -6)));
});

test('what is kept of a key is its SHA-256', () => {
  expect(hash).toBe(createHash('sha256').update(key).digest('hex'));
  expect(hashApiKey(key)).toBe(hash);
});
