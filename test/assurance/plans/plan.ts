// A plan of PostgreSQL as a tree that rules can be asked of, and as text that people can compare: without costs, times and
// values, with the columns by which each index is entered. Kernel functions that ran once stand in one line.
//
// Read from EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON) of versions 15 to 18. It knows no rule.

/** As EXPLAIN prints a node; every other property is an expression, a list of expressions or a measure. */
export type ExplainNode = {
  readonly 'Node Type': string;
  readonly 'Parent Relationship'?: string;
  readonly 'Subplan Name'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Scan Direction'?: string;
  readonly 'Join Type'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Sort Key'?: readonly string[];
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly Operation?: string;
  readonly Alias?: string;
  readonly Plans?: readonly ExplainNode[];
};

/** Index -> its table and columns, and whether it could be entered by these columns alone. */
export type Indexes = ReadonlyMap<string, { readonly table: string; readonly columns: readonly string[] }>;

export type PlanNode = {
  /** Limit, Index Scan, Sort ... */
  readonly kind: string;
  /** How the node above uses it, where that is not simply as its input. */
  readonly as: 'InitPlan' | 'SubPlan' | 'CTE' | undefined;
  readonly table: string | undefined;
  readonly index: string | undefined;
  /** Columns of the index that are compared with `=` when it is entered, and the others that are compared. */
  readonly equal: readonly string[];
  /** How many of the index's columns, from its first, are compared with `=`. */
  readonly entered: number;
  readonly range: readonly string[];
  readonly sortKey: readonly string[];
  /** Insert, Update, Delete. */
  readonly operation: string | undefined;
  readonly backward: boolean;
  readonly join: string | undefined;
  readonly loops: number;
  /** Rows that came out, of all loops. */
  readonly rows: number;
  /** The same and those that a filter or recheck took away. */
  readonly examined: number;
  /** Calls of kernel functions in the node's own expressions, as in owner(memory, read). */
  readonly calls: readonly string[];
  readonly children: readonly PlanNode[];
};

/** Calls of kernel functions in an expression as PostgreSQL prints it; arguments that are calls themselves are left out. */
export function kernelCalls(expression: string): string[] {
  return [...expression.matchAll(/bailiwick\.(\w+)\((?:([^()]*)\))?/g)].map(
    ([, name, args = '...']) =>
      `${name}(${args.replaceAll("'", '').replaceAll('::text', '').replaceAll(/\s+/g, ' ').trim()})`,
  );
}

export function readPlan(node: ExplainNode, indexes: Indexes, above?: PlanNodeOwner): PlanNode {
  const named = wholeOf(node['Relation Name']);
  const table = named ?? above?.table;
  const alias = node.Alias ?? above?.alias;
  const loops = node['Actual Loops'];
  const rows = Math.round(node['Actual Rows'] * loops);
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  const index = node['Index Name'];
  const columns = (index === undefined ? undefined : indexes.get(index)?.columns) ?? [];
  const condition = node['Index Cond'] ?? '';
  const compared = (operator: string) =>
    columns.filter((column) => new RegExp(`\\b${alias}\\.${column}\\b\\)? ${operator}`).test(condition));
  const equal = compared('= ');
  const owner = { table, alias };
  return {
    kind: node['Node Type'],
    as: relationship(node),
    table: named ?? (index === undefined ? undefined : table),
    index,
    equal,
    entered: [...columns, undefined].findIndex((column) => column === undefined || !equal.includes(column)),
    range: compared('').filter((column) => !equal.includes(column)),
    sortKey: (node['Sort Key'] ?? []).map((key) => key.replaceAll(/\w+\./g, '')),
    operation: node.Operation,
    backward: node['Scan Direction'] === 'Backward',
    join: node['Join Type'],
    loops,
    rows,
    examined: rows + removed * loops,
    calls: ownExpressions(node).flatMap(kernelCalls),
    children: (node.Plans ?? []).map((child) => readPlan(child, indexes, owner)),
  };
}

/** The table of which another is a part, as the activity log has one for each month: which month is nobody's concern. */
const wholeOf = (table: string | undefined) =>
  table?.replace(/^(activity_entries)_(\d{4}_\d\d|past|other)$/, '$1');

type PlanNodeOwner = { readonly table: string | undefined; readonly alias: string | undefined };

function relationship(node: ExplainNode): PlanNode['as'] {
  const relation = node['Parent Relationship'];
  // a CTE is carried out like an InitPlan and is something else
  return node['Subplan Name']?.startsWith('CTE ')
    ? 'CTE'
    : relation === 'InitPlan' || relation === 'SubPlan'
      ? relation
      : undefined;
}

function ownExpressions({ Plans: _, ...node }: ExplainNode): string[] {
  return Object.values(node)
    .flat()
    .filter((value) => typeof value === 'string');
}

/** All nodes, from the top. */
export function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...plan.children.flatMap(nodesOf)];
}

export const isScan = ({ kind }: PlanNode): boolean => / Scan$/.test(kind) && kind !== 'Subquery Scan';

/** The kernel functions that a node and everything below it call. */
export function callsWithin(plan: PlanNode): string[] {
  return nodesOf(plan).flatMap(({ calls }) => calls);
}

/** Whether it asks for the context and does nothing else. */
export function asksContext(plan: PlanNode): boolean {
  return (
    plan.as === 'InitPlan' &&
    callsWithin(plan).length > 0 &&
    nodesOf(plan).every(({ table }) => table === undefined)
  );
}

/** As text, a line for each node. */
export function printPlan(plan: PlanNode, indexes: Indexes, measured = false, depth = 0): string[] {
  const indent = '  '.repeat(depth);
  const asked = plan.children.filter(asksContext).flatMap(callsWithin);
  const below = plan.children.filter((child) => !asksContext(child));
  const printed = below.map((child) => printPlan(child, indexes, measured, depth + 1).join('\n'));
  return [
    `${indent}${describe(plan, indexes)}${measured ? measures(plan) : ''}`,
    ...(asked.length > 0 ? [`${indent}  once: ${[...asked].sort().join(', ')}`] : []),
    // the parts of a table that are read alike stand there once, because next month they are others
    ...(/Append$/.test(plan.kind) ? new Set(printed) : printed).values(),
  ];
}

function describe(plan: PlanNode, indexes: Indexes): string {
  const columns = plan.index === undefined ? undefined : indexes.get(plan.index)?.columns;
  return [
    plan.as === undefined ? '' : `${plan.as}: `,
    plan.operation ?? plan.kind,
    plan.backward ? ' Backward' : '',
    plan.join === undefined || plan.join === 'Inner' ? '' : ` ${plan.join}`,
    plan.table === undefined ? '' : ` ${plan.table}`,
    columns === undefined ? '' : ` (${columns.join(', ')})`,
    plan.equal.length === 0 ? '' : ` at ${plan.equal.join(', ')}`,
    plan.range.length === 0 ? '' : ` from ${plan.range.join(', ')}`,
    plan.sortKey.length === 0 ? '' : ` by ${plan.sortKey.join(', ')}`,
    plan.calls.length === 0 ? '' : ` calls ${plan.calls.join(', ')}`,
  ].join('');
}

function measures({ loops, rows, examined }: PlanNode): string {
  return loops === 0
    ? '   [not run]'
    : `   [${rows} rows${examined > rows ? ` of ${examined}` : ''}${loops > 1 ? ` in ${loops} loops` : ''}]`;
}
