// The states in which rows out of sight can be (family.ts). Every state is a fact about rows that the attackers do not see; so the same
// words must get the same answer in all of them, and the answer while the rows do not exist is the one to compare with.
//
// A table that holds tenants' rows and has no row there fails the instrument. Nothing here knows what is allowed.

import { type Database, migrate, type Sql } from '../../kit/as.ts';
import { insert } from '../../policies/arrangement.ts';
import { type Catalog, tableOf } from './catalog.ts';
import { acme, BEGUN, bob, FAMILY, made, SHED, TOLD } from './family.ts';

/** A hidden row as the database has it, every value in its text form. */
export type Hidden = { readonly table: string; readonly row: Readonly<Record<string, string | null>> };

/** Lays out what the attackers have besides the cast and the arrangement. Stays. */
export async function arrangeShed(sql: Sql): Promise<void> {
  await insert(sql, 'entities', { tenant_id: acme, id: SHED, kind: 'world', owner_id: bob });
  await insert(sql, 'worlds', { tenant_id: acme, id: SHED, owner_id: bob, name: 'Shed', ...made });
  for (const call of BEGUN) {
    await insert(sql, 'activity_entries', { tenant_id: acme, ...call });
  }
}

/** Inserts the family. */
export async function appear(sql: Sql): Promise<void> {
  for (const [table, row] of FAMILY) {
    await insert(sql, table, { tenant_id: acme, ...row });
  }
  await insert(sql, 'bailiwick.events', { tenant_id: acme, ...TOLD });
}

/** Deletes it, children first. */
export async function vanish(sql: Sql): Promise<void> {
  await sql.rows('delete from bailiwick.events where tenant_id = $1 and id = $2', [acme, TOLD.id]);
  for (const [table, row] of FAMILY.toReversed()) {
    await sql.rows(`delete from ${table} where tenant_id = $1 and id = $2`, [row.tenant_id ?? acme, row.id]);
  }
}

/** What the family will be, without leaving it there. */
export async function readHidden(sql: Sql, catalog: Catalog): Promise<Hidden[]> {
  await sql.client.query('begin');
  await appear(sql);
  const hidden: Hidden[] = [];
  for (const [table, { tenant_id = acme, id: key }] of FAMILY) {
    const columns = tableOf(catalog, table).columns.map(({ name }) => `'${name}', t.${name}::text`);
    const row = await sql.value(
      `select json_build_object(${columns.join(', ')}) from ${table} t where tenant_id = $1 and id = $2`,
      [tenant_id, key],
    );
    hidden.push({ table, row: row as Hidden['row'] });
  }
  await sql.client.query('rollback');
  return hidden;
}

/** How the hidden rows are while somebody asks. */
export const STATES = {
  /** The one that the others are compared with. */
  absent: (_database, work) => work(),
  'absent again': (_database, work) => work(),
  present: (database, work) => whilePresent(database, work),
  'locked by another transaction': (database, work) =>
    whilePresent(database, () => meanwhile(database, lock, work)),
  'inserted by another transaction, not committed': (database, work) => meanwhile(database, appear, work),
  'deleted by another transaction, not committed': (database, work) =>
    whilePresent(database, () => meanwhile(database, vanish, work)),
} as const satisfies Readonly<
  Record<string, <Result>(database: Database, work: () => Promise<Result>) => Promise<Result>>
>;
export type State = keyof typeof STATES;

async function whilePresent<Result>(database: Database, work: () => Promise<Result>): Promise<Result> {
  await migrate(database, appear);
  try {
    return await work();
  } finally {
    await migrate(database, vanish);
  }
}

/** Runs `work` while a transaction that has done something stays open. */
function meanwhile<Result>(
  database: Database,
  something: (sql: Sql) => Promise<void>,
  work: () => Promise<Result>,
): Promise<Result> {
  return migrate(database, async (sql) => {
    await sql.client.query('begin');
    await something(sql);
    const result = await work();
    await sql.client.query('rollback');
    return result;
  });
}

async function lock(sql: Sql): Promise<void> {
  for (const [table, { tenant_id = acme, id: key }] of FAMILY) {
    await sql.rows(`select from ${table} where tenant_id = $1 and id = $2 for update`, [tenant_id, key]);
  }
}
