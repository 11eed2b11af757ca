// What somebody might want to do with what is shared, with baselines and with receipts: share a memory of anybody's or a new one, in every
// world and in none, take back, have something be usual for whoever's agent, write down that it was broken, and leave receipts.
//
// Which of it may be is not said here. A few of each for every asker, others for the next, because the many are alike.

import type { Move, NewRow } from './moves.ts';
import type { TableName } from './rows.ts';
import { some, turnOf } from './sealing.ts';
import { type Asker, type Principal, principals, type Tenant } from './world.ts';

/** Columns in which nobody changes anything: whose it is, what the kernel found out, and all of a receipt. */
const FIXED: readonly (readonly [table: TableName, column: string])[] = [
  ...['alerted_at', 'alert', 'agent_id', 'owner_id', 'created_by', 'created_at', 'request_id'].map(
    (column) => ['baselines', column] as const,
  ),
  ...['owner_id', 'agent_id', 'row_id', 'times'].map((column) => ['access_receipts', column] as const),
];

/** What an asker tries, for the owner of its context. */
export function sharingMoves(tenant: Tenant, asker: Asker, owner: Principal): Move[] {
  const turn = turnOf(asker);
  const any = <Item>(items: readonly Item[], count = 1): Item[] => some(items, turn, count);
  const own: NewRow = { tenant: asker.tenant, owner };
  const strangers = any(principals(tenant).filter((one) => one !== owner)).map((other) => ({
    ...own,
    owner: other,
  }));
  const places = tenant.places.map((_, place) => place);
  const shared: NewRow[] = [
    ...places.map((place) => ({ ...own, place })),
    ...strangers.map((row) => ({ ...row, place: places[0] ?? null })),
    own,
  ];
  const agents = tenant.agents.map((_, agent) => agent);
  const theirs = agents.filter((agent) => `u${tenant.agents[agent]?.owner}` === owner);
  const usual: NewRow[] = any(theirs.length > 0 ? theirs : agents).map((agent) => ({ ...own, agent }));
  const wrong: NewRow[] = [
    ...any(agents).map((agent) => ({ ...own, agent })),
    ...usual.flatMap((row) => [
      ...(['maker', 'request'] as const).map((lie) => ({ ...row, lie })),
      ...strangers.map((other) => ({ ...row, ...other })),
    ]),
  ];
  return [
    ...shared.map((row): Move => ({ verb: 'insert', table: 'memories', row: { ...row, shared: true } })),
    ...tenant.memories.map((_, memory): Move => ({ verb: 'share', memory })),
    { verb: 'take back' },
    { verb: turn % 2 === 0 ? 'update' : 'update seen', table: 'baselines' },
    ...[...usual, ...any(wrong)].map((row): Move => ({ verb: 'insert', table: 'baselines', row })),
    ...any(FIXED).map(([table, column]): Move => ({ verb: 'redirect', table, column })),
    ...any(agents).map((agent): Move => ({ verb: 'leave receipts', agent, owner, memory: turn % 5 })),
  ];
}
