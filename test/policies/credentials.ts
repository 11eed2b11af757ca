// Credentials of the cast and an issuer for each tenant, as the migrator can make them, and the tickets with which a key, a
// token of our own or the server itself comes. Laid out by arrangement.ts for the probe, and by whichever test needs them;
// the demo has none.
//
// The keys themselves do not exist: the database knows digests only, and so do these tickets. Decides nothing.

import { createHash, createHmac } from 'node:crypto';
import { DELEGABLE, SCOPES } from '../../src/capabilities.ts';
import { type IssuedClaims, issueTicket } from '../../src/db/ticket.ts';
import { ACTORS, type ActorName, AGENTS, type AgentName, id, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type DelegationId, type EntityId, type KeyId, newId, type RequestId } from '../../src/ids.ts';
import { KEY, type Sql } from '../kit/as.ts';

export type KeyHolder = 'alice' | 'bob' | 'mallory' | 'scout';
type Held = { readonly id: string; readonly digest: string };

export const digestOf = (name: string): string => createHash('sha256').update(`key of ${name}`).digest('hex');
const held = (name: string, last: string): Held => ({ id: id(8, `4e9${last}`), digest: digestOf(name) });

/** Of each, with every capability it may have; scout's works under its delegation and nothing else. */
export const KEYS: Readonly<Record<KeyHolder, Held>> = {
  alice: held('alice', 'a11ce'),
  bob: held('bob', 'b0b'),
  mallory: held('mallory', 'bad'),
  scout: held('scout', '5c007'),
};

export type Hung = {
  readonly id: KeyId;
  readonly for: ActorName;
  readonly kind: 'client' | 'session';
  readonly pinned?: DelegationId;
};

/** What tokens of our own hang on: with every capability there is; one client is bound to the delegation of scout. */
export const HUNG = {
  client: { id: id<KeyId>(8, 'c11ea11ce'), for: 'alice', kind: 'client' },
  session: { id: id<KeyId>(8, '5e5a11ce'), for: 'alice', kind: 'session' },
  agentSession: { id: id<KeyId>(8, '5e55c007'), for: 'scout', kind: 'session' },
  boundClient: { id: id<KeyId>(8, 'c11e5c007'), for: 'scout', kind: 'client', pinned: DELEGATIONS.scout.id },
} as const satisfies Readonly<Record<string, Hung>>;

/** The public half of a key that nobody has. */
export const PUBLIC_KEY = { kty: 'EC', crv: 'P-256', x: 'x'.repeat(43), y: 'y'.repeat(43) };

export const ISSUERS = {
  acme: { id: id<string>(8, '155acce'), issuer: 'https://login.acme.test/' },
  globex: { id: id<string>(8, '155610be'), issuer: 'https://login.globex.test/' },
} as const;

const REQUEST = id<string>(7, 'a44a96e');

export type MadeKey = {
  readonly id?: string;
  readonly for: ActorName;
  /** An API key unless given. */
  readonly kind?: 'key' | 'client' | 'session';
  readonly digest?: string;
  readonly capabilities?: readonly string[];
  readonly pinned?: DelegationId | null;
  /** Seconds from now, or an expression in SQL. */
  readonly expires?: number | string;
  readonly revoked?: boolean;
  readonly tenant?: string;
};

/** The person in whose bailiwick somebody is. */
export const ownerOf = (who: ActorName): EntityId =>
  who in AGENTS ? USERS[AGENTS[who as AgentName].owner].id : ACTORS[who].id;

/** What an agent's key may hold; a person's may hold everything. */
export const AGENTS_MAY: readonly string[] = [...DELEGABLE, 'delegation:update'];

