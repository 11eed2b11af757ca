// How many operations at a time are enough: the rule by itself, and that it is asked about this process.

import { expect, test } from 'vitest';
import { BUSY, Pace, paced } from '../../src/api/pace.ts';

test('a loop that is busy has fewer, down to two; one that is idle has more, up to all', () => {
  const course = (utilization: number, from: number, times: number) => {
    const counts = [from];
    for (let time = 0; time < times; time += 1) {
      counts.push(paced(counts.at(-1) as number, utilization, 9));
    }
    return counts;
  };
  expect(course(1, 9, 8)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 2]);
  expect(course(0.2, 2, 5)).toEqual([2, 3, 5, 8, 9, 9]);
  expect(course((BUSY.enough + BUSY.few) / 2, 5, 3)).toEqual([5, 5, 5, 5]);
  expect(paced(1, 1, 1)).toBe(1);
});

test('it is asked once in a while, about this process', async () => {
  const pace = new Pace(9);
  expect(pace.next(5, performance.now())).toBe(5);
  // busy, for longer than a while; the first turn of the loop belongs to what was before
  await new Promise((resolve) => setImmediate(resolve));
  const until = performance.now() + 200;
  let now = performance.now();
  while (now < until) {
    now = performance.now();
  }
  expect(pace.next(5, now)).toBe(4);
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(pace.next(4, performance.now())).toBe(6);
});
