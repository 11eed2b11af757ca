// So many per second and no more: the bound on what strangers can make this server ask of others.
//
// Exact over every second, not on average: a bucket that has filled up would let twice as many through at once. Keeps
// nobody waiting; whoever gets none is told so.

import { ageOf } from './age.ts';

export type Budget = {
  /** Takes one, if there is one. */
  take(): boolean;
};

/** @param now Milliseconds since the epoch. */
export function createBudget(perSecond: number, now: () => number): Budget {
  // When each of the last `perSecond` was taken, in a ring.
  const taken = Array<number>(perSecond).fill(Number.NEGATIVE_INFINITY);
  let next = 0;
  return {
    take() {
      // A clock that was set back must not close the tap for as long.
      if (ageOf(taken[next], now) < 1_000) {
        return false;
      }
      taken[next] = now();
      next = (next + 1) % perSecond;
      return true;
    },
  };
}
