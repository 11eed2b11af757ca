// Who is calling, and for whom: the two identities that every later layer keeps apart.
//
// Combines what a request presents with what its token proves, and asks for proof of possession where the token is
// bound to a key. A missing credential is anonymous; a bad one is an error and never falls back to anonymous. Whether
// an API key or a delegation exists, is alive and allows anything is not decided here: the database resolves both in
// its own statements.

import { type DelegationId, type EntityId, type KeyId, parseId } from '../ids.ts';
import type { VerifiedToken } from './claims.ts';
import { type Credential, type RequestHeaders, readCredential } from './credentials.ts';
import { checkProof, type ProofMemory } from './dpop.ts';
import { refused } from './refusal.ts';
import type { Verifier } from './token.ts';

/** The sender of a request. */
export type Caller =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'subject';
      readonly issuer: string;
      /** Id of the issuer's row in the database; undefined for an issuer of the environment. */
      readonly issuerId: string | undefined;
      /** Slug of the tenant. */
      readonly tenant: string;
      /** Who acts: `act.sub` where the token names an actor, otherwise `sub`. Means something only with the issuer. */
      readonly subject: string;
      /** For whom, where the token itself says so: its `sub` when it names an actor. The database must agree. */
      readonly onBehalfOf: string | undefined;
      /** Who acted before, as in `VerifiedToken`. The database must agree. */
      readonly priorActors: readonly string[];
      /** The one delegation to act under; undefined: the subject acts as itself. */
      readonly delegationId: DelegationId | undefined;
      /** The delegation through which to look as its delegate does; only its owner may, in person. */
      readonly viewAs: DelegationId | undefined;
      /** Capabilities of the token, `kind:verb`; an upper bound, never a grant. */
      readonly scopes: readonly string[];
      /** `iat`, `jti` and `sid` of the token, as in `VerifiedToken`: by these it can be revoked. */
      readonly issuedAt: Date;
      readonly tokenId: string | undefined;
      readonly sessionId: string | undefined;
      /** When the token stops counting, as in `VerifiedToken`. */
      readonly expiresAt: Date;
    }
  | {
      /** Presents a token of our own token service, for the holder of the credential that it hangs on. */
      readonly kind: 'issued';
      readonly credentialId: KeyId;
      /** Slug of the tenant. */
      readonly tenant: string;
      /** For whom: the owner's id, where the token names an actor. The database must agree. */
      readonly onBehalfOf: EntityId | undefined;
      /** Who acted before, by our own ids, the last of them first. The database must agree. */
      readonly priorActors: readonly string[];
      readonly delegationId: DelegationId | undefined;
      readonly viewAs: DelegationId | undefined;
      readonly scopes: readonly string[];
      /** `jti`: by it the token can be revoked. */
      readonly tokenId: string;
      readonly expiresAt: Date;
    }
  | {
      /** Presents an API key that has the form of one; whether it is one is for the database to say. */
      readonly kind: 'key';
      /** SHA-256 of the whole key, in lower-case hex. */
      readonly hash: string;
      /** The delegation asked for in the header; the key's own may not leave the choice. */
      readonly delegationId: DelegationId | undefined;
      readonly viewAs: DelegationId | undefined;
    };

/** As much of a request as says who sent it. */
export type PresentedRequest = {
  readonly headers: RequestHeaders;
  readonly method: string;
  /** The request target as it was sent: path and query. */
  readonly url: string;
};

export type Authentication = {
  readonly verifier: Verifier;
  /** Our own name as an issuer of tokens, where this server has a token service. */
  readonly ownIssuer?: string | undefined;
  /** Where used proofs are remembered; without it, nobody can be sure of a proof, and the scheme DPoP is refused. */
  readonly proofs?: ProofMemory | undefined;
  /** The origin that clients know this server by, such as `https://api.example.com`, where a proxy stands in front. */
  readonly publicOrigin?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
};

/**
 * Establishes who sent a request.
 *
 * @throws {BailiwickError} UNAUTHENTICATED for a credential that does not verify, for a token that is bound to a key
 *   and comes without proof or the other way round, for a delegation that claim and header name differently, for an actor
 *   without a delegation, and for a view through one; BAD_USER_INPUT for malformed headers.
 */
