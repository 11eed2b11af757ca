// Plan contracts: every order, filter, direction and nesting that the schema offers, and each mutation, for everybody whose
// authority makes a difference; and that what would spoil a plan is found. `PLANS=write` records the plans anew (golden.ts).

import { expect } from 'vitest';
import { schema } from '../../../src/schema.ts';
import { report } from '../../kit/report.ts';
import { touched } from './contract.ts';
import { OPERATIONS, rootFields } from './documents.ts';
import { EXCUSED } from './excused.ts';
import { FAULTS } from './faults.ts';
import { labelOf, readGolden, writeGolden } from './golden.ts';
import { changes, judge } from './judge.ts';
import { reads } from './reads.ts';
import { test as base } from './survey.ts';
import { writes } from './writes.ts';

/** What the runtime role may do with a table and the API never does. */
const NOT_SENT: Readonly<Record<string, string>> = {
  'issuers select': 'the server reads issuers in a session that is its own, when it verifies a token',
};

const RIGHTS = `
  select c.relname || ' ' || verb
    from pg_class c, unnest(array['select', 'insert', 'update', 'delete']) verb
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
     and case verb when 'delete' then has_table_privilege('bailiwick_runtime', c.oid, verb)
                   else has_any_column_privilege('bailiwick_runtime', c.oid, verb) end`;

const test = base.extend('all', { scope: 'file' }, async ({ survey }) => {
  const recorded = await survey.ask([...reads(survey.owners), ...writes(survey.owners)]);
  const observed = await survey.observe(recorded);
  if (process.env.PLANS === 'write') {
    writeGolden(observed, survey.indexes, survey.version);
  }
  return { recorded, observed, golden: readGolden() };
});

test('every field of Query and Mutation is asked for, with every operation of the product', ({ survey }) => {
  const asked = [...reads(survey.owners), ...writes(survey.owners)];
  const fields = asked.flatMap(({ text }) => rootFields(text));
  const there = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
    Object.keys(type?.getFields() ?? {}),
  );
  expect([...new Set(fields)].sort()).toEqual(there.sort());
  const names = asked.flatMap(({ text }) => /^(?:query|mutation) (\w+)/m.exec(text)?.[1] ?? []);
  // what a listener is sent it is sent as a page or a row by id; what there is to send, a kernel function says
  const operations = [...OPERATIONS].filter(([, { operation }]) => operation !== 'subscription');
  expect([...new Set(names)].sort()).toEqual(operations.map(([name]) => name).sort());
});

test('whatever a request may do with a table is done by some operation, or it is said why not', async ({
  server,
  all,
}) => {
  const done = new Set(all.observed.flatMap(({ plan }) => touched(plan)));
  const rights = await server.migrate((sql) => sql.list(RIGHTS));
  expect([...new Set([...done, ...Object.keys(NOT_SENT)])].sort()).toEqual(rights);
  expect(Object.keys(NOT_SENT).filter((right) => done.has(right))).toEqual([]);
});

test('one owner has half of all memories, and the next a fiftieth', async ({ server }) => {
  const shares = await server.migrate((sql) =>
    sql.list(
      `select round(100.0 * count(*) / sum(count(*)) over ()) from memories
        group by owner_id order by count(*) desc limit 2`,
    ),
  );
  expect(shares).toEqual(['2', '50']);
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

test.for(FAULTS)('it is found when $what', async ({ sql, operation, rule }, { survey, all }) => {
  const recorded = all.recorded.find(({ asked }) => asked.name === operation && asked.who === 'big');
  expect(recorded).toBeDefined();
  const spoilt = recorded === undefined ? [] : await survey.spoilt(sql, recorded);
  const { broken } = judge(spoilt, survey, all.golden);
  const found = broken.filter((message) => message.includes(`broken: ${rule}: `));
  expect(found.length, broken.join('\n\n')).toBeGreaterThan(0);
  // both plans, to be compared by whoever reads the failure
  for (const message of found) {
    expect(message).toMatch(/recorded on PostgreSQL \d+:\n {4}[\w(](.|\n)*\n {2}observed:\n {4}\w/);
  }
});
