// What both benchmarks of the verifier start from: keys, a configuration, and tokens that are really signed.
//
// Tokens are made beforehand, so that signing is no part of what is measured.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { IssuerConfig } from '../../src/trust.ts';

export const ISSUER = 'https://id.acme.example';
const AUDIENCE = 'https://api.bailiwick.example';

export type BenchKey = {
  readonly algorithm: 'ES256' | 'RS256';
  readonly privateKey: KeyObject;
  readonly jwk: object;
};

export function makeKey(algorithm: BenchKey['algorithm'], kid: string): BenchKey {
  const { privateKey, publicKey } =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { algorithm, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm } };
}

export function issuerConfig(jwksUri: string): IssuerConfig {
  return {
    issuer: ISSUER,
    audience: AUDIENCE,
    jwksUri,
    types: ['at+jwt'],
    algorithms: ['RS256', 'ES256'],
    tenant: { strategy: 'provider_claim', claim: 'tenant' },
  };
}

/** A good token, valid for an hour; with a `kid` of its own, one that nobody can verify. */
export function makeToken({ algorithm, privateKey }: BenchKey, kid: string, jti: string): string {
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'alice',
    client_id: 'app',
    jti,
    iat,
    exp: iat + 3600,
    tenant: 'acme',
    scope: 'memory:read memory:create memory:update agent:read world:read',
  };
  const data = `${part({ alg: algorithm, typ: 'at+jwt', kid })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(data), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${data}.${signature.toString('base64url')}`;
}

/** The value below which `share` of the numbers lie. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
