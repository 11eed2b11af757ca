// `bailiwick keys prune`: old key-encryption keys go when somebody says so twice, and never one that still wraps something.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { install, SEEDED } from './sealed.ts';

/** An installation whose keys have come to a file, which holds two of them; the older one wraps nothing any more. */
async function rotated() {
  const installation = await install();
  const folder = await mkdtemp(join(tmpdir(), 'bailiwick-prune-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const env = { KEY_PROVIDER: 'local,env', DATA_DIR: folder };
  const keys = (line: string) => installation.keys(line, { env });
  expect((await keys('rotate kek')).code).toBe(0);
  const kept = await installation.sql(({ rows }) => rows('select id, wrapped from tenant_keys'));
  expect((await keys('rotate kek')).out).toMatch(/^made local:/);
  const held = async () => (await readFile(join(folder, 'encryption.key'), 'utf8')).trimEnd().split('\n');
  /** Puts back how keys were wrapped before the last rotation. */
  const restore = () =>
    installation.sql(async ({ touched }) => {
      for (const { id, wrapped } of kept) {
        await touched('update tenant_keys set wrapped = $2 where id = $1', [id, wrapped]);
      }
    });
  return { keys, held, restore };
}

test('nothing goes without a second word, on a dry run, or with a provider that has no keys of its own', async () => {
  const { keys, held } = await rotated();
  const before = await held();
  expect(before).toHaveLength(2);
  for (const [line, code, fault] of [
    ['prune', 2, /nobody can be asked here: say it with --confirm/],
    ['prune --confirm yes', 2, /not confirmed; nothing was removed/],
    ['prune --confirm prune --tenant acme', 2, /leave --tenant out/],
    ['prune --dry-run', 0, /local:[0-9a-f]+: wraps nothing any more\. Backups/],
  ] as const) {
    const said = await keys(line);
    expect([line, said.code]).toEqual([line, code]);
    expect(said.err).toMatch(fault);
  }
  expect(await held()).toEqual(before);
  const elsewhere = await install();
  expect(await elsewhere.keys('prune --confirm prune')).toMatchObject({
    code: 2,
    err: expect.stringContaining('only the provider local keeps keys'),
  });
});

test('a key that still wraps something stays, and what it wraps opens', async () => {
  const { keys, held, restore } = await rotated();
  const before = await held();
  // as a process that was late would have left it
  await restore();
  expect(await keys('prune --confirm prune')).toMatchObject({
    code: 0,
    out: 'every key-encryption key still wraps something\n',
  });
  expect(await held()).toEqual(before);
  expect((await keys('verify')).code).toBe(0);
  expect((await keys('rotate kek')).out).toMatch(/^went on with local:\w+: 4 keys wrapped anew\n/);
  expect((await keys('prune --confirm prune')).code).toBe(0);
  expect(await held()).toHaveLength(1);
});

test('said twice, a key that wraps nothing is gone, and everything opens', async () => {
  const { keys, held } = await rotated();
  const [, current] = await held();
  expect(await keys('prune --confirm prune')).toMatchObject({
    code: 0,
    out: '1 key-encryption keys removed\n',
  });
  expect(await held()).toEqual([current]);
  expect((await keys('verify')).out).toContain(`${Object.keys(SEEDED).length} values open`);
});
