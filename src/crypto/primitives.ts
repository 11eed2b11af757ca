// The three constructions that everything here is made of, each as its standard has it, by Node's own crypto: AES-256-GCM
// (NIST SP 800-38D), AES key wrap with padding (RFC 5649, NIST SP 800-38F KWP) and HKDF-SHA-256 (RFC 5869); and one encoding of
// several parts as one, for what they are bound to. Knows no key, no row and no provider. Imports nothing of ours.

import { createCipheriv, createDecipheriv, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';

/** Bytes of an AES-256 key. */
export const KEY_BYTES = 32;
/** Bytes of a nonce; 96 bits are what GCM takes as they are (SP 800-38D section 5.2.1.1). */
export const NONCE_BYTES = 12;
/** Bytes of an authentication tag; shorter ones are never accepted. */
export const TAG_BYTES = 16;

/** RFC 5649 section 3: the constant half of the alternative initial value. */
const WRAP_IV = Buffer.from('A65959A6', 'hex');

/** RFC 5649 section 4.1: the shortest that there is. */
const WRAPPED_BYTES = 16;

type Key = KeyObject | Uint8Array;

/**
 * Encrypts under AES-256-GCM.
 *
 * @param nonce Fresh for every call under one key, which random ones are for 2^32 calls (SP 800-38D section 8.3).
 * @returns ciphertext followed by the tag.
 */
export function gcmSeal(
  key: Key,
  nonce: Uint8Array,
  plain: Uint8Array | string,
  associated: Uint8Array,
): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(associated);
  const sealed = typeof plain === 'string' ? cipher.update(plain, 'utf8') : cipher.update(plain);
  return Buffer.concat([sealed, cipher.final(), cipher.getAuthTag()]);
}

/**
 * Opens what `gcmSeal` made.
 *
 * @throws when key, nonce, associated data or a single bit of the ciphertext is another; no part of the plaintext is handed out.
 */
export function gcmOpen(key: Key, nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Buffer {
  const end = sealed.length - TAG_BYTES;
  if (end < 0) {
    throw new RangeError('shorter than a tag');
  }
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(associated)
    .setAuthTag(sealed.subarray(end));
  const plain = decipher.update(sealed.subarray(0, end));
  // checks the tag before anybody gets to see the plaintext; a stream cipher leaves nothing for the end
  decipher.final();
  return plain;
}

/** Wraps key material of any length under a 256-bit key (RFC 5649). Deterministic: equal keys look equal when wrapped. */
export function wrapKey(wrapping: Key, key: Uint8Array): Buffer {
  const cipher = createCipheriv('id-aes256-wrap-pad', wrapping, WRAP_IV);
  return Buffer.concat([cipher.update(key), cipher.final()]);
}

/** @throws when it was wrapped under another key, or altered. */
export function unwrapKey(wrapping: Key, wrapped: Uint8Array): Buffer {
  if (wrapped.length < WRAPPED_BYTES) {
    // nothing at all would pass for a key of no length
    throw new RangeError('shorter than a wrapped key');
  }
  const decipher = createDecipheriv('id-aes256-wrap-pad', wrapping, WRAP_IV);
  return Buffer.concat([decipher.update(wrapped), decipher.final()]);
}

/** `length` bytes derived from key material for one purpose and no other (RFC 5869). */
export function derive(
  material: Key,
  info: Uint8Array,
  salt: Uint8Array = Buffer.alloc(0),
  length: number = KEY_BYTES,
): Buffer {
  return Buffer.from(hkdfSync('sha256', material, salt, info, length));
}

/** A new key. */
export function newKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/**
 * Several parts as one, such that no other list of parts gives the same bytes: their number, then each with its length
 * before it, in eight bytes, little-endian (PASETO, section "Authentication Padding": PAE).
 */
export function encodeParts(...parts: readonly (string | Uint8Array)[]): Buffer {
  const lengths = parts.map((part) => (typeof part === 'string' ? Buffer.byteLength(part) : part.length));
  const encoded = Buffer.alloc(lengths.reduce((sum, length) => sum + 8 + length, 8));
  let at = writeLength(encoded, parts.length, 0);
  for (const [index, part] of parts.entries()) {
    const length = lengths[index] ?? 0;
    at = writeLength(encoded, length, at);
    if (typeof part === 'string') {
      encoded.write(part, at);
    } else {
      encoded.set(part, at);
    }
    at += length;
  }
  return encoded;
}

/** Writes a length of eight bytes, of which the upper four are nought for anything that fits into memory here. */
function writeLength(into: Buffer, length: number, at: number): number {
  into.writeUInt32LE(length, at);
  return at + 8;
}
