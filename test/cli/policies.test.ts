// `bailiwick policies`: status sees a change by hand, and apply --force undoes it.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { policyChecksum, readPolicies } from '../../src/db/policies.ts';
import { asAdmin, createTestDatabase, type TestDatabase } from '../kit/database.ts';
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
