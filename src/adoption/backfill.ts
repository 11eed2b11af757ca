// Gives every row an owner, while the application goes on: columns, trigger, rows in batches, index, constraint, table by table.
//
// Each step is a short transaction, or one for which nobody waits. From the first on, whatever old or new code writes is placed by the
// trigger, so the batches only have to reach what was there before. Rows that somebody holds are left for a second pass: this never
// waits for a row while it holds another, so it cannot be in a deadlock with the application.

import { type Batch, type BatchSql, inBatches, type Pace } from './batches.ts';
import { type Adopting, isQuiet, isTouched, readTables, type TableState } from './installation.ts';
import { ADDED, check, ownerIndex, placeFunction, quoted, ROLES, SCHEMAS } from './names.ts';
import { addCheck, addColumns, followersOf, functionsOf, grantsOf, touching, triggerOf } from './placing.ts';
import { constantTenant, keepersOf, keepFunction, settleOwned } from './principals.ts';
import { runStep } from './steps.ts';

export const PACE: Pace = { batch: 1000, pauseMs: 10 };

/** How far filling is: of a table, or of principals. */
export type Filling = (what: string, done: number, total: number) => void;

export type Backfilled = {
  readonly table: string;
  /** Rows that nobody owns: what is left to be done before the phase is complete. */
  readonly unplaced: number;
  readonly quarantined: Readonly<Record<string, number>>;
  /** Whether all is done. */
  readonly owned: boolean;
};

const STATE = SCHEMAS.state;
const ORDER = ['columns', 'filled', 'indexed', 'checked'] as const;

/**
 * Brings tables from `none` to `owned`, from wherever they are.
 *
 * @param names Left out: all that are declared.
 * @returns one entry for each table that was looked at; it stops at none, but one with rows that nobody owns is not complete.
 */
export async function backfill(
  adopting: Adopting,
  names: readonly string[] | undefined,
  pace: Pace,
  filling: Filling = () => undefined,
): Promise<Backfilled[]> {
  await keepPrincipals(adopting, pace, filling);
  const done: Backfilled[] = [];
  for (const state of await readTables(adopting.client)) {
    if (state.phase === 'none' && (names === undefined || names.includes(state.name))) {
      pace.signal?.throwIfAborted();
      done.push(await backfillTable(adopting, state, pace, filling));
    }
  }
  return done;
}

/** People first: whose rows could be anybody's before there is anybody? */
async function keepPrincipals(adopting: Adopting, pace: Pace, filling: Filling): Promise<void> {
  const { client, adoption, expressions } = adopting;
  const known = await client.query<{ step: string }>(
    `select step from ${STATE}.journal where phase = 'principals'`,
  );
  const steps = new Set(known.rows.map(({ step }) => step));
  const { tenants } = adoption;
  if ('constant' in tenants) {
    await client.query(constantTenant(tenants.constant));
  }
  for (const { kind, table, key, sql, grants } of keepersOf(expressions, adoption)) {
    const kept = `${kind}s of ${table} are kept`;
    if (!steps.has(kept)) {
      await runStep(adopting, { table, phase: 'principals', step: kept }, async () => {
        await client.query(`${sql};${grants.join(';')}`);
        await client.query(`grant usage on schema ${quoted(adopting.inventory.schema)} to ${ROLES.adopter}`);
      });
    }
    const all = `${kind}s of ${table} are known`;
    if (!steps.has(all)) {
      const of = expressions.table(table);
      const rows = await inBatches(adopting, {
        of,
        key: [key],
        pace,
        async write(batch) {
          const { rows } = await client.query<Batch>(
            `with chosen as materialized (${batch.sql}),
                told as materialized (select ${keepFunction(kind)}(t) from ${expressions.name(table)} t join chosen k on ${batch.on('t')})
           ${batch.outcome('told')}`,
            [...batch.values],
          );
          return rows[0];
        },
        looked: (looked) => filling(`${kind}s of ${table}`, looked, of.estimatedRows),
      });
      await runStep(adopting, { table, phase: 'principals', step: all }, async () => ({ rows }));
    }
  }
}

async function backfillTable(
  adopting: Adopting,
  state: TableState,
  pace: Pace,
  filling: Filling,
): Promise<Backfilled> {
  const { client, expressions } = adopting;
  const { name } = state;
  const quiet = await isQuiet(client);
  const table = expressions.name(name);
  const reached = state.step === null ? -1 : ORDER.indexOf(state.step as (typeof ORDER)[number]);
  const step = (what: string, remember: string, work: () => Promise<unknown>, nobodyWaits = false) =>
    runStep(
      adopting,
      { table: name, phase: 'backfill', step: what, ...(nobodyWaits ? { nobodyWaits } : {}) },
      async () => {
        await work();
        await client.query(`update ${STATE}.tables set ${remember} where name = $1`, [name]);
      },
    );
  if (reached < ORDER.indexOf('columns')) {
    await step('columns and trigger', "step = 'begun'", async () => {
      const withOwners = (await readTables(client)).filter((one) => one.name === name || isTouched(one));
      await client.query(addColumns(expressions, state));
      await client.query(functionsOf(expressions, adopting.adoption, state));
      await client.query(triggerOf(expressions, state));
      await client.query(grantsOf(expressions, state).join(';'));
      await client.query(settleOwned(expressions, withOwners, quiet));
    });
    for (const { hop, name: called, sql } of followersOf(expressions, state, quiet)) {
      await step(`trigger ${called} on ${hop}`, 'step = step', () => client.query(sql));
    }
    await step('everything that is written has an owner', "step = 'columns'", async () => undefined);
  }
  if (reached < ORDER.indexOf('filled')) {
    await fill(adopting, state, quiet, pace, filling);
    await step('rows have owners', "step = 'filled', at = null", async () => undefined);
  }
  const report = await countOf(adopting, state);
  if (report.unplaced > 0) {
    await client.query(
      `update ${STATE}.tables set step = 'columns', at = null, looked_at = 0 where name = $1`,
      [name],
    );
    return { ...report, owned: false };
  }
  if (reached < ORDER.indexOf('indexed')) {
    await indexConcurrently(adopting, state);
    await step('index', "step = 'indexed'", async () => undefined);
  }
  if (reached < ORDER.indexOf('checked')) {
    await step('constraint, not validated', "step = 'checked'", () =>
      client.query(addCheck(expressions, state)),
    );
  }
  await step(
    'constraint validated',
    "step = null, phase = 'owned', since = clock_timestamp()",
    () => client.query(`alter table ${table} validate constraint ${check}`),
    true,
  );
  return { ...report, owned: true };
}

