// Token exchange (RFC 8693), the grant by which everything begins and by which an agent comes to act for its owner.
//
// Three exchanges, told apart by what is sent:
//   a token of a trusted issuer               -> a session: access token and refresh token
//   a token of ours                           -> a narrower one on the same credential
//   a token, a delegation and somebody to act -> a delegated token (delegate.ts)
// Scope can only shrink: what is asked for must be in every token that is presented.

import { errors, type Provider } from 'oidc-provider';
import type { KeyId } from '../ids.ts';
import { delegate } from './delegate.ts';
import {
  type Exchange,
  type ExchangeSettings,
  issue,
  narrowed,
  notGood,
  openSession,
  presented,
  TOKEN_TYPES,
} from './issue.ts';
import { grantIdOf, PUBLIC_CLIENT, TOKEN_EXCHANGE } from './names.ts';
import { actOf, actorsOf, authorityOf, claimsOf, type PresentedToken } from './presented.ts';
import { ACCESS_SECONDS, secondsUntil } from './provider.ts';
import { requests } from './request.ts';

/** How long a session lasts, in days; whoever is to stay longer signs in again. */
const SESSION_DAYS = 30;

const PARAMETERS = [
  ...['subject_token', 'subject_token_type', 'actor_token', 'actor_token_type', 'requested_token_type'],
  ...['delegation_id', 'scope', 'resource', 'audience'],
];

/** Teaches a provider the grant. */
export function addTokenExchange(provider: Provider, settings: ExchangeSettings): void {
  provider.registerGrantType(
    TOKEN_EXCHANGE,
    async (context) => {
      const request = requests.getStore();
      if (request === undefined) {
        throw new TypeError('no request is being answered');
      }
      context.body = await exchange({ ...settings, provider, context, requestId: request.requestId });
    },
    PARAMETERS,
  );
}

async function exchange(one: Exchange): Promise<object> {
  const { params } = one.context.oidc;
  refuseForeignTargets(one);
  const subject = await presented(one, 'subject_token');
  if (params.actor_token !== undefined || params.delegation_id !== undefined) {
    return delegate(one, subject);
  }
  return subject.credentialId === undefined ? signIn(one, subject) : narrow(one, subject);
}

function refuseForeignTargets({ context, audience }: Exchange): void {
  const { resource = audience, audience: target = audience, requested_token_type } = context.oidc.params;
  if (resource !== audience || target !== audience) {
    throw new errors.InvalidTarget(`tokens are issued for ${audience} alone`);
  }
  if (requested_token_type !== undefined && !TOKEN_TYPES.includes(requested_token_type)) {
    throw new errors.InvalidRequest('access tokens are issued, and nothing else');
  }
}

/** A session of the subject, and a refresh token for it. */
async function signIn(one: Exchange, subject: PresentedToken): Promise<object> {
  const { token } = subject;
  const { client } = one.context.oidc;
  if (token.actor !== undefined || token.delegationId !== undefined) {
    throw new errors.InvalidRequest(
      'a session is of somebody in person: the subject_token is a delegated one',
    );
  }
  if (client.clientId !== PUBLIC_CLIENT) {
    throw new errors.InvalidRequest('a client with a key of its own asks for client credentials');
  }
  const scopes = narrowed(one.context, token.scopes);
  const session = await openSession(one, claimsOf(subject, one.requestId), {
    scopes,
    expiresAt: new Date(Date.now() + SESSION_DAYS * 86_400_000),
  });
  const family = { sessionId: session.id, tenant: token.tenant, clientId: client.clientId };
  return issue(one, {
    scopes,
    seconds: ACCESS_SECONDS,
    claims: { sub: session.entityId, tenant: token.tenant, sid: session.id },
    grantId: grantIdOf(family),
  });
}

/** Less of the same: as long as the token that is presented is good, and with fewer scopes. */
async function narrow(one: Exchange, subject: PresentedToken): Promise<object> {
  const { token } = subject;
  const authority = await authorityOf(one.database, claimsOf(subject, one.requestId));
  if (authority === undefined) {
    throw notGood('subject_token', new Error('it has ended, or allows nothing now'));
  }
  return issue(one, {
    scopes: narrowed(one.context, token.scopes),
    seconds: secondsUntil(token.exp, ACCESS_SECONDS),
    claims: {
      sub: token.subject,
      tenant: token.tenant,
      sid: subject.credentialId as KeyId,
      ...actOf(actorsOf(token)),
      ...(token.delegationId === undefined ? {} : { delegation_id: token.delegationId }),
    },
  });
}
