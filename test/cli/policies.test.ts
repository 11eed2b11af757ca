// `bailiwick policies`: status sees a change by hand, apply --force undoes it, and lint looks into any database.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { policyChecksum, readPolicies } from '../../src/db/policies.ts';
import { asAdmin, createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { holdOperators } from '../kit/operators.ts';
import { transcript } from './transcript.ts';

let database: TestDatabase;
let env: Record<string, string>;
beforeAll(async () => {
  database = await createTestDatabase();
  env = { DATABASE_URL: database.runtimeUrl, MIGRATION_DATABASE_URL: database.migratorUrl };
});
afterAll(() => database.drop());

const files = `${readPolicies().length} files, ${policyChecksum()}`;

test('policies that are in force are left alone', async () => {
  expect(await transcript('policies status', env)).toEqual({ code: 0, out: `in force: ${files}\n`, err: '' });
  expect(await transcript('policies apply', env)).toEqual({
    code: 0,
    out: `in force already: ${files}\n`,
    err: '',
  });
});

test('a condition that was changed by hand is seen, and put back by force', async () => {
  await asAdmin(database.adminUrl, (client) =>
    client.query(
      'alter policy select_own on public.memories using (true); grant truncate on public.users to bailiwick_kernel',
    ),
  );
  const status = await transcript('policies status', env);
  expect(status.code).toBe(1);
  expect(status.out).toContain(`not in force: ${files}\n`);
  expect(status.out).toMatch(/^refuse {2}policy-altered +select_own on public\.memories$/m);
  const json = JSON.parse((await transcript('policies status --json', env)).out);
  expect([json.inForce, json.differences.length]).toEqual([false, 2]);

  expect((await transcript('policies apply', env)).out).toBe(`in force already: ${files}\n`);
  expect(await transcript('policies apply --force', env)).toEqual({
    code: 0,
    out: `applied: ${files}\n`,
    err: '',
  });
  expect((await transcript('policies status', env)).code).toBe(0);
});

test('our own database lints clean, with what is accepted and why', async () => {
  onTestFinished(await holdOperators(inject('testServer').adminUrl, 'without'));
  const { code, out, err } = await transcript('policies lint', env);
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(
    /^accepted {2}key-without-tenant\n {2}public\.tenants_slug_key +because a token names /m,
  );
  expect(out).toMatch(
    /^0 errors, 0 warnings, 0 infos, 6 accepted: \d+ lints of 2 schemas \(bailiwick, public\)\.\n$/m,
  );

  // by another URL nothing is accepted that the caller does not accept
  const theirs = await transcript(`policies lint --url ${database.migratorUrl}`);
  expect([theirs.code, theirs.err]).toEqual([1, '']);
  expect(theirs.out).toMatch(/^warning {2}key-without-tenant: A unique key /m);
  expect(theirs.out).toMatch(/^\d errors?, [1-9] warnings?, \d infos?, 0 accepted: /m);
});

test('a fault is named with its repair, in words and as JSON, and only infos are no reason to fail', async () => {
  await asAdmin(database.adminUrl, (client) =>
    client.query(
      'create schema shop; create table shop.orders (id int primary key, shop_id int); create table shop.log (line text)',
    ),
  );
  const line = `policies lint --url ${database.runtimeUrl} --schema shop`;
  const without = await transcript(line);
  expect([without.code, without.err]).toEqual([
    0,
    'No table has a column tenant_id: lints about tenants have nothing to look at (--tenant-column).\n',
  ]);
  expect(without.out).toMatch(
    /^info {5}table-no-primary-key: A table has no primary key\.\n {2}shop\.log +has no/m,
  );
  expect(without.out).toMatch(
    /^0 errors, 0 warnings, 1 info, 0 accepted: \d+ lints of 1 schema \(shop\)\.$/m,
  );

  const { code, out, err } = await transcript(`${line} --tenant-column shop_id`);
  expect([code, err]).toEqual([1, '']);
  expect(out).toMatch(
    /^error {4}table-rls-off: Row security is off .*\n {2}shop\.orders +holds tenants' rows/m,
  );
  expect(out).toMatch(
    /^ +repair: alter table shop\.orders enable row level security, force row level security$/m,
  );
  expect(out.indexOf('table-rls-off')).toBeLessThan(out.indexOf('table-no-primary-key'));

  const json = await transcript(`${line} --tenant-column shop_id --json`);
  expect(json.code).toBe(1);
  const { clean, counts, findings, tenantTables } = JSON.parse(json.out);
  expect([clean, counts, tenantTables]).toEqual([false, { error: 1, warning: 2, info: 1 }, 1]);
  expect(findings[0]).toEqual({
    lint: 'table-rls-off',
    level: 'error',
    object: 'shop.orders',
    detail: "holds tenants' rows, and row security is off",
    repair: 'alter table shop.orders enable row level security, force row level security',
  });
});

test('what is accepted must be readable, have a reason, and still be there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bailiwick-lint-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'accepted.txt');
  const line = `policies lint --url ${database.migratorUrl} --accept ${file}`;
  const absent = await transcript(line);
  expect([absent.code, absent.out]).toEqual([2, '']);
  expect(absent.err).toContain(`--accept ${file} cannot be read: `);

  await writeFile(file, 'key-without-tenant public.tenants_slug_key');
  const reasonless = await transcript(line);
  expect([reasonless.code, reasonless.out]).toEqual([2, '']);
  expect(reasonless.err).toContain(': line 1 is not of the form');

  await writeFile(file, 'table-rule public.memories.r because there was one once');
  const stale = await transcript(line);
  expect(stale.code).toBe(1);
  expect(stale.out).toMatch(
    /^warning {2}accepted\n {2}table-rule public\.memories\.r +is accepted but no longer found/m,
  );
});

