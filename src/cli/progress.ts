// How far long work is: a bar where a terminal is there, a line now and then where not.

import type { Io } from './command.ts';

const WIDTH = 30;
/** Milliseconds between two lines, or two states of the bar. */
const LINE = 10_000;
const FRAME = 100;

export type Progress = {
  /** Says how far it is. */
  at(done: number, total: number): void;
  /** Ends the bar's line. */
  end(): void;
};

/** @param now Milliseconds, of any clock. */
export function progress(io: Io, what: string, now: () => number = () => performance.now()): Progress {
  const every = io.terminal === true ? FRAME : LINE;
  const started = now();
  let said = started;
  let shown = false;
  return {
    at(done, total) {
      const time = now();
      if (total === 0 || (time - said < every && done < total)) {
        return;
      }
      said = time;
      const share = Math.min(1, done / total);
      const left = share > 0 ? Math.ceil((((time - started) / share) * (1 - share)) / 1000) : 0;
      const words = `${what}: ${done} of ${total}${done < total ? `, ${left} s left` : ''}`;
      if (io.terminal === true) {
        shown = true;
        io.err(`\r[${'#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH)}] ${words}\u001b[K`);
      } else {
        io.err(`${words}\n`);
      }
    },
    end() {
      if (shown) {
        io.err('\n');
      }
    },
  };
}
