// How many operations at a time are enough: as few as keep this process busy.
//
// More of them would be served no sooner, and each would take longer, the one of a quiet tenant too: they share one event loop. Fewer would
// leave it idle while they wait for the database. So it is the event loop that is asked, by how much of a while it has worked. Where the database is
// what takes long, the loop is idle, and as many are let in as there may be.

import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/** What part of a while the loop has worked, from which there are too many, and below which there are too few. */
export const BUSY = { enough: 0.95, few: 0.85 } as const;

/** Milliseconds over which it is asked. */
const WHILE_MS = 50;

/** Always so many, so that one of them can wait for the database while another one works. */
const LEAST = 2;

/**
 * How many there may be after a while: one less, or half as many more, because what is idle for too long costs more than what is
 * too busy.
 */
export function paced(present: number, utilization: number, most: number): number {
  if (utilization >= BUSY.enough) {
    return Math.min(most, Math.max(LEAST, present - 1));
  }
  return utilization < BUSY.few ? Math.min(most, present + Math.ceil(present / 2)) : present;
}

export class Pace {
  readonly #most: number;
  #last: EventLoopUtilization = performance.eventLoopUtilization();
  #asked = performance.now();

  constructor(most: number) {
    this.#most = most;
  }

  /** How many there may be from now on; what there may be at present, where the while is not over. */
  next(present: number, now: number): number {
    if (now - this.#asked < WHILE_MS) {
      return present;
    }
    const worked = performance.eventLoopUtilization(this.#last).utilization;
    this.#last = performance.eventLoopUtilization();
    this.#asked = now;
    return paced(present, worked, this.#most);
  }
}
