// Whether this process is behind: how long it takes, from when it turns to something new, until it has dealt with all that has come meanwhile.
//
// Measured where something comes, once in a turn of the event loop, by what the loop itself does at the end of a turn. So it costs nothing
// where nothing comes, and there is no timer. A long turn or two are no matter, such as first requests have, which load much.

/** Long turns, one after another, after which a process is behind; and milliseconds without anything coming, after which it is not. */
const ENOUGH = 4;
const QUIET_MS = 1000;

export class Lag {
  readonly #long: number;
  /** When the running turn began to deal with what had come; undefined between turns. */
  #began: number | undefined;
  /** How many turns have been long without a short one between, and when the last one ended. */
  #inARow = 0;
  #ended = 0;

  /** @param long Milliseconds from which on a turn is long. */
  constructor(long: number) {
    this.#long = long;
  }

  /** Something has come at `now`, by `performance.now()`. Whether this process is behind. */
  note(now: number): boolean {
    if (now - this.#ended > QUIET_MS) {
      this.#inARow = 0;
    }
    if (this.#began === undefined) {
      this.#began = now;
      setImmediate(() => this.#end(performance.now()));
    }
    return this.#inARow >= ENOUGH;
  }

  #end(now: number): void {
    this.#inARow = now - (this.#began ?? now) < this.#long ? 0 : this.#inARow + 1;
    this.#ended = now;
    this.#began = undefined;
  }
}
