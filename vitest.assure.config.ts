// All instruments of assurance, the long ones too: `npm run assure`. The same database as for the other tests; one file
// after the other, because what they do (races, faults, thousands of attempts) is disturbed by a neighbour.

import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

const assure = mergeConfig(
  base,
  defineConfig({ test: { testTimeout: 600_000, hookTimeout: 120_000, fileParallelism: false } }),
);
// replaced, not merged: the others have had their turn
assure.test.include = ['test/assurance/**/*.test.ts'];
assure.test.exclude = [];

export default assure;
