// Conditions as they are said to Prisma, as SQL: as much of that language as pages are asked for in. Values are parameters, names come from
// schema.prisma and nowhere else. Whatever it does not know it refuses, and then Prisma is asked.

import { TABLES } from '../../../generated/tables.ts';
import { encryptedFields } from '../sealing/fields.ts';
import type { Column, Table } from './table.ts';

/** This cannot be said here: ask Prisma. */
export class NotDirect extends Error {}

/** The values of a statement, by their numbers in it. */
export class Parameters {
  readonly values: unknown[] = [];
  /** The same, and nothing in the place of what is no id. */
  readonly #ids: unknown[] = [];

  /** @returns how a value is named in the text. An id that stands in several places is one parameter. */
  add(value: unknown, { type }: Pick<Column, 'type'>): string {
    const known = type === 'Uuid' && typeof value === 'string' ? this.#ids.indexOf(value) : -1;
    if (known < 0) {
      this.#ids[this.values.length] = type === 'Uuid' ? value : undefined;
    }
    return `$${known < 0 ? this.values.push(value) : known + 1}`;
  }
}

/** A table as it is called in a statement. */
export type Named = { readonly model: string; readonly alias: string };

type Filter = Readonly<Record<string, unknown>>;

const COMPARISONS: Readonly<Record<string, string>> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };

export function tableOf(model: string): Table {
  const table = TABLES[model];
  if (table === undefined) {
    throw new TypeError(`unknown model ${model}`);
  }
  return table;
}

export function columnOf({ model, alias }: Named, field: string): string {
  const column = tableOf(model).columns[field];
  if (column === undefined) {
    throw new NotDirect(`${model}.${field} is no column`);
  }
  return `${alias}.${column.column}`;
}

/**
 * @returns SQL that is true for the rows that meet a filter of Prisma's.
 * @throws {NotDirect} where it says something that this does not know.
 */
export function condition(of: Named, filter: unknown, parameters: Parameters): string {
  const { columns, relations } = tableOf(of.model);
  const all = Object.entries((filter ?? {}) as Filter).flatMap(([name, asked]) => {
    if (asked === undefined) {
      return [];
    }
    if (name === 'AND') {
      return [asked].flat().map((one) => condition(of, one, parameters));
    }
    if (name === 'OR') {
      return [either(of, asked as readonly unknown[], parameters)];
    }
    const column = columns[name];
    if (column !== undefined) {
      return comparisons(of, name, column, asked, parameters);
    }
    if (relations[name] !== undefined) {
      return [related(of, name, asked as Filter, parameters)];
    }
    throw new NotDirect(`${of.model}: ${name}`);
  });
  const said = all.filter((one) => one !== TRUE);
  return said.length === 0 ? TRUE : said.join(' and ');
}

const TRUE = 'true';

function either(of: Named, choices: readonly unknown[], parameters: Parameters): string {
  const said = choices.map((one) => `(${condition(of, one, parameters)})`);
  return said.length === 0 ? 'false' : `(${said.join(' or ')})`;
}

function comparisons(
  of: Named,
  field: string,
  declared: Column,
  asked: unknown,
  parameters: Parameters,
): string[] {
  if (encryptedFields(of.model).some((one) => one.field === field)) {
    throw new NotDirect(`${of.model}.${field} is encrypted`);
  }
  const column = columnOf(of, field);
  if (asked === null) {
    return [`${column} is null`];
  }
  if (typeof asked !== 'object' || asked instanceof Date) {
    return [`${column} = ${parameters.add(asked, declared)}`];
  }
  return Object.entries(asked).map(([word, value]) => {
    const comparison = COMPARISONS[word];
    if (comparison !== undefined && value !== null) {
      return `${column} ${comparison} ${parameters.add(value, declared)}`;
    }
    if (word === 'in' && Array.isArray(value)) {
      return `${column} = any(${parameters.add(value, declared)})`;
    }
    if (word === 'not' && (value === null || typeof value === 'string')) {
      return value === null ? `${column} is not null` : `${column} <> ${parameters.add(value, declared)}`;
    }
    if (word === 'hasEvery' && declared.list) {
      return `${column} @> ${parameters.add(value, declared)}`;
    }
    throw new NotDirect(`${of.model}.${field}: ${word}`);
  });
}

/** Whether there is a row on the other side that meets a condition. */
function related(of: Named, name: string, asked: Filter, parameters: Parameters): string {
  const { model, list } = joined(of, name);
  const words = Object.keys(asked);
  if (list && (words.length !== 1 || words[0] !== 'some')) {
    throw new NotDirect(`${of.model}.${name}: ${words}`);
  }
  const there = { model, alias: `${of.alias}_${name.toLowerCase()}` };
  const inner = condition(there, list ? asked.some : asked, parameters);
  return `exists (select from ${from(there)} where ${join(of, name, there)} and ${inner})`;
}

function joined({ model }: Named, name: string) {
  const relation = tableOf(model).relations[name];
  if (relation === undefined) {
    throw new NotDirect(`${model}.${name} is no relation`);
  }
  return relation;
}

/** The model on the other side of a relation. */
export function otherSide(of: Pick<Named, 'model'>, name: string): string {
  return joined({ ...of, alias: '' }, name).model;
}

export function from({ model, alias }: Named): string {
  return `public.${tableOf(model).table} ${alias}`;
}

/** By what two tables are joined. */
export function join(of: Named, name: string, there: Named): string {
  return joined(of, name)
    .on.map(([here, other]) => `${there.alias}.${other} = ${of.alias}.${here}`)
    .join(' and ');
}
