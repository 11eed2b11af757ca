// One row written and read back by one statement, where nothing in it is to be sealed.
//
// Prisma works out anew what to send for every write, values being part of what it works out. The second layer is the same: what the context says
// of a new row, and that no row moves (scope.ts). A row that may not be read back is not written: PostgreSQL refuses it.

import type { ModelName } from '../models.ts';
import { runningSession } from '../pool.ts';
import { changed, completed, narrowed, predicate } from '../scope.ts';
import { encryptedFields } from '../sealing/fields.ts';
import { ask } from './asking.ts';
import { columnOf, condition, from, type Named, NotDirect, Parameters, tableOf } from './filter.ts';
import type { Column } from './table.ts';

type Row = Record<string, unknown>;

/**
 * Writes a new row.
 *
 * @param fields What of it is wanted back.
 * @throws {NotDirect} where something in it is to be sealed, or is no column; nothing was sent then.
 */
export async function insertDirectly(model: ModelName, data: Row, fields: readonly string[]): Promise<Row> {
  refuseSealed(model, data, fields);
  const parameters = new Parameters();
  const said = written(model, completed(model, data, runningSession().context, { alone: true }));
  const columns = said.map(([{ column }]) => column);
  const values = said.map(([column, value]) => parameters.add(encoded(value, column), column));
  const { rows } = await ask({
    text: `insert into public.${tableOf(model).table} (${columns.join(', ')}) values (${values.join(', ')}) returning ${back({ model, alias: tableOf(model).table }, fields)}`,
    values: parameters.values,
  });
  return rows[0] as Row;
}

/**
 * Changes the row that meets a condition, if it is one in which nothing is sealed.
 *
 * @returns the row; undefined where there is none, or one that only Prisma's way can change.
 * @throws {NotDirect} as above.
 */
export async function updateDirectly(
  model: ModelName,
  where: Row,
  data: Row,
  fields: readonly string[],
): Promise<Row | undefined> {
  const flags = refuseSealed(model, data, fields);
  const parameters = new Parameters();
  const { context } = runningSession();
  const of: Named = { model, alias: 'r' };
  const said = written(model, changed(model, data, context));
  const sets = said.map(
    ([column, value]) => `${column.column} = ${parameters.add(encoded(value, column), column)}`,
  );
  const asked = narrowed(where, predicate(model, context, where));
  const open = Object.fromEntries(flags.map((flag) => [flag, false]));
  const { rows } = await ask({
    text: `update ${from(of)} set ${sets.join(', ')} where ${condition(of, { ...open, AND: [asked] }, parameters)} returning ${back(of, fields)}`,
    values: parameters.values,
  });
  return rows[0] as Row | undefined;
}

/** @returns the flags of the model that say that a row holds something sealed. */
function refuseSealed(model: ModelName, data: Row, fields: readonly string[]): string[] {
  const flags = new Set<string>();
  for (const { field, when } of encryptedFields(model)) {
    if (
      when === undefined ? data[field] !== undefined || fields.includes(field) : data[when.field] === true
    ) {
      throw new NotDirect(`${model}.${field} is sealed`);
    }
    if (when !== undefined) {
      flags.add(when.field);
    }
  }
  return [...flags];
}

/** What is written, by columns. */
function written(model: ModelName, data: Row): (readonly [column: Column, value: unknown])[] {
  const { columns } = tableOf(model);
  const moment = new Date();
  const dated = Object.entries(columns).flatMap(([field, { now }]) =>
    now ? [[field, moment] as const] : [],
  );
  const all = { ...Object.fromEntries(dated), ...data };
  return Object.entries(all).flatMap(([field, value]) => {
    const column = columns[field];
    if (column === undefined) {
      throw new NotDirect(`${model}.${field} is no column`);
    }
    return value === undefined ? [] : [[column, value] as const];
  });
}

function encoded(value: unknown, { type }: Column): unknown {
  return type === 'JsonB' && value !== null ? JSON.stringify(value) : value;
}

function back(of: Named, fields: readonly string[]): string {
  return fields.map((field) => `${columnOf(of, field)} as "${field}"`).join(', ');
}
