// `bailiwick policies diff`: what a change of the policies does, before anybody merges it.
//
// Compares the tree with a git revision, with a database, or with the revision that was reviewed last. Exits with 1 when a
// change lets somebody do more than before and no decision record names it: the gate of a pull request.

import type { Change, PolicyDiff } from '../assurance/diff/diff.ts';
import type { Effect, Example } from '../assurance/diff/effect.ts';
import { readConfig } from '../config.ts';
import { openDatabase } from '../db/connect.ts';
import { type ExitCode, type Io, UsageError } from './command.ts';

export const DIFF_OPTIONS = {
  against: {
    type: 'string',
    value: 'revision|url',
    about: 'diff: a git revision or a database; by default what prisma/policies/BASE says',
  },
  worlds: {
    type: 'string',
    value: 'number',
    about: 'diff: how many random worlds to compare in; 40 by default',
  },
  seed: { type: 'string', value: 'number', about: 'diff: which worlds' },
} as const;

export type DiffArguments = {
  readonly against?: string;
  readonly worlds?: string;
  readonly seed?: string;
  readonly json?: boolean;
};

const WORLDS = 40;
const SEED = 20261121;

/** @returns 1 when something is widened that no decision record names. */
export async function diffAgainst(values: DiffArguments, io: Io): Promise<ExitCode> {
  // loaded on demand: no other command needs the generator of worlds
  const { diffPolicies, widenings } = await import('../assurance/diff/diff.ts');
  const { baseRevision, decidedWidenings } = await import('../assurance/diff/decisions.ts');
  const sources = await import('../assurance/diff/sources.ts');
  const against = values.against ?? baseRevision();
  const options = {
    worlds: positive(values.worlds, 'worlds') ?? WORLDS,
    seed: positive(values.seed, 'seed') ?? SEED,
    progress: (done: number, of: number, what: string) => io.err(`${done} of ${of}: ${what}\n`),
  };
  const connection = await openDatabase(readConfig(io.env), { mode: 'attach' });
  try {
    const isDatabase = /^postgres(ql)?:\/\//.test(against);
    const from = await (isDatabase ? sources.databaseSource(against) : sources.revisionSource(against));
    // its scratch databases are dropped, which a pooler would stand in the way of
    const straight = { ...connection, runtimeUrl: connection.directUrl };
    const diff = await diffPolicies(straight, from, sources.treeSource(), options);
    const decided = decidedWidenings();
    const widened = widenings(diff);
    const undecided = widened.filter((name) => !decided.has(name));
    io.out(
      values.json === true
        ? `${JSON.stringify({ ...diff, widenings: widened, undecided }, null, 2)}\n`
        : formatDiff(diff, decided, widened),
    );
    return undecided.length === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof sources.SourceError) {
      io.err(`bailiwick: ${error.message}\n`);
      return 1;
    }
    throw error;
  } finally {
    await connection.stop();
  }
}

function positive(text: string | undefined, name: string): number | undefined {
  if (text !== undefined && !/^[1-9]\d{0,8}$/.test(text)) {
    throw new UsageError(`--${name} takes a positive number`);
  }
  return text === undefined ? undefined : Number(text);
}

/** For people: the changes that widen first, each with somebody who gets more and what. */
export function formatDiff(
  diff: PolicyDiff,
  decided: ReadonlyMap<string, string>,
  named: readonly string[],
): string {
  const { from, to, changes, whole, worlds, answers } = diff;
  if (changes.length === 0) {
    return `No difference between the policies of ${from} and of ${to}.\n`;
  }
  const order: readonly (Effect | undefined)[] = ['widening', 'both', undefined, 'narrowing', 'neutral'];
  const sorted = [...changes].sort(
    (a, b) => order.indexOf(a.difference?.effect) - order.indexOf(b.difference?.effect),
  );
  const widened = named.map((name) => `Widens: ${name}\n`).filter((_, n) => !decided.has(named[n] ?? ''));
  return [
    `From ${from} to ${to}: ${changes.length} changes, ${answers} answers compared in ${worlds} random worlds.\n`,
    `Together: ${effectOf(whole.effect)}, ${whole.gained} answers give more and ${whole.lost} give less.\n\n`,
    ...sorted.map((change) => formatChange(change, decided, named.includes(change.name))),
    widened.length === 0
      ? ''
      : `\nNo decision record names ${widened.length === 1 ? 'this widening' : 'these widenings'}. If it is meant, a record in docs/decisions says so:\n${widened.join('')}`,
  ].join('');
}

const effectOf = (effect: Effect | undefined) =>
  effect === undefined ? 'with others' : effect === 'both' ? 'widening and narrowing' : effect;

function formatChange(
  { id, name, how, difference }: Change,
  decided: ReadonlyMap<string, string>,
  widens: boolean,
): string {
  const record = decided.get(name);
  const note = !widens ? '' : record === undefined ? '  NOT DECIDED' : `  decided in ${record}`;
  return [
    `${effectOf(difference?.effect).padEnd(24)}${how} ${id}${note}\n`,
    example('now also', difference?.widening),
    example('no longer', difference?.narrowing),
  ].join('');
}

function example(word: string, found: Example | undefined): string {
  return found === undefined
    ? ''
    : `    ${found.who}\n    ${found.what}, ${word}: ${found.items.join('; ')}\n`;
}
