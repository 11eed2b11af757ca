// All instruments of assurance, the long ones too: `npm run assure`. The same database as for the other tests; two files at
// a time, one for each core of a small machine, and those that take longest first, so that none is left to run alone.

import { defineConfig, mergeConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import base from './vitest.config.ts';

const LONGEST = [
  'mutation.long',
  'races.long',
  'oracles.long',
  'differential.long',
  'graphql.long',
  'soak.long',
  'rotation.long',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((name) => moduleId.includes(name));
      return at < 0 ? LONGEST.length : at;
    };
    return [...files].sort((a, b) => rank(a) - rank(b));
  }
}

const assure = mergeConfig(
  base,
  defineConfig({
    test: {
      testTimeout: 600_000,
      hookTimeout: 120_000,
      maxWorkers: 2,
      sequence: { sequencer: LongestFirst },
    },
  }),
);
// replaced, not merged: the others have had their turn
assure.test.include = ['test/assurance/**/*.test.ts'];
assure.test.exclude = [];

export default assure;