async function fill(
  adopting: Adopting,
  state: TableState,
  quiet: boolean,
  pace: Pace,
  filling: Filling,
): Promise<void> {
  const { client, expressions } = adopting;
  const { name, key, number } = state;
  const of = expressions.table(name);
  const table = expressions.name(name);
  const write = (locked: 'skip locked' | '') => async (batch: BatchSql) => {
    await client.query(
      `${quiet ? 'set local session_replication_role = replica; ' : ''}select ${touching(number, "'1'")}`,
    );
    const { rows } = await client.query<Batch>(
      `with chosen as materialized (${batch.sql} for no key update ${locked}),
            written as (update ${table} t set ${ADDED.owner} = t.${ADDED.owner} from chosen k where ${batch.on('t')} returning 1)
       ${batch.outcome('written')}`,
      [...batch.values],
    );
    return rows[0];
  };
  const remember = (last: Batch['last'], looked: number) =>
    client.query(`update ${STATE}.tables set at = $2, looked_at = looked_at + $3 where name = $1`, [
      name,
      last,
      looked,
    ]);
  const where = `t.${ADDED.owner} is null`;
  let total = Math.max(of.estimatedRows, 0);
  if (of.estimatedRows < 0) {
    const { rows } = await client.query<{ count: number }>(`select count(*)::float8 as count from ${table}`);
    total = rows[0]?.count ?? 0;
  }
  await inBatches(adopting, {
    of,
    key,
    pace,
    write: write('skip locked'),
    from: state.at ?? undefined,
    looked: (looked) => filling(name, state.lookedAt + looked, total),
    where,
    remember,
  });
  // whoever held a row then may hold it still: now it is waited for, one at a time, as long as a lock is
  await client.query(`update ${STATE}.tables set at = null where name = $1`, [name]);
  await inBatches(adopting, {
    of,
    key,
    pace: { ...pace, batch: 1, pauseMs: 0 },
    write: write(''),
    where: `${where} and (select p.owner from ${placeFunction(number)}(t) p) is not null`,
  });
}

/** An index by tenant and owner, for the sake of which nobody waits; one that an interruption left half made is made anew. */
async function indexConcurrently({ client, expressions, inventory }: Adopting, { name, number }: TableState) {
  const index = ownerIndex(number);
  const table = expressions.name(name);
  const { rows } = await client.query<{ valid: boolean }>(
    `select x.indisvalid as valid from pg_index x join pg_class c on c.oid = x.indexrelid join pg_namespace n on n.oid = c.relnamespace
      where c.relname = $1 and n.nspname = $2`,
    [index, inventory.schema],
  );
  if (rows[0]?.valid) {
    return;
  }
  const schema = quoted(inventory.schema);
  if (rows[0] !== undefined) {
    await client.query(`drop index concurrently ${schema}.${index}`);
  }
  const columns = `(${ADDED.owner}, ${ADDED.tenant})`;
  if (!expressions.table(name).partitioned) {
    await client.query(`create index concurrently ${index} on ${table} ${columns}`);
    return;
  }
  // of a partitioned table not at once: for each part, and then for the whole, which is complete when all parts are
  const parts = await client.query<{ part: string; name: string }>(
    `select p.relid::regclass::text as part, '${index}_' || row_number() over (order by p.relid) as name
       from pg_partition_tree($1::regclass) p where p.isleaf`,
    [table],
  );
  for (const { part, name: partIndex } of parts.rows) {
    await client.query(`drop index concurrently if exists ${schema}.${quoted(partIndex)}`);
    await client.query(`create index concurrently ${quoted(partIndex)} on ${part} ${columns}`);
  }
  await client.query(`create index ${index} on ${table} ${columns}`);
}

/** What is left without an owner, and what went into quarantine. */
async function countOf(
  { client, expressions }: Adopting,
  { name }: TableState,
): Promise<Omit<Backfilled, 'owned'>> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::float8 as count from ${expressions.name(name)} where ${ADDED.owner} is null`,
  );
  const quarantined = await client.query<{ reason: string; count: number }>(
    `select reason, count(*)::float8 as count from ${STATE}.quarantined where "table" = $1 group by 1 order by 1`,
    [name],
  );
  return {
    table: name,
    unplaced: rows[0]?.count ?? 0,
    quarantined: Object.fromEntries(quarantined.rows.map(({ reason, count }) => [reason, count])),
  };
}
