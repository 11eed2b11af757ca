// From the bytes of a bearer token to claims that may be believed, or one uniform refusal.
//
// The order is that of trust: form (jws.ts), issuer (here, directory.ts), key (jwks.ts) and signature (signature.ts), and
// only then what the token says (claims.ts). The issuer is chosen by exact match, from the configuration first and then
// from the directory; its keys by what it is configured with alone. Follows RFC 8725 (JWT best current practice) and RFC
// 9068 (access tokens). Knows no SQL and does not count tokens: a bearer token can be used again until it expires.

import { PostureError } from '../errors.ts';
import { literalProblem, type Reach } from '../outgoing/address.ts';
import { addressProblem, type IssuerConfig } from '../trust.ts';
import { type Budget, createBudget } from './budget.ts';
import { readClaims, type VerifiedToken } from './claims.ts';
import { createIssuerCache, type IssuerDirectory, type TrustedIssuer } from './directory.ts';
import { type KeySource, localKeySource, type RemoteKeysOptions, remoteKeySource } from './jwks.ts';
import { isOfType, KNOWN_TYPES, readUnverifiedClaims, type UnverifiedJws } from './jws.ts';
import { refused } from './refusal.ts';
import { openJws, type Signer } from './signature.ts';
import type { JsonObject } from './strict-json.ts';

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

/** An issuer inside this process whose keys never change: they need no network. Every check of its tokens is the same. */
export type InProcessIssuer = {
  readonly config: IssuerConfig;
  /** The JWK Set (RFC 7517 section 5) as it would be published; read once. */
  jwks(): unknown;
};

export type VerifierOptions = RemoteKeysOptions & {
  readonly inProcess?: readonly (InProcessIssuer | TrustedIssuer)[] | undefined;
  /** Where issuers are looked up that are configured nowhere here. */
  readonly directory?: IssuerDirectory | undefined;
  /** Longest accepted `exp - iat` in seconds; a day unless given. */
  readonly maxLifetime?: number | undefined;
  /** Key ids that no longer count, whatever an issuer publishes: for the hours after a signing key has leaked. */
  readonly deniedKeyIds?: readonly string[] | undefined;
};

/** Fetches per second that unknown key ids may cause, over all issuers. */
const UNKNOWN_KEY_FETCHES = 10;

/**
 * Makes a verifier that trusts the given issuers. Contacts none of them yet.
 *
 * @throws {PostureError} when two issuers have the same name or a key set would be fetched in the clear or from where
 *   this installation does not reach.
 */
export function createVerifier(issuers: readonly IssuerConfig[], options: VerifierOptions = {}): Verifier {
  const { inProcess = [], maxLifetime = 24 * 60 * 60, deniedKeyIds, now = Date.now } = options;
  refuseUnsafe(issuers, inProcess, options.reach);
  const budget: Budget = createBudget(UNKNOWN_KEY_FETCHES, now);
  const open = (config: IssuerConfig): KeySource => remoteKeySource(config, options, budget);
  const all: readonly TrustedIssuer[] = [
    ...issuers.map((config) => ({ config, keys: open(config) })),
    ...inProcess.map((issuer) =>
      'keys' in issuer ? issuer : { config: issuer.config, keys: localKeySource(issuer.jwks()) },
    ),
  ];
  const trusted = new Map<string, TrustedIssuer>(all.map((issuer) => [issuer.config.issuer, issuer]));
  const others = options.directory && createIssuerCache(options.directory, { now, open });

  type Claimant = Signer & { readonly config: IssuerConfig; readonly claims: JsonObject };

  const claimantOf = async (jws: UnverifiedJws): Promise<Claimant> => {
    // Before anybody is looked up: most of what is no access token ends here.
    if (!isOfType(jws, KNOWN_TYPES)) {
      throw refused('typ');
    }
    const claims = readUnverifiedClaims(jws);
    const issuer =
      typeof claims.iss === 'string'
        ? (trusted.get(claims.iss) ?? (await others?.find(claims.iss)))
        : undefined;
    if (issuer === undefined) {
      throw refused('iss');
    }
    const { config, keys } = issuer;
    if (!isOfType(jws, config.types) || (isOfType(jws, ['JWT']) && isSomethingElse(claims))) {
      throw refused('typ');
    }
    return { keys, algorithms: config.algorithms, config, claims };
  };

  return {
    async verify(token) {
      const { config, claims } = await openJws(token, claimantOf, deniedKeyIds);
      return readClaims(claims, { issuer: config, now: now() / 1000, maxLifetime });
    },
    close() {
      others?.close();
      for (const { keys } of all) {
        keys.close();
      }
    },
  };
}

/** Claims that only ID tokens (OpenID Connect Core sections 2 and 3.3.2.11) and security events (RFC 8417) have. */
const FOREIGN = ['at_hash', 'c_hash', 'events'];

/** Whether a token that is only called JWT is evidently no access token (RFC 8725 section 3.12). */
function isSomethingElse(claims: JsonObject): boolean {
  return FOREIGN.some((name) => Object.hasOwn(claims, name));
}

function refuseUnsafe(
  issuers: readonly IssuerConfig[],
  inProcess: readonly { readonly config: IssuerConfig }[],
  reach: Reach = 'public',
): void {
  const names = [...issuers, ...inProcess.map(({ config }) => config)].map(({ issuer }) => issuer);
  const findings = names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) => `the issuer ${name} is configured twice`);
  for (const { issuer, jwksUri, discovery } of issuers) {
    const uri = new URL(jwksUri ?? discovery ?? '');
    const problem = addressProblem(uri);
    const outOfReach = problem === undefined ? literalProblem(uri, reach) : undefined;
    if (problem !== undefined) {
      findings.push(
        `the ${jwksUri === undefined ? 'discovery' : 'jwksUri'} of the issuer ${issuer} ${problem}`,
      );
    }
    if (outOfReach !== undefined) {
      findings.push(`keys of the issuer ${issuer} are not fetched from ${uri.host}: ${outOfReach}`);
    }
  }
  if (findings.length > 0) {
    throw new PostureError('The trusted issuers are not usable:', findings);
  }
}
