// Secrets outside the database: readable by their owner alone, one for each holder whoever makes it, gone for good when forgotten,
// and never made anew in the place of one that is there and damaged.

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { erasureStore } from '../../src/crypto/erasure.ts';
import { newId } from '../../src/ids.ts';

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'bailiwick-erasure-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return join(made, 'secrets');
}

const TENANT: string = newId();
const HOLDER: string = newId();

test.each([
  '..',
  '.',
  '',
  '../other',
  '/etc/passwd',
  'a/b',
  'a\\b',
  'A',
  'x.y',
  'a\0',
  'a\n',
  'a'.repeat(65),
])('%j is no id, and no file of that name is read, made or removed', async (name) => {
  const root = await folder();
  const store = erasureStore(root);
  await store.secret(TENANT, HOLDER, true);
  await writeFile(join(root, 'other'), 'stays');
  for (const create of [true, false]) {
    await expect(store.secret(name, HOLDER, create)).rejects.toThrow('not an id');
    await expect(store.secret(TENANT, name, create)).rejects.toThrow('not an id');
  }
  await expect(store.forget(name, HOLDER)).rejects.toThrow('not an id');
  await expect(store.forget(TENANT, name)).rejects.toThrow('not an id');
  await expect(store.forgetTenant(name)).rejects.toThrow('not an id');
  expect((await readdir(root, { recursive: true })).sort()).toEqual(
    [TENANT, join(TENANT, HOLDER), 'other'].sort(),
  );
});

test('a secret that is damaged is an error, and is not replaced', async () => {
  const root = await folder();
  const store = erasureStore(root);
  const secret = await store.secret(TENANT, HOLDER, true);
  const file = join(root, TENANT, HOLDER);
  const text = Buffer.from(secret ?? []).toString('base64url');
  for (const damaged of ['', text.slice(0, -2), `${text}AA`, 'not base64 at all']) {
    await writeFile(file, damaged);
    for (const create of [true, false]) {
      const error: unknown = await store.secret(TENANT, HOLDER, create).catch((reason: unknown) => reason);
      expect(String(error)).toMatch(/does not hold a secret of 32 bytes/);
      expect(damaged === '' || !String(error).includes(damaged)).toBe(true);
    }
    expect(await readFile(file, 'utf8')).toBe(damaged);
  }
});

test('a secret that is not there is not made unless that is asked for', async () => {
  const root = await folder();
  const store = erasureStore(root);
  expect(await store.secret(TENANT, HOLDER, false)).toBeUndefined();
  await expect(readdir(root)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await store.forget(TENANT, HOLDER)).toBe(false);
  expect(await store.forgetTenant(TENANT)).toBe(0);
});

test('secrets are 32 random bytes, in files and folders of their owner alone', async () => {
  const root = await folder();
  const store = erasureStore(root);
  const [one, other, elsewhere] = [
    await store.secret(TENANT, HOLDER, true),
    await store.secret(TENANT, newId(), true),
    await store.secret(newId(), HOLDER, true),
  ].map((secret) => Buffer.from(secret ?? []).toString('hex'));
  expect(one).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set([one, other, elsewhere]).size).toBe(3);
  const modeOf = async (...path: string[]) => ((await stat(join(root, ...path))).mode & 0o777).toString(8);
  expect(await modeOf(TENANT, HOLDER)).toBe('600');
  expect(await modeOf(TENANT)).toBe('700');
  expect(await modeOf()).toBe('700');
  // another process finds the same
  expect(Buffer.from((await erasureStore(root).secret(TENANT, HOLDER, false)) ?? []).toString('hex')).toBe(
    one,
  );
});

test('many makers at once end with one secret, and leave nothing else behind', async () => {
  const root = await folder();
  const made = await Promise.all(
    Array.from({ length: 20 }, () => erasureStore(root).secret(TENANT, HOLDER, true)),
  );
  const texts = new Set(made.map((secret) => Buffer.from(secret ?? []).toString('hex')));
  expect([...texts]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  expect(await readdir(join(root, TENANT))).toEqual([HOLDER]);
});

test("what is forgotten is gone, others' secrets stay, and a new one is another", async () => {
  const root = await folder();
  const store = erasureStore(root);
  const neighbour: string = newId();
  const before = await store.secret(TENANT, HOLDER, true);
  const kept = await store.secret(TENANT, neighbour, true);
  expect(await store.forget(TENANT, HOLDER)).toBe(true);
  expect(await store.forget(TENANT, HOLDER)).toBe(false);
  expect(await store.secret(TENANT, HOLDER, false)).toBeUndefined();
  expect(await store.secret(TENANT, neighbour, false)).toEqual(kept);
  expect(await store.secret(TENANT, HOLDER, true)).not.toEqual(before);
});

test('a tenant is forgotten with everybody in it, and no other tenant is', async () => {
  const root = await folder();
  const store = erasureStore(root);
  const other: string = newId();
  await store.secret(TENANT, HOLDER, true);
  await store.secret(TENANT, '0', true);
  const kept = await store.secret(other, HOLDER, true);
  expect(await store.forgetTenant(TENANT)).toBe(2);
  expect(await store.forgetTenant(TENANT)).toBe(0);
  expect(await store.secret(TENANT, '0', false)).toBeUndefined();
  expect(await store.secret(other, HOLDER, false)).toEqual(kept);
  expect(await readdir(root)).toEqual([other]);
});
