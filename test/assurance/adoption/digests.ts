// What the adopter's own columns hold: digests of the rows that nobody was to touch, and the rows that the load has written, each of
// which must be there exactly as it was acknowledged. Columns that adoption adds are not looked at.

import type pg from 'pg';
import { MADE, made, type TableName } from './shape.ts';

export type Row = Readonly<Record<string, unknown>>;

/** What the application was told that it wrote: a row as it must stand there, or that it is gone. */
export class Ledger {
  readonly #entries = new Map<TableName, Map<string, { readonly key: Row; readonly row: Row | undefined }>>();

  wrote(table: TableName, row: Row): void {
    this.#set(table, row, row);
  }

  removed(table: TableName, row: Row): void {
    this.#set(table, row, undefined);
  }

  of(table: TableName): readonly { readonly key: Row; readonly row: Row | undefined }[] {
    return [...(this.#entries.get(table)?.values() ?? [])];
  }

  get size(): number {
    return [...this.#entries.values()].reduce((sum, entries) => sum + entries.size, 0);
  }

  #set(table: TableName, of: Row, row: Row | undefined): void {
    const key = Object.fromEntries(made(table).key.map((column) => [column, of[column]]));
    const entries = this.#entries.get(table) ?? new Map();
    this.#entries.set(table, entries);
    entries.set(JSON.stringify(Object.values(key).map(String)), { key, row });
  }
}

const list = (columns: readonly string[], of: string) =>
  columns.map((column) => `${of}.${column}`).join(', ');
const same = (columns: readonly string[], left: string, right: string) =>
  columns.map((column) => `${left}.${column} = ${right}.${column}`).join(' and ');

export type Comparison = {
  /** Rows that were not to be touched. */
  readonly untouched: number;
  /** Rows that the load wrote or removed. */
  readonly written: number;
  /** What is not as it must be, in words. */
  readonly wrong: readonly string[];
};

/** Compares the shop with what it held when it was made, and with what the load has written since. */
export async function compare(client: pg.ClientBase, ledger: Ledger): Promise<Comparison> {
  const wrong: string[] = [];
  let untouched = 0;
  for (const { table, columns, key } of MADE) {
    const entries = ledger.of(table);
    await client.query(
      `create temporary table touched as select ${list(key, 'e')} from jsonb_populate_recordset(null::shop.${table}, $1) e`,
      [JSON.stringify(entries.map((entry) => entry.key))],
    );
    await client.query(`alter table touched add primary key (${key.join(', ')}); analyze touched`);
    // the sum of the rows' digests does not depend on their order
    const digest = (schema: string) => `
      select count(*)::int as rows, coalesce(sum(('x' || substr(md5(row(${list(columns, 'r')})::text), 1, 16))::bit(64)::bigint::numeric), 0)::text as digest
        from ${schema}.${table} r where not exists (select from touched t where ${same(key, 't', 'r')})`;
    const { rows } = await client.query<{ rows: number; digest: string }>(
      `${digest('truth')} union all ${digest('shop')}`,
    );
    const [before, now] = rows;
    untouched += before?.rows ?? 0;
    if (rows.length === 1 || before?.rows !== now?.rows || before?.digest !== now?.digest) {
      const { rows: examples } = await client.query<{ row: string }>(
        `select row(r.*)::text as row from (select ${list(columns, 'r')} from shop.${table} r except all select ${list(columns, 'r')} from truth.${table} r) r
          where not exists (select from touched t where ${same(key, 't', 'r')}) limit 3`,
      );
      wrong.push(
        `${table}: ${before?.rows} untouched rows were ${before?.digest}, and are ${now?.rows} and ${now?.digest}: ${examples.map(({ row }) => row).join(' ')}`,
      );
    }
    wrong.push(...(await lost(client, table, columns, key, entries)));
    await client.query('drop table touched');
  }
  return { untouched, written: ledger.size, wrong };
}

/** Rows that were acknowledged and are not there as they were written, and rows that were removed and are there. */
async function lost(
  client: pg.ClientBase,
  table: TableName,
  columns: readonly string[],
  key: readonly string[],
  entries: readonly { readonly key: Row; readonly row: Row | undefined }[],
): Promise<string[]> {
  const { rows } = await client.query<{ wrong: string }>(
    `select format('%s was written as %s and is %s', row(${list(key, 'e')}), row(${list(columns, 'e')}), row(${list(columns, 'r')})) as wrong
       from jsonb_populate_recordset(null::shop.${table}, $1) e left join shop.${table} r on ${same(key, 'e', 'r')}
      where (${list(columns, 'e')}) is distinct from (${list(columns, 'r')})
     union all
     select format('%s was removed and is there', row(${list(key, 'e')}))
       from jsonb_populate_recordset(null::shop.${table}, $2) e join shop.${table} r on ${same(key, 'e', 'r')}`,
    [
      JSON.stringify(entries.flatMap(({ row }) => (row === undefined ? [] : [row]))),
      JSON.stringify(entries.flatMap((entry) => (entry.row === undefined ? [entry.key] : []))),
    ],
  );
  return rows.length === 0
    ? []
    : [
        `${table}: ${rows.length} written rows, such as ${rows
          .slice(0, 2)
          .map(({ wrong }) => wrong)
          .join('; ')}`,
      ];
}
