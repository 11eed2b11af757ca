// Which credential a request presents. Reads five headers, and nothing else of the request.
//
// A credential in a query string ends in logs and histories, one in a cookie is sent by other people's pages; neither
// is looked at (RFC 6750 sections 2.3 and 5.3). Decides only what is presented and that it has the form of one
// credential, not whether it is any good: that is token.ts, dpop.ts and, for API keys, the database.

import { BailiwickError } from '../errors.ts';
import { type DelegationId, parseId } from '../ids.ts';
import { hashApiKey } from './api-key.ts';
import { refused } from './refusal.ts';

/** What a request presents to prove who sent it. Nothing in it has been verified. */
export type Credential = {
  /** From the header `Delegation-Id`: the delegation that an agent wants to act under. */
  readonly delegationId: DelegationId | undefined;
  /** From the header `View-As`: the delegation whose delegate's view its owner wants to see. */
  readonly viewAs: DelegationId | undefined;
} & (
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'dpop'; readonly token: string; readonly proof: string }
  /** The key itself goes no further than here. */
  | { readonly kind: 'key'; readonly hash: string }
);

/** As much of the Fetch API's `Headers` as is needed. Repeated headers must arrive joined by commas, as it does. */
export type RequestHeaders = { get(name: string): string | null };

// RFC 6750 section 2.1 and RFC 9449 section 7.1, with the scheme's case from RFC 9110 section 11.1. The comma of a
// joined second header is not in the grammar of a token, so two headers never pass for one.
const AUTHORIZATION = /^(?<scheme>bearer|dpop) (?<token>[A-Za-z0-9._~+/-]+=*)$/i;

/** RFC 9449 section 4.1: one JWT. Here too, a joined second header is not in the grammar. */
const PROOF = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/**
 * Reads the credential of a request: an access token, one that comes with a proof of possession, or an API key.
 *
 * @returns undefined when the request presents none: the caller is anonymous.
 * @throws {BailiwickError} BAD_USER_INPUT for two credentials or a malformed delegation id; UNAUTHENTICATED for a
 *   credential of another kind or form, for a delegation or a proof without the credential it belongs to, and for a view
 *   through a delegation.
 */
export function readCredential(headers: RequestHeaders): Credential | undefined {
  const authorization = headers.get('authorization');
  const apiKey = headers.get('x-api-key');
  const proof = headers.get('dpop');
  if (authorization !== null && apiKey !== null) {
    throw new BailiwickError('BAD_USER_INPUT', 'Send Authorization or X-API-Key, not both.');
  }
  if (authorization === null && proof !== null) {
    throw refused('dpop');
  }
  if (apiKey !== null) {
    const hash = hashApiKey(apiKey);
    if (hash === undefined) {
      throw refused('api-key');
    }
    return { kind: 'key', hash, ...readDelegations(headers) };
  }
  if (authorization === null) {
    if (headers.get('delegation-id') !== null) {
      throw refused('delegation');
    }
    if (headers.get('view-as') !== null) {
      throw refused('view');
    }
    return undefined;
  }
  const { scheme, token } = AUTHORIZATION.exec(authorization)?.groups ?? {};
  if (scheme === undefined || token === undefined) {
    throw refused('scheme');
  }
  const bound = scheme.toLowerCase() === 'dpop';
  // A proof next to a bearer token would be taken for a check that nobody makes.
  if (bound ? proof === null || !PROOF.test(proof) : proof !== null) {
    throw refused('dpop');
  }
  const delegations = readDelegations(headers);
  return bound && proof !== null
    ? { kind: 'dpop', token, proof, ...delegations }
    : { kind: 'bearer', token, ...delegations };
}

/** A credential as it was sent, well-formed or not. */
export type PresentedCredential = {
  readonly text: string;
  /** Whether its scheme says that it needs a proof of possession beside it. */
  readonly bound: boolean;
};

/** What to count and to name a request's credential by, never to trust; undefined when it presents none. */
export function presentedCredential(headers: RequestHeaders): PresentedCredential | undefined {
  const authorization = headers.get('authorization');
  const apiKey = headers.get('x-api-key');
  if (authorization === null && apiKey === null) {
    return undefined;
  }
  // Otherwise every way of writing the scheme would be a credential of its own.
  const [scheme = ''] = (authorization ?? '').split(' ', 1);
  const rest = (authorization ?? '').slice(scheme.length).trim();
  return {
    text: JSON.stringify([scheme.toLowerCase(), rest, apiKey]),
    bound: scheme.toLowerCase() === 'dpop',
  };
}

function readDelegations(headers: RequestHeaders): Pick<Credential, 'delegationId' | 'viewAs'> {
  const delegationId = readDelegationId(headers, 'Delegation-Id');
  const viewAs = readDelegationId(headers, 'View-As');
  // who looks on does so in person
  if (delegationId !== undefined && viewAs !== undefined) {
    throw refused('view');
  }
  return { delegationId, viewAs };
}

function readDelegationId(headers: RequestHeaders, name: string): DelegationId | undefined {
  const text = headers.get(name);
  const id = parseId<DelegationId>(text);
  if (text !== null && id === undefined) {
    throw new BailiwickError('BAD_USER_INPUT', `${name} must be one UUID in lower case.`);
  }
  return id;
}
