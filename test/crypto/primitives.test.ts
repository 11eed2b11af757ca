// What the constructions promise whatever they are given; that they are the published ones is in wycheproof.test.ts.
//
// Every bit where that is affordable, random input where it is not.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  derive,
  encodeParts,
  gcmOpen,
  gcmSeal,
  KEY_BYTES,
  NONCE_BYTES,
  newKey,
  TAG_BYTES,
  unwrapKey,
  wrapKey,
} from '../../src/crypto/primitives.ts';

const key = newKey();
const nonce = Buffer.alloc(NONCE_BYTES, 1);
const bound = Buffer.from('where it belongs');

function* flips(bytes: Uint8Array): Generator<Buffer> {
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield flipped;
  }
}

function refuses(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch {
    return true;
  }
}

/** Whether nothing is opened by this, whichever one bit of these bytes is another. */
function needsEveryBit(bytes: Uint8Array, open: (flipped: Buffer) => unknown): boolean {
  const tried = [...flips(bytes)].map((flipped) => refuses(() => open(flipped)));
  return (
    tried.length === bytes.length * 8 &&
    tried.every((refused) => refused) &&
    !refuses(() => open(Buffer.from(bytes)))
  );
}

test('no single bit of what was sealed can be another', () => {
  const sealed = gcmSeal(key, nonce, 'a secret of some length', bound);
  expect(sealed).toHaveLength(23 + TAG_BYTES);
  expect(needsEveryBit(sealed, (flipped) => gcmOpen(key, nonce, flipped, bound))).toBe(true);
});

test('no single bit of key, nonce and associated data can be another', () => {
  const sealed = gcmSeal(key, nonce, 'a secret', bound);
  expect(needsEveryBit(key, (flipped) => gcmOpen(flipped, nonce, sealed, bound))).toBe(true);
  expect(needsEveryBit(nonce, (flipped) => gcmOpen(key, flipped, sealed, bound))).toBe(true);
  expect(needsEveryBit(bound, (flipped) => gcmOpen(key, nonce, sealed, flipped))).toBe(true);
});

test('what is cut short does not open, even where a shorter tag would match', () => {
  const sealed = gcmSeal(key, nonce, '', bound);
  expect(sealed).toHaveLength(TAG_BYTES);
  for (let length = 0; length < sealed.length; length += 1) {
    expect(() => gcmOpen(key, nonce, sealed.subarray(0, length), bound)).toThrow();
  }
});

test('no single bit of a wrapped key can be another', () => {
  const wrapped = wrapKey(key, newKey());
  expect(needsEveryBit(wrapped, (flipped) => unwrapKey(key, flipped))).toBe(true);
});

test('keys of another size are not taken, for sealing or for wrapping', () => {
  for (const size of [0, 16, 24, 31, 33]) {
    const other = Buffer.alloc(size);
    expect(() => gcmSeal(other, nonce, '', bound)).toThrow();
    expect(() => wrapKey(other, key)).toThrow();
  }
});

test('two lists of parts never encode alike', () => {
  // short parts of few bytes, so that lists with the same concatenation are common, and parts that look like lengths
  const byte = fc.constantFrom(0, 1, 2, 8);
  const part = fc.oneof(
    fc.array(byte, { maxLength: 9 }).map((bytes) => Uint8Array.from(bytes)),
    fc.array(byte, { maxLength: 1 }).map((bytes) => encodeParts(...bytes.map((one) => Buffer.of(one)))),
  );
  const parts = fc.array(part, { maxLength: 4 });
  const shape = (list: readonly Uint8Array[]) => list.map((each) => Buffer.from(each).toString('hex')).join();
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      const alike = one.length === other.length && shape(one) === shape(other);
      expect(encodeParts(...one).equals(encodeParts(...other))).toBe(alike);
    }),
    { numRuns: 1_000 },
  );
});

test('moving a byte from one part to the next, or a part into another, gives another encoding', () => {
  const bytes = fc.uint8Array({ maxLength: 20 });
  fc.assert(
    fc.property(bytes, fc.nat(20), fc.nat(20), (whole, a, b) => {
      const split = (at: number) => [whole.subarray(0, at), whole.subarray(at)];
      const [one, other] = [Math.min(a, whole.length), Math.min(b, whole.length)];
      expect(encodeParts(...split(one)).equals(encodeParts(...split(other)))).toBe(one === other);
      expect(encodeParts(whole).equals(encodeParts(...split(one)))).toBe(false);
      expect(encodeParts(encodeParts(whole)).equals(encodeParts(whole))).toBe(false);
    }),
  );
});

test('an encoding is the one that PASETO publishes', () => {
  // test vectors of the specification, section "Authentication Padding"
  expect(encodeParts().toString('latin1')).toBe('\0'.repeat(8));
  expect(encodeParts('').toString('latin1')).toBe(`\x01${'\0'.repeat(7)}${'\0'.repeat(8)}`);
  expect(encodeParts('test').toString('latin1')).toBe(`\x01${'\0'.repeat(7)}\x04${'\0'.repeat(7)}test`);
});

test('text and its bytes are the same part', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(encodeParts(text)).toEqual(encodeParts(Buffer.from(text)));
    }),
  );
});

test('keys derived for another purpose, or with another salt, have nothing in common', () => {
  const derived = [
    derive(key, encodeParts('one')),
    derive(key, encodeParts('other')),
    derive(key, encodeParts('one'), Buffer.from('salt')),
    derive(newKey(), encodeParts('one')),
  ].map((bytes) => bytes.toString('hex'));
  expect(new Set(derived).size).toBe(4);
  expect(derived[0]).toHaveLength(KEY_BYTES * 2);
});

test('what was sealed and wrapped opens again, whatever its length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (plain) => {
      expect(gcmOpen(key, nonce, gcmSeal(key, nonce, plain, bound), bound)).toEqual(Buffer.from(plain));
      expect(unwrapKey(key, wrapKey(key, plain))).toEqual(Buffer.from(plain));
    }),
  );
});
