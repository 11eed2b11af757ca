// Writes, locks and errors give no answer about rows out of sight: for every constraint in the catalog, what an attacker
// can send is sent while the row in question does not exist, and again while it exists, is locked, is being written or is
// being deleted; the answers must be the same to the last field.
//
// What answers all the same stands in verdict.ts, with its reason. Here a few attackers and one hidden row of each table;
// all of them in oracles.long.test.ts.

import { expect } from 'vitest';
import { test as base } from '../../kit/cast.ts';
import { report } from '../../kit/report.ts';
import { attacker } from './attackers.ts';
import { experiment, look, type Plan, prepare, type Tried } from './experiment.ts';
import { complaints, figures, findings, line } from './verdict.ts';

const test = base.extend('stage', { scope: 'file' }, async ({ database }) => {
  await prepare(database);
  return look(database);
});

/** The inside of another owner in full; the outside, and a limited agent of the same owner, as far as keys go. */
const PLANS: readonly Plan[] = [
  { attackers: ['bob'], states: ['present', 'inserted by another transaction, not committed'] },
  {
    attackers: ['bob'],
    states: ['locked by another transaction', 'deleted by another transaction, not committed'],
    sorts: ['rows'],
  },
  { attackers: ['mallory', 'alice via scout in garden'], states: ['present'], sorts: ['keys'] },
];

test('every table has a hidden row, or cannot be reached at all', ({ stage: { catalog, hidden } }) => {
  const known = new Set(hidden.map(({ table }) => table));
  const unknown = catalog.tables.filter(({ name, reachable }) => reachable && !known.has(name));
  expect(unknown.map(({ name }) => name)).toEqual([]);
});

test('nobody of another owner or tenant sees any of the hidden rows', async ({ stage }) => {
  for (const name of ['bob', 'mallory', 'scout', 'alice via scout in garden']) {
    const { hidden } = await attacker(stage.database, stage.catalog, stage.hidden, name, false);
    expect([name, hidden.length]).toEqual([name, stage.hidden.length]);
  }
});

test('every constraint is of a kind that can be tried, and can be broken', ({ stage }) => {
  expect(stage.catalog.strange).toEqual([]);
  expect([...stage.breaking].filter(([, wrong]) => wrong === undefined).map(([name]) => name)).toEqual([]);
});

test('what the runtime role has no right to refuses every verb alike', async ({ stage }) => {
  const known = new Set(stage.hidden.map(({ table }) => table));
  const sealedOff = stage.catalog.tables.map(({ name }) => name).filter((name) => !known.has(name));
  const tried = await experiment(stage, { attackers: ['bob'], states: [], tables: sealedOff });
  expect(new Set(tried.map(({ about }) => about))).toEqual(new Set([...sealedOff, 'notices']));
  for (const { about, answers } of tried.filter((one) => one.about !== 'notices')) {
    expect([about, answers.absent]).toEqual([about, expect.stringContaining('"code":"42501"')]);
  }
});

test('no constraint, lock or error tells of a row out of sight, but for those that are known', {
  timeout: 120_000,
}, async ({ stage }) => {
  const tried: Tried[] = [];
  for (const plan of PLANS) {
    tried.push(...(await experiment(stage, plan)));
  }
  expect(complaints(stage, tried)).toEqual([]);
  const found = findings(stage.catalog, tried);
  expect(found.filter(({ attempts }) => attempts === 0).map(({ name }) => name)).toEqual([]);
  report({
    instrument: 'oracles',
    what: 'write oracles',
    figures: {
      constraints: found.filter(({ kind }) => kind !== 'other').length,
      experiments: tried.length,
      ...figures(found),
    },
    details: found.map(line),
  });
});
