// All attempts of one attacker, made from the catalog: constraint by constraint, table by table, function by function.
// Deterministic, so that the same battery can be tried in every state of the hidden rows.

import type { Attacker } from './attackers.ts';
import { onFunction } from './calls.ts';
import type { Catalog } from './catalog.ts';
import { onForeignKey, onKey } from './keys.ts';
import { onConditions, onRows, onSealedOff } from './rows.ts';
import type { Attempt } from './statements.ts';
import { type Breaking, checkName, onCheck, onRequired, onValues } from './values.ts';

export type Sort = 'keys' | 'values' | 'rows' | 'functions';

export type Extent = {
  /** These sorts of attempts only. */
  readonly sorts?: readonly Sort[];
  /** These tables only. */
  readonly tables?: readonly string[];
};

/** Everything within the extent. */
export function* battery(
  catalog: Catalog,
  breaking: Breaking,
  attacker: Attacker,
  { sorts, tables }: Extent = {},
): Generator<Attempt> {
  const known = new Set(attacker.all.map(({ table }) => table));
  const wanted = (name: string) => tables === undefined || tables.includes(name);
  const within = (one: { readonly table: string }) => wanted(one.table) && known.has(one.table);
  const trying = (sort: Sort) => sorts === undefined || sorts.includes(sort);
  if (trying('keys')) {
    for (const key of catalog.keys.filter(within)) {
      yield* onKey(catalog, key, attacker);
    }
    for (const foreign of catalog.foreignKeys.filter(within)) {
      yield* onForeignKey(catalog, foreign, attacker);
    }
  }
  if (trying('values')) {
    for (const check of catalog.checks.filter(within)) {
      const wrong = breaking.get(checkName(check));
      yield* wrong === undefined ? [] : onCheck(catalog, check, wrong, attacker);
    }
  }
  for (const table of catalog.tables.filter(({ name }) => wanted(name))) {
    const reached = known.has(table.name);
    if (reached && trying('values')) {
      yield* onRequired(table, attacker);
      yield* onValues(catalog, table, attacker);
    }
    if (trying('rows')) {
      yield* reached ? onRows(table, attacker) : onSealedOff(table);
      yield* reached ? onConditions(table, attacker) : [];
    }
  }
  if (trying('functions') && tables === undefined) {
    for (const callable of catalog.functions) {
      yield* onFunction(callable, attacker);
    }
  }
}
