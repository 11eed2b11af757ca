// What stands between tables as they are and isolation: what is in the way, what would be done in each phase under which lock, and where
// the rows would go. Compares a declaration with an inventory and with counts; reads no database itself.

import { type Adoption, isExempt, type Kept, type Principals } from './declaration.ts';
import { type Inventory, type Table, tableOf } from './inventory.ts';
import { ADDED, trigger } from './names.ts';
import {
  absent,
  counted,
  type Finding,
  findingsOf,
  keyless,
  misdeclared,
  open,
  openTenants,
  type Risk,
  roleFindings,
  rowFindings,
  slowPaths,
  undeclared,
} from './obstacles.ts';
import { type Counts, isKey, keyOf } from './places.ts';

export type Phase = 'backfill' | 'shadow' | 'strict';

export type Step = {
  readonly phase: Phase;
  readonly what: string;
  /** As PostgreSQL calls it; for batches, of the rows. */
  readonly lock: string;
  /** How long it is held. */
  readonly lasts: string;
  readonly risk: Risk;
  /** Why it is more than low. */
  readonly because?: string | undefined;
};

export type TablePlan = {
  readonly table: string;
  readonly is: 'tenants' | 'people' | 'agents' | 'worlds' | 'rows' | 'exempt' | 'undeclared';
  readonly estimatedRows: number;
  readonly bytes: number;
  readonly counts?: Counts | undefined;
  readonly findings: readonly Finding[];
  readonly steps: readonly Step[];
};

export type Plan = {
  readonly findings: readonly Finding[];
  readonly tables: readonly TablePlan[];
};

/** All findings of a plan, of the database and of its tables. */
export const findingsIn = ({ findings, tables }: Plan): readonly Finding[] => [
  ...findings,
  ...tables.flatMap((table) => table.findings),
];

/**
 * @param counts Of the tables whose rows were counted.
 * @param wrong What was declared and is not there, by table.
 */
export function planOf(
  adoption: Adoption,
  inventory: Inventory,
  counts: ReadonlyMap<string, Counts>,
  wrong: ReadonlyMap<string, string> = new Map(),
): Plan {
  const principals = new Map<string, { is: TablePlan['is']; of: Principals }>([
    [adoption.users.table, { is: 'people', of: adoption.users }],
    ...(adoption.agents ? [[adoption.agents.table, { is: 'agents', of: adoption.agents }] as const] : []),
    ...(adoption.worlds ? [[adoption.worlds.table, { is: 'worlds', of: adoption.worlds }] as const] : []),
  ]);
  const tenants = 'table' in adoption.tenants ? adoption.tenants : undefined;
  const names = new Set([
    ...inventory.tables.map(({ name }) => name),
    ...Object.keys(adoption.tables),
    ...principals.keys(),
    ...(tenants === undefined ? [] : [tenants.table]),
  ]);
  const tables = [...names].sort().map((name): TablePlan => {
    const table = tableOf(inventory, name);
    const declared = adoption.tables[name];
    const principal = principals.get(name);
    const counted = counts.get(name);
    const is =
      principal?.is ?? (declared === undefined ? 'undeclared' : isExempt(declared) ? 'exempt' : 'rows');
    const kept = declared !== undefined && !isExempt(declared) ? declared : undefined;
    const fault = wrong.get(name);
    const key = principal?.of ?? (tenants?.table === name ? tenants : undefined);
    const findings = [
      ...(table === undefined ? [absent(name)] : []),
      ...(fault === undefined ? [] : [misdeclared(fault)]),
      ...(table !== undefined && key !== undefined && !isKey(table, keyOf(key)) ? [keyless(keyOf(key))] : []),
      ...(declared === undefined && key === undefined ? [undeclared] : []),
      ...(declared === undefined && key !== undefined ? [principal === undefined ? openTenants : open] : []),
      ...(table !== undefined && kept !== undefined
        ? [...findingsOf(table, kept), ...slowPaths(inventory, table, kept)]
        : []),
      ...(counted === undefined ? [] : rowFindings(counted, kept)),
    ];
    return {
      table: name,
      is: tenants?.table === name && is === 'undeclared' ? 'tenants' : is,
      estimatedRows: table?.estimatedRows ?? 0,
      bytes: table?.bytes ?? 0,
      counts: counted,
      findings,
      steps: table !== undefined && kept !== undefined ? stepsOf(table, kept, counted) : [],
    };
  });
  return { findings: roleFindings(inventory), tables };
}

/** Rows from which on giving them their owners takes so long that an hour for it is to be chosen. */
const MANY = 10_000_000;

/** What is done to a table, in order. */
function stepsOf(table: Table, kept: Kept, counts: Counts | undefined): Step[] {
  const rows = counts?.rows ?? table.estimatedRows;
  const columns = [ADDED.tenant, ADDED.owner, ...(kept.world === undefined ? [] : [ADDED.world])];
  const moment = 'a moment, with a lock timeout and tried again';
  const scan = 'one scan; nobody waits';
  const step = (
    phase: Phase,
    what: string,
    lock: string,
    lasts: string,
    [risk, because]: readonly [Risk, string?] = ['low'],
  ): Step => ({ phase, what, lock, lasts, risk, because });
  const fires = table.updateTriggers.some((name) => name !== trigger);
  const unplaced = (counts?.owner?.unplaced ?? 0) + (counts?.owner?.unknown ?? 0) + (counts?.foreign ?? 0);
  return [
    step('backfill', `add columns ${columns.join(', ')}, empty`, 'ACCESS EXCLUSIVE', moment),
    step('backfill', 'a trigger that says whose new rows are', 'SHARE ROW EXCLUSIVE', moment),
    step(
      'backfill',
      `say whose ${counted(rows, 'row')} are, in batches`,
      'rows of one batch',
      'one batch',
      fires
        ? ['high', 'its triggers may fire for each']
        : table.publications.length > 0
          ? ['high', 'each is sent to subscribers']
          : rows > MANY
            ? ['high', 'they are many']
            : ['low'],
    ),
    step('backfill', 'an index on tenant and owner, concurrently', 'SHARE UPDATE EXCLUSIVE', scan),
    step(
      'backfill',
      'owner and tenant are never empty: not yet validated',
      'ACCESS EXCLUSIVE',
      moment,
      unplaced > 0 && typeof kept.unplaced !== 'object'
        ? ['stop', 'some rows have no owner, and new ones without are refused from here on']
        : ['low'],
    ),
    step('backfill', 'validate it', 'SHARE UPDATE EXCLUSIVE', scan),
    step('shadow', 'policies that count and hide nothing', 'ACCESS EXCLUSIVE', moment),
    step('strict', 'policies that hide, in their place', 'ACCESS EXCLUSIVE', moment, [
      'high',
      'whatever opens no session has no rows from here on',
    ]),
  ];
}
