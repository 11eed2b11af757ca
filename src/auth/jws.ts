// A token's form: JWS compact serialization (RFC 7515 section 7.1) read strictly, before any key is looked up.
//
// jose accepts more than one spelling of a signature and ignores headers that it does not use; here there is exactly
// one spelling, and a header that tries to choose its own key or its own rules ends the matter. Verifies no
// signature: what this file returns is still the word of a stranger.

import { ALGORITHMS, type Algorithm } from './jwk.ts';
import { type RefusalReason, refused } from './refusal.ts';
import { isJsonObject, type JsonObject, parseStrictJson } from './strict-json.ts';

/** Header and claims of a token that nobody has verified yet. */
export type UnverifiedToken = {
  readonly algorithm: Algorithm;
  readonly keyId: string | undefined;
  readonly claims: JsonObject;
};

/** Longest token, in characters. Bounds every later step: depth of JSON, number of scopes, length of texts. */
const MAX_LENGTH = 8 * 1024;

/**
 * Reads the parts of a token without trusting them.
 *
 * @throws {BailiwickError} UNAUTHENTICATED unless the form is exactly that of a signed access token.
 */
export function readUnverified(token: string): UnverifiedToken {
  if (token.length > MAX_LENGTH) {
    throw refused('size');
  }
  const parts = token.split('.').map(decodeCanonical);
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    throw refused('form'); // five parts are a JWE, which this server neither needs nor inflates
  }
  const protectedHeader = readObject(header);
  const claims = readObject(payload);
  for (const [reason, holds] of HEADER_CHECKS) {
    if (!holds(protectedHeader)) {
      throw refused(reason);
    }
  }
  const { alg, kid } = protectedHeader as { alg: Algorithm; kid?: string };
  return { algorithm: alg, keyId: kid, claims };
}

type HeaderCheck = readonly [reason: RefusalReason, holds: (header: JsonObject) => boolean];

// biome-ignore format: one check per line
const HEADER_CHECKS: readonly HeaderCheck[] = [
  // reason    holds when                                          source
  ['alg',      (h) => isAlgorithm(h.alg)],                      // RFC 8725 section 3.1
  ['typ',      (h) => isAccessToken(h.typ)],                    // RFC 8725 section 3.11
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

/** RFC 9068 section 2.1. Media types are compared without case (RFC 2045 section 5.1). */
function isAccessToken(typ: unknown): boolean {
  return typeof typ === 'string' && /^(application\/)?at\+jwt$/i.test(typ);
}

function isKeyId(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= 255;
}

/** Decodes base64url (RFC 4648 section 5); undefined when empty or when these bytes have another, proper spelling. */
function decodeCanonical(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  // Node skips padding, line breaks, `+/` and stray bits; encoding again shows whether any were there.
  return part !== '' && bytes.toString('base64url') === part ? bytes : undefined;
}

function readObject(bytes: Uint8Array): JsonObject {
  let value: unknown;
  try {
    value = parseStrictJson(bytes);
  } catch (cause) {
    throw refused('json', cause);
  }
  if (!isJsonObject(value)) {
    throw refused('json');
  }
  return value;
}
