// A token's claims: what they must look like and how they must fit together, as two tables.
//
// Stricter than RFC 7519 and RFC 9068 where a library's leniency has been used for attacks: times are finite and
// bounded, names are plain text, an access token lives for a day at most. Called only with claims whose signature has
// been verified. Does not ask whether the subject exists: identities are rows, and the database decides.

import { z } from 'zod';
import { type DelegationId, isUuid } from '../ids.ts';
import type { IssuerConfig } from '../trust.ts';
import { type RefusalReason, refused } from './refusal.ts';
import type { JsonObject } from './strict-json.ts';
import { readTenant } from './tenant.ts';

/** What a verified token says, and who says it. */
export type VerifiedToken = {
  /** `iss`, exactly as configured. */
  readonly issuer: string;
  /** Id of the issuer's row in the database; undefined for an issuer of the environment. */
  readonly issuerId: string | undefined;
  /** Slug of the tenant, read as the issuer's configuration says. */
  readonly tenant: string;
  /** `sub`: an opaque id that means something only together with the issuer. Never an e-mail address to match by. */
  readonly subject: string;
  /** `act.sub` (RFC 8693 section 4.1): who acts, when that is not the subject. */
  readonly actor: string | undefined;
  /** The `sub` of every `act` within that one: who acted before, the last of them first. Allows nothing; must fit the chain. */
  readonly priorActors: readonly string[];
  /** `may_act` (RFC 8693 section 4.4): who may become the actor for this subject. Allows nothing by itself. */
  readonly mayAct: { readonly sub: string; readonly iss?: string } | undefined;
  /** `client_id`, else `azp`: the software that asked for the token. */
  readonly clientId: string | undefined;
  readonly delegationId: DelegationId | undefined;
  /** Capabilities as `kind:verb`, sorted, each once; empty when the token names none. */
  readonly scopes: readonly string[];
  /** `iat`. */
  readonly issuedAt: Date;
  /** `exp`. */
  readonly exp: Date;
  /** The moment from which this server refuses the token: `exp` plus the allowance for skewed clocks. */
  readonly expiresAt: Date;
  /** `jti`, to be matched together with the issuer. */
  readonly tokenId: string | undefined;
  /** `sid`: the session at the issuer in which the token was made. */
  readonly sessionId: string | undefined;
  /** `cnf` (RFC 9449 section 6.1): only whoever proves to hold this key may use the token. The caller must see to it. */
  readonly confirmation: { readonly jkt: string } | undefined;
};

/** What claims are held against. */
export type ClaimRules = {
  readonly issuer: IssuerConfig;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Longest accepted `exp - iat`, in seconds. */
  readonly maxLifetime: number;
};

/** Allowance for clocks that disagree, in seconds. */
const SKEW = 30;

/** Longest accepted chain of `act` in `act`; the same bound as for delegations in the database. */
const MAX_ACTORS = 4;

// The database's text knows neither U+0000 nor half a character, and no log line should be broken by a name.
const text = z
  .string()
  .max(255)
  .regex(/^[^\p{Cc}\p{Cs}]+$/u);

// RFC 7519 section 2, NumericDate; until the year 9999. zod refuses Infinity, which JSON spells 1e999.
const seconds = z.number().min(0).max(253_402_300_799);

type Actor = { readonly sub: string; readonly iss?: string | undefined; readonly act?: Actor | undefined };

const anyActor: z.ZodType<Actor> = z.looseObject({
  sub: text,
  iss: text.optional(),
  act: z.lazy(() => anyActor).optional(),
});

const actor = anyActor.refine((act) => actors(act).length <= MAX_ACTORS);

// Of who may act, sub and iss are what is understood; other members would narrow it, so they are not ignored.
const mayAct = z.strictObject({ sub: text, iss: text.optional() });

// Exactly the one way of binding that this server checks (RFC 7638, SHA-256): any other is refused.
const confirmation = z.strictObject({ jkt: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });

// biome-ignore format: one claim per line
const shape = z.object({
  // claim        is                                        source
  sub:            text,                                  // RFC 7519 section 4.1.2
  aud:            z.union([text, z.array(text)]),        // RFC 7519 section 4.1.3
  exp:            seconds,                               // RFC 7519 section 4.1.4
  nbf:            seconds.optional(),                    // RFC 7519 section 4.1.5
  iat:            seconds,                               // RFC 7519 section 4.1.6
  jti:            text.optional(),                       // RFC 7519 section 4.1.7
  azp:            text.optional(),                       // OpenID Connect Core section 2
  client_id:      text.optional(),                       // RFC 8693 section 4.3
  scope:          z.string().optional(),                 // RFC 8693 section 4.2
  act:            actor.optional(),                      // RFC 8693 section 4.1
  may_act:        mayAct.optional(),                     // RFC 8693 section 4.4
  sid:            text.optional(),                       // OpenID Connect Front-Channel Logout section 3
  cnf:            confirmation.optional(),               // RFC 7800 section 3.1: only its sender may use it
  delegation_id:  z.custom<DelegationId>(isUuid).optional(),
});

