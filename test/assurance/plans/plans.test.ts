// Plan contracts, the part for every run: each connection's first pages, each type by id, each mutation, for the owner of
// half of all rows and for a small one; and that what would spoil them is found. Everything else: plans.long.test.ts.

import { expect } from 'vitest';
import { schema } from '../../../src/schema.ts';
import { report } from '../../kit/report.ts';
import type { Asked } from './asking.ts';
import { touched } from './contract.ts';
import { OPERATIONS, rootFields } from './documents.ts';
import { FAULTS } from './faults.ts';
import { readGolden } from './golden.ts';
import { changes, judge } from './judge.ts';
import { reads } from './reads.ts';
import { test as base } from './survey.ts';
import { writes } from './writes.ts';

/** By the big owner, and those among them that are enough of a small one. */
const CORE =
  /^((memories|delegations\w+|credentials) by CREATED DESC|(agents|worlds) by CREATED ASC|members by JOINED ASC|searchMemories rare|\w+ with memories|node \w+|nodes|[A-Z]\w+With[A-Z]\w+|viewer)$/;
const SMALL = /^(\w+ by (CREATED|JOINED) \w+|nodes)$/;

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

const SLOW = { timeout: 120_000 };
const golden = readGolden();
const rewriting = process.env.PLANS === 'write';

const test = base.extend('core', { scope: 'file' }, async ({ survey }) => {
  const isCore = ({ name, who }: Asked) =>
    CORE.test(name) && (who === 'big' || who === 'agent as itself' || (who === 'small' && SMALL.test(name)));
  const asked = [
    ...reads(survey.owners).filter(isCore),
    ...writes(survey.owners).filter(({ who }) => who !== 'small'),
  ];
  const recorded = await survey.ask(asked);
  return { recorded, observed: await survey.observe(recorded) };
});

// the first two carry the making of the rows and of the plans
test(
  'every field of Query and Mutation is asked for, with every operation of the product',
  SLOW,
  ({ survey }) => {
    const asked = [...reads(survey.owners), ...writes(survey.owners)];
    const fields = asked.flatMap(({ text }) => rootFields(text));
    const there = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
      Object.keys(type?.getFields() ?? {}),
    );
    expect([...new Set(fields)].sort()).toEqual(there.sort());
    const names = asked.flatMap(({ text }) => /^(?:query|mutation) (\w+)/m.exec(text)?.[1] ?? []);
    expect([...new Set(names)].sort()).toEqual([...OPERATIONS.keys()].sort());
  },
);

test(
  'whatever a request may do with a table is done by some operation, or it is said why not',
  SLOW,
  async ({ server, core }) => {
    const done = new Set(core.observed.flatMap(({ plan }) => touched(plan)));
    const rights = await server.migrate((sql) => sql.list(RIGHTS));
    expect([...new Set([...done, ...Object.keys(NOT_SENT)])].sort()).toEqual(rights);
    expect(Object.keys(NOT_SENT).filter((right) => done.has(right))).toEqual([]);
  },
);

test('one owner has half of all memories, and the next a fiftieth', async ({ server }) => {
  const shares = await server.migrate((sql) =>
    sql.list(
      `select round(100.0 * count(*) / sum(count(*)) over ()) from memories
        group by owner_id order by count(*) desc limit 2`,
    ),
  );
  expect(shares).toEqual(['2', '50']);
});

test('every plan keeps the contract', ({ survey, core }) => {
  const { broken, excused } = judge(core.observed, survey, golden);
  expect(broken.join('\n\n')).toBe('');
  report({
    instrument: 'plans',
    what: 'plan contracts on every run',
    figures: {
      statements: core.observed.length / 2,
      plans: core.observed.length,
      broken: broken.length,
      excused: excused.size,
    },
  });
});

test.skipIf(rewriting)('every plan is the one that somebody has looked at', ({ survey, core }) => {
  expect(changes(core.observed, survey.indexes, survey.version, golden).join('\n\n')).toBe('');
});

test.for(FAULTS)('it is found when $what', async ({ sql, operation, rule }, { survey, core }) => {
  const recorded = core.recorded.find(({ asked }) => asked.name === operation && asked.who === 'big');
  expect(recorded).toBeDefined();
  const spoilt = recorded === undefined ? [] : await survey.spoilt(sql, recorded);
  const { broken } = judge(spoilt, survey, golden);
  const found = broken.filter((message) => message.includes(`broken: ${rule}: `));
  expect(found.length, broken.join('\n\n')).toBeGreaterThan(0);
  // both plans, to be compared by whoever reads the failure
  for (const message of found) {
    expect(message).toMatch(/recorded on PostgreSQL \d+:\n {4}[\w(](.|\n)*\n {2}observed:\n {4}\w/);
  }
});
