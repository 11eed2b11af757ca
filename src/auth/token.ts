// From the bytes of a bearer token to claims that may be believed, or one uniform refusal.
//
// The order is that of trust: form (jws.ts), issuer and key (jwks.ts), signature (jose), and only then what the token
// says (claims.ts). The issuer is chosen from the configuration by exact match, its keys by the configuration alone.
// Follows RFC 8725 (JWT best current practice) and RFC 9068 (access tokens). Knows nothing of the database and keeps
// no memory of tokens: a bearer token can be used again until it expires.

import { compactVerify } from 'jose';
import type { IssuerConfig } from '../config.ts';
import { PostureError } from '../errors.ts';
import { readClaims, type VerifiedToken } from './claims.ts';
import {
  jwksUriProblem,
  type KeySource,
  localKeySource,
  type RemoteKeysOptions,
  remoteKeySource,
} from './jwks.ts';
import { readUnverified } from './jws.ts';
import { refused } from './refusal.ts';

export type Verifier = {
  /**
   * Verifies an access token.
   *
   * @throws {BailiwickError} UNAUTHENTICATED with the same message whatever is wrong; its `cause` is a `Refusal`.
   */
  verify(token: string): Promise<VerifiedToken>;
  /** Ends what runs in the background. */
  close(): void;
};

/** An issuer inside this process: its keys need no network. Every check of its tokens is the same. */
export type InProcessIssuer = {
  readonly config: IssuerConfig;
  /** The JWK Set (RFC 7517 section 5) as it would be published; read once. */
  jwks(): unknown;
};

export type VerifierOptions = RemoteKeysOptions & {
  readonly inProcess?: readonly InProcessIssuer[] | undefined;
  /** Longest accepted `exp - iat` in seconds; a day unless given. */
  readonly maxLifetime?: number | undefined;
  /** Key ids that no longer count, whatever an issuer publishes: for the hours after a signing key has leaked. */
  readonly deniedKeyIds?: readonly string[] | undefined;
};

type Trusted = { readonly config: IssuerConfig; readonly keys: KeySource };

/**
 * Makes a verifier that trusts the given issuers. Contacts none of them yet.
 *
 * @throws {PostureError} when two issuers have the same name or a key set would be fetched in the clear.
 */
export function createVerifier(issuers: readonly IssuerConfig[], options: VerifierOptions = {}): Verifier {
  const { inProcess = [], maxLifetime = 24 * 60 * 60, deniedKeyIds = [], now = Date.now } = options;
  refuseUnsafe(issuers, inProcess);
  const all: readonly Trusted[] = [
    ...issuers.map((config) => ({ config, keys: remoteKeySource(new URL(config.jwksUri), options) })),
    ...inProcess.map(({ config, jwks }) => ({ config, keys: localKeySource(jwks()) })),
  ];
  const trusted = new Map<unknown, Trusted>(all.map((issuer) => [issuer.config.issuer, issuer]));

  return {
    async verify(token) {
      const { algorithm, keyId, claims } = readUnverified(token);
      const issuer = trusted.get(claims.iss);
      if (issuer === undefined) {
        throw refused('iss');
      }
      const found = await issuer.keys.find(keyId);
      if (found === undefined || found.algorithm !== algorithm) {
        throw refused('key');
      }
      if (found.id !== undefined && deniedKeyIds.includes(found.id)) {
        throw refused('denied-key');
      }
      try {
        await compactVerify(token, found.key, { algorithms: [found.algorithm] });
      } catch (cause) {
        throw refused('signature', cause);
      }
      return readClaims(claims, { issuer: issuer.config, now: now() / 1000, maxLifetime });
    },
    close() {
      for (const { keys } of all) {
        keys.close();
      }
    },
  };
}

function refuseUnsafe(issuers: readonly IssuerConfig[], inProcess: readonly InProcessIssuer[]): void {
  const names = [...issuers, ...inProcess.map(({ config }) => config)].map(({ issuer }) => issuer);
  const findings = names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) => `the issuer ${name} is configured twice`);
  for (const { issuer, jwksUri } of issuers) {
    const problem = jwksUriProblem(new URL(jwksUri));
    if (problem !== undefined) {
      findings.push(`the jwksUri of the issuer ${issuer} ${problem}`);
    }
  }
  if (findings.length > 0) {
    throw new PostureError('The trusted issuers are not usable:', findings);
  }
}
