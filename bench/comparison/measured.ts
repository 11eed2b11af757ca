// What is measured of one target in one round, and how figures of several rounds become one.

import { median } from '../encryption/figures.ts';

/** Stands in a request for an id that no other has. */
export const FRESH_ID = '00000000-0000-7fff-8fff-000000000000';

export type Request = { readonly token: string; readonly body: string };

/** What a generator is told to do. */
export type Task = {
  readonly url: string;
  readonly requests: readonly Request[];
  readonly connections: number;
  /** It ends after so many seconds or operations, whichever is said. */
  readonly seconds?: number;
  readonly operations?: number;
  /** Requests in a second, over all connections together; left out, each sends as soon as it has its answer. */
  readonly rate?: number;
};

/** Several targets, one request at a time, in turns: then what else the machine does meets all alike. Answered with one `Measured` of each. */
export type Turns = {
  readonly targets: readonly { readonly url: string; readonly requests: readonly Request[] }[];
  /** In all; and before, of what is not counted. */
  readonly seconds: number;
  readonly warm: number;
};

/** Asks something for so many seconds. */
export type Target = (seconds: number) => Promise<Measured>;

export type Measured = {
  /** Operations in a second. */
  readonly throughput: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly operations: number;
  readonly errors: number;
  /** One of them. */
  readonly error?: string | undefined;
};

export function summary(times: number[], seconds: number, errors: readonly string[]): Measured {
  const sorted = times.sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return {
    throughput: sorted.length / seconds,
    p50: at(0.5),
    p99: at(0.99),
    operations: sorted.length,
    errors: errors.length,
    ...(errors[0] === undefined ? {} : { error: errors[0] }),
  };
}

/** The middle of several rounds, figure by figure. */
export function middleOf(rounds: readonly Measured[]): Measured {
  const of = (what: 'throughput' | 'p50' | 'p99') => median(rounds.map((one) => one[what]));
  const error = rounds.find((one) => one.error !== undefined)?.error;
  return {
    throughput: of('throughput'),
    p50: of('p50'),
    p99: of('p99'),
    operations: rounds.reduce((sum, { operations }) => sum + operations, 0),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
    ...(error === undefined ? {} : { error }),
  };
}

const WARM = 1;

/** Asks targets in turns, another first each round, after each was warmed up for a second. */
export async function inTurns<Name extends string>(
  targets: Readonly<Record<Name, Target>>,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<Record<Name, Measured>> {
  const names = Object.keys(targets) as Name[];
  const measured = new Map<Name, Measured[]>(names.map((name) => [name, []]));
  for (const name of names) {
    await targets[name](WARM);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < names.length; at += 1) {
      const name = names[(at + round) % names.length] as Name;
      measured.get(name)?.push(await targets[name](seconds));
    }
  }
  return Object.fromEntries([...measured].map(([name, some]) => [name, middleOf(some)])) as Record<
    Name,
    Measured
  >;
}
