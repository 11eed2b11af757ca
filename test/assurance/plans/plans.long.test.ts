// Plan contracts, all of them: every order, filter, direction and nesting that the schema offers, for everybody whose
// authority makes a difference. `PLANS=write` records the plans anew (golden.ts).

import { expect } from 'vitest';
import { report } from '../../kit/report.ts';
import { EXCUSED } from './excused.ts';
import { labelOf, readGolden, writeGolden } from './golden.ts';
import { changes, judge } from './judge.ts';
import { reads } from './reads.ts';
import { test as base } from './survey.ts';
import { writes } from './writes.ts';

const test = base.extend('all', { scope: 'file' }, async ({ survey }) => {
  const recorded = await survey.ask([...reads(survey.owners), ...writes(survey.owners)]);
  const observed = await survey.observe(recorded);
  if (process.env.PLANS === 'write') {
    writeGolden(observed, survey.indexes, survey.version);
  }
  return { recorded, observed, golden: readGolden() };
});

test('every plan of everything that can be asked keeps the contract, but for what is excused', ({
  survey,
  all,
}) => {
  const { observed, golden } = all;
  const { broken, excused, unneeded } = judge(observed, survey, golden);
  expect(broken.join('\n\n')).toBe('');
  // another version may do better
  expect(survey.version === golden.version ? unneeded : []).toEqual([]);
  report({
    instrument: 'plans',
    what: 'plan contracts',
    figures: {
      operations: all.recorded.length,
      statements: observed.length / 2,
      plans: observed.length,
      broken: broken.length,
      excused: excused.size,
      excuses: EXCUSED.length,
    },
    details: observed
      .filter(({ mode }) => mode === 'custom')
      .map((one) => `${labelOf(one)}: ${excused.has(one) ? 'excused' : 'kept'}`),
  });
});

test('every plan is the one that somebody has looked at', ({ survey, all }) => {
  expect(changes(all.observed, survey.indexes, survey.version, all.golden).join('\n\n')).toBe('');
});
