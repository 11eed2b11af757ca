// The provider whose keys come from the environment: which it takes, and that they take turns where they are configured.
//
// Refusals first; what is shared with the provider of the key file is tested for both.

import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { newKey } from '../../src/crypto/primitives.ts';
import { keyIdOf } from '../../src/crypto/provider.ts';
import { openEnvironmentProvider } from '../../src/crypto/providers/environment.ts';
import { PostureError } from '../../src/errors.ts';

const BINDING = { tenant: 'acme', purpose: 'fields' };
const text = () => newKey().toString('base64url');

const caught = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

test('what is no key of 32 bytes is named by its place, and not shown', () => {
  const wrong = [newKey().toString('hex'), newKey().toString('base64'), text().slice(1), ''];
  for (const each of wrong) {
    const error = caught(() => openEnvironmentProvider([text(), each]));
    expect(error).toBeInstanceOf(PostureError);
    expect(error).toMatchObject({
      findings: ['key 2 must be 32 bytes in base64url, 43 characters'],
    });
    expect(each === '' || !inspect(error, { depth: null, showHidden: true }).includes(each)).toBe(true);
  }
});

test('without a key there is no provider', () => {
  expect(() => openEnvironmentProvider([])).toThrow('at least one key');
});

test('another binding, another key and another provider do not open it', async () => {
  const keys = [text()];
  const provider = openEnvironmentProvider(keys);
  const wrapped = await provider.wrap(newKey(), BINDING);

  const refused = { name: 'KeyProviderError', reason: 'refused' };
  const others = [{ ...BINDING, tenant: 'other' }, { ...BINDING, more: '' }, { tenant: 'acme' }, {}];
  for (const binding of [...others, { tenant: 'fields', purpose: 'acme' }]) {
    await expect(provider.unwrap(wrapped, binding)).rejects.toMatchObject(refused);
  }
  await expect(openEnvironmentProvider([text()]).unwrap(wrapped, BINDING)).rejects.toMatchObject(refused);
  const asLocal = wrapped.replace(/^env:/, 'local:');
  await expect(provider.unwrap(asLocal, BINDING)).rejects.toMatchObject(refused);
});

test('a change of any character of a wrapped key is refused, and shown nowhere', async () => {
  const keys = [text(), text()];
  const provider = openEnvironmentProvider(keys);
  const key = newKey();
  const wrapped = await provider.wrap(key, BINDING);
  for (let at = 0; at < wrapped.length; at += 1) {
    const altered = wrapped.slice(0, at) + (wrapped[at] === 'B' ? 'C' : 'B') + wrapped.slice(at + 1);
    const error: unknown = await provider.unwrap(altered, BINDING).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'KeyProviderError', reason: 'refused' });
    const shown = inspect(error, { depth: null, showHidden: true });
    for (const secret of [...keys, key.toString('base64url'), altered, altered.split(':')[2] ?? altered]) {
      expect(shown).not.toContain(secret);
    }
  }
});

test('another spelling of the same bytes is not the same wrapped key', async () => {
  const provider = openEnvironmentProvider([text()]);
  const wrapped = await provider.wrap(newKey(), BINDING);
  // 40 bytes leave four bits of the last character without meaning
  const last = wrapped.at(-1) ?? '';
  const next = String.fromCharCode(last.charCodeAt(0) + 1);
  const respelt = wrapped.slice(0, -1) + next;
  expect(Buffer.from(respelt.split(':')[2] ?? '', 'base64url')).toEqual(
    Buffer.from(wrapped.split(':')[2] ?? '', 'base64url'),
  );
  await expect(provider.unwrap(respelt, BINDING)).rejects.toMatchObject({ reason: 'refused' });
});

test('keys do not take turns from here, and the refusal says how they do', async () => {
  await expect(openEnvironmentProvider([text()]).rotate()).rejects.toMatchObject({
    reason: 'refused',
    message: expect.stringMatching(
      /first in KEY_ENCRYPTION_KEY.*behind it.*restart.*bailiwick keys rotate kek/,
    ),
  });
});

test('nothing that is printed of a provider shows a key', () => {
  const keys = [text(), text()];
  const shown = inspect(openEnvironmentProvider(keys), { depth: null, showHidden: true });
  expect(keys.filter((each) => shown.includes(each))).toEqual([]);
});

test('the first key wraps, and one put before it leaves the old one to open what it wrapped', async () => {
  const [old, fresh] = [text(), text()];
  const key = newKey();
  const before = openEnvironmentProvider([old]);
  const wrapped = await before.wrap(key, BINDING);
  expect(wrapped).toMatch(/^env:[0-9a-f]{16}:[\w-]+$/);
  expect(keyIdOf(wrapped)).toBe(await before.current());

  const after = openEnvironmentProvider([fresh, old]);
  expect(await after.current()).not.toBe(await before.current());
  expect(await after.unwrap(wrapped, BINDING)).toEqual(key);
  const again = await after.wrap(key, BINDING);
  expect(keyIdOf(again)).toBe(await after.current());
  await expect(before.unwrap(again, BINDING)).rejects.toMatchObject({ reason: 'refused' });
});

test('a binding is the same in whatever order it is written', async () => {
  const provider = openEnvironmentProvider([text()]);
  const key = newKey();
  const wrapped = await provider.wrap(key, { purpose: 'fields', tenant: 'acme' });
  expect(await provider.unwrap(wrapped, { tenant: 'acme', purpose: 'fields' })).toEqual(key);
});
