// The catalog lints: each finds its fault, names the object, and finds it no more after the repair, which is the one it prints
// wherever it prints one. Every lint has a case; our own database has no finding but the accepted ones; and anybody's database
// can be linted by a role without any rights. Faults are made in transactions that are rolled back.

import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseAccepted } from '../../../src/db/lints/accepted.ts';
import {
  type LintFinding,
  lint,
  lintDatabase,
  parseLint,
  readAccepted,
  readLints,
} from '../../../src/db/lints.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { report } from '../../kit/report.ts';
import { POLICY_FAULTS } from './faults-policies.ts';
import { RIGHT_FAULTS } from './faults-rights.ts';
import { TABLE_FAULTS } from './faults-tables.ts';
import { FOREIGN } from './foreign.ts';
import { INNOCENT } from './innocent.ts';
import { SOUND } from './sound.ts';

const FAULTS = [...TABLE_FAULTS, ...POLICY_FAULTS, ...RIGHT_FAULTS];
const LINTS = readLints();
const one = (name: string) => LINTS.filter((lint) => lint.name === name);

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client(database.adminUrl);
  await client.connect();
  // never committed: roles belong to the whole server
  await client.query('begin');
  await run(SOUND);
});
afterAll(async () => {
  await client.query('rollback');
  await client.end();
  await database.drop();
});
beforeEach(() => client.query('savepoint sound'));
afterEach(() => client.query('rollback to savepoint sound; release savepoint sound'));

/** Roles belong to the whole server, so their names are this file's own. */
const named = (text: string) =>
  text.replaceAll(
    /\$(app|owner)/g,
    (_, role) => `${database.name.replace('bailiwick_test_', 'lints_')}_${role}`,
  );
const run = (sql: string) => client.query(`${named(sql)}; reset role`);

test('every lint has a fault that it must find', () => {
  const covered = new Set(FAULTS.map((fault) => fault.lint));
  expect(LINTS.map(({ name }) => name).filter((name) => !covered.has(name))).toEqual([]);
  expect([...covered].filter((name) => one(name).length !== 1)).toEqual([]);
});

test('no lint needs anything of ours in the database', () => {
  const ours = LINTS.filter(({ sql }) => /bailiwick/i.test(sql.replace(/^-- like: .*$/m, '')));
  expect(ours.map(({ name }) => name)).toEqual([]);
});

test('nothing is found in a sound schema', async () => {
  expect((await lint(client, { schemas: ['scratch'] })).findings).toEqual([]);
});

const seen = { faults: 0, repaired: 0, asPrinted: 0, innocent: 0 };
describe.each(FAULTS)('$lint', ({ lint: name, object, fault, repair, schemas = ['scratch'] }) => {
  const find = async () =>
    (await lint(client, { schemas, lints: one(name) })).findings.filter(
      (finding) => finding.object === named(object),
    );

  test(`finds ${object}, and no more after the repair: ${fault.replaceAll(/\s+/g, ' ').slice(0, 120)}`, async () => {
    await run(fault);
    const found = await find();
    expect(found).toHaveLength(1);
    seen.faults += 1;
    const printed = found[0]?.repair ?? null;
    if (repair === undefined) {
      expect(printed, 'prints a repair, or the case has one').not.toBeNull();
      seen.asPrinted += 1;
    }

    await run(repair ?? String(printed));
    expect(await find()).toEqual([]);
    seen.repaired += 1;
  });
});

test.each(INNOCENT)('%s does not find what only looks like its fault: %s', async (name, sql) => {
  await run(sql);
  expect((await lint(client, { schemas: ['scratch'], lints: one(name) })).findings).toEqual([]);
  seen.innocent += 1;
});

test('our own database has no finding but those that are accepted with a reason', async () => {
  const { findings, accepted, lints } = await lintDatabase(database.migratorUrl, {
    accepted: readAccepted(),
  });
  expect(findings).toEqual([]);
  report({
    instrument: 'lints',
    what: 'catalog lints',
    figures: {
      lints: lints.length,
      faults: seen.faults,
      repaired: seen.repaired,
      'false alarms': INNOCENT.length - seen.innocent,
      'findings here': findings.length,
      accepted: accepted.length,
    },
    details: [
      `${seen.asPrinted} of the repairs are those that the lint prints`,
      `${INNOCENT.length} innocent cases look like a fault and are none`,
      ...accepted.map(({ lint, object, reason }) => `accepted: ${lint} ${object} because ${reason}`),
    ],
  });
});

test("somebody else's schema without tenants is linted to the end, and its faults are named", async () => {
  await run(FOREIGN);
  const { findings, tenantTables } = await lint(client, { schemas: ['app', 'auth'] });
  expect(tenantTables).toBe(0);
  expect(unrunnable(findings)).toEqual([]);
  const names = new Set(findings.map(({ lint, object }) => `${lint} ${object}`));
  expect([...names]).toEqual(
    expect.arrayContaining([
      'table-rls-off app.comments',
      'policy-bare-call "Users can view own profile." on app.profiles',
      'policy-public "Users can view own profile." on app.profiles',
      'view-owner-rights app.profile_names',
      'definer-bypass-public app.handle_new_user(uuid)',
      'grant-truncate app.profiles',
    ]),
  );
});

