// Makes tokens, good ones and forged ones, out of node:crypto alone.
//
// The attacks need what a JOSE library rightly refuses to write: raw JSON, foreign keys, chosen spelling. Every token
// is really signed with the key its test names. Holds the issuer and the clock of the tests too.

import {
  createHash,
  createHmac,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign,
} from 'node:crypto';
import { Refusal, type RefusalReason } from '../../src/auth/refusal.ts';
import { BailiwickError, ERROR_CODES } from '../../src/errors.ts';
import type { IssuerConfig } from '../../src/trust.ts';

/** The time of every test, in seconds, unless it moves the clock. */
export const NOW = 1_800_000_000;

export const ISSUER = 'https://id.acme.example';
export const AUDIENCE = 'https://api.bailiwick.example';

export const DELEGATION = '01890a5d-ac96-774b-bcce-b302099a8057';
export const OTHER_DELEGATION = '01890a5d-ac96-774b-bcce-b302099a8058';

export function issuerConfig(overrides: Partial<IssuerConfig> = {}): IssuerConfig {
  return {
    issuer: ISSUER,
    jwksUri: 'https://id.acme.example/keys',
    audience: AUDIENCE,
    types: ['at+jwt'],
    algorithms: ['RS256', 'ES256'],
    tenant: { strategy: 'provider_claim', claim: 'tenant' },
    ...overrides,
  };
}

export type SigningKey = {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: JsonWebKey;
};

export function ecKey(kid?: string, namedCurve = 'P-256'): SigningKey {
  return withJwk(generateKeyPairSync('ec', { namedCurve }), kid);
}

export function rsaKey(kid?: string, modulusLength = 2048, publicExponent = 65537): SigningKey {
  return withJwk(generateKeyPairSync('rsa', { modulusLength, publicExponent }), kid);
}

/**
 * The "signature" that every RSA key with the exponent 1 accepts: raising to the power of 1 changes nothing, so it is
 * the padded digest itself (RFC 8017 section 9.2), and nobody needs a private key.
 */
export function signatureForExponentOne(data: string): Buffer {
  const sha256 = Buffer.from('3031300d060960864801650304020105000420', 'hex');
  const digest = Buffer.concat([sha256, createHash('sha256').update(data).digest()]);
  const padding = Buffer.alloc(256 - 3 - digest.length, 0xff);
  return Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), digest]);
}

export function claims(overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'alice',
    iat: NOW - 60,
    exp: NOW + 600,
    tenant: 'acme',
    scope: 'memory:read memory:create',
    ...overrides,
  };
}

/** A part as compact serialization spells it; text is taken as the JSON it is. */
export function part(content: string | object): string {
  return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)).toString('base64url');
}

export type Forgery = {
  readonly header?: string | Readonly<Record<string, unknown>>;
  /** Added to a good header. */
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly payload?: string | object;
  /** Changed in good claims; undefined takes a claim out. */
  readonly claims?: Readonly<Record<string, unknown>>;
};

/** A token signed with `key`, good except for what `forgery` says. */
export function forge(key: SigningKey, forgery: Forgery = {}): string {
  const alg = key.publicKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
  const header = forgery.header ?? { alg, typ: 'at+jwt', kid: key.jwk.kid, ...forgery.headers };
  const data = `${part(header)}.${part(forgery.payload ?? claims(forgery.claims))}`;
  const signature = sign('sha256', Buffer.from(data), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${data}.${signature.toString('base64url')}`;
}

/** A token signed with a shared secret, which is what a verifier that trusts `alg` makes of a public key. */
export function forgeHmac(secret: string | Buffer, kid: string | undefined): string {
  const data = `${part({ alg: 'HS256', typ: 'at+jwt', kid })}.${part(claims())}`;
  return `${data}.${createHmac('sha256', secret).update(data).digest('base64url')}`;
}

/** How a promise was refused: what the caller may know, and what only the log knows. */
export async function refusal(
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; reason: string | undefined }> {
  const error: unknown = await promise.then(
    (value) => new Error(`was accepted: ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BailiwickError)) {
    throw error;
  }
  const reason = error.cause instanceof Refusal ? error.cause.reason : undefined;
  return { code: error.code, message: error.message, reason };
}

/** A refusal as it must look from outside, whatever the reason. */
export function uniform(reason: RefusalReason): Awaited<ReturnType<typeof refusal>> {
  return { code: 'UNAUTHENTICATED', message: ERROR_CODES.UNAUTHENTICATED.meaning, reason };
}

function withJwk(pair: { privateKey: KeyObject; publicKey: KeyObject }, kid: string | undefined): SigningKey {
  const jwk = pair.publicKey.export({ format: 'jwk' });
  return { ...pair, jwk: kid === undefined ? jwk : { ...jwk, kid } };
}

/** A modulus with the fingerprint: a power of 65537 modulo the product of the first 126 primes. */
export function likeRoca(): string {
  let [product, power] = [1n, 1n];
  for (let n = 2; n <= 701; n += 1) {
    product *= /^1?$|^(11+?)\1+$/.test('1'.repeat(n)) ? 1n : BigInt(n);
  }
  for (let n = 0; n < 1_000; n += 1) {
    power = (power * 65537n) % product;
  }
  const modulus = power + ((1n << 2047n) / product + 1n) * product;
  return Buffer.from(modulus.toString(16), 'hex').toString('base64url');
}
