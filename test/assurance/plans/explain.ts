// How PostgreSQL carries out what was recorded: each operation again, in a transaction of its own with the same actor,
// chain and request id, every statement under EXPLAIN ANALYZE, and all undone at the end.
//
// Each statement twice, because the server's statements are prepared and PostgreSQL may plan them for the values at hand
// (custom) or once for all values (generic), as it sees fit. Beside the plan stands what no plan shows: how many whole
// tables were read, by kernel functions and foreign keys too.

import pg, { type Client } from 'pg';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import type { RequestId } from '../../../src/ids.ts';
import { open, type Sql } from '../../kit/as.ts';
import { type Asked, WHO } from './asking.ts';
import { type ExplainNode, type Indexes, isScan, nodesOf, type PlanNode, readPlan } from './plan.ts';
import type { Statement } from './recorder.ts';

/** An operation as it was sent, and what the server made of it. */
export type Recorded = {
  readonly asked: Asked;
  readonly requestId: string;
  readonly statements: readonly Statement[];
};

export const MODES = ['custom', 'generic'] as const;
export type Mode = (typeof MODES)[number];

/** One plan of one statement. */
export type Observed = {
  readonly asked: Asked;
  /** Its place among the statements of its operation, from 1. */
  readonly place: number;
  readonly statement: Statement;
  readonly mode: Mode;
  readonly plan: PlanNode;
  /** Tables read as a whole by something that the plan does not show. */
  readonly hidden: readonly string[];
};

const INDEXES = `
  select c.relname as index, t.relname as table,
         array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality k(n, place)
                 join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n order by place) as columns
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
   where t.relnamespace = 'public'::regnamespace`;

export async function readIndexes(sql: Sql): Promise<Indexes> {
  const rows = await sql.rows<{ index: string; table: string; columns: string[] }>(INDEXES);
  return new Map(rows.map(({ index, table, columns }) => [index, { table, columns }]));
}

/** Everything of an operation, on a connection of the runtime role that is in no transaction. */
export async function explain(client: Client, recorded: Recorded, indexes: Indexes): Promise<Observed[]> {
  await client.query('begin isolation level read committed');
  try {
    return await within(client, recorded, indexes);
  } finally {
    await client.query('rollback');
  }
}

/** The same inside a transaction in which nobody has opened a context yet. */
export async function within(client: Client, recorded: Recorded, indexes: Indexes): Promise<Observed[]> {
  const { asked, requestId, statements } = recorded;
  const { actor, delegation } = { delegation: undefined, ...WHO[asked.who] };
  const before = countOf(await client.query(WHOLE));
  await open(client, actor, {
    requestId: requestId as RequestId,
    delegation: delegation && DELEGATIONS[delegation].id,
  });
  const opening = readSince(before, countOf(await client.query(WHOLE)));
  const observed: Observed[] = [];
  for (const [at, statement] of statements.entries()) {
    for (const mode of MODES) {
      // what the last of the two has written stays, for the statements after it
      const keep = mode === MODES.at(-1);
      const { plan, hidden } = await plain(client, statement, mode, keep, indexes);
      observed.push({ asked, place: at + 1, statement, mode, plan, hidden: [...opening, ...hidden] });
    }
  }
  return observed;
}

const WHOLE = `select relname as table, seq_scan::int as times from pg_stat_xact_user_tables where schemaname = 'public'`;

async function plain(
  client: Client,
  { text, values }: Statement,
  mode: Mode,
  keep: boolean,
  indexes: Indexes,
): Promise<Pick<Observed, 'plan' | 'hidden'>> {
  // EXECUTE takes no bind parameters, so the driver quotes the values
  const given = values.length === 0 ? '' : `(${values.map(literal).join(', ')})`;
  const answers = (await client.query(`
    savepoint before;
    set local plan_cache_mode = force_${mode}_plan;
    prepare judged as ${text};
    ${WHOLE};
    explain (analyze, verbose, costs off, timing off, format json) execute judged${given};
    ${WHOLE};
    ${keep ? 'release savepoint before' : 'rollback to savepoint before'};
    deallocate judged`)) as unknown as readonly [
    unknown,
    unknown,
    unknown,
    Counted,
    pg.QueryResult<Explained>,
    Counted,
  ];
  const [, , , before, explained, after] = answers;
  const plan = readPlan(planOf(explained), indexes);
  return { plan, hidden: hiddenScans(plan, countOf(before), countOf(after)) };
}

type Counted = pg.QueryResult<{ table: string; times: number }>;
type Explained = { 'QUERY PLAN': [{ Plan: ExplainNode }] };
type Counts = ReadonlyMap<string, number>;

function planOf({ rows: [row] }: pg.QueryResult<Explained>): ExplainNode {
  if (row === undefined) {
    throw new TypeError('EXPLAIN answered nothing');
  }
  return row['QUERY PLAN'][0].Plan;
}

const countOf = ({ rows }: Counted): Counts => new Map(rows.map(({ table, times }) => [table, times]));

/** Tables that were read as a whole in between. */
const readSince = (before: Counts, after: Counts): string[] =>
  [...after].flatMap(([table, times]) => (times > (before.get(table) ?? 0) ? [table] : []));

function hiddenScans(plan: PlanNode, before: Counts, after: Counts): string[] {
  const shown = nodesOf(plan)
    .filter((node) => isScan(node) && node.index === undefined)
    .map(({ table }) => table);
  return readSince(before, after).filter((table) => !shown.includes(table));
}

/** A value as the driver would have sent it. */
function literal(value: unknown): string {
  if (value === null || value === undefined) {
    return 'null';
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => `"${String(item).replaceAll(/["\\]/g, '\\$&')}"`);
    return pg.escapeLiteral(`{${items.join(',')}}`);
  }
  return pg.escapeLiteral(value instanceof Date ? value.toISOString() : String(value));
}
