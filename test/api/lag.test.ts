// Whether a process is behind, by what this one does: busy turns, and what comes in them.

import { expect, test } from 'vitest';
import { Lag } from '../../src/api/lag.ts';

/** Something comes, and then the turn goes on for so many milliseconds. */
async function turn(lag: Lag, ms: number): Promise<boolean> {
  const began = performance.now();
  const behind = lag.note(began);
  for (let now = began; now - began < ms; ) {
    now = performance.now();
  }
  await new Promise((resolve) => setImmediate(resolve));
  return behind;
}

test('a few long turns are no matter, four without a short one between are, and a short one is the end of it', async () => {
  const lag = new Lag(100);
  const behind = [];
  for (const ms of [150, 150, 150, 0, 150, 150, 150, 150, 150, 0, 0]) {
    behind.push(await turn(lag, ms));
  }
  // each says what is known before it
  expect(behind).toEqual([...Array<boolean>(8).fill(false), true, true, false]);
});

test('what was so before nothing came for a while is not so any more', async () => {
  const lag = new Lag(100);
  for (let n = 0; n < 4; n += 1) {
    await turn(lag, 150);
  }
  await new Promise((resolve) => setTimeout(resolve, 1200));
  expect(await turn(lag, 0)).toBe(false);
});
