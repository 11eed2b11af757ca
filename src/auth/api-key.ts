// An API key's form: a prefix that scanners look for, 256 bits of secret, and a checksum that finds typing errors.
//
// A key is `bwk_`, 43 characters of secret and 6 of checksum, in the alphabet of base62: 43 * log2(62) = 256 bits, so
// its SHA-256 is all that a database needs to keep, without salt and without a slow hash. The checksum is no secret
// and proves nothing: it refuses a typing error without asking anybody, and lets a scanner tell a leaked key from a
// text that merely looks like one. Does not know which keys exist or what they may do: the database does.

import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const PREFIX = 'bwk_';
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_LENGTH = 43;
/** 62^6 is more than 2^32, and 62^5 is less. */
const CHECKSUM_LENGTH = 6;
/** Characters of the secret that people recognise a key by; 39 others, 232 bits, remain unknown. */
const HINT_LENGTH = 4;

const FORM = /^bwk_[0-9A-Za-z]{49}$/;

/** A key that has just been made. Only `hash` and `hint` may be kept; `key` is shown once, to its owner. */
export type NewApiKey = {
  readonly key: string;
  /** SHA-256 of the whole key, in lower-case hex. */
  readonly hash: string;
  /** How the key begins, for people to recognise it by. */
  readonly hint: string;
};

/** Makes a key that nobody can guess. */
export function makeApiKey(): NewApiKey {
  const body = PREFIX + randomText(SECRET_LENGTH);
  const key = body + checksum(body);
  return { key, hash: hash(key), hint: key.slice(0, PREFIX.length + HINT_LENGTH) };
}

/**
 * The hash by which the database knows a key.
 *
 * @returns undefined unless the text is spelt exactly like a key and its checksum is right.
 */
export function hashApiKey(text: string): string | undefined {
  const body = text.slice(0, -CHECKSUM_LENGTH);
  return FORM.test(text) && text === body + checksum(body) ? hash(text) : undefined;
}

/** Every character as likely as every other: bytes from the last, incomplete run of 62 are thrown away. */
function randomText(length: number): string {
  const fair = 256 - (256 % ALPHABET.length);
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < fair && text.length < length) {
        text += ALPHABET.charAt(byte % ALPHABET.length);
      }
    }
  }
  return text;
}

function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  while (text.length < CHECKSUM_LENGTH) {
    text = ALPHABET.charAt(rest % ALPHABET.length) + text;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return text;
}

function hash(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
