// Where an issuer's keys are: at a configured address, or where its own discovery document says (OpenID Connect Discovery
// 1.0 section 3, RFC 8414 section 2).
//
// Of the document two members are read. It must name exactly the configured issuer, or whoever serves one document could
// speak for another issuer (RFC 8414 section 3.3); and the address in it is checked like a configured one. Endpoints,
// algorithms and scopes in it are the issuer's own affair.

import { addressProblem, type IssuerConfig } from '../trust.ts';
import { ageOf } from './age.ts';
import { type FetchOptions, fetchJson } from './fetch.ts';
import { isJsonObject } from './strict-json.ts';

/** As much of an issuer's configuration as says where its keys are. */
export type KeyLocation = Pick<IssuerConfig, 'issuer' | 'jwksUri' | 'discovery'>;

export type KeyAddress = {
  /** Where the keys are now. Rejects when that cannot be found out. */
  get(signal: AbortSignal): Promise<URL>;
  /** The keys could not be had there: next time the document is read again, however young it is. */
  doubt(): void;
};

const MINUTE = 60_000;

/** The age of a document, in milliseconds, from which it is read again, and from which it is no longer used. */
const AGE = { refresh: 5 * MINUTE, unusable: 60 * MINUTE };

/** @param now Milliseconds since the epoch. */
export function keyAddress(location: KeyLocation, now: () => number, options: FetchOptions): KeyAddress {
  const { issuer, jwksUri, discovery } = location;
  if (jwksUri !== undefined) {
    const uri = new URL(jwksUri);
    return { get: async () => uri, doubt: () => {} };
  }
  if (discovery === undefined) {
    throw new TypeError(`The issuer ${issuer} has neither jwksUri nor discovery`);
  }
  const document = new URL(discovery);
  let held: { readonly uri: URL; readonly since: number } | undefined;
  let doubted = false;

  return {
    async get(signal) {
      if (held !== undefined && !doubted && ageOf(held.since, now) < AGE.refresh) {
        return held.uri;
      }
      const since = now();
      try {
        held = { uri: readKeyAddress(await fetchJson(document, signal, options), issuer), since };
        doubted = false;
      } catch (cause) {
        if (held === undefined || ageOf(held.since, now) >= AGE.unusable) {
          throw cause;
        }
      }
      return held.uri;
    },
    doubt() {
      doubted = true;
    },
  };
}

function readKeyAddress(document: unknown, issuer: string): URL {
  if (!isJsonObject(document) || document.issuer !== issuer) {
    throw new TypeError(`The discovery document is not one of ${issuer}`);
  }
  const uri = typeof document.jwks_uri === 'string' ? URL.parse(document.jwks_uri) : null;
  if (uri === null) {
    throw new TypeError(`The discovery document of ${issuer} has no jwks_uri`);
  }
  const problem = addressProblem(uri);
  if (problem !== undefined) {
    throw new TypeError(`The jwks_uri in the discovery document of ${issuer} ${problem}`);
  }
  return uri;
}