test('the password of a URL is never printed, whatever is wrong with it', async () => {
  const port = new URL(database.adminUrl).port;
  for (const [url, code, reason] of [
    ['mysql://root:hunter2@localhost/x', 2, '--url is not a postgresql:// URL'],
    ['postgresql://root:hunter2@local host/x', 2, 'unexpected argument'],
    ['postgresql://root:hunter2@[/x', 2, '--url is not a postgresql:// URL'],
    ['postgresql://root:hunter2@127.0.0.1:1/x', 1, 'ECONNREFUSED'],
    [`postgresql://nobody_such:hunter2@127.0.0.1:${port}/${database.name}`, 1, 'nobody_such'],
  ] as const) {
    const { code: got, out, err } = await transcript(`policies lint --url ${url}`);
    expect([got, out]).toEqual([code, '']);
    expect(err).toContain(reason);
    expect(err).not.toContain('hunter2');
  }
});

test('a comparison with the database itself finds no difference, and one with a widened database says what the files take away', {
  timeout: 120_000,
}, async () => {
  const own = await transcript(`policies diff --against ${database.migratorUrl}`, env);
  expect(own).toMatchObject({
    code: 0,
    out: 'No difference between the policies of the database and of the tree.\n',
  });
  const json = JSON.parse(
    (await transcript(`policies diff --against ${database.migratorUrl} --json`, env)).out,
  );
  expect([json.changes, json.widenings, json.undecided]).toEqual([[], [], []]);
  await asAdmin(database.adminUrl, (client) =>
    client.query('alter policy select_own on public.memories using (true)'),
  );
  onTestFinished(async () => {
    await transcript('policies apply --force', env);
  });
  const widened = await transcript(`policies diff --against ${database.migratorUrl} --worlds 1`, env);
  expect(widened.code).toBe(0);
  expect(widened.out).toMatch(
    /^narrowing +changed policy memories\.select_own\n {4}.+\n {4}see memories, no longer: /m,
  );
});

test('what cannot be compared is said, without a password', async () => {
  const revision = await transcript('policies diff --against no-such-revision', env);
  expect([revision.code, revision.out]).toEqual([1, '']);
  expect(revision.err).toContain('git rev-parse');
  const nowhere = await transcript(
    'policies diff --against postgresql://somebody:hunter2@127.0.0.1:1/x',
    env,
  );
  expect([nowhere.code, nowhere.err.includes('hunter2')]).toEqual([1, false]);
  expect((await transcript('policies diff --worlds none', env)).code).toBe(2);
});
