// Who is calling, and for whom: the two identities that every later layer keeps apart.
//
// Combines what a request presents with what its token proves. A missing credential is anonymous; a bad one is an
// error and never falls back to anonymous. Whether the delegation exists, is alive and allows anything is not decided
// here: the database resolves it on every statement.

import type { DelegationId } from '../ids.ts';
import { type RequestHeaders, readCredential } from './credentials.ts';
import { refused } from './refusal.ts';
import type { Verifier } from './token.ts';

/** The sender of a request. */
export type Caller =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'subject';
      readonly issuer: string;
      /** Slug of the tenant. */
      readonly tenant: string;
      /** Who acts: `act.sub` where the token names an actor, otherwise `sub`. Means something only with the issuer. */
      readonly subject: string;
      /** For whom, where the token itself says so: its `sub` when it names an actor. The database must agree. */
      readonly onBehalfOf: string | undefined;
      /** The one delegation to act under; undefined: the subject acts as itself. */
      readonly delegationId: DelegationId | undefined;
      /** Capabilities of the token, `kind:verb`; an upper bound, never a grant. */
      readonly scopes: readonly string[];
      /** When the token stops counting, as in `VerifiedToken`. */
      readonly expiresAt: Date;
    };

/**
 * Establishes who sent a request.
 *
 * @throws {BailiwickError} UNAUTHENTICATED for a credential that does not verify, for a delegation that claim and
 *   header name differently, and for an actor without a delegation; BAD_USER_INPUT for malformed headers.
 */
export async function authenticate(headers: RequestHeaders, verifier: Verifier): Promise<Caller> {
  const credential = readCredential(headers);
  if (credential === undefined) {
    return { kind: 'anonymous' };
  }
  switch (credential.kind) {
    case 'bearer': {
      const token = await verifier.verify(credential.token);
      const delegationId = token.delegationId ?? credential.delegationId;
      const contradicted = credential.delegationId !== undefined && credential.delegationId !== delegationId;
      // An actor without a delegation would act for its owner without limits that anyone could revoke.
      if (contradicted || (token.actor !== undefined && delegationId === undefined)) {
        throw refused('delegation');
      }
      return {
        kind: 'subject',
        issuer: token.issuer,
        tenant: token.tenant,
        subject: token.actor ?? token.subject,
        onBehalfOf: token.actor === undefined ? undefined : token.subject,
        delegationId,
        scopes: token.scopes,
        expiresAt: token.expiresAt,
      };
    }
    default:
      return credential.kind satisfies never;
  }
}
