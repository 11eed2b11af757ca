// What is measured of one target in one round, and how figures of several rounds become one.

import { median } from '../encryption/figures.ts';

/** Stands in a request for an id that no other has. */
export const FRESH_ID = '00000000-0000-7fff-8fff-000000000000';

/** What a generator is told to do. */
export type Task = {
  readonly url: string;
  readonly requests: readonly { readonly token: string; readonly body: string }[];
  readonly connections: number;
  readonly seconds: number;
};

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
