// How things are called between the token service, its clients and its tokens. Names only; nothing here is secret, and nothing is
// looked up.

import { createHash } from 'node:crypto';
import { type KeyId, parseId } from '../ids.ts';

/** The one client that anybody may be: for people at a browser or a terminal, where no secret could be kept (RFC 6749 section 2.1). */
export const PUBLIC_CLIENT = 'bailiwick';

/** RFC 8693 section 2.1. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** Where the service answers, by the library's names for it. */
export const ENDPOINTS = {
  token: '/oauth/token',
  revocation: '/oauth/revoke',
  introspection: '/oauth/introspect',
} as const;

/** What a refresh token belongs to: a session, and the client that has it. */
export type Family = { readonly sessionId: KeyId; readonly tenant: string; readonly clientId: string };

/** A family as the library's id of a grant. */
export function grantIdOf({ sessionId, tenant, clientId }: Family): string {
  return [sessionId, tenant, clientId].join(' ');
}

/** @throws {TypeError} for what was not made above. */
export function readGrantId(grantId: string): Family {
  const [first, tenant, clientId] = grantId.split(' ');
  const sessionId = parseId<KeyId>(first);
  if (sessionId === undefined || !tenant || !clientId) {
    throw new TypeError('not the id of a grant');
  }
  return { sessionId, tenant, clientId };
}

/** Under what the end of a token is remembered; the same as bailiwick.mark_of_token. */
export function markOfToken(tokenId: string): string {
  return sha256(`token ${tokenId}`);
}

/** In hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
