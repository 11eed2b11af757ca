// Tokens that are presented to the token service, to be exchanged, introspected or revoked: verified, and asked of the database
// whether their bearer may do anything right now.
//
// The same two questions as for any request of the API, by the same verifier and the same kernel; nothing here is a third way
// of believing a token.

import type { VerifiedToken } from '../auth/claims.ts';
import type { Verifier } from '../auth/token.ts';
import { type Authority, describe } from '../db/kernel.ts';
import { type Database, Rollback, type Session, withSession } from '../db/session.ts';
import type { TicketClaims } from '../db/ticket.ts';
import { BailiwickError } from '../errors.ts';
import { type DelegationId, type EntityId, type KeyId, parseId, type RequestId } from '../ids.ts';

export type PresentedToken = {
  readonly token: VerifiedToken;
  /** Id of the credential that a token of our own hangs on; undefined for one of another issuer. */
  readonly credentialId: KeyId | undefined;
};

/** What opens a context as whoever presents it would. */
export function claimsOf(
  { token, credentialId }: PresentedToken,
  requestId: RequestId,
  delegation: DelegationId | undefined = token.delegationId,
): TicketClaims {
  const common = {
    tenant: token.tenant,
    priorActors: token.priorActors,
    delegation,
    scopes: token.scopes,
    tokenExpiresAt: token.expiresAt,
    requestId,
  };
  const onBehalfOf = token.actor === undefined ? undefined : token.subject;
  return credentialId === undefined
    ? {
        ...common,
        kind: 'token',
        issuer: token.issuer,
        issuerId: token.issuerId,
        subject: token.actor ?? token.subject,
        onBehalfOf,
        tokenIssuedAt: token.issuedAt,
      }
    : {
        ...common,
        kind: 'issued',
        credentialId,
        tokenId: token.tokenId ?? '',
        onBehalfOf: onBehalfOf as EntityId | undefined,
      };
}

/**
 * Verifies a token.
 *
 * @param own Our own name as an issuer.
 * @throws {BailiwickError} UNAUTHENTICATED, as the verifier.
 */
export async function verify(verifier: Verifier, own: string, text: string): Promise<PresentedToken> {
  const token = await verifier.verify(text);
  const credentialId = token.issuer === own ? parseId<KeyId>(token.sessionId) : undefined;
  if (token.issuer === own && credentialId === undefined) {
    throw new BailiwickError('INTERNAL', undefined, { cause: new Error('a token of ours without `sid`') });
  }
  return { token, credentialId };
}

/** `act` as a claim (RFC 8693 section 4.1): the first acts, and in it stand those who acted before, the last of them first. */
export function actOf([sub, ...before]: readonly string[]): { readonly act?: object } {
  return sub === undefined ? {} : { act: { sub, ...actOf(before) } };
}

/** Who acts with a token, and who acted before; nobody where its subject acts in person. */
export const actorsOf = ({ actor, priorActors }: VerifiedToken): readonly string[] =>
  actor === undefined ? [] : [actor, ...priorActors];

/** Whether an error says that what was presented does not count, whoever found out. */
export const provesNothing = (error: unknown) =>
  error instanceof BailiwickError && error.code === 'UNAUTHENTICATED';

/**
 * The authority of whoever opens such a context; undefined when it has none, or there is no such.
 *
 * @param also Done in the same transaction; what it throws is thrown, and nothing of it is kept.
 */
export async function authorityOf(
  database: Database,
  claims: TicketClaims,
  also: (session: Session, authority: Authority) => Promise<void> = async () => {},
): Promise<Authority | undefined> {
  let refusal: { readonly thrown: unknown } | undefined;
  const authority = await withSession(database, claims, { readOnly: false }, async (session) => {
    const found = await describe(session.db);
    if (!found.live) {
      return undefined;
    }
    await also(session, found).catch((thrown: unknown) => {
      refusal = { thrown };
      throw new Rollback(undefined);
    });
    return found;
  }).catch((error: unknown) => {
    if (provesNothing(error)) {
      return undefined;
    }
    throw error;
  });
  if (refusal !== undefined) {
    throw refusal.thrown;
  }
  return authority;
}