test('another tenant column is looked for when it is named', async () => {
  await run(FOREIGN);
  const { findings, tenantTables } = await lint(client, { schemas: ['app', 'auth'], tenantColumn: 'org_id' });
  expect(tenantTables).toBe(2);
  expect(findings.map(({ lint, object }) => `${lint} ${object}`)).toEqual(
    expect.arrayContaining([
      'key-crosses-tenants app.invoices.invoices_project_id_fkey',
      'table-rls-off app.invoices',
    ]),
  );
});

test('every lint can be run by a role without any rights, which sees as much as a superuser', async () => {
  await run(FOREIGN);
  const all = await lint(client);
  await client.query(named('set local role $app'));
  const unprivileged = await lint(client);
  expect(unrunnable(unprivileged.findings)).toEqual([]);
  // no two findings of a lint have one name, so that accepting one accepts no other
  const names = all.findings.map(({ lint, object }) => `${lint} ${object}`);
  expect(names).toEqual([...new Set(names)]);
  // and it sees as much: the catalog is open to everybody
  expect(unprivileged.findings).toEqual(all.findings);
});

test('linting cannot change anything, and leaves the transaction as it was', async () => {
  const writing = { ...LINTS[0], name: 'writes', sql: 'create table public.x () ' } as (typeof LINTS)[number];
  await client.query("set local search_path = public; set local statement_timeout = '7s'");
  const accepted = readAccepted().filter(({ lint }) => lint === 'table-rls-off');
  const { findings } = await lint(client, { accepted, lints: [writing, ...one('table-rls-off')] });
  expect(findings.map(({ lint, object, detail }) => [lint, object, detail])).toEqual([
    ['writes', 'the lint itself', expect.stringContaining('read-only transaction')],
  ]);
  const { rows } = await client.query(
    "select current_setting('search_path') as path, current_setting('statement_timeout') as time, current_setting('transaction_read_only') as only",
  );
  expect(rows).toEqual([{ path: 'public', time: '7s', only: 'off' }]);
});

test('an acceptance holds for its own finding only, and one that accepts nothing is a finding', async () => {
  await run(
    `alter table scratch.docs disable row level security; alter table scratch.notes disable row level security`,
  );
  const accepted = parseAccepted(
    '# mine\n\n table-policies-dormant  scratch.docs  because it is  being moved \ntable-rule x.y because of z',
  );
  const { findings, accepted: known } = await lint(client, {
    accepted,
    lints: one('table-policies-dormant'),
  });
  expect(findings.map(({ lint, object }) => `${lint}: ${object}`)).toEqual([
    'table-policies-dormant: scratch.notes',
    'accepted: table-rule x.y',
  ]);
  expect(known.map(({ object, reason }) => [object, reason])).toEqual([
    ['scratch.docs', 'it is  being moved'],
  ]);
  // with some schemas only, nothing can be said of the others
  const some = await lint(client, { accepted, lints: [], schemas: ['scratch'] });
  expect(some.findings).toEqual([]);
});

test.each(['table-rls-off public.x', 'table-rls-off because of y', 'because'])(
  'an acceptance without an object or a reason is refused: %s',
  (line) => {
    expect(() => parseAccepted(`# first\n${line}`)).toThrow(/^line 2 /);
  },
);

test.each([
  ['another name', '-- x\n-- A.\n-- level: error\n-- like: y\nselect 1'],
  ['no level', '-- a\n-- A.\n-- level: bad\n-- like: y\nselect 1'],
  ['no source', '-- a\n-- A.\n-- level: error\nselect 1'],
  ['no sentence', '-- a\n-- level: error\n-- like: y\nselect 1'],
])('a lint file with %s is refused', (_, sql) => {
  expect(() => parseLint('a', sql)).toThrow(/^lint a: /);
});

const README = readFileSync(new URL('../../../prisma/lints/README.md', import.meta.url), 'utf8').split('\n');

test('the README has a row for every lint, with its level and its sources', () => {
  expect(README.filter((line) => line.startsWith('| `'))).toEqual(
    LINTS.map(({ name, level, title, like }) => `| \`${name}\` | ${level} | ${title} | ${like.join(', ')} |`),
  );
});

test('every rule of splinter and of pgrls has a lint, or a reason why not', () => {
  const numbered = (prefix: string, last: number, digits: number) =>
    Array.from({ length: last }, (_, index) => prefix + String(index + 1).padStart(digits, '0'));
  const theirs = [
    ...numbered('splinter ', 29, 4),
    ...numbered('pgrls SEC', 55, 3),
    ...numbered('pgrls PERF', 5, 3),
    ...numbered('pgrls HYG', 4, 3),
    ...numbered('pgrls VIEW', 4, 3),
  ];
  const excused = README.flatMap((line) => line.match(/^\| ((?:splinter|pgrls) \w+) \|/)?.[1] ?? []);
  const here = new Set(LINTS.flatMap(({ like }) => like).filter((rule) => rule !== 'bailiwick'));
  expect([...here, ...excused].toSorted()).toEqual(theirs.toSorted());
});

function unrunnable(findings: readonly LintFinding[]): string[] {
  return findings
    .filter(({ object }) => object === 'the lint itself')
    .map(({ lint, detail }) => `${lint}: ${detail}`);
}