export async function authenticate(request: PresentedRequest, by: Authentication): Promise<Caller> {
  const credential = readCredential(request.headers);
  switch (credential?.kind) {
    case undefined:
      return { kind: 'anonymous' };
    case 'key':
      return credential;
    case 'bearer':
    case 'dpop':
      return callerOf(await verified(credential, request, by), credential, by.ownIssuer);
    default:
      return credential satisfies never;
  }
}

async function verified(
  credential: Extract<Credential, { kind: 'bearer' | 'dpop' }>,
  request: PresentedRequest,
  { verifier, proofs, publicOrigin, now = Date.now }: Authentication,
): Promise<VerifiedToken> {
  if (credential.kind === 'dpop' && proofs === undefined) {
    throw refused('scheme');
  }
  const token = await verifier.verify(credential.token);
  // RFC 9449 section 7.2: a bound token that counts as a bearer token would make its theft worth while again. And a
  // proof for a token that is bound to no key proves nothing, since anybody can make one.
  if ((token.confirmation !== undefined) !== (credential.kind === 'dpop')) {
    throw refused('binding');
  }
  if (credential.kind === 'dpop' && token.confirmation !== undefined && proofs !== undefined) {
    await checkProof(credential.proof, {
      token: credential.token,
      thumbprint: token.confirmation.jkt,
      method: request.method,
      address: addressOf(request, publicOrigin),
      now: now() / 1000,
      proofs,
    });
  }
  return token;
}

/**
 * Under which address the client spoke to this server. The Host header is the client's own word: whoever has
 * intercepted a proof for another server can write that server's name there, and only the token's audience and `ath`
 * stand in the way. Good enough where nothing stands in front of this server; elsewhere it does not even match, since
 * it names no scheme.
 */
function addressOf({ headers, url }: PresentedRequest, publicOrigin: string | undefined): URL | undefined {
  const origin = URL.parse(publicOrigin ?? `http://${headers.get('host')}`)?.origin;
  return (origin === undefined ? null : URL.parse(origin + url)) ?? undefined;
}

function callerOf(
  token: VerifiedToken,
  { delegationId: asked, viewAs }: Pick<Credential, 'delegationId' | 'viewAs'>,
  ownIssuer: string | undefined,
): Caller {
  const delegationId = token.delegationId ?? asked;
  const contradicted = asked !== undefined && asked !== delegationId;
  // An actor without a delegation would act for its owner without limits that anyone could revoke.
  if (contradicted || (token.actor !== undefined && delegationId === undefined)) {
    throw refused('delegation');
  }
  if (viewAs !== undefined && delegationId !== undefined) {
    throw refused('view');
  }
  if (token.issuer === ownIssuer) {
    return issuedTo(token, delegationId, viewAs);
  }
  return {
    kind: 'subject',
    issuer: token.issuer,
    issuerId: token.issuerId,
    tenant: token.tenant,
    subject: token.actor ?? token.subject,
    onBehalfOf: token.actor === undefined ? undefined : token.subject,
    priorActors: token.priorActors,
    delegationId,
    viewAs,
    scopes: token.scopes,
    issuedAt: token.issuedAt,
    tokenId: token.tokenId,
    sessionId: token.sessionId,
    expiresAt: token.expiresAt,
  };
}

function issuedTo(
  token: VerifiedToken,
  delegationId: DelegationId | undefined,
  viewAs: DelegationId | undefined,
): Caller {
  const credentialId = parseId<KeyId>(token.sessionId);
  const onBehalfOf = token.actor === undefined ? undefined : parseId<EntityId>(token.subject);
  if (credentialId === undefined || token.tokenId === undefined) {
    throw refused('sid');
  }
  const { tenant, priorActors, scopes, tokenId, expiresAt } = token;
  const said = { tenant, onBehalfOf, priorActors, delegationId, viewAs, scopes, tokenId, expiresAt };
  return { kind: 'issued', credentialId, ...said };
}
