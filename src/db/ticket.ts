// Tickets: how the server proves to the database, once per transaction, for whom it is working.
//
// A ticket names the verified subject of the request; the database looks up who that is and what it may do. It is signed
// with HMAC-SHA256 (RFC 2104) under a key that server and database share, lives for seconds, and travels only as a bind
// parameter, so that no log and no statistics view ever shows it. Rules S1 and S2 of docs/isolation.md.

import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { DelegationId, EntityId, KeyId, RequestId } from '../ids.ts';

/** Seconds a ticket is valid: long enough to wait for a lock on the way, far below the database's limit of 30. */
const LIFETIME = 15;

/** The issuer of whoever stands in an adopter's own tables. */
export const ADOPTED_ISSUER = 'urn:bailiwick:adopted';

/** Seconds for which an application vouches for somebody; no session of an adopter's lives longer. */
export const ADOPTED_LIFETIME = 300;

/** The subject of a token. Everything in it was verified before (src/auth). */
export type TokenClaims = {
  readonly kind: 'token';
  /** Slug of the tenant, from the token. */
  readonly tenant: string;
  readonly issuer: string;
  /** The tenant's own entry of that issuer, which the database then asks for again; left out for the installation's. */
  readonly issuerId?: string | undefined;
  /** Who acts, as its issuer calls it. */
  readonly subject: string;
  /** Whom the token names as the one acted for; must own the chain. */
  readonly onBehalfOf?: string | undefined;
  /** Whom the token names as having acted before, the last of them first; must stand above the subject in the chain. */
  readonly priorActors?: readonly string[] | undefined;
  /** The delegation under which the subject acts; left out, it acts as itself. */
  readonly delegation?: DelegationId | undefined;
  /** A delegation of the subject's own authority, to see what its delegate sees; only in person, and only to read. */
  readonly viewAs?: DelegationId | undefined;
  /** kind:verb */
  readonly scopes: readonly string[];
  readonly tokenExpiresAt: Date;
  readonly tokenIssuedAt: Date;
  readonly requestId: RequestId;
};

/** The bearer of an API key, of whom the database alone knows who that is. */
export type KeyClaims = {
  readonly kind: 'key';
  /** SHA-256 of the key, in hexadecimal. */
  readonly digest: string;
  readonly delegation?: DelegationId | undefined;
  readonly viewAs?: DelegationId | undefined;
  readonly requestId: RequestId;
};

/**
 * The bearer of a token that our own token service issued on a credential of ours. It acts as that credential's holder, for
 * as long as the credential is good and the token is neither spent nor expired.
 */
export type IssuedClaims = {
  readonly kind: 'issued';
  /** The signing client or session that the token hangs on. */
  readonly credentialId: KeyId;
  /** Slug of the tenant, from the token. */
  readonly tenant: string;
  /** `jti`: what the token is known by once it is spent. */
  readonly tokenId: string;
  /** Whom the token names as the one acted for, by our own id; must own the chain. */
  readonly onBehalfOf?: EntityId | undefined;
  /** Whom the token names as having acted before, by our own ids, the last of them first. */
  readonly priorActors?: readonly string[] | undefined;
  /** The delegation under which the holder acts; left out, the one the credential is bound to, or itself. */
  readonly delegation?: DelegationId | undefined;
  readonly viewAs?: DelegationId | undefined;
  /** kind:verb; counts as far as the credential's capabilities go. */
  readonly scopes: readonly string[];
  readonly tokenExpiresAt: Date;
  readonly requestId: RequestId;
};

/**
 * Somebody of an adopter's own tables, for whom the adopter's application vouches: it holds the key. The database finds the tenant by
 * the subject.
 */
export type AdoptedClaims = {
  readonly kind: 'adopted';
  /** `user:` or `agent:` and the key it has in its table. */
  readonly subject: string;
  readonly delegation?: DelegationId | undefined;
  /** kind:verb; left out, everything that the declared kinds allow. */
  readonly scopes?: readonly string[] | undefined;
  readonly requestId: RequestId;
};

/** The server itself, working for nobody. */
export type ServiceClaims = {
  readonly kind: 'service';
  readonly service: 'identity';
  readonly requestId: RequestId;
};

/** For whom a session is opened. */
export type TicketClaims = TokenClaims | KeyClaims | IssuedClaims | AdoptedClaims | ServiceClaims;

export type TicketKey = { readonly kid: string; readonly key: KeyObject };

/** A ticket key from its 32 secret bytes; its id is derived, so the same key always has the same name. */
export function ticketKey(secret: Uint8Array): TicketKey {
  const kid = `ticket-${createHash('sha256').update('bailiwick ticket kid').update(secret).digest('hex').slice(0, 16)}`;
  return { kid, key: createSecretKey(secret) };
}

/** A signed ticket: the two bind parameters of `bailiwick.open`. */
export function issueTicket(
  claims: TicketClaims,
  { kid, key }: TicketKey,
  now = Date.now(),
): [ticket: string, mac: string] {
  const iat = now / 1000;
  const body = JSON.stringify({
    iat,
    exp: iat + LIFETIME,
    request_id: claims.requestId,
    ...said(claims, iat),
  });
  const ticket = `t1|${kid}|${body}`;
  return [ticket, createHmac('sha256', key).update(ticket).digest('hex')];
}

/** Who a ticket says is asking, by whatever token: in JSON. */
export function callerOf(claims: TicketClaims): string {
  const { token_expires_at: _expires, issued_at: _issued, token_id: _token, ...caller } = said(claims, 0);
  return JSON.stringify([claims.kind, caller]);
}

function said(claims: TicketClaims, iat: number): Record<string, unknown> {
  switch (claims.kind) {
    case 'token':
      return {
        tenant: claims.tenant,
        issuer: claims.issuer,
        issuer_id: claims.issuerId,
        subject: claims.subject,
        on_behalf_of: claims.onBehalfOf,
        prior_actors: claims.priorActors,
        delegation: claims.delegation,
        view_as: claims.viewAs,
        scopes: claims.scopes,
        token_expires_at: claims.tokenExpiresAt.getTime() / 1000,
        issued_at: claims.tokenIssuedAt.getTime() / 1000,
      };
    case 'key':
      return { key: claims.digest, delegation: claims.delegation, view_as: claims.viewAs };
    case 'issued':
      return {
        credential: claims.credentialId,
        tenant: claims.tenant,
        token_id: claims.tokenId,
        on_behalf_of: claims.onBehalfOf,
        prior_actors: claims.priorActors,
        delegation: claims.delegation,
        view_as: claims.viewAs,
        scopes: claims.scopes,
        token_expires_at: claims.tokenExpiresAt.getTime() / 1000,
      };
    case 'adopted':
      return {
        issuer: ADOPTED_ISSUER,
        subject: claims.subject,
        delegation: claims.delegation,
        scopes: claims.scopes,
        token_expires_at: iat + ADOPTED_LIFETIME,
        issued_at: iat,
      };
    case 'service':
      return { service: claims.service };
    default:
      return claims satisfies never;
  }
}
