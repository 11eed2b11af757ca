// An issuer's published keys, turned into keys that verify with one algorithm and nothing else.
//
// The algorithm is bound to the key by what the key is, never by what a token says: that binding is what most JWT
// forgeries of recent years got around (RFC 8725 section 3.1). A key that is not fit for verifying is left out; a set
// that is ambiguous is refused as a whole. Fetches nothing, caches nothing.

import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { mayBeFactored } from './roca.ts';
import { isJsonObject, type JsonObject } from './strict-json.ts';

/** The signature algorithms of this server (RFC 7518 sections 3.3 and 3.4). Deliberately not configurable. */
export const ALGORITHMS = ['RS256', 'ES256'] as const;

export type Algorithm = (typeof ALGORITHMS)[number];

/** A public key that is fit to verify signatures with one algorithm. */
export type VerificationKey = {
  readonly id: string | undefined;
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
  /** Length of its signatures, in bytes; there is no other. */
  readonly signatureLength: number;
};

/**
 * Reads a JWK Set (RFC 7517 section 5), keeping the keys that this server can verify with.
 *
 * @throws {TypeError} when it is no JWK Set, or when two keys share a `kid`: which one verifies must not be luck.
 */
export function readKeySet(set: unknown): readonly VerificationKey[] {
  const keys: unknown = isJsonObject(set) ? set.keys : undefined;
  if (!Array.isArray(keys) || !keys.every(isJsonObject)) {
    throw new TypeError('Not a JWK Set');
  }
  const ids = keys.map((jwk) => jwk.kid).filter((id) => id !== undefined);
  if (new Set(ids).size !== ids.length) {
    throw new TypeError('Two keys of the JWK Set have the same kid');
  }
  return keys.map(readKey).filter((key) => key !== undefined);
}

/**
 * The key that a token means: the one with exactly this id, or the only one there is when the token names none.
 * The id is compared and nothing else; it never becomes part of a path, a URL or a statement.
 */
export function selectKey(
  keys: readonly VerificationKey[],
  id: string | undefined,
): VerificationKey | undefined {
  if (id === undefined) {
    return keys.length === 1 ? keys[0] : undefined;
  }
  return keys.find((key) => key.id === id);
}

type Kind = {
  readonly kty: string;
  readonly crv: string | undefined;
  readonly algorithm: Algorithm;
  /** Members of the public key (RFC 7518 section 6); only these are imported. */
  readonly members: readonly string[];
  readonly strong: (key: KeyObject) => boolean;
  readonly signatureLength: (key: KeyObject) => number;
};

// biome-ignore format: one kind of key per line
const KINDS: readonly Kind[] = [
  { kty: 'RSA', crv: undefined, algorithm: 'RS256', members: ['kty', 'n', 'e'],        strong: isStrongRsa, signatureLength: modulusBytes },
  { kty: 'EC',  crv: 'P-256',   algorithm: 'ES256', members: ['kty', 'crv', 'x', 'y'], strong: () => true,  signatureLength: () => 64 },
];

/** Members of private and of symmetric keys (RFC 7518 section 6). A key that was published with one is everybody's. */
const SECRETS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

// biome-ignore format: one check per line
const USABLE: readonly ((jwk: JsonObject, kind: Kind) => boolean)[] = [
  (jwk)       => jwk.kid === undefined || (typeof jwk.kid === 'string' && jwk.kid !== ''),
  (jwk, kind) => jwk.alg === undefined || jwk.alg === kind.algorithm,
  (jwk)       => jwk.use === undefined || jwk.use === 'sig',
  (jwk)       => jwk.key_ops === undefined || (Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify')),
  (jwk)       => !SECRETS.some((name) => Object.hasOwn(jwk, name)),
];

function readKey(jwk: JsonObject): VerificationKey | undefined {
  const kind = KINDS.find(({ kty, crv }) => kty === jwk.kty && crv === jwk.crv);
  if (kind === undefined || !USABLE.every((holds) => holds(jwk, kind))) {
    return undefined;
  }
  const members = Object.fromEntries(kind.members.map((member) => [member, jwk[member]]));
  const key = importPublicKey(members as JsonWebKey);
  if (key === undefined || !kind.strong(key)) {
    return undefined;
  }
  const signatureLength = kind.signatureLength(key);
  return { id: jwk.kid as string | undefined, algorithm: kind.algorithm, key, signatureLength };
}

function importPublicKey(key: JsonWebKey): KeyObject | undefined {
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    return undefined; // a member is missing, or the point is not on the curve
  }
}

/** RFC 7518 section 3.3 for the modulus, FIPS 186-5 appendix A.1.1 for the exponent: with 1, anyone can sign. */
function isStrongRsa(key: KeyObject): boolean {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  return (
    modulusLength >= 2048 &&
    publicExponent > 2n ** 16n &&
    publicExponent < 2n ** 256n &&
    publicExponent % 2n === 1n &&
    !mayBeFactored(key)
  );
}

/** RFC 8017 section 8.2.2 step 1. */
function modulusBytes(key: KeyObject): number {
  return Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
}
