// The adversarial suite: every attack on a healthy database and the real server, group by group. What an auditor reads is the
// log: how many cases were tried, refused and failed, and in the report each of them with what it would have gained.
//
// A case that is refused has also left everything as it was. That the suite itself can fail is tried in failing.test.ts.

import { afterAll, expect } from 'vitest';
import { expectIsolated, openLane } from '../../db/lane.ts';
import { test as base } from '../../kit/cast.ts';
import { asAdmin } from '../../kit/database.ts';
import { report } from '../../kit/report.ts';
import { type RunningServer, startServer } from '../../kit/server.ts';
import { type Attack, GROUPS, wanted } from './attack.ts';
import { DRIVER } from './driver.ts';
import { openFront } from './front.ts';
import { GRAPHQL } from './graphql.ts';
import { ISSUERS } from './issuers.ts';
import { NOT_ATTACKED, RULES, rulesOf } from './rules.ts';
import { SQL_ATTACKS, tryAttacks } from './sql.ts';
import { ALL, TABLES } from './stage.ts';
import { TOKENS } from './tokens.ts';
import { COPIED } from './worlds.ts';

const ATTACKS: readonly Attack[] = [...SQL_ATTACKS, ...DRIVER, ...GRAPHQL, ...TOKENS, ...ISSUERS];
const outcomes = new Map<string, string>();

const test = base
  .extend('front', { scope: 'file' }, async ({ database }, { onCleanup }) => {
    const front = await openFront(database);
    onCleanup(() => front.stop());
    return front;
  })
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  .extend('server', { scope: 'file' }, async ({}, { onCleanup }) => {
    const server = await startServer();
    onCleanup(() => server.stop());
    return server;
  });

/** Those that did not end as they must, with how they ended. */
const failed = (attacks: readonly Attack[]): string[] =>
  attacks
    .filter((attack) => outcomes.get(attack.name) !== wanted(attack))
    .map(({ group, name }) => `${group}: ${name}: ${outcomes.get(name)}`);

test('every attack has a name of its own, says what it would gain, and is of a group that has a control', () => {
  expect(new Set(ATTACKS.map(({ name }) => name)).size).toBe(ATTACKS.length);
  expect(ATTACKS.filter(({ gain }) => gain === '')).toEqual([]);
  for (const group of GROUPS) {
    const of = ATTACKS.filter((attack) => attack.group === group);
    expect([group, of.some(({ control }) => control), of.length > 20]).toEqual([group, true, true]);
  }
});

test('every rule is attacked, or it is said why not', () => {
  const attacked = new Set(ATTACKS.filter(({ control }) => !control).flatMap(({ rule }) => rulesOf(rule)));
  expect(RULES.filter((rule) => !attacked.has(rule)).sort()).toEqual(Object.keys(NOT_ATTACKED).sort());
  expect(ATTACKS.filter(({ rule }) => rulesOf(rule).length === 0)).toEqual([]);
});

// Read from the catalog, so that a new table or function is missed by nobody.
test('every table and every function of the kernel is met by an attack, and every table is watched', async ({
  migrate,
}) => {
  const tables = await migrate((sql) =>
    sql.list(`select oid::regclass from pg_class where relnamespace in ('public'::regnamespace, 'bailiwick'::regnamespace)
                and relkind in ('r', 'p') and not relispartition and relname <> '_prisma_migrations'`),
  );
  const functions = await migrate((sql) =>
    sql.list(
      `select 'bailiwick.' || proname || '(' from pg_proc where pronamespace = 'bailiwick'::regnamespace`,
    ),
  );
  const owned = await migrate((sql) =>
    sql.list(`select attrelid::regclass from pg_attribute where attname = 'owner_id' and not attisdropped
                and attrelid in (select oid from pg_class where relkind in ('r', 'p') and not relispartition and relname <> 'audit_entries')`),
  );
  const tried = SQL_ATTACKS.flatMap(({ steps }) => steps.map(({ text }) => text)).join('\n');
  expect([...tables, ...functions].filter((name) => !tried.includes(name))).toEqual([]);
  expect([...TABLES].sort()).toEqual(tables);
  expect(Object.keys(COPIED).sort()).toEqual(owned);
});

test('in SQL, as the runtime role: every attack is refused, and with true authority the same moves work', {
  timeout: 120_000,
}, async ({ database }) => {
  for (const [name, outcome] of await tryAttacks(database)) {
    outcomes.set(name, outcome);
  }
  expect(failed(SQL_ATTACKS)).toEqual([]);
});

test.for(DRIVER.map((attack) => [attack.name, attack] as const))(
  'pool and driver: %s',
  async ([name, attack], { database }) => {
    const lane = await openLane(database);
    outcomes.set(name, await attack.run(lane, database));
    expect(failed([attack])).toEqual([]);
    await expectIsolated(lane);
  },
);

test('with a token: every attack gets the same 401, and good tokens are taken', async ({ front }) => {
  for (const attack of TOKENS) {
    outcomes.set(attack.name, await front.present(attack));
  }
  for (const attack of ISSUERS) {
    outcomes.set(attack.name, await attack.run());
  }
  expect(failed([...TOKENS, ...ISSUERS])).toEqual([]);
});

/** Everything but the audit log, which may grow by refusals, and the receipts of what agents of the cast read on the way. */
const state = ({ database }: RunningServer) =>
  asAdmin(database.adminUrl, async (client) => {
    const { rows } = await client.query(
      ALL.replaceAll(/from (audit_entries|access_receipts) t/g, 'from $1 t where false'),
    );
    return JSON.stringify(rows);
  });

test('through the API: every attack is refused and changes nothing, and with true authority the same moves work', async ({
  server,
}) => {
  const before = await state(server);
  for (const attack of GRAPHQL.filter(({ control }) => !control)) {
    outcomes.set(attack.name, await attack.run(server));
  }
  expect(await state(server)).toBe(before);
  for (const attack of GRAPHQL.filter(({ control }) => control)) {
    outcomes.set(attack.name, await attack.run(server));
  }
  expect(failed(GRAPHQL)).toEqual([]);
});

afterAll(() => {
  const tried = ATTACKS.filter(({ name }) => outcomes.has(name));
  const lines = GROUPS.map((group) => {
    const of = tried.filter((attack) => attack.group === group);
    const bad = failed(of).length;
    const controls = of.filter(({ control }) => control).length;
    return `${group.padEnd(16)}${`${of.length}`.padStart(6)}${`${of.length - controls - failed(of.filter(({ control }) => !control)).length}`.padStart(9)}${`${controls - failed(of.filter(({ control }) => control)).length}`.padStart(9)}${`${bad}`.padStart(8)}`;
  });
  // biome-ignore lint/suspicious/noConsole: the log is what this suite is for
  console.log([`${'attacks'.padEnd(16)} tried  refused  allowed  failed`, ...lines].join('\n'));
  report({
    instrument: 'attacks',
    what: 'adversarial suite',
    figures: {
      cases: tried.length,
      refused:
        tried.length -
        tried.filter(({ control }) => control).length -
        failed(tried.filter(({ control }) => !control)).length,
      failed: failed(tried).length,
    },
    details: tried.map(
      ({ group, name, gain, rule, control }) =>
        `${group} | ${rule} | ${name} | ${control ? 'must work, else' : 'would gain'}: ${gain} | ${outcomes.get(name)}`,
    ),
  });
});
