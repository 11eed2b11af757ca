// A change of the policies is judged by what it does: planted changes of each sort are classified as what they are, each
// widening with somebody who gets more. And the gate: every widening since the revision that was reviewed last is decided.

import { expect } from 'vitest';
import { baseRevision, decidedWidenings } from '../../../src/assurance/diff/decisions.ts';
import { diffPolicies, type PolicyDiff, widenings } from '../../../src/assurance/diff/diff.ts';
import {
  databaseSource,
  revisionSource,
  type Source,
  treeSource,
} from '../../../src/assurance/diff/sources.ts';
import { formatDiff } from '../../../src/cli/policies-diff.ts';
import { type PolicyFile, readPolicies } from '../../../src/db/policies.ts';
import { test } from '../../kit/cast.ts';
import { report } from '../../kit/report.ts';

const OPTIONS = { worlds: 8, seed: 20261121 };

/** The tree's policies with some text of theirs replaced. */
function changed(...replacements: readonly (readonly [from: string, to: string])[]): Source {
  const files = replacements.reduce<readonly PolicyFile[]>((all, [from, to]) => {
    expect(
      all.some(({ sql }) => sql.includes(from)),
      `no policy file says ${from}`,
    ).toBe(true);
    return all.map(({ name, sql }) => ({ name, sql: sql.replace(from, to) }));
  }, readPolicies());
  return { name: 'a change', files };
}

const effects = ({ changes }: PolicyDiff) => changes.map(({ id, difference }) => [id, difference?.effect]);

test('a policy that shows memories to the members of their world is a widening, with a row as an example', async ({
  database,
}) => {
  const diff = await diffPolicies(
    database,
    treeSource(),
    changed([
      "using (owner_id = (select bailiwick.owner('memory', 'read')))",
      "using (owner_id = (select bailiwick.owner('memory', 'read')) or world_id = any ((select bailiwick.worlds('memory', 'read'))::uuid[]))",
    ]),
    OPTIONS,
  );
  expect(effects(diff)).toEqual([['policy memories.select_own', 'widening']]);
  expect(diff.whole.widening?.items[0]).toMatch(/^tenant-\d: m\d+ memory of /);
  expect(widenings(diff)).toEqual([expect.stringMatching(/^policy memories\.select_own @[0-9a-f]{10}$/)]);
  const text = formatDiff(diff, new Map(), widenings(diff));
  expect(text).toContain('NOT DECIDED');
  expect(text).toContain(`Widens: ${widenings(diff)[0]}`);
  expect(formatDiff(diff, new Map([[widenings(diff)[0] ?? '', '0099-x.md']]), widenings(diff))).not.toContain(
    'NOT',
  );
});

test('an operation on fewer rows is a narrowing, and needs no decision', async ({ database }) => {
  const diff = await diffPolicies(
    database,
    treeSource(),
    changed(["using (owner_id = (select bailiwick.owner('memory', 'delete')))", 'using (false)']),
    OPTIONS,
  );
  expect(effects(diff)).toEqual([['policy memories.delete_own', 'narrowing']]);
  expect(widenings(diff)).toEqual([]);
});

test('other words, other comments and a function that answers the same are neutral', async ({ database }) => {
  const diff = await diffPolicies(
    database,
    treeSource(),
    changed(
      ['-- memories\n', '-- memories, and nothing else\n'],
      ['-- a world limit reaches no further than the owner', '-- no further'],
      [
        "using (owner_id = (select bailiwick.owner('user', 'read')))",
        "using ((select bailiwick.owner('user', 'read')) = owner_id)",
      ],
    ),
    OPTIONS,
  );
  expect(effects(diff)).toEqual([
    ['function bailiwick.holds(bailiwick.context,text)', 'neutral'],
    ['policy users.select_own', 'neutral'],
  ]);
  expect(widenings(diff)).toEqual([]);
});

test('a kernel function that forgets a limit widens; with a narrowing beside it, each is told apart', async ({
  database,
}) => {
  const diff = await diffPolicies(
    database,
    treeSource(),
    changed(
      ['capability = any (d.capabilities) and (e.ceiling', '(e.ceiling'],
      ["using (owner_id = (select bailiwick.owner('agent', 'update')))", 'using (false)'],
    ),
    OPTIONS,
  );
  expect(effects(diff)).toEqual([
    ['function bailiwick.live_hops(bailiwick.context,text)', 'widening'],
    ['policy agents.update_own', 'narrowing'],
  ]);
  expect(diff.whole.effect).toBe('both');
});

test('a grant of one more column, and a right to call one more function, are widenings whatever is played', async ({
  database,
}) => {
  const fewer = changed(
    [
      'grant select (tenant_id, id, slug, name) on public.tenants',
      'grant select (tenant_id, id, slug) on public.tenants',
    ],
    ['  bailiwick.world_limit(),\n', ''],
  );
  const diff = await diffPolicies(database, fewer, treeSource(), { ...OPTIONS, worlds: 2 });
  expect(effects(diff).filter(([id]) => id?.includes('tenants') || id?.includes('world_limit'))).toEqual([
    ['grant execute on bailiwick.world_limit() to bailiwick_runtime', 'widening'],
    ['grant select on tenants to bailiwick_runtime', 'widening'],
  ]);
  expect(diff.changes.at(-1)?.difference?.widening?.items).toEqual(['name']);
});

test('a table whose row security is no longer forced is a widening', async ({ database }) => {
  const diff = await diffPolicies(
    database,
    treeSource(),
    changed([
      'alter table public.memories enable row level security, force',
      'alter table public.memories enable row level security, no force',
    ]),
    { ...OPTIONS, worlds: 2 },
  );
  expect(effects(diff)).toEqual([['row security of memories', 'widening']]);
});

test('a database whose policies were changed by hand is compared as it is', async ({ database, migrate }) => {
  await migrate((sql) => sql.rows('alter policy select_own on public.memories using (true)'));
  const diff = await diffPolicies(
    database,
    await databaseSource(database.migratorUrl),
    treeSource(),
    OPTIONS,
  );
  expect(effects(diff)).toEqual([['policy memories.select_own', 'narrowing']]);
});

test('the gate: every widening since the revision that was reviewed last is named in a decision', async ({
  database,
}) => {
  const decided = decidedWidenings();
  const diff = await diffPolicies(database, await revisionSource(baseRevision()), treeSource(), {
    ...OPTIONS,
    worlds: 40,
    decided,
  });
  expect(
    widenings(diff).filter((name) => !decided.has(name)),
    formatDiff(diff, decided, widenings(diff)),
  ).toEqual([]);
  report({
    instrument: 'diff',
    what: `policies since ${diff.from}`,
    figures: {
      changes: diff.changes.length,
      widenings: widenings(diff).length,
      undecided: 0,
      'answers compared': diff.answers,
    },
  });
});
