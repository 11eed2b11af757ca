// What adoption leaves on the tables of the shop, phase by phase: which lines of the catalog are a table's because it was adopted. Read off
// from a run that nobody disturbed, and held against what is there after a command was killed.
//
// Numbers that an installation gives to its tables, and the names of one run's roles, are written as words, so that two runs compare.

import { differences } from './catalog.ts';
import { KEPT, type KeptName } from './planted.ts';

export const PHASES = ['none', 'owned', 'shadow', 'strict'] as const;
export type Phase = (typeof PHASES)[number];

/** A catalog in words that hold for every run. */
export function inWords(
  catalog: readonly string[],
  numbers: ReadonlyMap<number, string>,
  suffix: string,
): readonly string[] {
  const named = (number: string) => `<${numbers.get(Number(number)) ?? number}>`;
  return catalog
    .map((line) =>
      line
        .replaceAll(suffix, 'RUN')
        .replaceAll(
          /\b(bailiwick_(?:owner|follow)_|(?:place|set|follow)_)(\d+)/g,
          (_, word, number) => word + named(number),
        )
        .replaceAll(
          /'(bailiwick_adoption\.n_)?(\d+)(_(?:read|create|update|delete)_)/g,
          (_, word = '', number, rest) => `'${word}${named(number)}${rest}`,
        )
        .replaceAll(/\bwatch\((\d+)/g, (_, number) => `watch(${named(number)}`),
    )
    .sort();
}

/**
 * The lines that are each table's own since a catalog in which nothing was adopted, with `+` and `-`. What the installation as a whole
 * needs, the triggers that keep people known and what its role may read, belongs to no table.
 */
export function marksOf(
  before: readonly string[],
  now: readonly string[],
): ReadonlyMap<KeptName, readonly string[]> {
  const without = (catalog: readonly string[]) =>
    catalog
      .filter((line) => !line.includes('TRIGGER zzz_bailiwick_'))
      .map((line) =>
        /^shop\.\w+: kind/.test(line)
          ? line.replaceAll(/bailiwick_adopter \w+(, )?|, (?=$)/g, '').replace(/, $/, '')
          : line,
      );
  const marks = new Map<KeptName, string[]>(KEPT.map((table) => [table, []]));
  for (const line of differences(without(before), without(now))) {
    const owner = /bailiwick_follow_<(\w+)>/.exec(line)?.[1] ?? /^[-+] shop\.(\w+): /.exec(line)?.[1];
    // parts of the partitioned table are that table
    const table = KEPT.find((one) => one === owner) ?? (owner?.startsWith('events_') ? 'events' : undefined);
    if (table !== undefined) {
      marks.get(table)?.push(line);
    }
  }
  return marks;
}

export type Marks = Readonly<Record<Phase, ReadonlyMap<KeptName, readonly string[]>>>;

/**
 * Whether a table is what its phase says: exactly, or, on the way from or to nothing, no more than some of what makes it owned.
 *
 * @returns what is not so, in words.
 */
export function halfDone(
  table: KeptName,
  phase: Phase,
  underWay: boolean,
  found: readonly string[],
  complete: Marks,
): string[] {
  if (phase !== 'none' || !underWay) {
    return differences(complete[phase].get(table) ?? [], found).map(
      (line) => `${table} is ${phase}: ${line}`,
    );
  }
  // a constraint that is not validated yet, and an index that is not complete
  const passing = (line: string) =>
    line
      .replace(/ NOT VALID validated f$/, ' validated t')
      .replace(/valid [tf] ready [tf]/, 'valid t ready t');
  const allowed = new Set((complete.owned.get(table) ?? []).map(passing));
  return found.filter((line) => !allowed.has(passing(line))).map((line) => `${table} is on its way: ${line}`);
}
