// A token's form: JWS compact serialization (RFC 7515 section 7.1) read strictly, before any key is looked up.
//
// jose accepts more than one spelling of a signature and ignores headers that it does not use; here there is exactly
// one spelling, and a header that tries to choose its own key or its own rules ends the matter. Verifies no
// signature: what this file returns is still the word of a stranger.

import type { IssuerConfig } from '../trust.ts';
import { ALGORITHMS, type Algorithm } from './jwk.ts';
import { type RefusalReason, refused } from './refusal.ts';
import { isJsonObject, type JsonObject, parseStrictJson } from './strict-json.ts';

/** The parts of a token that nobody has verified yet. */
export type UnverifiedJws = {
  readonly algorithm: Algorithm;
  readonly keyId: string | undefined;
  /** `typ`, whatever it is. */
  readonly type: unknown;
  readonly payload: Uint8Array;
  /** What was signed: header and payload as they were sent (RFC 7515 section 5.2 step 8). */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
};

/** Longest token, in characters. Bounds every later step: depth of JSON, number of scopes, length of texts. */
const MAX_LENGTH = 8 * 1024;

/**
 * Reads the parts of a token without trusting them. The payload may be anything, also nothing.
 *
 * @throws {BailiwickError} UNAUTHENTICATED unless the form is exactly that of a JWS by one of our algorithms.
 */
export function readJws(token: string): UnverifiedJws {
  if (token.length > MAX_LENGTH) {
    throw refused('size');
  }
  const parts = token.split('.', 4).map(decodeCanonical);
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined || !signature?.length) {
    throw refused('form'); // five parts are a JWE, which this server neither needs nor inflates
  }
  const protectedHeader = readObject(header);
  for (const [reason, holds] of HEADER_CHECKS) {
    if (!holds(protectedHeader)) {
      throw refused(reason);
    }
  }
  const { alg, kid } = protectedHeader as { alg: Algorithm; kid?: string };
  const signed = Buffer.from(token.slice(0, token.lastIndexOf('.')), 'latin1');
  return { algorithm: alg, keyId: kid, type: protectedHeader.typ, payload, signed, signature };
}

/**
 * The claims of a token, as unverified as before.
 *
 * @throws {BailiwickError} UNAUTHENTICATED unless the payload is a JSON object with distinct members.
 */
export function readUnverifiedClaims(jws: UnverifiedJws): JsonObject {
  const known = claims.get(jws);
  const read = known ?? readObject(jws.payload);
  if (known === undefined) {
    claims.set(jws, read);
  }
  return read;
}

/** For as long as somebody keeps the token that they are of. */
const claims = new WeakMap<UnverifiedJws, JsonObject>();

// Media types are compared without case (RFC 2045 section 5.1).
const TYPES: Readonly<Record<IssuerConfig['types'][number], RegExp>> = {
  'at+jwt': /^(application\/)?at\+jwt$/i, // RFC 9068 section 2.1
  JWT: /^(application\/)?jwt$/i, // RFC 7519 section 5.1
};

/** Every type that an issuer may be configured for. */
export const KNOWN_TYPES = Object.keys(TYPES) as IssuerConfig['types'];

/** Whether a token says that it is of one of these types; one that says nothing is of none (RFC 8725 section 3.11). */
export function isOfType({ type }: UnverifiedJws, types: IssuerConfig['types']): boolean {
  return typeof type === 'string' && types.some((name) => TYPES[name].test(type));
}

type HeaderCheck = readonly [reason: RefusalReason, holds: (header: JsonObject) => boolean];

// biome-ignore format: one check per line
const HEADER_CHECKS: readonly HeaderCheck[] = [
  // reason    holds when                                          source
  ['alg',      (h) => isAlgorithm(h.alg)],                      // RFC 8725 section 3.1
  ['crit',     (h) => lacks(h, 'crit', 'b64')],                 // RFC 7515 section 4.1.11, RFC 7797
  ['own-key',  (h) => lacks(h, 'jwk', 'jku', 'x5c', 'x5u')],    // RFC 8725 section 3.10
  ['kid',      (h) => lacks(h, 'kid') || isKeyId(h.kid)],       // RFC 7515 section 4.1.4
];

function lacks(header: JsonObject, ...names: readonly string[]): boolean {
  return names.every((name) => !Object.hasOwn(header, name));
}

function isAlgorithm(value: unknown): boolean {
  return ALGORITHMS.some((algorithm) => algorithm === value);
}

function isKeyId(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= 255;
}

/** Decodes base64url (RFC 4648 section 5); undefined when these bytes have another, proper spelling. */
export function decodeCanonical(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  // Node skips padding, line breaks, `+/` and stray bits; encoding again shows whether any were there.
  return bytes.toString('base64url') === part ? bytes : undefined;
}

export function readObject(bytes: Uint8Array, reason: RefusalReason = 'json'): JsonObject {
  let value: unknown;
  try {
    value = parseStrictJson(bytes);
  } catch (cause) {
    throw refused(reason, cause);
  }
  if (!isJsonObject(value)) {
    throw refused(reason);
  }
  return value;
}
