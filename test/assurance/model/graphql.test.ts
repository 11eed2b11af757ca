// The server and the model give the same answers: random worlds are put behind the real stack, everybody reads everything and
// tries mutations on every row, and nothing differs. A few worlds here, hundreds in graphql.long.test.ts. And the
// instrument itself: that it knows the whole schema, and that it leaves nothing behind.

import { expect } from 'vitest';
import { sampleWorlds } from '../../../src/assurance/generate.ts';
import { compareThroughApi } from './graphql/compare.ts';
import { missingIds, missingMutations, missingTypes, missingWays } from './graphql/coverage.ts';
import { play } from './graphql/play.ts';
import { test } from './graphql/stage.ts';

test('in random worlds everybody gets through GraphQL what the model says', { timeout: 120_000 }, async ({
  stage,
}) => {
  const { compared } = await compareThroughApi(stage, { count: 3, seed: 20261121, share: 20 });
  expect(compared.get('read')).toBeGreaterThan(200);
});

/** So many attempts of each mutation are enough to see what they leave. */
const OF_EACH = 30;

// What is in the schema and not tried here would be proved by nobody.
test.for([
  ['mutation', missingMutations],
  ['type with global ids', missingTypes],
  ['way to a row', missingWays],
  ['id that a mutation takes', missingIds],
] as const)('every %s of the schema is tried', ([, missing]) => {
  expect(missing()).toEqual([]);
});

test('what is tried leaves nothing behind, and COMMIT would have refused nothing of it', {
  timeout: 120_000,
}, async ({ stage }) => {
  const tried = new Map<string, number>();
  for (const world of sampleWorlds(7, 1)) {
    await play(stage, world, (_, { alone, field }) => {
      tried.set(field, (tried.get(field) ?? 0) + Number(alone));
      return alone && (tried.get(field) ?? 0) <= OF_EACH;
    });
  }
  const { rows } = await stage.migrator.query<{ changes: string[]; entries: number; deferred: number }>(
    `select seen.changes() as changes,
            (select count(*)::int from audit_entries) as entries,
            (select count(*)::int from pg_constraint where condeferrable)
              + (select count(*)::int from pg_trigger where tgdeferrable) as deferred`,
  );
  expect(rows).toEqual([{ changes: [], entries: 0, deferred: 0 }]);
});
