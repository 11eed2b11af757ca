// What somebody might want to do with credentials for services of third parties: keep one in whoever's name, for whoever's agent or
// with a lie about its origin, put a secret where it may not stand, have it sent elsewhere, read what is revealed, and have one used
// for what it is for and for what it is not.
//
// Which of it may be is not said here. A few of each for every asker, others for the next, because the many are alike.

import { CALL } from './actions.ts';
import type { Move, NewRow } from './moves.ts';
import { some, turnOf, valuesOf } from './sealing.ts';
import { type Asker, type Principal, principals, type Tenant, type World } from './world.ts';

const TABLES = ['service_credentials', 'service_secrets'] as const;

/** Columns in which nobody changes anything: where the secret goes, what it is, whose it is, and who used it last. */
const FIXED = [
  ...['origin', 'header', 'prefix', 'service', 'kind', 'last_used_at', 'last_used_by', 'owner_id'],
  ...['created_by', 'created_at', 'request_id'],
];

/** What an asker tries, for the owner of its context. */
export function serviceMoves(world: World, tenant: Tenant, asker: Asker, owner: Principal): Move[] {
  const turn = turnOf(asker);
  const any = <Item>(items: readonly Item[], count = 1): Item[] => some(items, turn, count);
  const own: NewRow = { tenant: asker.tenant, owner };
  const strangers = any(principals(tenant).filter((one) => one !== owner)).map((other) => ({
    ...own,
    owner: other,
  }));
  const abroad = world.tenants.length > 1 ? [{ ...own, tenant: 1 - asker.tenant }] : [];
  const kept: NewRow[] = [
    ...strangers,
    ...any(tenant.agents.map((_, agent) => ({ ...own, agent }))),
    ...(['maker', 'request'] as const).map((lie) => ({ ...own, lie })),
    ...abroad,
  ];
  const values = valuesOf(world, asker, owner);
  const secrets: NewRow[] = [
    ...values.map((value) => ({ ...own, value })),
    ...[...strangers, ...abroad].map((row) => ({
      ...row,
      value: valuesOf(world, asker, row.owner)[0] ?? 'plain',
    })),
  ];
  const services = tenant.services.map((_, service) => service);
  return [
    // with and without looking first, in turn
    ...TABLES.flatMap((table, n): Move[] => [
      { verb: (turn + n) % 2 === 0 ? 'update' : 'update seen', table },
      { verb: (turn + n) % 2 === 0 ? 'delete seen' : 'delete', table },
    ]),
    ...[own, ...any(kept)].map((row): Move => ({ verb: 'insert', table: 'service_credentials', row })),
    ...any(secrets, 2).map((row): Move => ({ verb: 'insert', table: 'service_secrets', row })),
    ...any(values).map((value): Move => ({ verb: 'seal', table: 'service_secrets', value })),
    ...any(FIXED).map((column): Move => ({ verb: 'redirect', table: 'service_credentials', column })),
    ...services.map((service): Move => ({ verb: 'use service', service, call: CALL, approval: null })),
    ...any([...any(services).map((service) => ({ service, call: 'fly' })), { service: 9, call: CALL }]).map(
      (wanted): Move => ({ verb: 'use service', ...wanted, approval: null }),
    ),
    { verb: 'revealed' },
  ];
}
