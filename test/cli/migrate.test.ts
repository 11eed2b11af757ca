// `bailiwick migrate` from an empty database on, as an operator would run it on a server of their own.

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { policyChecksum } from '../../src/db/policies.ts';
import { asAdmin, testUrl } from '../kit/database.ts';
import { transcript } from './transcript.ts';

const { adminUrl, run } = inject('testServer');
const name = `bailiwick_test_${run}_${randomBytes(4).toString('hex')}`;
let env: Record<string, string>;
beforeAll(async () => {
  await asAdmin(adminUrl, (client) => client.query(`create database ${name}`));
  env = {
    DATABASE_URL: testUrl(adminUrl, name, 'runtime'),
    MIGRATION_DATABASE_URL: testUrl(adminUrl, name, 'migrator'),
    DATA_DIR: await mkdtemp(join(tmpdir(), 'bailiwick-migrate-')),
  };
});
afterAll(async () => {
  await asAdmin(adminUrl, (client) => client.query(`drop database ${name}`));
  await rm(env.DATA_DIR ?? '', { recursive: true });
});

const short = policyChecksum().slice(0, 12);

test('an empty database is made complete, and the second time nothing is left to do', async () => {
  const before = await transcript('doctor', env);
  expect(before.code).toBe(1);

  const first = await transcript('migrate', { ...env, ADMIN_DATABASE_URL: testUrl(adminUrl, name) });
  expect(first.out).toMatch(
    new RegExp(
      `^roles {7}in order\nmigrations {2}applied .*_foundation.*\npolicies {4}applied, ${short}\n` +
        'ticket key {2}(ticket-[0-9a-f]{16})\nposture {5}fit to serve\n$',
    ),
  );
  expect(first.code).toBe(0);

  const second = await transcript('migrate', env);
  expect([second.code, second.out]).toEqual([
    0,
    [
      'roles       left alone: ADMIN_DATABASE_URL is not set',
      'migrations  up to date',
      `policies    in force already, ${short}`,
      first.out.split('\n')[3],
      'posture     fit to serve\n',
    ].join('\n'),
  ]);
});

test('what it cannot mend is said, and exits with 1', async () => {
  const owned = (role: string) =>
    asAdmin(testUrl(adminUrl, name), (client) =>
      client.query(`alter table public.memories owner to ${role}`),
    );
  await owned('postgres');
  const { code, out, err } = await transcript('migrate', env);
  await owned('bailiwick_migrator');
  expect(code).toBe(1);
  expect(out).toMatch(/^posture {5}not fit to serve$/m);
  expect(err).toContain('refuse  table-owner');
});

test("another database's administrator is refused", async () => {
  const { code, err } = await transcript('migrate', { ...env, ADMIN_DATABASE_URL: adminUrl });
  expect(code).toBe(1);
  expect(err).toMatch(/^bailiwick: connected to \w+, not to bailiwick_test_/);
});
