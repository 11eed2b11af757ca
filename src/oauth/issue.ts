// What every exchange of a token shares: the tokens that are presented, the scopes that may be had, the session that begins, and
// the token that is issued in the end.

import { type Context, errors, type Provider, type Token } from 'oidc-provider';
import { buildTokenResponse, checkDpopReplay, validateDpop } from 'oidc-provider/lib/helpers/grants.js';
import type { Verifier } from '../auth/token.ts';
import { SCOPES } from '../capabilities.ts';
import { recordAudit } from '../db/kernel.ts';
import { type Database, Rollback, withSession } from '../db/session.ts';
import type { TicketClaims } from '../db/ticket.ts';
import { type SessionRefusal, startSession } from '../db/tokens.ts';
import { BailiwickError } from '../errors.ts';
import { type EntityId, type KeyId, newId, type RequestId } from '../ids.ts';
import { type PresentedToken, provesNothing, verify } from './presented.ts';
import { type OurClaims, resourceInfo, say } from './provider.ts';
import { requests } from './request.ts';

export type ExchangeSettings = {
  readonly issuer: string;
  readonly audience: string;
  readonly database: Database;
  readonly verifier: Verifier;
};

export type Exchange = ExchangeSettings & {
  readonly provider: Provider;
  readonly context: Context;
  readonly requestId: RequestId;
};

/** Section 3. ID tokens are not among them: they are for the client that asked for them. */
export const TOKEN_TYPES = ['access_token', 'jwt'].map((name) => `urn:ietf:params:oauth:token-type:${name}`);
const [ACCESS_TOKEN] = TOKEN_TYPES;

/** Verifies a token of the request. Whoever presents a bound one proves to have its key (RFC 9449). */
export async function presented(
  { context, provider, verifier, issuer }: Exchange,
  name: 'subject_token' | 'actor_token',
): Promise<PresentedToken> {
  const { [name]: text, [`${name}_type`]: type = '' } = context.oidc.params;
  if (text === undefined || !TOKEN_TYPES.includes(type)) {
    throw new errors.InvalidRequest(
      `${name} and its type are missing, or the type is not one of ${TOKEN_TYPES}`,
    );
  }
  const found = await verify(verifier, issuer, text).catch((cause: unknown) => {
    throw notGood(name, cause);
  });
  const { confirmation, priorActors } = found.token;
  if (priorActors.length > 0) {
    requests.getStore()?.log.info({ event: 'auth.actors', priorActors }, 'others acted before');
  }
  if (confirmation !== undefined) {
    const proof = await validateDpop(provider, context);
    if (proof?.thumbprint !== confirmation.jkt) {
      throw notGood(name, new Error('bound to a key that this request does not prove to have'));
    }
  }
  return found;
}

/** Section 2.2.2: a token that is not good makes an invalid request. Why stands in the log. */
export function notGood(name: string, cause: unknown): unknown {
  return cause instanceof BailiwickError && !provesNothing(cause)
    ? cause
    : new errors.InvalidRequest(`the ${name} is not good`, undefined, { cause });
}

type NewSession = { readonly scopes: readonly string[]; readonly expiresAt: Date };

/** Starts a session in its subject's own context, and records that. */
export async function openSession(
  one: Exchange,
  claims: TicketClaims,
  { scopes, expiresAt }: NewSession,
): Promise<{ readonly id: KeyId; readonly entityId: EntityId }> {
  const id = newId<KeyId>();
  const label = printable(one.context.req.headers['user-agent']) || 'unknown';
  let refusal: SessionRefusal | null = null;
  const entityId = await withSession<EntityId>(
    one.database,
    claims,
    { readOnly: false },
    async ({ db, actorId }) => {
      refusal = await startSession(db, { id, label, capabilities: scopes, expiresAt });
      if (refusal !== null) {
        throw new Rollback(actorId);
      }
      await recordAudit('session.started', { kind: 'credential', id }, { label });
      return actorId;
    },
  ).catch((cause: unknown) => {
    throw notGood('subject_token', cause);
  });
  if (refusal !== null) {
    throw notGood('subject_token', new Error(`no session: ${refusal}`));
  }
  const request = requests.getStore();
  if (request !== undefined) {
    request.session = { expiresAt };
  }
  return { id, entityId };
}

/** What a client calls itself, for people to recognise it by; one line, and no longer than a label may be. */
const printable = (text: string | undefined) => (text ?? '').replaceAll(/[^\x20-\x7e]/g, '').slice(0, 200);

/**
 * The scopes asked for, or else all that may be had.
 *
 * @throws {errors.InvalidScope} when more is asked for, or nothing is left.
 */
export function narrowed(
  { oidc }: Context,
  most: readonly string[],
  wanted: readonly string[] = [...oidc.requestParamScopes],
): readonly string[] {
  const known = most.filter((word) => SCOPES.some((scope) => scope === word));
  const asked = wanted.length === 0 ? known : wanted;
  const more = asked.filter((word) => !known.includes(word));
  if (more.length > 0) {
    throw new errors.InvalidScope('scope can only shrink', more.join(' '));
  }
  if (asked.length === 0) {
    throw new errors.InvalidScope('nothing is left that a token could allow');
  }
  return asked;
}

type Issue = {
  readonly scopes: readonly string[];
  readonly seconds: number;
  readonly claims: OurClaims;
  /** Set where a refresh token goes with it. */
  readonly grantId?: string;
};

export async function issue(one: Exchange, { scopes, seconds, claims, grantId }: Issue): Promise<object> {
  const { provider, context, audience } = one;
  const { client } = context.oidc;
  const input = { accountId: claims.sub, client, gty: 'token_exchange', ...(grantId && { grantId }) };
  const proof = await validateDpop(provider, context);
  await checkDpopReplay(provider, context, proof, client.clientId);
  const token: Token = new provider.AccessToken(input);
  token.resourceServer = new provider.ResourceServer(audience, resourceInfo(audience, seconds));
  token.scope = scopes.join(' ');
  if (proof !== undefined) {
    token.setThumbprint('jkt', proof.thumbprint);
  }
  say(token, claims);
  const refresh = grantId && new provider.RefreshToken({ ...input, scope: token.scope, resource: audience });
  if (refresh && proof !== undefined) {
    // the public client has nothing else that could be bound
    refresh.jkt = proof.thumbprint;
  }
  return buildTokenResponse(provider, {
    accessToken: await token.save(),
    expiresIn: token.expiration,
    issuedTokenType: ACCESS_TOKEN,
    refreshToken: refresh && (await refresh.save()),
    scope: token.scope,
    tokenType: token.tokenType,
  });
}
