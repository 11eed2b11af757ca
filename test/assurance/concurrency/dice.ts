// Chance that can be repeated: SEED=… makes the same decisions again. What the operating system and PostgreSQL decide, who
// gets a processor or a lock first, stays chance.

export const SEED = Number(process.env.SEED || 20261121);

/** Rolls 0 to sides - 1. */
export type Dice = (sides: number) => number;

/** A generator of its own for each operation, so that a seed means the same operations whoever comes first. */
export function dice(operation: number): Dice {
  let state = (SEED ^ Math.imul(operation + 1, 0x9e3779b1)) >>> 0;
  return (sides) => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  };
}
