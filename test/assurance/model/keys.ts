// The rules about keys, sessions and the end of credentials, to be read aloud like the others (rules.ts): in person and by nobody
// else, for oneself, an agent of one's own or a service that one administers, and never more or longer than what it is made with;
// but a session is somebody at work, and may make what outlives it.

import type { NewKey, NewSession, Rotation } from '../../../src/assurance/keys.ts';
import { personOf } from '../../../src/assurance/rows.ts';
import type { Principal } from '../../../src/assurance/world.ts';
import { DELEGABLE, SCOPES } from '../../../src/capabilities.ts';
import { type Authority, administers, alive, BY_ITSELF, DAY, holds, inPerson, isPerson } from './rules.ts';

/** A principal of the authority's tenant, by name. */
function principal({ tenant }: Authority, name: string) {
  const index = Number(name.slice(1));
  const found = name.startsWith('u')
    ? tenant.users[index]
    : name.startsWith('a')
      ? tenant.agents[index]
      : undefined;
  return found === undefined ? undefined : { ...found, name: name as Principal };
}

/** Whether the authority decides about somebody's credentials: its own and its agents', a service's as administrator. */
function answersFor(a: Authority, name: string, ending: boolean): boolean {
  const holder = principal(a, name);
  const ownOnes = holder !== undefined && personOf(a.tenant, holder.name) === a.actor;
  const lookedAfter = holder !== undefined && (ending || ('service' in holder && holder.service));
  return inPerson(a) && (ownOnes || (lookedAfter && administers(a)));
}

/** Why a key may not be made; undefined when it may. The first reason that applies. */
export function keyRefusal(a: Authority, { entity, capabilities, pinned, ends }: NewKey): string | undefined {
  if (!inPerson(a) || !holds(a, 'key:create')) {
    return 'authority';
  }
  const holder = principal(a, entity);
  if (holder === undefined || !answersFor(a, entity, false) || holder.status !== 'active') {
    return 'entity';
  }
  const fitting: readonly string[] = isPerson(holder.name) ? SCOPES : [...DELEGABLE, ...BY_ITSELF];
  const known = capabilities.every((one) => a.token.scopes.includes(one) && fitting.includes(one));
  if (capabilities.length === 0 || !known || new Set(capabilities).size < capabilities.length) {
    return 'capabilities';
  }
  const bond = pinned === null ? undefined : a.tenant.delegations[pinned];
  const held = bond !== undefined && `a${bond.delegate}` === entity && !bond.revoked && bond.ends > 0;
  if (pinned !== null && !held) {
    return 'delegation';
  }
  const outlives = a.key !== undefined && a.key.kind !== 'session' && ends > a.key.ends;
  return ends <= 0 || ends > 365 * DAY || outlives ? 'lifetime' : undefined;
}

/** Nothing that outlives an authority is made once that has been ended. */
const ended = (a: Authority) => (principal(a, a.actor)?.epoch ?? 0) > 0;

/** The same when it comes to making it. */
export function issueRefusal(a: Authority, wanted: NewKey): string | undefined {
  return keyRefusal(a, wanted) ?? (ended(a) ? 'authority' : undefined);
}

/** Why a session may not be started: it is one's own, begins with a token of an issuer, and allows no more than that. */
export function sessionRefusal(a: Authority, { capabilities, ends }: NewSession): string | undefined {
  if (a.key !== undefined || !inPerson(a) || !alive(a)) {
    return 'authority';
  }
  if (capabilities.length === 0 || !capabilities.every((one) => a.token.scopes.includes(one))) {
    return 'capabilities';
  }
  const refusal = ends <= 0 || ends > 90 * DAY ? 'lifetime' : undefined;
  return refusal ?? (ended(a) ? 'authority' : undefined);
}

/** Why a key may not be replaced by another; clients and sessions are not. */
export function rotationRefusal(a: Authority, { key: n, ends, overlap }: Rotation): string | undefined {
  const key = a.tenant.keys[n];
  const there = key?.kind === 'key' && holds(a, 'key:update') && answersFor(a, key.entity, false);
  if (!there || key.revoked || key.ends <= 0) {
    return 'key';
  }
  return overlap < 0 || overlap > 7 * DAY ? 'overlap' : issueRefusal(a, { ...key, ends });
}

/** Ending is for whoever answers for the holder, and for an administrator about everybody. */
export function mayEndKeysOf(a: Authority, name: string): boolean {
  return holds(a, 'key:update') && answersFor(a, name, true);
}
