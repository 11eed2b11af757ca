// Introspection (RFC 7662) and revocation (RFC 7009) of access tokens, which are signed and kept nowhere, so that the library has
// nothing to look up: it authenticates the client and then says that it cannot. Here the answer is given after all.
//
// A token is good when a request that came with it would be. One that is revoked is remembered until it expires, and refused
// like any other that has ended.

import type { Context } from 'oidc-provider';
import { readClientId } from '../auth/client-id.ts';
import type { TokenStore } from '../db/tokens.ts';
import type { RequestId } from '../ids.ts';
import type { ExchangeSettings } from './issue.ts';
import { markOfToken } from './names.ts';
import {
  actOf,
  actorsOf,
  authorityOf,
  claimsOf,
  type PresentedToken,
  provesNothing,
  verify,
} from './presented.ts';

export type StructuredSettings = ExchangeSettings & { readonly store: TokenStore };

/** Whether the library has said that it cannot answer for a token because it is a signed one. */
export function isUnanswered({ oidc, body }: Context): boolean {
  const { error } = (body ?? {}) as { error?: unknown };
  return ['introspection', 'revocation'].includes(oidc?.route) && error === 'unsupported_token_type';
}

/** Answers in the library's place; the client is authenticated. */
export async function answer(
  context: Context,
  settings: StructuredSettings,
  requestId: RequestId,
): Promise<void> {
  const found = await read(settings, context.oidc.params.token ?? '');
  context.status = 200;
  if (context.oidc.route === 'revocation') {
    await revoke(context, settings, found);
  } else {
    context.body = await introspect(context, settings, found, requestId);
  }
}

/** A token of ours; undefined for any other, and for one that has expired. */
async function read(
  { verifier, issuer }: StructuredSettings,
  text: string,
): Promise<PresentedToken | undefined> {
  try {
    const found = await verify(verifier, issuer, text);
    return found.credentialId === undefined ? undefined : found;
  } catch (error) {
    if (provesNothing(error)) {
      return undefined;
    }
    throw error;
  }
}

/** RFC 7009 section 2.1: only for the client that it was issued to; section 2.2: the same answer for what is none. */
async function revoke(
  context: Context,
  { store }: StructuredSettings,
  found: PresentedToken | undefined,
): Promise<void> {
  const { clientId, tokenId, expiresAt } = found?.token ?? {};
  if (tokenId !== undefined && expiresAt !== undefined && clientId === context.oidc.client.clientId) {
    await store.spend(markOfToken(tokenId), expiresAt);
  }
  context.body = '';
}

/** RFC 7662 section 2.2. The public client is everybody, and another tenant's client is a stranger: both learn nothing. */
async function introspect(
  { oidc }: Context,
  { issuer, audience, database }: StructuredSettings,
  found: PresentedToken | undefined,
  requestId: RequestId,
): Promise<object> {
  const asking = readClientId(oidc.client.clientId);
  if (found === undefined || asking?.tenant !== found.token.tenant) {
    return { active: false };
  }
  const { token } = found;
  if ((await authorityOf(database, claimsOf(found, requestId))) === undefined) {
    return { active: false };
  }
  const { confirmation, delegationId } = token;
  return {
    active: true,
    iss: issuer,
    aud: audience,
    sub: token.subject,
    client_id: token.clientId,
    scope: token.scopes.join(' '),
    jti: token.tokenId,
    iat: token.issuedAt.getTime() / 1000,
    exp: token.exp.getTime() / 1000,
    token_type: confirmation === undefined ? 'Bearer' : 'DPoP',
    tenant: token.tenant,
    sid: token.sessionId,
    ...(confirmation === undefined ? {} : { cnf: confirmation }),
    ...actOf(actorsOf(token)),
    ...(delegationId === undefined ? {} : { delegation_id: delegationId }),
  };
}
