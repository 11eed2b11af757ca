// Several key providers as one: who wraps, who unwraps what, and what is not even loaded.
//
// What each provider does by itself is tested in a file of its own.

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { newKey } from '../../src/crypto/primitives.ts';
import { keyIdOf, type Scheme } from '../../src/crypto/provider.ts';
import { openKeyProviders, type ProviderSettings } from '../../src/crypto/providers.ts';
import { startKmsServer } from './kms-server.ts';
import { REFUSED } from './refusals.ts';
import { startVaultServer } from './vault-server.ts';

const BINDING = { tenant: 'acme', purpose: 'fields' };

/** Settings that leave nothing to be configured but the order. */
function settings(): Omit<ProviderSettings, 'order'> {
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-providers-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return { file: join(folder, 'kek.key'), keys: [newKey().toString('base64url')] };
}

test.each<[string, Partial<ProviderSettings>, RegExp]>([
  ['no provider', { order: [] }, /none is named/],
  ['a provider named twice', { order: ['env', 'env'] }, /env is named twice/],
  ['Vault without its settings', { order: ['local', 'vault'] }, /vault needs Vault's address/],
  ['KMS without its settings', { order: ['aws'] }, /aws needs the id of a KMS key/],
  ['the environment without keys', { order: ['env'], keys: [] }, /KEY_ENCRYPTION_KEY/],
])('%s is refused at the start', async (_, wrong, finding) => {
  const opening = openKeyProviders({ ...settings(), order: ['local'], ...wrong });
  await expect(opening).rejects.toThrow(finding);
  await expect(opening).rejects.toMatchObject({ name: 'PostureError' });
});

test('what a provider wrapped that is not configured is refused, with what to configure', async () => {
  const given = settings();
  const local = await openKeyProviders({ ...given, order: ['local'] });
  const env = await openKeyProviders({ ...given, order: ['env'] });
  const wrapped = await env.wrap(newKey(), BINDING);
  await expect(local.unwrap(wrapped, BINDING)).rejects.toMatchObject({
    ...REFUSED,
    message: expect.stringMatching(/provider env.*add env behind them.*KEY_ENCRYPTION_KEY/),
  });
  const others: [string, string][] = [
    ['vault:bailiwick.v1:AAAA', 'provider vault'],
    ['aws:1234:AAAA', 'provider aws'],
  ];
  for (const [other, named] of others) {
    await expect(local.unwrap(other, BINDING)).rejects.toThrow(named);
  }
});

test('what no provider wrapped is refused, and not repeated', async () => {
  const local = await openKeyProviders({ ...settings(), order: ['local'] });
  for (const text of ['', 'local', 'secret', 'constructor:a:b', '__proto__:a:b', ' env:a:b', 'ENV:a:b']) {
    await expect(local.unwrap(text, BINDING)).rejects.toMatchObject({
      ...REFUSED,
      message: 'not a wrapped key of any provider',
    });
  }
});

test('a provider that only unwraps makes no key', async () => {
  const given = settings();
  const provider = await openKeyProviders({ ...given, order: ['env', 'local'] });
  await provider.wrap(newKey(), BINDING);
  expect(readdirSync(join(given.file, '..'))).toEqual([]);
});

test('whoever uses neither Vault nor KMS loads neither library', async () => {
  const module = JSON.stringify(new URL('../../src/crypto/providers.ts', import.meta.url));
  const script = `import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { openKeyProviders } = await import(${module});
    const [order, file] = process.argv.slice(1);
    const vault = { address: 'http://127.0.0.1:1', token: 'none', timeoutMs: 1 };
    await openKeyProviders({ order: order.split(), file, keys: [], vault });
    process.stdout.write(loaded.join('\\n'));`;
  const { file } = settings();
  const loadedFor = async (order: Scheme) =>
    (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, order, file])).stdout;
  const [local, vault] = await Promise.all([loadedFor('local'), loadedFor('vault')]);
  expect(local).toContain('providers/local.ts');
  expect(local).not.toMatch(/node_modules/);
  // and the test would see it
  expect(vault).toMatch(/node_modules\/node-vault/);
});

test('the first wraps and rotates, and each unwraps its own', async () => {
  const given = settings();
  const key = newKey();
  const local = await openKeyProviders({ ...given, order: ['local'] });
  const old = await local.wrap(key, BINDING);

  const both = await openKeyProviders({ ...given, order: ['env', 'local'] });
  expect(both.scheme).toBe('env');
  expect(await both.unwrap(old, BINDING)).toEqual(key);
  const fresh = await both.wrap(key, BINDING);
  expect(keyIdOf(fresh)).toBe(await both.current());
  await expect(both.rotate()).rejects.toThrow('KEY_ENCRYPTION_KEY');

  const back = await openKeyProviders({ ...given, order: ['local', 'env'] });
  expect(await back.unwrap(fresh, BINDING)).toEqual(key);
  expect(await back.rotate()).toBe(await back.current());
  expect(await back.unwrap(old, BINDING)).toEqual(key);
});

test('a key moves from the file to Vault, and on to KMS', async () => {
  await using vault = await startVaultServer();
  await using kms = await startKmsServer();
  vi.stubEnv('AWS_ACCESS_KEY_ID', kms.credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', kms.credentials.secretAccessKey);
  onTestFinished(() => void vi.unstubAllEnvs());
  const given = {
    ...settings(),
    vault: { address: vault.address, token: vault.token, timeoutMs: 5_000 },
    aws: { keyId: 'alias/bailiwick', region: 'eu-central-1', endpoint: kms.endpoint, timeoutMs: 5_000 },
  };
  const key = newKey();
  let wrapped = await (await openKeyProviders({ ...given, order: ['local'] })).wrap(key, BINDING);
  const orders: readonly (readonly Scheme[])[] = [
    ['vault', 'local'],
    ['aws', 'vault'],
  ];
  for (const order of orders) {
    const provider = await openKeyProviders({ ...given, order });
    wrapped = await provider.wrap(await provider.unwrap(wrapped, BINDING), BINDING);
    expect(wrapped.split(':')[0]).toBe(order[0]);
    expect(Buffer.from(await provider.unwrap(wrapped, BINDING))).toEqual(key);
    provider.close?.();
  }
});
