// `bailiwick signing-keys`: what signs is shown without anything private, a successor waits for its turn, and what is removed counts no
// more.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { transcript } from './transcript.ts';

let database: TestDatabase;
let env: Record<string, string>;
beforeAll(async () => {
  database = await createTestDatabase();
  env = {
    DATABASE_URL: database.runtimeUrl,
    MIGRATION_DATABASE_URL: database.migratorUrl,
    DATA_DIR: await mkdtemp(join(tmpdir(), 'bailiwick-keys-')),
  };
});
afterAll(async () => {
  await rm(env.DATA_DIR ?? '', { recursive: true });
  await database.drop();
});

type Listed = { kid: string; algorithm: string; state: string; since: string };
const listed = async () => JSON.parse((await transcript('signing-keys list --json', env)).out) as Listed[];
const states = async (algorithm: string) =>
  (await listed()).filter((key) => key.algorithm === algorithm).map(({ state }) => state);

test('wrong use is said, and nothing is removed', async () => {
  expect((await transcript('signing-keys', env)).code).toBe(2);
  expect((await transcript('signing-keys remove', env)).err).toContain('remove needs --kid');
  expect(await transcript('signing-keys remove --kid nothing', env)).toMatchObject({
    code: 2,
    err: expect.stringContaining('there is no key nothing'),
  });
  expect(await transcript('signing-keys list', env)).toMatchObject({
    code: 0,
    out: expect.stringContaining('No key yet'),
  });
});

test('a successor waits for an hour, and one that is removed is replaced at once', async () => {
  expect((await transcript('signing-keys rotate', env)).out).toMatch(/^added \S+, \S+\n$/);
  expect(await states('ES256')).toEqual(['signs', 'waits']);
  expect(await states('RS256')).toEqual(['signs', 'waits']);
  const [signing] = (await listed()).filter(
    ({ algorithm, state }) => algorithm === 'ES256' && state === 'signs',
  );
  const removed = await transcript(`signing-keys remove --kid=${signing?.kid}`, env);
  expect(removed).toMatchObject({ code: 0, out: expect.stringContaining(`removed ${signing?.kid}\nadded `) });
  expect((await listed()).map(({ kid }) => kid)).not.toContain(signing?.kid);
  expect(await states('ES256')).toEqual(['signs', 'waits']);
  const { out } = await transcript('signing-keys list', env);
  expect(out).toMatch(/ES256 {2}signs/);
});
