// Cursors by themselves: the signature is HMAC-SHA256 whatever is signed, and a cursor is good where it was made and nowhere else.

import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CursorKey, type Key, makeCursor, type Order, readCursor } from '../../src/api/cursor.ts';
import type { Context } from '../../src/context.ts';

const ORDER: Order = { connection: 'memories', field: 'created_at', direction: 'desc' };
const SECRET = Buffer.from('a key of thirty-two bytes, of it');

/** As much of a context as a cursor needs. */
const contextOf = (ownerId: string, cursorKey = new CursorKey(SECRET)) =>
  ({ cursorKey, session: { tenantId: 'acme', ownerId } }) as unknown as Context;
const alice = contextOf('alice');

test('a signature is what HMAC-SHA256 is, of whatever text and length, one after another', () => {
  const key = new CursorKey(SECRET);
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 1000, maxLength: 5000 })),
      (text) => {
        const whole = text.toWellFormed();
        expect(key.sign(whole)).toBe(createHmac('sha256', SECRET).update(whole).digest('binary'));
      },
    ),
  );
});

test('the second vector of RFC 4231, whose key is short', () => {
  expect(
    Buffer.from(new CursorKey(Buffer.from('Jefe')).sign('what do ya want for nothing?'), 'latin1'),
  ).toEqual(Buffer.from('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843', 'hex'));
  expect(() => new CursorKey(Buffer.alloc(65))).toThrow('64 bytes');
});

test('a cursor comes back as the key that it was made of', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 3000 }),
    fc.double({ noNaN: true }),
    fc.constant(null),
  );
  fc.assert(
    fc.property(value, fc.uuid(), (value, id) => {
      const key = JSON.parse(JSON.stringify([value, id])) as Key;
      expect(readCursor(alice, ORDER, makeCursor(alice, ORDER, key))).toEqual(key);
    }),
  );
});

test('a cursor is refused by another owner, another order, under another key, and where a character of it was changed', () => {
  const cursor = makeCursor(alice, ORDER, ['2026-11-23', 'an id']);
  const other = contextOf('alice', new CursorKey(Buffer.alloc(32)));
  for (const [context, order] of [
    [contextOf('bob'), ORDER],
    [alice, { ...ORDER, direction: 'asc' }],
    [alice, { ...ORDER, connection: 'agents' }],
    [alice, { ...ORDER, field: 'id' }],
    [other, ORDER],
  ] as const) {
    expect(() => readCursor(context, order, cursor)).toThrow('Not a cursor');
  }
  for (let at = 0; at < cursor.length; at += 1) {
    const changed = `${cursor.slice(0, at)}${cursor[at] === 'A' ? 'Q' : 'A'}${cursor.slice(at + 1)}`;
    if (!Buffer.from(changed, 'base64url').equals(Buffer.from(cursor, 'base64url'))) {
      expect(() => readCursor(alice, ORDER, changed), changed).toThrow('Not a cursor');
    }
  }
  for (const short of ['', 'AAAA', Buffer.alloc(16).toString('base64url')]) {
    expect(() => readCursor(alice, ORDER, short)).toThrow('Not a cursor');
  }
});
