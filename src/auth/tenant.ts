// Which tenant a token speaks of: one way per strategy of the issuer's configuration, none of them by guessing.
//
// Members are own members only, and what is ambiguous is nobody's: a token with two groups that fit names no tenant.
// Called only with claims whose signature has been verified. Whether the issuer may speak for that tenant is asked in
// claims.ts, and whether there is such a tenant in the database.

import type { TenantStrategy } from '../trust.ts';
import { isJsonObject, type JsonObject } from './strict-json.ts';

/** The tenant, which the caller still has to look at; undefined when the claims do not name exactly one. */
export function readTenant(claims: JsonObject, strategy: TenantStrategy): unknown {
  switch (strategy.strategy) {
    case 'provider_claim':
      return own(claims, strategy.claim);
    case 'urn_claim':
      return (strategy.path ?? []).reduce<unknown>(own, own(claims, strategy.claim));
    case 'group_prefix':
      return fromGroups(own(claims, strategy.claim), strategy.prefix);
    case 'fixed':
      return strategy.tenant;
    default:
      return strategy satisfies never;
  }
}

function own(value: unknown, member: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, member) ? value[member] : undefined;
}

function fromGroups(claim: unknown, prefix: string): string | undefined {
  const groups: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  if (!groups.every((group) => typeof group === 'string')) {
    return undefined;
  }
  const [found, ...others] = groups.filter((group) => group.startsWith(prefix));
  // Also the same one twice: an issuer that repeats itself has not been understood.
  return others.length === 0 ? found?.slice(prefix.length) : undefined;
}
