// Attempts on what looks at one row only: checks, not-nulls, and whatever else may listen to a value (triggers, defaults,
// rules). None of these needs to know another row; the attempts show that none does, and that what an error says of the
// row is not more than the attacker said itself.

import type { Sql } from '../../kit/as.ts';
import type { Attacker } from './attackers.ts';
import { type Catalog, type Check, type Column, type Table, tableOf } from './catalog.ts';
import type { Hidden } from './hidden.ts';
import { copied, ownOf } from './keys.ts';
import { type Attempt, change, insertion, pick, type Row } from './statements.ts';

/** What might be wrong in a column, as text, by the beginning of its type's name. */
const WRONG: Readonly<Record<string, readonly string[]>> = {
  uuid: ['00000000-0000-7000-8000-000000000000'],
  text: ['', 'NOT WELL-FORMED!', 'owner', 'x'.repeat(100_001)],
  integer: ['-1', '0', '3', '1000000'],
  'double precision': ['-1', '0', '3'],
  jsonb: ['1', '[]', '{}', `"bwe1.${'x'.repeat(200_000)}"`],
  'text[]': ['{}', '{{a},{b}}', `{${Array.from({ length: 101 }, (_, i) => i).join()}}`],
  'uuid[]': ['{}'],
  timestamp: ['infinity', '-infinity', '2001-01-01T00:00:00Z', '2999-01-01T00:00:00Z'],
  boolean: ['true', 'false'],
};

/** Names of checks are unique within a table only. */
export const checkName = ({ table, name }: Check) => `${table}.${name}`;

/** What to put into a row that is right: a value, or what stands in another of its columns. */
type Wrong = (row: Row) => Row;

/** For each check, by name: what breaks it, or nothing where nothing was found. */
export type Breaking = ReadonlyMap<string, Wrong | undefined>;

/** Finds out, on the hidden rows, what breaks each check of their tables. */
export async function breakingChecks(
  sql: Sql,
  catalog: Catalog,
  hidden: readonly Hidden[],
): Promise<Breaking> {
  const breaking = new Map<string, Wrong | undefined>();
  for (const check of catalog.checks) {
    const rows = hidden.filter(({ table }) => table === check.table);
    if (rows.length > 0) {
      breaking.set(checkName(check), await findBreaking(sql, tableOf(catalog, check.table), check, rows));
    }
  }
  return breaking;
}

async function findBreaking(
  sql: Sql,
  table: Table,
  { columns, expression }: Check,
  rows: readonly Hidden[],
): Promise<Wrong | undefined> {
  const types = table.columns.map(({ name, type }, i) => `$${i + 1}::${type} as ${name}`).join(', ');
  for (const { row } of rows) {
    for (const wrong of table.columns
      .filter(({ name }) => columns.includes(name))
      .flatMap(wrongsFor(table))) {
      const broken: Row = { ...row, ...wrong(row) };
      const values = table.columns.map(({ name }) => broken[name]);
      if ((await sql.value(`select (${expression}) is false from (select ${types}) r`, values)) === true) {
        return wrong;
      }
    }
  }
  return undefined;
}

/** Some checks are about one column, some about two that must differ. */
function wrongsFor({ columns }: Table): (column: Column) => Wrong[] {
  return (column) => [
    ...wrongFor(column).map(
      (value): Wrong =>
        () => ({ [column.name]: value }),
    ),
    ...columns
      .filter(({ name, type }) => type === column.type && name !== column.name)
      .map(
        ({ name }): Wrong =>
          (row) => ({ [column.name]: row[name] ?? null }),
      ),
  ];
}

function wrongFor({ type }: Column): readonly (string | null)[] {
  const kinds = Object.keys(WRONG).filter((kind) => type.startsWith(kind));
  const [longest] = kinds.sort((a, b) => b.length - a.length);
  return [...(longest === undefined ? [] : (WRONG[longest] ?? [])), null];
}

/** What breaks a check, in own rows and in hidden ones. */
export function onCheck(
  catalog: Catalog,
  check: Check,
  wrong: Wrong,
  attacker: Attacker,
): Generator<Attempt> {
  return tried(tableOf(catalog, check.table), checkName(check), wrong, attacker);
}

/** A column left empty that must not be. */
export function* onRequired(table: Table, attacker: Attacker): Generator<Attempt> {
  for (const { name } of table.columns.filter(({ required }) => required)) {
    yield* tried(table, requiredName(table, name), () => ({ [name]: null }), attacker);
  }
}
export const requiredName = (table: Table, column: string) => `${table.name}.${column} not null`;

function* tried(table: Table, name: string, wrong: Wrong, attacker: Attacker): Generator<Attempt> {
  for (const row of attacker.own(table.name)) {
    yield { about: name, how: 'insert', ...insertion(table, { ...row, ...wrong(row) }) };
  }
  const settable = table.columns.filter(({ update }) => update).map((column) => column.name);
  const to = pick(wrong({}), settable);
  if (Object.keys(to).length > 0 && attacker.blindTo(table.name)) {
    yield { about: name, how: 'update of own rows', ...change(table, to, ownOf(table, attacker)) };
  }
  for (const { row: hidden } of attacker.sample(table.name)) {
    const key = pick(hidden, ['tenant_id', 'id']);
    const copy = copied(table, hidden);
    yield { about: name, how: 'insert of a copy', ...insertion(table, { ...copy, ...wrong(copy) }) };
    yield { about: name, how: 'update of a hidden row', ...change(table, wrong(hidden), key) };
  }
}

/** Each value of a hidden row in an own row, one at a time; columns of keys have attempts of their own. */
export function* onValues(catalog: Catalog, table: Table, attacker: Attacker): Generator<Attempt> {
  const keyed = new Set(
    [...catalog.keys, ...catalog.foreignKeys]
      .filter((key) => key.table === table.name)
      .flatMap(({ columns }) => columns),
  );
  for (const { row: hidden } of attacker.sample(table.name)) {
    for (const { name, insert, update } of table.columns.filter((column) => !keyed.has(column.name))) {
      const common = { about: `${table.name}.${name}` };
      const value = { [name]: hidden[name] };
      if (insert) {
        for (const row of attacker.own(table.name)) {
          yield { ...common, how: 'insert', ...insertion(table, { ...row, ...value }) };
        }
      }
      if (update && attacker.blindTo(table.name)) {
        yield { ...common, how: 'update of own rows', ...change(table, value, ownOf(table, attacker)) };
      }
    }
  }
}