type Shape = z.infer<typeof shape>;
type Claims = Shape & { readonly tenant: unknown };

type ClaimCheck = readonly [reason: RefusalReason, holds: (claims: Claims, rules: ClaimRules) => boolean];

// biome-ignore format: one check per line
const CHECKS: readonly ClaimCheck[] = [
  // reason    holds when
  ['expired',  (c, { now }) => c.exp > now - SKEW],
  ['early',    (c, { now }) => c.nbf === undefined || c.nbf <= now + SKEW],
  ['iat',      (c, { now }) => c.iat <= now + SKEW],
  ['lifetime', (c, { maxLifetime }) => c.exp > c.iat && c.exp - c.iat <= maxLifetime],
  ['aud',      (c, { issuer }) => audiences(c).includes(issuer.audience)],
  ['azp',      (c) => audiences(c).length === 1 || (c.azp ?? c.client_id) !== undefined],
  ['tenant',   (c) => text.safeParse(c.tenant).success],
  ['tenant',   (c, { issuer }) => issuer.tenants?.some((tenant) => tenant === c.tenant) ?? true],
  ['act',      (c, { issuer }) => actors(c.act).every(({ iss = issuer.issuer }) => iss === issuer.issuer)], // or it is another's `sub`
];

/**
 * Reads claims whose signature and issuer have been verified.
 *
 * @throws {BailiwickError} UNAUTHENTICATED at the first claim that is missing, malformed or does not hold.
 */
export function readClaims(unchecked: JsonObject, rules: ClaimRules): VerifiedToken {
  const { shape, scopes } = readOnce(unchecked);
  const claims: Claims = {
    ...shape,
    tenant: readTenant(unchecked, rules.issuer.tenant),
  };
  for (const [reason, holds] of CHECKS) {
    if (!holds(claims, rules)) {
      throw refused(reason);
    }
  }
  return {
    issuer: rules.issuer.issuer,
    issuerId: rules.issuer.id,
    tenant: claims.tenant as string,
    subject: claims.sub,
    actor: claims.act?.sub,
    priorActors: actors(claims.act?.act).map(({ sub }) => sub),
    mayAct: readMayAct(claims.may_act),
    clientId: claims.client_id ?? claims.azp,
    delegationId: claims.delegation_id,
    scopes,
    issuedAt: new Date(claims.iat * 1000),
    exp: new Date(claims.exp * 1000),
    expiresAt: new Date((claims.exp + SKEW) * 1000),
    tokenId: claims.jti,
    sessionId: claims.sid,
    confirmation: claims.cnf,
  };
}

/** What claims say whoever asks and whenever, read once for as long as somebody keeps them. */
const shaped = new WeakMap<JsonObject, { readonly shape: Shape; readonly scopes: readonly string[] }>();

function readOnce(unchecked: JsonObject): { readonly shape: Shape; readonly scopes: readonly string[] } {
  const known = shaped.get(unchecked);
  if (known !== undefined) {
    return known;
  }
  const shape = readShape(unchecked);
  const read = { shape, scopes: readScopes(shape.scope) };
  shaped.set(unchecked, read);
  return read;
}

function readShape(unchecked: JsonObject): Shape {
  const result = shape.safeParse(unchecked);
  if (!result.success) {
    throw refused(shape.keyof().parse(result.error.issues[0]?.path[0]), result.error);
  }
  return result.data;
}

/** RFC 8693 section 4.2. What does not look like `kind:verb` is somebody else's scope and grants nothing here. */
function readScopes(scope = ''): readonly string[] {
  return [...new Set(scope.split(' '))].filter((word) => /^[a-z_]+:[a-z_]+$/.test(word)).sort();
}

function readMayAct(mayAct: Shape['may_act']): VerifiedToken['mayAct'] {
  return mayAct && { sub: mayAct.sub, ...(mayAct.iss === undefined ? {} : { iss: mayAct.iss }) };
}

function audiences({ aud }: Claims): readonly string[] {
  return typeof aud === 'string' ? [aud] : aud;
}

/** Who acts, and who acted before: `act`, the `act` in it, and so on. */
function actors(act: Actor | undefined): readonly Actor[] {
  return act === undefined ? [] : [act, ...actors(act.act)];
}
