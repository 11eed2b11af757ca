// Makes proofs of possession (RFC 9449), good ones and forged ones, and remembers which were used. Every proof is
// really signed with the key that its test names. The address, the method and the clock are those of the tests.

import { createHash, sign } from 'node:crypto';
import type { ProofMemory } from '../../src/auth/dpop.ts';
import { ecKey, NOW, part, rsaKey, type SigningKey } from './forge.ts';

export const ADDRESS = 'https://api.bailiwick.example/graphql';

/** The client's own keys, of both kinds that this server takes. */
export const HELD = ecKey();
export const HELD_RSA = rsaKey();

/** RFC 7638 section 3, by hand: the required members in the order of their names. */
export function thumbprint({ jwk: { kty, crv, x, y, n, e } }: SigningKey): string {
  return sha256(JSON.stringify(kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y }));
}

export type ProofForgery = {
  readonly header?: string;
  /** Changed in a good header; undefined takes a member out. */
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly payload?: string | object;
  /** Changed in good claims; undefined takes a claim out. */
  readonly claims?: Readonly<Record<string, unknown>>;
};

/** A proof for `token` signed with `key`, good except for what `forgery` says. */
export function prove(token: string, key: SigningKey = HELD, forgery: ProofForgery = {}): string {
  const { kid: _, ...jwk } = key.jwk as Record<string, unknown>;
  const alg = jwk.kty === 'RSA' ? 'RS256' : 'ES256';
  const header = forgery.header ?? { typ: 'dpop+jwt', alg, jwk, ...forgery.headers };
  const claims = {
    jti: crypto.randomUUID(),
    htm: 'POST',
    htu: ADDRESS,
    iat: NOW,
    ath: sha256(token),
    ...forgery.claims,
  };
  const data = `${part(header)}.${part(forgery.payload ?? claims)}`;
  const signature = sign('sha256', Buffer.from(data), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${data}.${signature.toString('base64url')}`;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** A memory of proofs as one process has it, that shows what it was asked. */
export function proofMemory(): ProofMemory & { readonly asked: { key: string; until: Date }[] } {
  const asked: { key: string; until: Date }[] = [];
  return {
    asked,
    async first(key, until) {
      const known = asked.some((earlier) => earlier.key === key);
      asked.push({ key, until });
      return !known;
    },
  };
}
