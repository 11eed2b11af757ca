// Which credential a request presents. Reads two headers and the delegation's, and nothing else of the request.
//
// A token in a query string ends in logs and histories, a token in a cookie is sent by other people's pages; neither is
// looked at (RFC 6750 sections 2.3 and 5.3). Decides only what is presented, not whether it is any good: that is
// token.ts.

import { BailiwickError } from '../errors.ts';
import { type DelegationId, parseId } from '../ids.ts';
import { refused } from './refusal.ts';

/** What a request presents to prove who sent it. Nothing in it has been verified. */
export type Credential = {
  readonly kind: 'bearer';
  readonly token: string;
  /** From the header `Delegation-Id`: the delegation that an agent wants to act under. */
  readonly delegationId: DelegationId | undefined;
};

/** As much of the Fetch API's `Headers` as is needed. Repeated headers must arrive joined by commas, as it does. */
export type RequestHeaders = { get(name: string): string | null };

// RFC 6750 section 2.1 with the scheme's case from RFC 9110 section 11.1. The comma of a joined second header is not in
// the grammar of a token, so two headers never pass for one.
const BEARER = /^bearer (?<token>[A-Za-z0-9._~+/-]+=*)$/i;

/**
 * Reads the credential of a request. This server accepts bearer access tokens; it has no API keys and no DPoP, and a
 * request that presents one of those is refused rather than taken for anonymous.
 *
 * @returns undefined when the request presents none: the caller is anonymous.
 * @throws {BailiwickError} BAD_USER_INPUT for two credentials or a malformed delegation id; UNAUTHENTICATED for a
 *   credential of another kind, and for a delegation named without a credential.
 */
export function readCredential(headers: RequestHeaders): Credential | undefined {
  const authorization = headers.get('authorization');
  const apiKey = headers.get('x-api-key');
  const delegation = headers.get('delegation-id');
  if (apiKey !== null) {
    throw authorization === null
      ? refused('api-key')
      : new BailiwickError('BAD_USER_INPUT', 'Send Authorization or X-API-Key, not both.');
  }
  if (authorization === null) {
    if (delegation !== null) {
      throw refused('delegation');
    }
    return undefined;
  }
  const token = BEARER.exec(authorization)?.groups?.token;
  if (token === undefined) {
    throw refused('scheme');
  }
  return { kind: 'bearer', token, delegationId: readDelegationId(delegation) };
}

function readDelegationId(text: string | null): DelegationId | undefined {
  const id = parseId<DelegationId>(text);
  if (text !== null && id === undefined) {
    throw new BailiwickError('BAD_USER_INPUT', 'Delegation-Id must be one UUID in lower case.');
  }
  return id;
}
