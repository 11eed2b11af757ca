// `bailiwick doctor` on a database in order and on one at fault: the table, the JSON, the exit code.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { asAdmin, createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { transcript } from './transcript.ts';

let database: TestDatabase;
let env: Record<string, string>;
beforeAll(async () => {
  database = await createTestDatabase();
  env = { DATABASE_URL: database.runtimeUrl, MIGRATION_DATABASE_URL: database.migratorUrl };
});
afterAll(() => database.drop());

const sql = (text: string) => asAdmin(database.adminUrl, (client) => client.query(text));

test('a database in order is fit to serve', async () => {
  const { code, out, err } = await transcript('doctor', env);
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/^Fit to serve: \d+ checks, \d warnings?\.\n$/m);
  const json = await transcript('doctor --json', env);
  expect(json.code).toBe(0);
  expect(JSON.parse(json.out)).toMatchObject({ fit: true });
});

test('a fault is named with its repair, and exits with 1', async () => {
  await sql('alter table public.memories disable row level security');
  const text = await transcript('doctor', env);
  const json = await transcript('doctor --json', env);
  await sql('alter table public.memories enable row level security');
  const message =
    'row security is not enabled on public.memories: alter table public.memories enable row level security, force row level security';
  expect([text.code, json.code, text.err]).toEqual([1, 1, '']);
  expect(text.out).toMatch(/^refuse {2}table-rls +public\.memories$/m);
  expect(text.out).toContain(`        ${message}\n`);
  expect(text.out).toMatch(/^Not fit to serve: 1 refused, \d warnings?\.$/m);
  const { fit, findings } = JSON.parse(json.out);
  expect([fit, findings[0]]).toEqual([
    false,
    { check: 'table-rls', level: 'refuse', subject: 'public.memories', message },
  ]);
  expect((await transcript('doctor', env)).code).toBe(0);
});

test('a database that does not answer is an error that tells no password', async () => {
  const nowhere = 'postgresql://bailiwick_runtime:secret@127.0.0.1:1/none';
  const { code, out, err } = await transcript('doctor', {
    DATABASE_URL: nowhere,
    MIGRATION_DATABASE_URL: nowhere,
  });
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain('bailiwick: connect ECONNREFUSED 127.0.0.1:1');
  expect(err).not.toContain('secret');
});
