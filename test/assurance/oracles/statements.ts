// The words of an attempt: SQL made of a table and a row, with every value a parameter and every parameter cast to the
// type of its column. Names come from the catalog or from the data of this folder.

import { Said } from '../../policies/arrangement.ts';
import type { Table } from './catalog.ts';

export type Row = Readonly<Record<string, unknown>>;

/** One statement that an attacker sends, and what it is to find out about. */
export type Attempt = {
  /** The constraint, function, column or table in question. */
  readonly about: string;
  /** In a few words: which verb, how. */
  readonly how: string;
  readonly text: string;
  readonly values: readonly unknown[];
  /** Where the answer may rightly speak of hidden rows that this attacker sees: the ids that it must not name. */
  readonly unseen?: readonly string[];
};

type Words = Pick<Attempt, 'text' | 'values'>;

/** Collects parameters while a text is written. */
function parameters(table: Table) {
  const values: unknown[] = [];
  return {
    values,
    of(column: string, value: unknown): string {
      if (value instanceof Said) {
        return value.sql;
      }
      values.push(value);
      const type = table.columns.find(({ name }) => name === column)?.type ?? 'text';
      return `$${values.length}::${type}`;
    },
  };
}

/** INSERT of a row, with something after it. */
export function insertion(table: Table, row: Row, rest = ''): Words {
  const { values, of } = parameters(table);
  const cells = Object.entries(row).map(([column, value]) => of(column, value));
  return {
    text: `insert into ${table.name} (${Object.keys(row).join(', ')}) values (${cells.join(', ')}) ${rest}`,
    values,
  };
}

/** MERGE of a row: found by `columns`, else inserted. */
export function merge(table: Table, row: Row, columns: readonly string[]): Words {
  const { values, of } = parameters(table);
  const cells = Object.entries(row).map(([column, value]) => `${of(column, value)} as ${column}`);
  const names = Object.keys(row);
  return {
    text: `merge into ${table.name} t using (select ${cells.join(', ')}) s
             on ${columns.map((column) => `t.${column} = s.${column}`).join(' and ')}
           when matched then do nothing
           when not matched then insert (${names.join(', ')}) values (${names.map((name) => `s.${name}`).join(', ')})`,
    values,
  };
}

/** A statement about the rows that agree with `where`: `select id from`, `delete from` and so on; `rest` comes last. */
export function about(table: Table, verb: string, where: Row, rest = ''): Words {
  const { values, of } = parameters(table);
  const conditions = Object.entries(where).map(([column, value]) => `${column} = ${of(column, value)}`);
  return {
    text: `${verb} ${table.name} ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`} ${rest}`,
    values,
  };
}

/** UPDATE of the rows that agree with `where`. */
export function change(table: Table, to: Row, where: Row): Words {
  const { values, of } = parameters(table);
  const assignments = Object.entries(to).map(([column, value]) => `${column} = ${of(column, value)}`);
  const conditions = Object.entries(where).map(([column, value]) => `${column} = ${of(column, value)}`);
  return {
    text: `update ${table.name} set ${assignments.join(', ')}
            ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`}`,
    values,
  };
}

/** SELECT by any condition with one parameter. */
export function filter(table: Table, condition: string, value: string): Words {
  return { text: `select count(*) from ${table.name} where ${condition}`, values: [value] };
}

/** The columns of a row that are named. */
export function pick(row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(columns.filter((column) => column in row).map((column) => [column, row[column]]));
}
