// The actions that agents of a world may want to take outside, and what rules are written about: services and actions by their exact
// names, by how they begin, and all of them. Names and digests; what a rule means is not said here.

import { createHash } from 'node:crypto';
import { credentialOf } from './keys.ts';
import { type Asker, type Effect, idOf, type Tenant } from './world.ts';

/** The one call that every credential of a world is for. */
export const CALL = 'beds.plants.list';

/** What agents do: the call of every credential, and something that their runtimes do by themselves. */
export const ACTIONS = [
  { service: 'new', action: CALL },
  { service: 'old', action: 'letters.post' },
] as const;

/** What the call must be told. */
export const PARAMETERS = { bed: 'lower' } as const;

/** With what, the same always: as the server puts it where it makes the call itself, with the first credential. */
export const ARGUMENTS = {
  credentialId: Buffer.from(`ServiceCredential:${idOf('s0')}`).toString('base64url'),
  parameters: PARAMETERS,
} as const;

/** Of each action with these arguments, in canonical form (RFC 8785). */
export const DIGESTS: readonly string[] = ACTIONS.map(({ service, action }) =>
  createHash('sha256')
    .update(`{"action":"${action}","arguments":${JSON.stringify(ARGUMENTS)},"service":"${service}"}`)
    .digest('hex'),
);

/** What rules name, some oftener than others. */
export const NAMED_SERVICES = ['*', '*', 'new', 'new', 'old'] as const;
export const NAMED_ACTIONS = [
  '*',
  '*',
  'beds.*',
  'beds.plants.*',
  CALL,
  'letters.post',
  'letters.post.*',
] as const;

/** A rule that is not there yet, in somebody's question what would be; without an effect, one that is there is left out. */
export type Supposed = {
  readonly agent: number | null;
  readonly service: string;
  readonly action: string;
  readonly effect: Effect | null;
};

/** The delegation under which an asker acts: that of its key, or the one that it names. */
export const leafOf = (tenant: Tenant, asker: Asker): number | null =>
  credentialOf(tenant, asker)?.pinned ?? asker.delegation;

/** The delegations from the owner's down to one, by their indexes. */
export function lineOf({ delegations }: Tenant, leaf: number | null): number[] {
  const line: number[] = [];
  for (let hop = leaf; hop !== null; hop = delegations[hop]?.parent ?? null) {
    line.unshift(hop);
  }
  return line;
}
