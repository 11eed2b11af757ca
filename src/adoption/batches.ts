// Going through a table by its key, a batch of rows in each transaction, with rests in between: from where it was, until there are no more.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Adopting } from './installation.ts';
import { columnOf, type Table } from './inventory.ts';
import { literal, quoted } from './names.ts';
import { again } from './steps.ts';

export type Pace = {
  /** Rows in one transaction. */
  readonly batch: number;
  /** Milliseconds of rest after each. */
  readonly pauseMs: number;
  readonly signal?: AbortSignal | undefined;
};

/** What came of a batch. */
export type Batch = {
  readonly looked: number;
  readonly written: number;
  readonly last: Readonly<Record<string, string>> | null;
};
/** The next rows, as SQL. */
export type BatchSql = {
  /** The keys of the next rows, in order. */
  readonly sql: string;
  readonly values: readonly unknown[];
  /** That a row is one of them. */
  readonly on: (row: string) => string;
  /** What came of it: the end of a statement with `chosen`, the rows of `sql`, and one row for each that was written. */
  readonly outcome: (written: string) => string;
};

/** How a table is gone through. */
export type Course = {
  readonly of: Table;
  readonly key: readonly string[];
  readonly pace: Pace;
  readonly write: (batch: BatchSql) => Promise<Batch | undefined>;
  /** The key after which it begins. */
  readonly from?: Readonly<Record<string, string>> | undefined;
  /** Told how many rows were looked at so far. */
  readonly looked?: ((rows: number) => void) | undefined;
  /** Which rows, as a condition over `t`. */
  readonly where?: string | undefined;
  /** Keeps how far it is, in the transaction of the batch. */
  readonly remember?: ((last: Batch['last'], looked: number) => Promise<unknown>) | undefined;
};

/**
 * Goes through a table by its key, one transaction for each batch.
 *
 * @returns how many rows were looked at.
 */
export async function inBatches(
  { client, expressions, patience }: Adopting,
  {
    of,
    key,
    pace,
    write,
    from,
    looked = () => undefined,
    where = 'true',
    remember = async () => undefined,
  }: Course,
): Promise<number> {
  const { batch, pauseMs, signal } = pace;
  const columns = key.map((name) => ({ name, type: columnOf(of, name)?.type ?? 'text' }));
  const list = columns.map(({ name }) => `t.${quoted(name)}`).join(', ');
  const on = (row: string) =>
    columns.map(({ name }) => `${row}.${quoted(name)} = k.${quoted(name)}`).join(' and ');
  const last = columns.map(({ name }) => `${literal(name)}, k.${quoted(name)}::text`).join(', ');
  const descending = columns.map(({ name }) => `k.${quoted(name)} desc`).join(', ');
  const outcome = (written: string) =>
    `select (select count(*) from chosen)::int as looked, (select count(*) from ${written})::int as written,
            (select jsonb_build_object(${last}) from chosen k order by ${descending} limit 1) as last`;
  let at = from ?? null;
  let rows = 0;
  for (;;) {
    signal?.throwIfAborted();
    const after =
      at === null ? 'true' : `(${list}) > (${columns.map(({ type }, n) => `$${n + 1}::${type}`).join(', ')})`;
    const sql: BatchSql = {
      sql: `select ${list} from ${expressions.name(of.name)} t where ${after} and ${where} order by ${list} limit ${Math.round(batch)}`,
      values: at === null ? [] : key.map((name) => at?.[name]),
      on,
      outcome,
    };
    const done = await again(client, patience, `a batch of ${of.name}`, async () => {
      const one = await write(sql);
      if (one !== undefined && one.looked > 0) {
        await remember(one.last, one.looked);
      }
      return one;
    });
    if (done === undefined || done.looked === 0) {
      return rows;
    }
    rows += done.looked;
    at = done.last;
    looked(rows);
    if (pauseMs > 0) {
      await sleep(pauseMs, undefined, signal === undefined ? {} : { signal });
    }
  }
}
