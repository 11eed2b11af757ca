// A delegated token (RFC 8693 section 1.1): `sub` the owner, `act` who acts, `delegation_id` the delegation under which.
//
// Whether the delegation goes from the one to the other, is alive and allows anything is the kernel's answer, asked in the
// actor's own context; it is asked again on every request that comes with the token. `may_act` (section 4.4) narrows who may
// act; the delegation is what allows it. The token hangs on the actor's credential.

import { errors } from 'oidc-provider';
import { readClientId } from '../auth/client-id.ts';
import { SCOPES } from '../capabilities.ts';
import { type Authority, recordAudit } from '../db/kernel.ts';
import type { TicketClaims } from '../db/ticket.ts';
import { type DelegationId, type KeyId, parseId } from '../ids.ts';
import type { OurClient } from './adapter.ts';
import { type Exchange, issue, narrowed, notGood, openSession, presented } from './issue.ts';
import { actOf, actorsOf, authorityOf, claimsOf, type PresentedToken } from './presented.ts';
import { ACCESS_SECONDS, secondsUntil } from './provider.ts';

/** Who is to act: by a token of its own, or as the client that asks. */
type Actor = {
  readonly claims: (delegation: DelegationId | undefined) => TicketClaims;
  readonly tenant: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Date | undefined;
  /** The credential that the new token hangs on; undefined when a session has to be started for it. */
  readonly credentialId: KeyId | undefined;
  /** Names by which `may_act` can mean it, each with the issuer that gives it. */
  readonly names: readonly (readonly [issuer: string, name: string])[];
};

async function actorOf(one: Exchange): Promise<Actor> {
  const { params, client } = one.context.oidc;
  if (params.actor_token === undefined) {
    return actingClient(one, client as OurClient);
  }
  const actor = await presented(one, 'actor_token');
  const { token, credentialId } = actor;
  if (token.actor !== undefined || token.delegationId !== undefined) {
    throw new errors.InvalidRequest('the actor_token must be of the actor as itself');
  }
  return {
    claims: (delegation) => claimsOf(actor, one.requestId, delegation),
    tenant: token.tenant,
    scopes: token.scopes,
    expiresAt: token.exp,
    credentialId,
    names: [[token.issuer, token.subject]],
  };
}

function actingClient({ issuer, requestId }: Exchange, client: OurClient): Actor {
  const named = readClientId(client.clientId);
  if (named === undefined) {
    throw new errors.InvalidRequest('nobody is named who is to act: send an actor_token');
  }
  const expiresAt = new Date(client.ends_at ?? 0);
  return {
    claims: (delegation) => ({
      kind: 'issued',
      credentialId: named.id,
      tenant: named.tenant,
      tokenId: requestId,
      delegation,
      scopes: SCOPES,
      tokenExpiresAt: expiresAt,
      requestId,
    }),
    tenant: named.tenant,
    scopes: SCOPES,
    expiresAt,
    credentialId: named.id,
    names: [
      [issuer, client.entity_id ?? ''],
      [issuer, client.clientId],
    ],
  };
}

/** A token with which the actor acts for the subject, as far as one delegation goes. */
export async function delegate(one: Exchange, subject: PresentedToken): Promise<object> {
  const { database, context, requestId } = one;
  const delegation = parseId<DelegationId>(context.oidc.params.delegation_id);
  if (delegation === undefined) {
    throw new errors.InvalidRequest('delegation_id is missing, or no id: say under which delegation to act');
  }
  const actor = await actorOf(one);
  if (actor.tenant !== subject.token.tenant) {
    throw notGood('actor_token', new Error('of another tenant than the subject'));
  }
  refuseOthersThanMayAct(subject, actor);
  const owner = await authorityOf(database, claimsOf(subject, requestId));
  if (owner === undefined) {
    throw notGood('subject_token', new Error('it has ended, or allows nothing now'));
  }
  // another issuer's names mean nothing in a token of ours
  const before = subject.credentialId === undefined ? [] : actorsOf(subject.token);
  let scopes: readonly string[] = [];
  const authority = await authorityOf(database, actor.claims(delegation), async (_session, found) => {
    if (found.owner.id !== owner.owner.id || found.actor.id === owner.owner.id) {
      throw notGood('delegation', new Error('not from the subject to the actor'));
    }
    if (!standsAbove(before, found)) {
      throw notGood('delegation', new Error('not below whoever acts with the subject_token'));
    }
    const allowed = found.capabilities.filter((word) => subject.token.scopes.includes(word));
    scopes = narrowed(context, allowed);
    await recordAudit('token.exchanged', { kind: 'delegation', id: delegation }, { scopes });
  });
  if (authority === undefined) {
    throw notGood('delegation', new Error('not in force'));
  }
  const expiresAt = earliest(subject.token.exp, actor.expiresAt);
  const credentialId =
    actor.credentialId ??
    (
      await openSession(one, actor.claims(undefined), {
        scopes: narrowed(context, actor.scopes, scopes),
        expiresAt,
      })
    ).id;
  return issue(one, {
    scopes,
    seconds: secondsUntil(expiresAt, ACCESS_SECONDS),
    claims: {
      sub: authority.owner.id,
      tenant: actor.tenant,
      sid: credentialId,
      ...actOf([authority.actor.id, ...before]),
      delegation_id: delegation,
    },
  });
}

/** The chain above who acts, nearest first: whoever is named as having acted before must be found there (D6). */
const standsAbove = (before: readonly string[], { chain }: Authority): boolean =>
  before.every((name, place) => name === chain.at(-2 - place)?.delegateId);

function refuseOthersThanMayAct({ token }: PresentedToken, actor: Actor): void {
  const { mayAct } = token;
  const issuer = mayAct?.iss ?? token.issuer;
  if (mayAct !== undefined && !actor.names.some(([iss, name]) => iss === issuer && name === mayAct.sub)) {
    throw notGood('actor_token', new Error('may_act of the subject_token names somebody else'));
  }
}

const earliest = (one: Date, other: Date | undefined) => (other === undefined || one < other ? one : other);
