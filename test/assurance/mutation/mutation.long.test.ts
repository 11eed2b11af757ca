// No condition is idle: whichever clause of a policy or of a kernel function is dropped, negated or opened, somebody notices.
//
// A mutant that survives is either a clause that nothing needs, or a guarantee that nothing tests. The list of all mutants,
// each with who caught it and by what, is printed and kept in test-results/assurance/mutants.txt.

import { mkdir, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { readPolicies } from '../../../src/db/policies.ts';
import { REPORTS, report } from '../../kit/report.ts';
import { type Clue, readClues, WITNESSES, type Witness, writeClues } from './clues.ts';
import { HARMLESS } from './harmless.ts';
import { addHint, type Hints, type Lane, openLane, type Verdict } from './lane.ts';
import { mutantsOf, objectsOf } from './mutants.ts';

const LANES = 2;
const files = readPolicies();
const clues = readClues();
/** Parts of names, separated by bars: MUTANTS='by_key|credentials.'; MUTANTS=new: those that nobody is known to notice. */
const only = process.env.MUTANTS?.split('|');
const wanted = (name: string): boolean =>
  only === undefined ||
  (only[0] === 'new'
    ? !clues.has(name) && HARMLESS[name] === undefined
    : only.some((fragment) => name.includes(fragment)));
/** One part of so many, counted from nought: MUTANTS_PART=2/4; left out: all of them. */
const [part = 0, parts = 1] = (process.env.MUTANTS_PART ?? '0/1').split('/').map(Number);
const mutants = mutantsOf(files).filter(({ name }, n) => n % parts === part % parts && wanted(name));

/** Who is asked about what is known to be harmless; HARMLESS=skip: nobody. */
const OF_HARMLESS: readonly Witness[] = process.env.HARMLESS === 'skip' ? [] : ['attacks'];

test('every policy and every kernel function has mutants', () => {
  const mutated = new Set(mutantsOf(files).map(({ object }) => object));
  expect(objectsOf(files).filter((object) => !mutated.has(object))).toEqual([]);
});

test('every fault in a policy or in a kernel function is noticed', { timeout: 0 }, async () => {
  const hints = hintsOf(mutantsOf(files), clues);
  const lanes = await Promise.all(Array.from({ length: LANES }, () => openLane(hints)));
  onTestFinished(async () => {
    await Promise.all(lanes.map((lane) => lane.end()));
  });
  expect(await Promise.all(lanes.map((lane) => lane.healthy())), 'noticed when nothing is wrong').toEqual(
    lanes.map(() => []),
  );

  const verdicts: Verdict[] = [];
  const waiting = [...mutants];
  const work = async (lane: Lane) => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      // what is known to be harmless takes every witness all its time; whoever asks for mutants by name gets all
      const turn = only === undefined && HARMLESS[mutant.name] !== undefined ? OF_HARMLESS : undefined;
      verdicts.push(await lane.judge(mutant, { turn, clue: clues.get(mutant.name) }));
      if (verdicts.length % 100 === 0) {
        process.stderr.write(`${verdicts.length} of ${mutants.length} mutants\n`);
      }
      if (verdicts.length % 20 === 0) {
        remember(verdicts);
      }
    }
  };
  await Promise.all(lanes.map(work));
  await tell(verdicts);
  remember(verdicts);
  expect(await Promise.all(lanes.map((lane) => lane.healthy())), 'a mutant was not undone').toEqual(
    lanes.map(() => []),
  );
  const names = verdicts.map(({ mutant }) => mutant);
  const ghosts =
    only === undefined && parts === 1 ? Object.keys(HARMLESS).filter((name) => !names.includes(name)) : [];
  expect(
    verdicts.filter(survives).map(({ mutant }) => mutant),
    'noticed by nobody',
  ).toEqual([]);
  expect(
    verdicts.filter(({ by, mutant }) => by !== undefined && HARMLESS[mutant] !== undefined),
    'noticed, and listed as harmless',
  ).toEqual([]);
  expect(ghosts, 'listed as harmless, and no mutant').toEqual([]);
});

const survives = ({ by, mutant }: Verdict) => by === undefined && HARMLESS[mutant] === undefined;

/** What was noticed of an object the last time. */
function hintsOf(
  all: readonly { readonly name: string; readonly object: string }[],
  known: ReadonlyMap<string, Clue>,
): Hints {
  const hints: Hints = new Map();
  for (const { name, object } of all) {
    const clue = known.get(name);
    if (clue !== undefined) {
      addHint(hints, object, clue);
    }
  }
  return hints;
}

/** WITNESSES=write: who noticed what is added to what was known of the others; what is no mutant any more is forgotten. */
function remember(verdicts: readonly Verdict[]): void {
  if (process.env.WITNESSES !== 'write') {
    return;
  }
  const found = new Map(verdicts.map(({ mutant, clue }) => [mutant, clue]));
  writeClues(
    mutantsOf(files).flatMap(({ name }) => {
      const clue = found.has(name) ? found.get(name) : clues.get(name);
      return clue === undefined ? [] : [[name, clue] as const];
    }),
  );
}

async function tell(verdicts: readonly Verdict[]): Promise<void> {
  const order = new Map(mutants.map(({ name }, at) => [name, at]));
  const lines = [...verdicts]
    .sort((a, b) => (order.get(a.mutant) ?? 0) - (order.get(b.mutant) ?? 0))
    .map(({ mutant, by, what }) =>
      by === undefined
        ? `${mutant}\n    ${HARMLESS[mutant] === undefined ? 'SURVIVES' : `harmless: ${HARMLESS[mutant]}`}`
        : `${mutant}\n    ${by}: ${what.length > 200 ? `${what.slice(0, 200)} …` : what}`,
    );
  process.stdout.write(`${lines.join('\n')}\n`);
  await mkdir(REPORTS, { recursive: true });
  await writeFile(`${REPORTS}mutants.txt`, `${lines.join('\n')}\n`);
  const caught = (who: (typeof WITNESSES)[number]) => verdicts.filter(({ by }) => by === who).length;
  report({
    instrument: 'mutation',
    what: 'policies and kernel functions',
    figures: {
      mutants: verdicts.length,
      ...Object.fromEntries(WITNESSES.map((who) => [`by ${who}`, caught(who)])),
      harmless: verdicts.filter(({ by }) => by === undefined).length - verdicts.filter(survives).length,
      survivors: verdicts.filter(survives).length,
    },
  });
}
