// Proof of possession (RFC 9449): that whoever presents a bound token holds the key it is bound to, here and now.
//
// A stolen token is worth nothing without the key. The order is that of cost: form, key, claims, signature, and last
// the one question that needs a memory shared by all processes, so that garbage never reaches it. The key is compared
// with the token's before anything is computed with it: nobody makes this server work with a key of their choice. No
// nonces are handed out, which section 8 leaves open; instead a proof lives for a minute and counts once.

import { createHash } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { ALGORITHMS, readKeySet, type VerificationKey } from './jwk.ts';
import { decodeCanonical, readObject } from './jws.ts';
import { type RefusalReason, refused } from './refusal.ts';
import { hasSigned } from './signature.ts';
import { isJsonObject, type JsonObject } from './strict-json.ts';

/** Remembers proofs that were used, for all processes that serve the same address. */
export type ProofMemory = {
  /** Whether this is the first time that `key` is seen; it is remembered `until` then. */
  first(key: string, until: Date): Promise<boolean>;
};

/** What a proof must be made for. */
export type ProofRules = {
  /** The access token that it comes with. */
  readonly token: string;
  /** `cnf.jkt` of the token: the thumbprint (RFC 7638) of the key that it is bound to. */
  readonly thumbprint: string;
  readonly method: string;
  /** Address of the request, without query; undefined when it cannot be told. */
  readonly address: URL | undefined;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly proofs: ProofMemory;
};

/** Longest proof, in characters. */
const MAX_LENGTH = 4 * 1024;

/**
 * Age at which a proof is too old, allowance for a clock that is ahead of ours, and by how much another process's clock may be
 * behind the database's, in seconds: beyond that its tickets have expired (src/db/ticket.ts), and it can ask nothing.
 */
const WINDOW = { back: 60, ahead: 5, late: 20 };

/**
 * Checks a proof as section 4.3 says.
 *
 * @throws {BailiwickError} UNAUTHENTICATED unless it was made for this request and this token, by the token's key, just
 *   now, and is used for the first time.
 */
export async function checkProof(proof: string, rules: ProofRules): Promise<void> {
  const { header, claims, signed, signature } = readProof(proof);
  const key = HEADER_CHECKS.every((holds) => holds(header)) ? readKey(header.jwk) : undefined;
  if (key === undefined || key.algorithm !== header.alg) {
    throw refused('dpop-header');
  }
  if ((await calculateJwkThumbprint(key.key.export({ format: 'jwk' }))) !== rules.thumbprint) {
    throw refused('dpop-key');
  }
  for (const [reason, holds] of CLAIM_CHECKS) {
    if (!holds(claims, rules)) {
      throw refused(reason);
    }
  }
  if (!hasSigned(key, signed, signature)) {
    throw refused('dpop-sig');
  }
  // Until no process would take it any more, not even one whose clock is behind.
  const until = new Date(((claims.iat as number) + WINDOW.back + WINDOW.late) * 1000);
  if (!(await rules.proofs.first(memoryKey(claims, rules), until))) {
    throw refused('replay');
  }
}

type Proof = {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
};

/** Check 2: one well-formed JWT. Check 1, that there is one at all, is made in credentials.ts. */
function readProof(proof: string): Proof {
  const parts = proof.length > MAX_LENGTH ? [] : proof.split('.', 4).map(decodeCanonical);
  const [header, claims, signature] = parts;
  if (parts.length !== 3 || !header?.length || !claims?.length || !signature?.length) {
    throw refused('dpop-form');
  }
  const signed = Buffer.from(proof.slice(0, proof.lastIndexOf('.')), 'latin1');
  return {
    header: readObject(header, 'dpop-form'),
    claims: readObject(claims, 'dpop-form'),
    signed,
    signature,
  };
}

/** Other ways of naming a key, and of changing the rules. */
const FOREIGN = ['crit', 'b64', 'jku', 'x5u', 'x5c'];

// biome-ignore format: one check per line
const HEADER_CHECKS: readonly ((header: JsonObject) => boolean)[] = [
  // holds when                                                                                section 4.3
  (h) => typeof h.typ === 'string' && /^(application\/)?dpop\+jwt$/i.test(h.typ),           // check 4
  (h) => ALGORITHMS.some((algorithm) => algorithm === h.alg),                               // check 5
  (h) => FOREIGN.every((name) => !Object.hasOwn(h, name)),
];

/** Check 7: a key without secrets. That it is fit for one algorithm is the other half of check 5. */
function readKey(jwk: unknown): VerificationKey | undefined {
  return isJsonObject(jwk) ? readKeySet({ keys: [jwk] })[0] : undefined;
}

type ClaimCheck = readonly [reason: RefusalReason, holds: (claims: JsonObject, rules: ProofRules) => boolean];

// biome-ignore format: one check per line
const CLAIM_CHECKS: readonly ClaimCheck[] = [
  // reason     holds when                                                                     section 4.3
  ['dpop-jti',  (c) => isText(c.jti)],                                                      // check 3
  ['dpop-htm',  (c, { method }) => c.htm === method],                                       // check 8
  ['dpop-htu',  (c, { address }) => address !== undefined && readAddress(c.htu) === plain(address)], // check 9
  ['dpop-iat',  (c, { now }) => isBetween(c.iat, now - WINDOW.back, now + WINDOW.ahead)],   // check 11
  ['dpop-ath',  (c, { token }) => c.ath === sha256(token)],                                 // check 12
];

// As for the texts of a token: nothing that breaks a line or is half a character.
function isText(value: unknown): value is string {
  return typeof value === 'string' && /^[^\p{Cc}\p{Cs}]{1,255}$/u.test(value);
}

function isBetween(value: unknown, from: number, to: number): boolean {
  return typeof value === 'number' && value >= from && value <= to;
}

/** `htu` as it is compared; undefined unless it is spelt as RFC 3986 wants it, which `URL` alone does not ask for. */
function readAddress(htu: unknown): string | undefined {
  const spelt = typeof htu === 'string' && /^https?:\/\/[!-[\]-~]+$/i.test(htu);
  const url = spelt ? URL.parse(htu) : null;
  return url === null || url.username + url.password !== '' ? undefined : plain(url);
}

/** RFC 3986 sections 6.2.2 and 6.2.3, without query and fragment: `URL` lowers the host and drops the usual port. */
function plain({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}

/** Of fixed length, and different for every key: nobody can use up the ids of others. */
function memoryKey(claims: JsonObject, { thumbprint }: ProofRules): string {
  return sha256(JSON.stringify([thumbprint, claims.jti, readAddress(claims.htu)]), 'hex');
}

function sha256(text: string, encoding: 'base64url' | 'hex' = 'base64url'): string {
  return createHash('sha256').update(text).digest(encoding);
}
