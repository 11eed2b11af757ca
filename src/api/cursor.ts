// Cursors: the values by which a row was ordered, signed for the connection, the order and the caller's owner. Opaque: a client can only
// return one that it was given, where it was given (no probing of hidden values by made-up cursors).
//
// A page has twenty of them, so they are made in two buffers that are used again, by digests that need no object of Node's: half
// the time of `createHmac`, whose objects the garbage collector has to look at one by one.

import { hash, timingSafeEqual } from 'node:crypto';
import { type Context, type CursorSigner, sessionOf } from '../context.ts';
import { BailiwickError } from '../errors.ts';

/** An order: by a column, ties broken by id; or by id alone, which is the order of creation. */
export type Order = {
  /** Which connection it is, so that a cursor of one is not taken by another. */
  readonly connection: string;
  readonly field: string;
  readonly direction: 'asc' | 'desc';
};

/** By what a row was ordered: the value of the leading field, null where that is the id alone, and the id. */
export type Key = readonly [value: string | number | null, id: string];

/** Bytes of SHA-256: of a block, and of a digest. */
const BLOCK = 64;
const DIGEST = 32;
/** Bytes of the signature that a cursor carries before its key. */
const SIGNED = 16;
/** Bytes of UTF-8 for a UTF-16 unit at most. */
const WIDEST = 3;

/** Grows with the longest cursor there has been. */
let written = Buffer.allocUnsafe(1024);

/** HMAC-SHA256 (RFC 2104) under one key, of one short text at a time. */
export class CursorKey implements CursorSigner {
  /** The padded key, and room for what is digested behind it. */
  #inner = Buffer.alloc(BLOCK + 1024);
  readonly #outer = Buffer.alloc(BLOCK + DIGEST);

  /** @param secret 64 bytes at most. */
  constructor(secret: Uint8Array) {
    if (secret.length > BLOCK) {
      throw new RangeError('a key of cursors has 64 bytes at most');
    }
    for (let at = 0; at < BLOCK; at += 1) {
      this.#inner[at] = (secret[at] ?? 0) ^ 0x36;
      this.#outer[at] = (secret[at] ?? 0) ^ 0x5c;
    }
  }

  sign(text: string): string {
    const most = BLOCK + text.length * WIDEST;
    if (this.#inner.length < most) {
      this.#inner = Buffer.concat([this.#inner.subarray(0, BLOCK)], most * 2);
    }
    const end = BLOCK + this.#inner.write(text, BLOCK);
    this.#outer.write(hash('sha256', this.#inner.subarray(0, end), 'binary'), BLOCK, 'latin1');
    return hash('sha256', this.#outer, 'binary');
  }
}

/** The signed cursor of a row. */
export function makeCursor(context: Context, order: Order, key: Key): string {
  const body = JSON.stringify(key);
  if (written.length < SIGNED + body.length * WIDEST) {
    written = Buffer.allocUnsafe((SIGNED + body.length * WIDEST) * 2);
  }
  written.write(signed(context, order, body), 0, SIGNED, 'latin1');
  return written.toString('base64url', 0, SIGNED + written.write(body, SIGNED));
}

/** @throws {BailiwickError} BAD_USER_INPUT when it was not made here, for this order and this owner. */
export function readCursor(context: Context, order: Order, cursor: string): Key {
  const bytes = Buffer.from(cursor, 'base64url');
  const body = bytes.toString('utf8', SIGNED);
  const expected = Buffer.from(signed(context, order, body), 'latin1').subarray(0, SIGNED);
  if (bytes.length <= SIGNED || !timingSafeEqual(bytes.subarray(0, SIGNED), expected)) {
    throw new BailiwickError('BAD_USER_INPUT', 'Not a cursor of this connection in this order');
  }
  return JSON.parse(body) as Key;
}

function signed(context: Context, order: Order, body: string): string {
  const { tenantId, ownerId } = sessionOf(context);
  return context.cursorKey.sign(
    `${tenantId}|${ownerId}|${order.connection}|${order.field}|${order.direction}|${body}`,
  );
}
