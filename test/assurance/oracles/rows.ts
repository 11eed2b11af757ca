// Attempts on the hidden rows themselves: reading, locking in every strength and patience, changing, deleting; and
// conditions that raise an error on the one row that is meant, should they ever be asked before the policy.

import type { Attacker } from './attackers.ts';
import type { Table } from './catalog.ts';
import { ownOf } from './keys.ts';
import { type Attempt, about, change, filter, pick } from './statements.ts';

const STRENGTHS = ['update', 'no key update', 'share', 'key share'];
const PATIENCE = ['', 'nowait', 'skip locked'];

/** Conditions that are true of no row and an error on the one that is `meant`. */
const RAISING: Readonly<Record<string, (meant: string) => string>> = {
  division: (meant) => `1 / (case when ${meant} then 0 else 1 end) = 2`,
  'cast to a number': (meant) => `(case when ${meant} then 'one' else '1' end)::int = 2`,
  'regular expression': (meant) => `'a' ~ (case when ${meant} then '(' else 'b' end)`,
  json: (meant) => `(case when ${meant} then '{' else '{}' end)::jsonb ? 'a'`,
  'text search': (meant) => `to_tsquery(case when ${meant} then 'a &' else 'b' end) @@ to_tsvector('a')`,
  'square root': (meant) => `sqrt(case when ${meant} then -1 else 1 end) = 2`,
};

/** Seeing, locking, changing and deleting hidden rows. */
export function* onRows(table: Table, attacker: Attacker): Generator<Attempt> {
  const name = table.name;
  const settable = table.columns.filter(({ update }) => update).map((column) => column.name);
  for (const { row: hidden } of attacker.sample(name)) {
    const key = pick(hidden, ['tenant_id', 'id']);
    for (const strength of STRENGTHS) {
      for (const patience of PATIENCE) {
        const how = `for ${strength} ${patience}`;
        yield { about: `locks on ${name}`, how, ...about(table, 'select id from', key, how) };
      }
    }
    yield { about: `rows of ${name}`, how: 'select', ...about(table, 'select count(*) from', key) };
    yield { about: `rows of ${name}`, how: 'delete', ...about(table, 'delete from', key) };
    for (const column of settable) {
      yield {
        about: `rows of ${name}`,
        how: `update ${column}`,
        ...change(table, pick(hidden, [column]), key),
      };
    }
  }
  if (attacker.blindTo(name)) {
    yield* onAll(table, attacker, settable);
  }
}

/** Statements about all rows, which must mean all that are seen. */
function* onAll(table: Table, attacker: Attacker, settable: readonly string[]): Generator<Attempt> {
  const name = table.name;
  yield { about: `rows of ${name}`, how: 'count', ...about(table, 'select count(*) from', {}) };
  yield { about: `rows of ${name}`, how: 'delete all', ...about(table, 'delete from', {}) };
  yield {
    about: `rows of ${name}`,
    how: 'delete own',
    ...about(table, 'delete from', ownOf(table, attacker)),
  };
  for (const strength of STRENGTHS) {
    for (const patience of PATIENCE) {
      const how = `all for ${strength} ${patience}`;
      const rest = `order by id for ${strength} ${patience}`;
      yield { about: `locks on ${name}`, how, ...about(table, 'select id from', {}, rest) };
    }
  }
  for (const column of settable) {
    const text = `update ${name} set ${column} = ${column}`;
    yield { about: `rows of ${name}`, how: `update all ${column}`, text, values: [] };
  }
}

/** Conditions on each column that raise on the hidden value. */
export function* onConditions(table: Table, attacker: Attacker): Generator<Attempt> {
  const kinds = Object.entries(RAISING).slice(0, attacker.thorough ? undefined : 1);
  for (const { row: hidden } of attacker.sample(table.name)) {
    for (const column of table.columns.filter(({ select, name }) => select && name !== 'tenant_id')) {
      const value = hidden[column.name];
      // a value that rows in sight have too would raise on them
      if (typeof value === 'string' && attacker.blindTo(table.name)) {
        for (const [how, condition] of kinds) {
          const words = filter(table, condition(`${column.name}::text = $1`), value);
          yield { about: `conditions on ${table.name}`, how: `${how} on ${column.name}`, ...words };
        }
      }
    }
  }
}

/** What the runtime role has no right to at all is tried with every verb. */
export function* onSealedOff({ name, columns }: Table): Generator<Attempt> {
  const column = columns[0]?.name;
  for (const [how, text] of Object.entries({
    select: `select count(*) from ${name}`,
    insert: `insert into ${name} default values`,
    'insert or nothing': `insert into ${name} default values on conflict do nothing`,
    update: `update ${name} set ${column} = null`,
    delete: `delete from ${name}`,
    lock: `select from ${name} for key share nowait`,
  })) {
    yield { about: name, how, text, values: [] };
  }
}
