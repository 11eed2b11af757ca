// The envelope: an encrypted value as it stands in a column, and what it is bound to.
//
//   bwe1.<id of the data key, 32 hexadecimal digits>.<nonce, ciphertext and tag, base64url>
//
// Text, so that a column keeps its type and its plain and sealed values can stand side by side while it is being encrypted; the
// key's id in clear, so that a rotation finds by its beginning what is still under an old key. AES-256-GCM; the associated data
// are the place: tenant, owner, table, column, row, key and its version. So a ciphertext that was moved to another row, column or
// owner does not open there. Says nothing about where keys come from or who may have one.

import { type KeyObject, randomBytes } from 'node:crypto';
import { encodeParts, gcmOpen, gcmSeal, NONCE_BYTES, TAG_BYTES } from './primitives.ts';

/** Format and algorithm. Another one would be another word. */
export const FORMAT = 'bwe1';

/** A key with which the values of one holder are encrypted. */
export type DataKey = {
  /** A UUID. */
  readonly id: string;
  /** From 1, counted per holder. */
  readonly version: number;
  readonly secret: KeyObject;
};

/** Where a value stands. Names as the database has them. */
export type Place = {
  readonly tenantId: string;
  readonly ownerId: string;
  readonly table: string;
  readonly column: string;
  readonly rowId: string;
};

export type EnvelopeReason = 'shape' | 'key' | 'altered' | 'plain';

/** A value that does not open. Names its place and the reason, never what it holds. */
export class EnvelopeError extends Error {
  /**
   * `shape`: begins like an envelope and is none; `key`: under a key that its holder does not have; `altered`: the ciphertext is not
   * the one that was written here; `plain`: no envelope, where only envelopes may stand.
   */
  readonly reason: EnvelopeReason;
  readonly place: Place;
  readonly keyId: string | undefined;

  constructor(reason: EnvelopeReason, place: Place, keyId?: string, options?: ErrorOptions) {
    super(`${place.table}.${place.column} of ${place.rowId} does not open: ${reason}`, options);
    this.name = 'EnvelopeError';
    this.reason = reason;
    this.place = place;
    this.keyId = keyId;
  }
}

/** An envelope taken apart. */
export type Envelope = {
  /** Of its data key, a UUID. */
  readonly keyId: string;
  readonly nonce: Uint8Array;
  /** Ciphertext and tag. */
  readonly sealed: Uint8Array;
};

const PREFIX = `${FORMAT}.`;
const KEY_END = PREFIX.length + 32;
const KEY_ID = /^[0-9a-f]{32}$/;

/** Whether a stored value claims to be an envelope. Whether it is one only opening it tells. */
export function looksSealed(stored: string): boolean {
  return stored.startsWith(PREFIX);
}

/** With what every envelope under a key begins: what a query for them compares with. */
export function prefixOf(keyId: string): string {
  return `${PREFIX}${keyId.replaceAll('-', '')}.`;
}

/** The id of the key that an envelope names; undefined where it names none. */
export function keyIdOf(stored: string): string | undefined {
  const key = stored.slice(PREFIX.length, KEY_END);
  return stored.startsWith(PREFIX) && stored[KEY_END] === '.' && KEY_ID.test(key)
    ? `${key.slice(0, 8)}-${key.slice(8, 12)}-${key.slice(12, 16)}-${key.slice(16, 20)}-${key.slice(20)}`
    : undefined;
}

/** The parts of an envelope; undefined for anything that is not written exactly as `seal` writes it. */
export function parseEnvelope(stored: string): Envelope | undefined {
  const keyId = keyIdOf(stored);
  if (keyId === undefined) {
    return undefined;
  }
  const body = stored.slice(KEY_END + 1);
  const bytes = Buffer.from(body, 'base64url');
  if (bytes.length < NONCE_BYTES + TAG_BYTES || !isCanonical(body, bytes.length)) {
    return undefined;
  }
  return {
    keyId,
    nonce: bytes.subarray(0, NONCE_BYTES),
    sealed: bytes.subarray(NONCE_BYTES),
  };
}

/** The characters that can end a text whose last one stands for four bits, and for two. */
const LAST = { 3: /[AEIMQUYcgkosw048]$/, 2: /[AQgw]$/ } as const;

/**
 * Whether a text is the one spelling of its bytes. Node reads past whatever is not in the alphabet, takes that of base64 for
 * base64url, and other last characters for the same bytes; encoding the bytes again would say so too, at the price of opening them.
 */
function isCanonical(text: string, bytes: number): boolean {
  const rest = text.length % 4;
  return (
    bytes === Math.floor((text.length * 3) / 4) &&
    rest !== 1 &&
    !text.includes('+') &&
    !text.includes('/') &&
    ((rest !== 2 && rest !== 3) || LAST[rest].test(text.slice(-1)))
  );
}

/** What the ciphertext is bound to. */
function associatedData({ tenantId, ownerId, table, column, rowId }: Place, key: DataKey): Buffer {
  return encodeParts(FORMAT, tenantId, ownerId, table, column, rowId, key.id, String(key.version));
}

/** Encrypts a value for its place. The same value gives another envelope every time. */
export function seal(plain: string, place: Place, key: DataKey): string {
  const nonce = randomBytes(NONCE_BYTES);
  const sealed = gcmSeal(key.secret, nonce, plain, associatedData(place, key));
  return `${prefixOf(key.id)}${Buffer.concat([nonce, sealed]).toString('base64url')}`;
}

/**
 * The value of an envelope that was sealed for this place.
 *
 * @param keyOf The holder's key of an id, if it has one.
 * @throws {EnvelopeError} for anything else, whatever it is.
 */
export function open(stored: string, place: Place, keyOf: (id: string) => DataKey | undefined): string {
  const envelope = parseEnvelope(stored);
  if (envelope === undefined) {
    throw new EnvelopeError('shape', place);
  }
  const key = keyOf(envelope.keyId);
  if (key === undefined) {
    throw new EnvelopeError('key', place, envelope.keyId);
  }
  try {
    return gcmOpen(key.secret, envelope.nonce, envelope.sealed, associatedData(place, key)).toString('utf8');
  } catch (cause) {
    throw new EnvelopeError('altered', place, envelope.keyId, { cause });
  }
}
