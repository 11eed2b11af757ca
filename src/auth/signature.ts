// From the bytes of a token to the certainty that a trusted key signed them: form, header, key, signature, in one place.
//
// The one path by which a signature comes to count; verify() and the published test vectors go through it alike. The
// signature is checked by node:crypto and at once: jose's check makes a round through the thread pool, which costs more
// than the check itself (bench/auth/verify.ts). Knows nothing of claims: what was signed need not be an access token.

import { constants, hash, verify } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Algorithm, VerificationKey } from './jwk.ts';
import type { KeySource } from './jwks.ts';
import { readJws, type UnverifiedJws } from './jws.ts';
import { refused } from './refusal.ts';

/** Who must have signed, and how. */
export type Signer = {
  readonly keys: KeySource;
  readonly algorithms: readonly Algorithm[];
};

/**
 * Opens a token: returns only when one of the signer's keys has signed it.
 *
 * @param signerOf Says, by what the token claims of itself, whose keys count; throws when nobody's do.
 * @param deniedKeyIds Key ids that no longer count, whatever an issuer publishes.
 * @throws {BailiwickError} UNAUTHENTICATED for every other outcome.
 */
export async function openJws<Trusted extends Signer>(
  token: string,
  signerOf: (jws: UnverifiedJws) => Promise<Trusted> | Trusted,
  deniedKeyIds: readonly string[] = [],
): Promise<Trusted> {
  const digest = hash('sha256', token, 'base64');
  const known = read.get(digest);
  const jws = known ?? readJws(token);
  const signer = await signerOf(jws);
  if (!signer.algorithms.includes(jws.algorithm)) {
    throw refused('alg');
  }
  const key = await signer.keys.find(jws.keyId);
  if (key === undefined || key.algorithm !== jws.algorithm) {
    throw refused('key');
  }
  if (key.id !== undefined && deniedKeyIds.includes(key.id)) {
    throw refused('denied-key');
  }
  const signatures = remembered(key);
  if (signatures.get(digest) === undefined) {
    if (!hasSigned(key, jws.signed, jws.signature)) {
      throw refused('signature');
    }
    signatures.set(digest, true);
  }
  if (known === undefined) {
    read.set(digest, jws);
  }
  return signer;
}

/** Tokens taken apart, by their digest: such as once were signed by a trusted key, and no others. Whether they still count is asked each time. */
const read = new LRUCache<string, UnverifiedJws>({ max: 2000 });

/** Tokens whose signature a key was found to have made, by their digest. It says nothing else of them, and goes with the key. */
const signed = new WeakMap<VerificationKey, LRUCache<string, true>>();
const MOST_TOKENS = 10_000;

function remembered(key: VerificationKey): LRUCache<string, true> {
  const known = signed.get(key) ?? new LRUCache<string, true>({ max: MOST_TOKENS });
  signed.set(key, known);
  return known;
}

/** Whether `signature` is the key's own over `data`, by the one algorithm that the key is bound to. */
export function hasSigned(key: VerificationKey, data: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== key.signatureLength) {
    return false;
  }
  switch (key.algorithm) {
    case 'ES256': // RFC 7518 section 3.4: r and s side by side, not the ASN.1 that OpenSSL would expect
      return verify('sha256', data, { key: key.key, dsaEncoding: 'ieee-p1363' }, signature);
    case 'RS256': // RFC 7518 section 3.3
      return verify('sha256', data, { key: key.key, padding: constants.RSA_PKCS1_PADDING }, signature);
    default:
      return key.algorithm satisfies never;
  }
}
