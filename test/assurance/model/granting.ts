// The rules about granting and ending delegations, to be read aloud like the others (rules.ts): each hop allows at most what the hop
// above allows, to an agent of the same owner and for no longer; and whoever stands above may end what is below.

import type { NewGrant } from '../../../src/assurance/grants.ts';
import { isCapability } from '../../../src/capabilities.ts';
import { type Authority, administers, alive, chainOf, DAY, inPerson, isPerson } from './rules.ts';

/** Why a delegation may not be granted; undefined when it may. The first reason that applies. */
export function grantRefusal(a: Authority, grant: NewGrant): string | undefined {
  const last = a.chain.at(-1);
  const granting = alive(a) && a.token.scopes.includes('delegation:create');
  if (!granting || grant.owner !== a.owner || grant.delegator !== a.actor) {
    return 'authority';
  }
  const parent = grant.parent === null ? undefined : a.tenant.delegations[grant.parent];
  const next = last === undefined ? isPerson(a.actor) && grant.parent === null : parent === last;
  if (!next || grant.depth !== (last?.depth ?? 0) + 1) {
    return 'authority';
  }
  if (grant.redelegate < 0 || grant.redelegate > (last?.redelegate ?? 4) - 1) {
    return 'redelegate';
  }
  if (last !== undefined) {
    if (!grant.capabilities.every((capability) => last.capabilities.includes(capability))) {
      return 'capabilities';
    }
    if (a.limits.size > 0 && (grant.place === null || !a.limits.has(grant.place))) {
      return 'world';
    }
    if (grant.ends > last.ends) {
      return 'lifetime';
    }
  }
  if (!wellFormed(grant.capabilities)) {
    return 'capabilities';
  }
  const longest = last === undefined ? 90 * DAY : a.tenant.subdelegationSeconds;
  if (grant.ends <= Math.max(0, grant.starts) || grant.ends > longest) {
    return 'lifetime';
  }
  if (
    grant.place !== null &&
    !a.tenant.members.some((one) => one.place === grant.place && `u${one.user}` === a.owner)
  ) {
    return 'world';
  }
  const alreadyIn = [a.owner, a.actor, ...a.chain.map(({ delegate }) => `a${delegate}`)];
  if (alreadyIn.includes(grant.delegate)) {
    return 'cycle';
  }
  const agent = isPerson(grant.delegate) ? undefined : a.tenant.agents[Number(grant.delegate.slice(1))];
  const fit = agent !== undefined && `u${agent.owner}` === a.owner && agent.status === 'active';
  return fit ? undefined : 'delegate';
}

function wellFormed(capabilities: readonly string[]): boolean {
  return (
    capabilities.length > 0 &&
    capabilities.every((capability) => capabilities.includes(`${capability.split(':')[0]}:read`)) &&
    capabilities.every(isCapability) &&
    new Set(capabilities).size === capabilities.length
  );
}

const ending = (a: Authority) => alive(a) && a.token.scopes.includes('delegation:update');

/** Whoever stands above may end a delegation, and its delegate may renounce it; nobody below or beside. */
export function mayEnd(a: Authority, target: number): boolean {
  const line = chainOf(a.tenant, target);
  const last = line.at(-1);
  const above = line.some((hop) => hop.delegator === a.actor);
  const renounces = last !== undefined && `a${last.delegate}` === a.actor;
  const ofThisOwner = inPerson(a) || `u${last?.owner}` === a.owner;
  return ending(a) && (administers(a) || (ofThisOwner && (above || renounces)));
}

/** The kill switch: the agent's owner in person, or an administrator. */
export function mayKill(a: Authority, agent: number): boolean {
  const owner = a.tenant.agents[agent]?.owner;
  return ending(a) && (administers(a) || (inPerson(a) && `u${owner}` === a.actor));
}
