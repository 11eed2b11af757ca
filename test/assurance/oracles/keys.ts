// Attempts on what compares rows with rows: unique indexes, exclusions, foreign keys. The attacker's own row, or a copy of
// the hidden one, with the columns of the key taken from the hidden row, under every verb that can collide.

import type { Attacker } from './attackers.ts';
import { type Catalog, type ForeignKey, type Key, type Table, tableOf } from './catalog.ts';
import { type Attempt, about, change, insertion, merge, pick, type Row } from './statements.ts';

/** Whether another row could stand beside this one as far as a key goes. */
const collides = (key: Key, row: Row, other: Row) =>
  key.columns.every(
    (column) => row[column] !== undefined && row[column] !== null && row[column] === other[column],
  );

/** A copy of a hidden row as the attacker would send it: what it may write, and truly its own provenance. */
export function copied(table: Table, row: Row): Row {
  const columns = table.columns.filter((column) => column.insert && !column.provenance);
  const all = columns.length === 0 ? table.columns : columns;
  return pick(
    row,
    all.filter(({ name }) => row[name] !== null).map(({ name }) => name),
  );
}

/** The rows of a table that the attacker may change, if it may change any. */
export function ownOf(table: Table, { ownerId }: Attacker): Row {
  return table.columns.some(({ name }) => name === 'owner_id') ? { owner_id: ownerId } : {};
}

/** What collides with a hidden row on one key. */
export function* onKey(catalog: Catalog, key: Key, attacker: Attacker): Generator<Attempt> {
  const table = tableOf(catalog, key.table);
  for (const { row: hidden } of attacker.sample(key.table)) {
    const bases = [...attacker.own(key.table), copied(table, hidden)];
    for (const base of bases) {
      for (const tenant of [hidden.tenant_id, attacker.tenantId]) {
        yield* collisions(table, key, { ...base, ...pick(hidden, key.columns), tenant_id: tenant });
      }
    }
    const movable = table.columns.filter(({ name, update }) => update && key.columns.includes(name));
    if (movable.length > 0 && attacker.blindTo(table.name)) {
      const to = pick(
        hidden,
        movable.map(({ name }) => name),
      );
      yield { about: key.name, how: 'update of own rows', ...change(table, to, ownOf(table, attacker)) };
    }
    const found = pick(hidden, key.columns);
    yield { about: key.name, how: 'select', ...about(table, 'select count(*) from', found) };
    yield { about: key.name, how: 'delete', ...about(table, 'delete from', found) };
  }
}

function* collisions(table: Table, key: Key, row: Row): Generator<Attempt> {
  const common = { about: key.name };
  const target = key.plain ? `(${key.columns.join(', ')})` : '';
  const settable = table.columns.find(({ update }) => update)?.name;
  yield { ...common, how: 'insert', ...insertion(table, row) };
  yield { ...common, how: 'insert returning', ...insertion(table, row, 'returning id') };
  yield { ...common, how: 'insert or nothing', ...insertion(table, row, 'on conflict do nothing') };
  if (key.plain) {
    const rest = `on conflict ${target} do nothing`;
    yield { ...common, how: 'insert or nothing, by columns', ...insertion(table, row, rest) };
  }
  if (key.plain && settable !== undefined) {
    const rest = `on conflict ${target} do update set ${settable} = excluded.${settable} returning id`;
    yield { ...common, how: 'insert or update', ...insertion(table, row, rest) };
  }
  yield { ...common, how: 'merge', ...merge(table, row, key.columns) };
}

/** What refers to a hidden parent, and what asks a parent whether it has hidden children. */
export function* onForeignKey(catalog: Catalog, foreign: ForeignKey, attacker: Attacker): Generator<Attempt> {
  const table = tableOf(catalog, foreign.table);
  const parent = tableOf(catalog, foreign.parent);
  const keys = catalog.keys.filter((key) => key.table === foreign.table);
  const children = attacker.hidden.filter((one) => one.table === foreign.table).map(({ row }) => row as Row);
  const common = { about: foreign.name };
  for (const { row: hidden } of attacker.hidden.filter((one) => one.table === foreign.parent)) {
    const reference = Object.fromEntries(
      foreign.columns.map((column, i) => [column, hidden[foreign.parentColumns[i] ?? '']]),
    );
    for (const columns of subsets(foreign.columns)) {
      for (const base of attacker.own(foreign.table)) {
        const row = { ...base, ...pick(reference, columns) };
        // what collides with a hidden child answers for the key, not for the reference
        if (!keys.some((key) => children.some((child) => collides(key, row, child)))) {
          yield { ...common, how: `insert with hidden ${columns.join(', ')}`, ...insertion(table, row) };
        }
      }
    }
    const movable = table.columns.filter(({ name, update }) => update && foreign.columns.includes(name));
    if (movable.length > 0 && attacker.blindTo(table.name)) {
      const to = pick(
        reference,
        movable.map(({ name }) => name),
      );
      yield { ...common, how: 'update of own rows', ...change(table, to, ownOf(table, attacker)) };
    }
    const found = pick(hidden, foreign.parentColumns);
    yield { ...common, how: 'delete of the hidden parent', ...about(parent, 'delete from', found) };
  }
  if (attacker.blindTo(parent.name)) {
    yield* onParents(parent, foreign, attacker);
  }
}

/** Own parents, one by one, because one that cannot go keeps the others. */
function* onParents(
  parent: Table,
  { name, parentColumns }: ForeignKey,
  attacker: Attacker,
): Generator<Attempt> {
  const own = ownOf(parent, attacker);
  const nth = (i: number) =>
    `${Object.keys(own).length === 0 ? 'where' : 'and'} id = (select id from ${parent.name} order by id offset ${i} limit 1)`;
  for (let i = 0; i < MOST_PARENTS; i += 1) {
    yield { about: name, how: 'delete of an own parent', ...about(parent, 'delete from', own, nth(i)) };
    for (const column of parent.columns.filter(({ update }) => update)) {
      if (parentColumns.includes(column.name)) {
        const text = `update ${parent.name} set ${column.name} = gen_random_uuid()::text::${column.type} where owner_id = $1`;
        yield { about: name, how: 'move of own parents', text, values: [attacker.ownerId] };
      }
    }
  }
}
const MOST_PARENTS = 4;

/** Every selection of columns but the empty one. */
function subsets([first, ...others]: readonly string[]): string[][] {
  if (first === undefined) {
    return [];
  }
  const without = subsets(others);
  return [[first], ...without, ...without.map((some) => [first, ...some])];
}