/** Makes a credential, whatever the kernel would say to it. It is a day old. */
export async function makeKey(sql: Sql, made: MadeKey): Promise<string> {
  const key = made.id ?? newId<KeyId>();
  const kind = made.kind ?? 'key';
  const day = `interval '1 day'`;
  const expires =
    typeof made.expires === 'string'
      ? made.expires
      : `now() + make_interval(secs => ${made.expires ?? 3000})`;
  await sql.rows(
    `insert into credentials (tenant_id, id, owner_id, entity_id, label, hint, digest, capabilities, pinned_id, expires_at,
       revoked_at, revoked_by, created_at, created_by, request_id, kind, public_key)
     values ($1, $2, $3, $4, 'Made for a test', $10, $5, $6, $7, ${expires},
       case when $8 then now() end, case when $8 then $3::uuid end, now() - ${day}, $3, $9, $11, $12)`,
    [
      made.tenant ?? TENANTS[ACTORS[made.for].tenant].id,
      key,
      ownerOf(made.for),
      ACTORS[made.for].id,
      kind === 'key' ? (made.digest ?? digestOf(key)) : null,
      made.capabilities ?? (made.for in AGENTS ? AGENTS_MAY : SCOPES),
      made.pinned ?? null,
      made.revoked ?? false,
      REQUEST,
      kind === 'key' ? 'bwk_Test' : null,
      kind,
      kind === 'client' ? JSON.stringify(PUBLIC_KEY) : null,
    ],
  );
  return key;
}

/** Makes what tokens hang on. The cast must be there. */
export async function arrangeHung(sql: Sql): Promise<void> {
  for (const hung of Object.values(HUNG)) {
    await makeKey(sql, hung);
  }
}

/** Makes the keys and issuers above. The cast must be there. */
export async function arrangeKeys(sql: Sql): Promise<void> {
  for (const [who, key] of Object.entries(KEYS) as [KeyHolder, Held][]) {
    await makeKey(sql, { ...key, for: who, pinned: who === 'scout' ? DELEGATIONS.scout.id : null });
  }
  for (const tenant of ['acme', 'globex'] as const) {
    const { id: key, issuer } = ISSUERS[tenant];
    await sql.rows(`insert into issuers (tenant_id, id, issuer, settings) values ($1, $2, $3, '{}')`, [
      TENANTS[tenant].id,
      key,
      issuer,
    ]);
  }
}

export type KeyActing = { readonly delegation?: DelegationId | undefined; readonly requestId?: RequestId };

/** A signed ticket for the bearer of a key: the two parameters of `bailiwick.open`. */
export function keyTicket(digest: string, acting: KeyActing = {}): [string, string] {
  return issueTicket(
    { kind: 'key', digest, delegation: acting.delegation, requestId: acting.requestId ?? newId() },
    KEY,
  );
}

/** How the token is called that tickets show, and under what its end is remembered. */
export const TOKEN = 'token in question';
export const markOf = (token: string): string => createHash('sha256').update(`token ${token}`).digest('hex');
/** Remembers that a token counts no more. */
export const spend = (sql: Sql, token: string = TOKEN): Promise<unknown> =>
  sql.rows(`insert into bailiwick.spent (mark, until) values ($1, now() + interval '1 hour')`, [
    markOf(token),
  ]);

export type IssuedActing = Omit<Partial<IssuedClaims>, 'kind' | 'credentialId'>;

/** What was verified of a token of our own: in acme and with every capability, unless it says otherwise. */
export function issuedOn(credentialId: KeyId, acting: IssuedActing = {}): IssuedClaims {
  return {
    kind: 'issued',
    credentialId,
    tenant: 'acme',
    tokenId: TOKEN,
    scopes: SCOPES,
    tokenExpiresAt: new Date(Date.now() + 300_000),
    requestId: newId(),
    ...acting,
  };
}

/** A signed ticket for its bearer. */
export const issuedTicket = (credentialId: KeyId, acting?: IssuedActing): [string, string] =>
  issueTicket(issuedOn(credentialId, acting), KEY);

/** The same, saying whatever it is given. */
export const issuedSaying = (credential: string, claims: Readonly<Record<string, unknown>>) =>
  signedTicket({
    ...{ credential, tenant: 'acme', token_id: TOKEN, scopes: SCOPES },
    token_expires_at: Date.now() / 1000 + 300,
    ...claims,
  });

/** A signed ticket for the server itself. */
export function serviceTicket(requestId: RequestId = newId()): [string, string] {
  return issueTicket({ kind: 'service', service: 'identity', requestId }, KEY);
}

/** A ticket that says whatever it is given, rightly signed and in time. */
export function signedTicket(claims: Readonly<Record<string, unknown>>): [string, string] {
  const iat = Date.now() / 1000;
  const text = `t1|${KEY.kid}|${JSON.stringify({ iat, exp: iat + 15, request_id: newId(), ...claims })}`;
  return [text, createHmac('sha256', KEY.key).update(text).digest('hex')];
}
