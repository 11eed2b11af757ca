// The same as few.long.test.ts with every voice of the access matrix; and for those that reach furthest in their own way,
// with every hidden row, every kind of condition and every state. So this is where a line of verdict.ts that is no longer
// needed is noticed.

import { expect } from 'vitest';
import { test as base } from '../../kit/cast.ts';
import { report } from '../../kit/report.ts';
import { VOICES } from '../../policies/voices.ts';
import { experiment, look, prepare, type Tried } from './experiment.ts';
import { STATES, type State } from './hidden.ts';
import { complaints, figures, findings, KNOWING, line, ORACLES } from './verdict.ts';

const test = base.extend('stage', { scope: 'file' }, async ({ database }) => {
  await prepare(database);
  return look(database);
});

/** Alice sees it all; nobody has no context, and every function says so. */
const ATTACKERS = VOICES.filter(({ actor, name }) => actor !== undefined && name !== 'alice');
/** Inside the tenant, outside of it, limited to a world, and with one kind of capability each. */
const THOROUGH = new Set(['bob', 'mallory', 'alice via scout in garden', 'maker', 'mapper']);
const everything = Object.keys(STATES).filter((state) => state !== 'absent') as State[];
const tried: Tried[] = [];

for (const { name } of ATTACKERS) {
  test(`${name} learns nothing of rows out of sight, but what is known`, async ({ stage }) => {
    const thorough = THOROUGH.has(name);
    const states: readonly State[] = thorough ? everything : ['present'];
    const answered = await experiment(stage, { attackers: [name], states, thorough });
    tried.push(...answered);
    expect(complaints(stage, answered)).toEqual([]);
  });
}

test('whatever is listed as known still answers', ({ stage }) => {
  const found = findings(stage.catalog, tried);
  const telling = found.filter((one) => one.telling.length > 0).map(({ name }) => name);
  expect(telling.sort()).toEqual([...Object.keys(KNOWING), ...Object.keys(ORACLES)].sort());
  report({
    instrument: 'oracles',
    what: 'write oracles, everybody and every state',
    figures: {
      attackers: ATTACKERS.length,
      states: everything.length + 1,
      experiments: tried.length,
      ...figures(found),
    },
    details: found.map(line),
  });
});
