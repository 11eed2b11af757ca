// The comparison through GraphQL over hundreds of worlds, and that it notices what is broken. As many worlds as somebody likes
// by WORLDS and SEED (API_WORLDS is for this half alone); by SHARE=1 every mutation on every row instead of a share of them:
// WORLDS=100000 SEED=$RANDOM SHARE=1 npm run assure -- test/assurance/model/graphql.long.test.ts

import { expect, onTestFinished } from 'vitest';
import { sampleWorlds } from '../../../src/assurance/generate.ts';
import { applyPolicies } from '../../../src/db/policies.ts';
import { asAdmin } from '../../kit/database.ts';
import { report } from '../../kit/report.ts';
import { MUTATIONS } from './graphql/attempts.ts';
import { compareThroughApi } from './graphql/compare.ts';
import { play } from './graphql/play.ts';
import { test } from './graphql/stage.ts';
import { chosen } from './stage.ts';

const SHARE = Number(process.env.SHARE || 12);

test('in random worlds no answer of the API differs from the model', { timeout: 0 }, async ({ stage }) => {
  const { count, seed } = chosen(Number(process.env.API_WORLDS || 300));
  const started = performance.now();
  const { operations, withheld, compared } = await compareThroughApi(stage, { count, seed, share: SHARE });
  const { read = 0, ...mutations } = Object.fromEntries(compared);
  expect(Object.keys(mutations).sort()).toEqual(Object.keys(MUTATIONS).sort());
  report({
    instrument: 'model',
    what: 'random worlds through GraphQL',
    figures: {
      worlds: count,
      seed,
      operations,
      outcomes: read + Object.values(mutations).reduce((sum, answers) => sum + answers, 0),
      differences: 0,
    },
    details: [
      `one mutation of ${SHARE} was made, of grants one of ${SHARE * 4}; every reading was`,
      `${withheld} rows that SQL would have shown were left out by the second layer`,
      `${Math.round((performance.now() - started) / 1000)} s`,
      `read ${read}`,
      ...Object.entries(mutations).map(([field, answers]) => `${field} ${answers}`),
    ],
  });
});

// Not the tenant floor: where that is gone, the second layer still keeps tenants apart, and nothing differs. That a world limit
// is forgotten is noticed in SQL (differential.test.ts). Nor instructions that a delegation reaches: who has no key for them reads null.
test.for([
  [
    'agents that are read with the capability for memories',
    `alter policy select_own on agents using (owner_id = (select bailiwick.owner('memory', 'read')))`,
  ],
  [
    'a policy that asks for another verb',
    `alter policy update_own on memories using (owner_id = (select bailiwick.owner('memory', 'read')))`,
  ],
])('the comparison notices %s', { timeout: 600_000 }, async ([, fault], { stage }) => {
  await asAdmin(stage.database.adminUrl, (admin) => admin.query(fault ?? ''));
  onTestFinished(async () => {
    await applyPolicies(stage.database.migratorUrl, { force: true });
  });
  let noticed = 0;
  for (const world of sampleWorlds(20261121, 60)) {
    const { differences } = await play(stage, world, (_, { field }) => field === 'updateMemory');
    noticed += differences.length;
    if (noticed > 0) {
      break;
    }
  }
  expect(noticed).toBeGreaterThan(0);
});
