// The verdict on plans, for the tests: what breaks the contract without an excuse, which excuses were needed, and what has
// changed since the plans were recorded. Each with both plans in the message, the one of record and the one seen now.

import { type Asking, breaches } from './contract.ts';
import { EXCUSED, type Excuse, excuseFor, isAbout } from './excused.ts';
import type { Observed } from './explain.ts';
import { essence, type Golden, isWorthIt, labelOf } from './golden.ts';
import { type Indexes, printPlan } from './plan.ts';

export type Verdict = {
  /** A message for each plan that breaks the contract. */
  readonly broken: readonly string[];
  /** Plans that break it and are excused. */
  readonly excused: ReadonlyMap<Observed, ReadonlySet<Excuse>>;
  /** What nothing needed to be excused from. */
  readonly unneeded: readonly string[];
};

export function judge(
  observed: readonly Observed[],
  { asking, indexes }: { readonly asking: Asking; readonly indexes: Indexes },
  golden: Golden,
): Verdict {
  const broken: string[] = [];
  const excused = new Map<Observed, Set<Excuse>>();
  const needed = new Set<string>();
  for (const one of observed) {
    const found = breaches(one, asking).map((breach) => ({ breach, excuse: excuseFor(one, breach) }));
    for (const { breach, excuse } of found) {
      if (excuse !== undefined) {
        needed.add(nameOf(excuse, breach.rule));
        excused.set(one, (excused.get(one) ?? new Set()).add(excuse));
      }
    }
    const rules = found.filter(({ excuse }) => excuse === undefined).map(({ breach }) => breach);
    if (rules.length > 0) {
      broken.push(
        sideBySide(
          one,
          rules.map(({ rule, what }) => `  broken: ${rule}: ${what}`),
          golden,
          indexes,
        ),
      );
    }
  }
  const all = EXCUSED.flatMap((excuse) => excuse.rules.map((rule) => nameOf(excuse, rule)));
  return { broken, excused, unneeded: all.filter((name) => !needed.has(name)) };
}

/**
 * A message for each plan that is not the one of record; none on another version of PostgreSQL. Where the contract is broken and
 * excused, the planner has several bad ways of which it takes now this one, now that: the most rows of the excuse hold there.
 */
export function changes(
  observed: readonly Observed[],
  indexes: Indexes,
  version: number,
  golden: Golden,
): string[] {
  return version !== golden.version
    ? []
    : observed
        .filter((one) => isWorthIt(one) && !isExcused(one))
        .flatMap((one) => {
          const recorded = golden.plans.get(labelOf(one));
          const now = essence(printPlan(one.plan, indexes).join('\n')).join('\n');
          return recorded !== undefined && essence(recorded).join('\n') === now
            ? []
            : [sideBySide(one, ['  changed: indexes, sorting or context'], golden, indexes)];
        });
}

const isExcused = (one: Observed) => EXCUSED.some((excuse) => isAbout(excuse, one));

function nameOf({ operations, mode, who = [] }: Excuse, rule: string): string {
  return `${[operations.source, ...who, mode ?? []].flat().join(', ')}: ${rule}`;
}

function sideBySide(one: Observed, what: readonly string[], golden: Golden, indexes: Indexes): string {
  const recorded = golden.plans.get(labelOf(one)) ?? '(none)';
  return [
    labelOf(one),
    ...what,
    `  recorded on PostgreSQL ${golden.version}:`,
    ...recorded.split('\n').map((line) => `    ${line}`),
    '  observed:',
    ...printPlan(one.plan, indexes, true).map((line) => `    ${line}`),
    `  statement: ${one.statement.text}`,
  ].join('\n');
}
