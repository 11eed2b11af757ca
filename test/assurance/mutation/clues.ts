// Who noticed each mutant the last time, so that they are asked first: witnesses.json, written by
// WITNESSES=write npm run assure -- mutation.long
//
// A clue saves a search and decides nothing. Who is not known, or no longer notices, is searched for among all as before, so a
// list that has fallen behind the policies costs time, and no mutant gets away by it.

import { readFileSync, writeFileSync } from 'node:fs';

/** Who may notice: the probe that prints ACCESS.txt, the model in random worlds, the attacks in raw SQL, and what is explained. */
export const WITNESSES = ['access', 'model', 'attacks', 'explained'] as const;
export type Witness = (typeof WITNESSES)[number];

export type Clue = {
  readonly by: Witness;
  /** The name of an attack, the number of a world, the voice of the probe, the case that is explained. */
  readonly with: string;
};

const FILE = new URL('witnesses.json', import.meta.url);
const BETWEEN = ': ';

/** The clue to each mutant of which there is one. */
export function readClues(): ReadonlyMap<string, Clue> {
  const known = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, string>;
  return new Map(
    Object.entries(known).map(([mutant, text]) => {
      const by = WITNESSES.find((one) => text.startsWith(one));
      if (by === undefined) {
        throw new TypeError(`${mutant}: no such witness: ${text}`);
      }
      return [mutant, { by, with: text.slice(by.length + BETWEEN.length) }];
    }),
  );
}

/** Keeps the clues in the order given. */
export function writeClues(clues: Iterable<readonly [mutant: string, clue: Clue]>): void {
  const known = [...clues].map(([mutant, clue]) => [
    mutant,
    clue.with === '' ? clue.by : `${clue.by}${BETWEEN}${clue.with}`,
  ]);
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(known), null, 2)}\n`);
}
