// What an instrument of assurance has to say besides passed or failed: its figures, for the screen that `npm run assure`
// prints at the end and for the log of a run. Written to a file for each report; nothing is judged here.

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const REPORTS = fileURLToPath(new URL('../../test-results/assurance/', import.meta.url));

/** As bin/assure.js knows them, where their order on the screen stands too. */
export type Instrument =
  | 'model'
  | 'mutation'
  | 'lints'
  | 'plans'
  | 'diff'
  | 'oracles'
  | 'attacks'
  | 'concurrency';

export type Report = {
  readonly instrument: Instrument;
  /** What was done, in a few words: 'races of a revocation against reads'. */
  readonly what: string;
  /** Name -> value, as in { worlds: 300, differences: 0 }; the first few words a reader looks for. */
  readonly figures: Readonly<Record<string, number | string>>;
  /** Lines for whoever wants to know it all: the list of mutants, of cases. */
  readonly details?: readonly string[];
};

/** Keeps a report; a later one of the same instrument and matter replaces it. */
export function report(one: Report): void {
  mkdirSync(REPORTS, { recursive: true });
  const name = `${one.instrument}-${one.what.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}`;
  writeFileSync(`${REPORTS}${name}.json`, `${JSON.stringify(one, null, 2)}\n`);
}
