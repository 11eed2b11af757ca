// Delegations that somebody might want to grant: one as it should be, then each limit stretched by one step at a time.
//
// Which of them may be granted is not said here.

import { DELEGABLE } from '../capabilities.ts';
import type { Lie } from './moves.ts';
import { type Asker, type Principal, principals, type Tenant } from './world.ts';

/** A delegation that somebody wants to grant. Times are seconds from now. */
export type NewGrant = {
  readonly owner: Principal;
  readonly delegator: Principal;
  readonly delegate: Principal;
  readonly parent: number | null;
  readonly depth: number;
  readonly redelegate: number;
  readonly capabilities: readonly string[];
  readonly place: number | null;
  readonly starts: number;
  readonly ends: number;
  readonly lie?: Lie;
};

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A grant as it should be, to everybody in turn, and then with one thing wrong at a time. */
export function grantsOf(tenant: Tenant, { actor, delegation }: Asker): NewGrant[] {
  const held = delegation === null ? undefined : tenant.delegations[delegation];
  const owner: Principal = held === undefined ? actor : `u${held.owner}`;
  const good: NewGrant = {
    owner,
    delegator: actor,
    delegate: 'a0',
    parent: held === undefined ? null : delegation,
    depth: (held?.depth ?? 0) + 1,
    redelegate: 0,
    capabilities: held === undefined ? ['memory:read'] : held.capabilities.slice(0, 1),
    place: held?.place ?? null,
    starts: -MINUTE,
    ends: 5 * MINUTE,
  };
  const brothers = tenant.agents.findIndex(
    ({ owner: other }, n) => `u${other}` === owner && `a${n}` !== actor,
  );
  const best: NewGrant = { ...good, delegate: `a${Math.max(brothers, 0)}` };
  const wrong: readonly Partial<NewGrant>[] = [
    ...principals(tenant).map((delegate) => ({ delegate })),
    ...principals(tenant).map((delegator) => ({ delegator })),
    ...tenant.users.map((_, n) => ({ owner: `u${n}` as const })),
    ...[null, ...tenant.delegations.map((_, n) => n)].map((parent) => ({ parent })),
    { depth: good.depth + 1 },
    { depth: Math.max(good.depth - 1, 0) },
    ...[-1, 1, 2, 3, 4, held?.redelegate ?? 0].map((redelegate) => ({ redelegate })),
    { capabilities: [] },
    { capabilities: ['memory:fly'] },
    { capabilities: ['memory:create'] },
    { capabilities: ['memory:read', 'memory:read'] },
    { capabilities: ['delegation:create', 'delegation:read'] },
    { capabilities: DELEGABLE },
    { capabilities: held?.capabilities ?? ['user:read', 'user:update'] },
    { place: null },
    ...tenant.places.map((_, place) => ({ place })),
    { ends: -1 },
    { starts: 4 * MINUTE, ends: 3 * MINUTE },
    { starts: HOUR, ends: 2 * HOUR },
    { ends: HOUR / 2 },
    { ends: 2 * HOUR },
    { ends: 25 * HOUR },
    { ends: 89 * DAY },
    { ends: 91 * DAY },
  ];
  const known = new Map(
    [best, ...wrong.map((part) => ({ ...best, ...part }))].map((one) => [JSON.stringify(one), one]),
  );
  return [...known.values()];
}

/** A grant in one line. */
export function nameOfGrant(grant: NewGrant): string {
  return [
    `${grant.delegator} -> ${grant.delegate} for ${grant.owner}`,
    `[${grant.capabilities.join(' ')}]`,
    ...(grant.place === null ? [] : [`only w${grant.place}`]),
    `depth ${grant.depth}${grant.parent === null ? '' : ` below d${grant.parent}`}`,
    `passes on ${grant.redelegate}`,
    `from ${grant.starts} s to ${grant.ends} s`,
    ...(grant.lie === undefined ? [] : [`lying about the ${grant.lie}`]),
  ].join(', ');
}
