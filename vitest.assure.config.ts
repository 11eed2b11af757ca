// All instruments of assurance, the long ones too: `npm run assure`. The same database as for the other tests; two files at
// a time, one for each core of a small machine.

import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

const assure = mergeConfig(
  base,
  defineConfig({ test: { testTimeout: 600_000, hookTimeout: 120_000, maxWorkers: 2 } }),
);
// replaced, not merged: the others have had their turn
assure.test.include = ['test/assurance/**/*.test.ts'];
assure.test.exclude = [];

export default assure;
