// What the model lets the API show: rows that maySee shows, as far as the second layer (src/db/scope.ts) asks for them. The
// second layer knows no rule and can only ask for less, so what it leaves out is written here, and nothing else is.
//
// Of three kinds of row it asks for less than the policies show. A world in which the owner merely takes part is found through
// the owner's own membership, so it shows only to whoever may also read members; and fellow members, and what they share, are
// found through that world, so they show only to whoever may also read worlds.

import type { Row, TableName } from '../../../../src/assurance/rows.ts';
import type { Principal } from '../../../../src/assurance/world.ts';
import { type Authority, administers, maySee } from '../rules.ts';

/** The types that have global ids, and the table in which a row of each stands. */
export const TABLE_OF = {
  User: 'users',
  Agent: 'agents',
  World: 'worlds',
  WorldMember: 'world_members',
  Delegation: 'delegations',
  Memory: 'memories',
  Credential: 'credentials',
  ServiceCredential: 'service_credentials',
  Permission: 'permissions',
  Approval: 'approvals',
  ActivityEntry: 'activity_entries',
  Baseline: 'baselines',
  AccessReceipt: 'access_receipts',
  Tenant: 'tenants',
} as const satisfies Record<string, TableName>;
export type NodeType = keyof typeof TABLE_OF;
export const NODE_TYPES = Object.keys(TABLE_OF) as NodeType[];

const isAgent = (principal: Principal) => principal.startsWith('a');
const owned = (a: Authority, row: Row) => row.owner === a.owner;

/** Whether the second layer asks for a row; `rows` are those of the tenant. */
const ASKED_FOR: Readonly<Record<NodeType, (a: Authority, row: Row, rows: readonly Row[]) => boolean>> = {
  Tenant: () => true,
  User: (a, row) => administers(a) || owned(a, row),
  Agent: (a, row) => owned(a, row) || (a.chain.length === 0 && row.name === a.actor),
  World: (a, row, rows) => owned(a, row) || findsOwnMembership(a, row.place, rows),
  WorldMember: (a, row, rows) => owned(a, row) || findsWorld(a, row.place, rows),
  Delegation: (a, row) =>
    administers(a) ||
    owned(a, row) ||
    (isAgent(a.actor) && [row.delegation?.delegator, `a${row.delegation?.delegate}`].includes(a.actor)),
  Memory: (a, row, rows) => owned(a, row) || (row.shared === true && findsWorld(a, row.place, rows)),
  Credential: (a, row) => administers(a) || owned(a, row),
  ServiceCredential: (a, row) => owned(a, row),
  Permission: (a, row) => owned(a, row),
  Approval: (a, row) => owned(a, row),
  ActivityEntry: (a, row) => owned(a, row),
  Baseline: (a, row) => owned(a, row),
  AccessReceipt: (a, row) => owned(a, row),
};

function findsOwnMembership(a: Authority, place: number | null | undefined, rows: readonly Row[]): boolean {
  return rows.some(
    (row) =>
      row.table === 'world_members' && row.place === place && `u${row.user}` === a.owner && maySee(a, row),
  );
}

const findsWorld = (a: Authority, place: number | null | undefined, rows: readonly Row[]): boolean =>
  findsOwnMembership(a, place, rows) &&
  rows.some((one) => one.table === 'worlds' && one.place === place && maySee(a, one));

/** Whether a row shows where it is asked for by type: in a connection, by node, as what a mutation is about. */
export function shows(a: Authority, type: NodeType, row: Row, rows: readonly Row[]): boolean {
  return row.table === TABLE_OF[type] && maySee(a, row) && ASKED_FOR[type](a, row, rows);
}

/** How many rows the policies show and the second layer does not ask for. */
export function withheld(a: Authority, rows: readonly Row[]): number {
  const types = NODE_TYPES.map((type) => [type, TABLE_OF[type]] as const);
  return rows.filter(
    (row) =>
      maySee(a, row) && types.some(([type, table]) => table === row.table && !shows(a, type, row, rows)),
  ).length;
}
