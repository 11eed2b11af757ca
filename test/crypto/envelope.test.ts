// The envelope: opens where it was sealed and nowhere else, and not one bit of it may be another.

import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type DataKey,
  EnvelopeError,
  keyIdOf,
  looksSealed,
  open,
  type Place,
  parseEnvelope,
  seal,
} from '../../src/crypto/envelope.ts';
import { newKey } from '../../src/crypto/primitives.ts';
import { newId } from '../../src/ids.ts';

const key = (version = 1): DataKey => ({ id: newId(), version, secret: createSecretKey(newKey()) });
const place = (): Place => ({
  tenantId: newId(),
  ownerId: newId(),
  table: 'memories',
  column: 'content',
  rowId: newId(),
});

const KEY = key();
const HERE = place();
const held = (...keys: DataKey[]) => {
  const byId = new Map(keys.map((one) => [one.id, one]));
  return (id: string) => byId.get(id);
};

/** Why an envelope does not open, or `opened`. */
function outcome(stored: string, at: Place = HERE, keys = held(KEY)): string {
  try {
    open(stored, at, keys);
    return 'opened';
  } catch (error) {
    expect(error).toBeInstanceOf(EnvelopeError);
    return (error as EnvelopeError).reason;
  }
}

const plain = fc.string({ unit: 'binary', maxLength: 200 });

test('an envelope does not open with any one bit of it changed', () => {
  fc.assert(
    fc.property(plain, fc.nat(), fc.nat(7), (text, at, bit) => {
      const sealed = seal(text, HERE, KEY);
      const bytes = Buffer.from(sealed, 'latin1');
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
      expect(outcome(bytes.toString('latin1'))).not.toBe('opened');
    }),
    { numRuns: 2000 },
  );
});

test('an envelope does not open with any one character changed, wherever it is', () => {
  const sealed = seal('a secret', HERE, KEY);
  const others = 'Aa0._-/+=~ é';
  for (let at = 0; at < sealed.length; at += 1) {
    for (const other of others) {
      if (sealed[at] !== other) {
        expect(outcome(`${sealed.slice(0, at)}${other}${sealed.slice(at + 1)}`)).not.toBe('opened');
      }
    }
  }
});

test('an envelope does not open when it is cut off anywhere, or has anything behind it', () => {
  const sealed = seal('a secret of some length', HERE, KEY);
  for (let length = 0; length < sealed.length; length += 1) {
    expect(outcome(sealed.slice(0, length))).not.toBe('opened');
  }
  for (const more of ['A', 'AA', '=', '.', '\n', ' ', 'AAAAAAAA']) {
    expect(outcome(`${sealed}${more}`)).not.toBe('opened');
  }
});

test('an envelope does not open in another tenant, of another owner, table, column or row', () => {
  fc.assert(
    fc.property(
      plain,
      fc.constantFrom<keyof Place>('tenantId', 'ownerId', 'table', 'column', 'rowId'),
      fc.uuid(),
      (text, part, other) => {
        const moved = { ...HERE, [part]: other };
        expect(outcome(seal(text, HERE, KEY), moved)).toBe('altered');
      },
    ),
    { numRuns: 500 },
  );
});

// where one part ends and the next begins is no matter of taste: 'a' + 'bc' is not 'ab' + 'c'
test('an envelope does not open where its place only reads the same', () => {
  const at = { ...HERE, table: 'ab', column: 'cd' };
  expect(outcome(seal('x', at, KEY), { ...at, table: 'abc', column: 'd' })).toBe('altered');
});

test('two envelopes with parts exchanged do not open', () => {
  fc.assert(
    fc.property(plain, plain, fc.nat(), (one, other, at) => {
      const [first, second] = [seal(one, HERE, KEY), seal(other, HERE, KEY)];
      const cut = 38 + (at % Math.max(1, Math.min(first.length, second.length) - 38));
      const mixed = `${first.slice(0, cut)}${second.slice(cut)}`;
      fc.pre(mixed !== first && mixed !== second);
      expect(outcome(mixed)).not.toBe('opened');
    }),
    { numRuns: 1000 },
  );
});

test('an envelope does not open under another key, another version of its key, or none', () => {
  const sealed = seal('a secret', HERE, KEY);
  expect(outcome(sealed, HERE, held())).toBe('key');
  expect(outcome(sealed, HERE, held({ ...key(), id: KEY.id }))).toBe('altered');
  expect(outcome(sealed, HERE, held({ ...KEY, version: 2 }))).toBe('altered');
  const other = key();
  const relabelled = sealed.replace(KEY.id.replaceAll('-', ''), other.id.replaceAll('-', ''));
  expect(outcome(relabelled, HERE, held(KEY, other))).toBe('altered');
  expect(outcome(relabelled, HERE, held(KEY, { ...KEY, id: other.id }))).toBe('altered');
});

test.each([
  '',
  'plain text',
  'bwe1.',
  'bwe2.00000000000000000000000000000000.AAAA',
  `bwe1.${KEY.id}.AAAA`,
  `bwe1.${KEY.id.replaceAll('-', '').toUpperCase()}.AAAA`,
  `bwe1.${KEY.id.replaceAll('-', '')}.`,
  `bwe1.${KEY.id.replaceAll('-', '')}.AAAA`,
])('%j is no envelope', (stored) => {
  expect(parseEnvelope(stored)).toBeUndefined();
  expect(outcome(stored)).toBe('shape');
});

test('an error names the place and the reason, and nothing of what is sealed', () => {
  const sealed = seal('Tuesday', HERE, KEY);
  try {
    open(sealed, { ...HERE, rowId: newId() }, held(KEY));
    expect.unreachable();
  } catch (error) {
    const { message, reason, keyId } = error as EnvelopeError;
    expect({ reason, keyId }).toEqual({ reason: 'altered', keyId: KEY.id });
    expect(message).toMatch(/^memories\.content of \S+ does not open: altered$/);
    expect(JSON.stringify(error)).not.toContain(sealed.slice(38));
  }
});

test('whatever is sealed opens as it was, and looks another way every time', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 2000 }), (text) => {
      const sealed = seal(text, HERE, KEY);
      expect(looksSealed(sealed)).toBe(true);
      expect(keyIdOf(sealed)).toBe(KEY.id);
      expect(open(sealed, HERE, held(KEY))).toBe(text);
      expect(seal(text, HERE, KEY)).not.toBe(sealed);
    }),
  );
});
