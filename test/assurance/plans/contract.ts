// What every plan must be. The rules are about the tree that PostgreSQL has carried out, not about its estimates, so they
// mean the same in every version:
//
//   index    a table is read through an index, entered by equality on its first two columns: the tenant and the owner, or
//            the tenant and another key. Of nothing else is a part read, or a whole.
//   context  the context is asked in InitPlans, each at most once, and whatever the policies of the tables ask is among
//            them: what is not is asked for every row.
//   bounded  no scan reads more rows than ten pages, however many its owner has: a page stops early.
//   order    nothing sorts more than that: the order of a page comes from its index.
//   row      no SubPlan is carried out row by row.
//   hidden   no kernel function and no foreign key reads a whole table behind the plan's back, and neither does opening.
//
// Nothing is excused here (excused.ts), and nothing is compared with what was before (golden.ts).

import type { Sql } from '../../kit/as.ts';
import type { Observed } from './explain.ts';
import { asksContext, callsWithin, isScan, kernelCalls, nodesOf, type PlanNode } from './plan.ts';

export const RULES = ['index', 'context', 'bounded', 'order', 'row', 'hidden'] as const;
export type Rule = (typeof RULES)[number];

export type Breach = {
  readonly rule: Rule;
  readonly what: string;
  /** Rows, where the rule counts some. */
  readonly rows: number;
};

/** Ten pages of 20, with the one row more by which a page knows of the next. */
export const MOST_ROWS = 210;

/** Tables whose every index has one column that says it all, or nearly: a tenant has a handful of keys. */
const KEYED_BY_ONE: readonly string[] = ['tenants', 'tenant_keys'];

/** Kernel functions that judge a new row by its own columns, so that they are asked for each. */
const PER_ROW: readonly string[] = ['grant_refusal', 'seals', 'asked', 'redeemed'];

/** Kernel functions that ask for no context: they judge by what they are given, row by row. */
const PURE: readonly string[] = ['deviation'];

/** Kernel functions that ask for no context and are written into the plan in full. */
const INLINED: readonly string[] = ['id_at'];

/** What the policies of a table ask of the context, by verb: `memories select` -> owner(memory, read) ... */
export type Asking = ReadonlyMap<string, ReadonlySet<string>>;

const POLICIES = `
  select c.relname as "table",
         case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end as verb,
         coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as conditions
    from pg_policy p join pg_class c on c.oid = p.polrelid
   where 'bailiwick_runtime'::regrole = any (p.polroles)`;

export async function readAsking(sql: Sql): Promise<Asking> {
  const rows = await sql.rows<{ table: string; verb: string; conditions: string }>(POLICIES);
  const asking = new Map<string, Set<string>>();
  for (const { table, verb, conditions } of rows) {
    const calls = kernelCalls(conditions).filter(
      (call) => ![...PER_ROW, ...INLINED].includes(call.replace(/\(.*/, '')),
    );
    for (const one of verb === 'all' ? ['select', 'insert', 'update', 'delete'] : [verb]) {
      const key = `${table} ${one}`;
      asking.set(key, new Set([...(asking.get(key) ?? []), ...calls]));
    }
  }
  return asking;
}

/** Which tables a plan touches, and with which verbs: `memories select`. */
export function touched(plan: PlanNode): string[] {
  return nodesOf(plan).flatMap(({ kind, table, operation }) =>
    table === undefined || kind === 'Bitmap Index Scan'
      ? []
      : [`${table} ${operation?.toLowerCase() ?? 'select'}`],
  );
}

/** In what a plan breaks the contract. */
export function breaches({ plan, hidden }: Pick<Observed, 'plan' | 'hidden'>, asking: Asking): Breach[] {
  const nodes = nodesOf(plan);
  return [
    ...nodes.flatMap(throughIndex),
    ...inContext(plan, asking),
    ...nodes.flatMap(withinBounds),
    ...nodes.flatMap(inOrder),
    ...nodes.flatMap(byRow),
    ...hidden.map((table) => ({
      rule: 'hidden' as const,
      what: `${table} is read as a whole by a function or a foreign key`,
      rows: 0,
    })),
  ];
}

function throughIndex(node: PlanNode): Breach[] {
  const { kind, table, index, equal, entered, examined } = node;
  if (!isScan(node) || table === undefined || kind === 'Bitmap Heap Scan') {
    return [];
  }
  const rule = 'index' as const;
  if (index === undefined) {
    return [{ rule, what: `${kind} of ${table}`, rows: examined }];
  }
  return entered >= (KEYED_BY_ONE.includes(table) ? 1 : 2) && equal.includes('tenant_id')
    ? []
    : [{ rule, what: `${index} is entered by (${equal.join(', ')}) only`, rows: examined }];
}

function inContext(plan: PlanNode, asking: Asking): Breach[] {
  const nodes = nodesOf(plan);
  const once = nodes.filter(asksContext);
  const within = new Set(once.flatMap(nodesOf));
  const known = new Set(once.flatMap(callsWithin));
  const tables = touched(plan);
  // a statement that reads no table asks a kernel function, and is nothing but that call
  const bare = nodes.flatMap((node) => {
    const calls = node.calls.filter((call) => !PURE.includes(call.replace(/\(.*/, '')));
    return tables.length === 0 || within.has(node) || calls.length === 0 ? [] : [{ ...node, calls }];
  });
  const missing = [...new Set(tables.flatMap((key) => [...(asking.get(key) ?? [])]))].filter(
    (call) => !known.has(call),
  );
  const rule = 'context' as const;
  return [
    ...bare.map(({ kind, calls, loops }) => ({
      rule,
      what: `${kind} calls ${calls.join(', ')}`,
      rows: loops,
    })),
    ...once
      .filter(({ loops }) => loops > 1)
      .map((node) => ({
        rule,
        what: `${callsWithin(node).join(', ')} is asked ${node.loops} times`,
        rows: node.loops,
      })),
    ...missing.map((call) => ({ rule, what: `${call} is in no InitPlan`, rows: 0 })),
  ];
}

function withinBounds(node: PlanNode): Breach[] {
  const { kind, table, examined } = node;
  return isScan(node) && table !== undefined && examined > MOST_ROWS
    ? [{ rule: 'bounded', what: `${kind} of ${table} reads ${examined} rows`, rows: examined }]
    : [];
}

function inOrder({ kind, sortKey, children, loops }: PlanNode): Breach[] {
  const rows = children.reduce((sum, child) => sum + child.rows, 0);
  return /Sort$/.test(kind) && rows > MOST_ROWS && loops > 0
    ? [{ rule: 'order', what: `${kind} by ${sortKey.join(', ')} of ${rows} rows`, rows }]
    : [];
}

function byRow(node: PlanNode): Breach[] {
  const of = nodesOf(node).find(({ table }) => table !== undefined)?.table ?? node.kind;
  return node.as === 'SubPlan' && node.loops > 1
    ? [{ rule: 'row', what: `SubPlan of ${of} is carried out ${node.loops} times`, rows: node.loops }]
    : [];
}
