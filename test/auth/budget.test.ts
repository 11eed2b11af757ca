// So many per second, exactly.

import { expect, test } from 'vitest';
import { createBudget } from '../../src/auth/budget.ts';

function stage(perSecond: number) {
  const clock = { at: 1_800_000_000_000 };
  const budget = createBudget(perSecond, () => clock.at);
  const takeAll = () => Array.from({ length: 10 }, () => budget.take()).filter(Boolean).length;
  return { clock, budget, takeAll };
}

test('in no second are there more, however the seconds are cut', () => {
  const { clock, budget } = stage(3);
  const taken: number[] = [];
  for (let passed = 0; passed < 10_000; passed += 7) {
    clock.at += 7;
    if (budget.take()) {
      taken.push(clock.at);
    }
  }
  expect(taken.length).toBeGreaterThan(25);
  expect(taken.every((at, index) => at - (taken[index - 3] ?? 0) >= 1_000)).toBe(true);
});

test('what was not taken is not saved up', () => {
  const { clock, takeAll } = stage(3);
  clock.at += 3_600_000;
  expect([takeAll(), takeAll()]).toEqual([3, 0]);
  clock.at += 1_000;
  expect(takeAll()).toBe(3);
});

test('a clock that was set back does not close the tap', () => {
  const { clock, takeAll } = stage(3);
  takeAll();
  clock.at -= 3_600_000;
  expect([takeAll(), takeAll()]).toEqual([3, 0]);
});
