// Tests that take minutes: `npm run test:heavy`. The same database as for the others; one after the other, because what
// they measure is disturbed by a neighbour.

import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

const heavy = mergeConfig(
  base,
  defineConfig({ test: { env: { HEAVY: '1' }, testTimeout: 600_000, fileParallelism: false } }),
);
// replaced, not merged: the others have had their turn
heavy.test.include = ['test/heavy/**/*.test.ts'];
heavy.test.exclude = [];

export default heavy;
