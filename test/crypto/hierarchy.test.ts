// The hierarchy of keys: a wrapped key opens as what it was made as and as nothing else, a key that was destroyed or erased says so,
// wrapping anew changes nothing of what is sealed, and no error ever holds a key.

import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { type DataKey, open, type Place, seal } from '../../src/crypto/envelope.ts';
import type { ErasureStore } from '../../src/crypto/erasure.ts';
import {
  eraseHolder,
  eraseTenant,
  makeDataKey,
  makeTenantKey,
  openDataKey,
  openTenantKey,
  type Roots,
  rewrapDataKey,
  rewrapTenantKey,
  type StoredDataKey,
  type StoredTenantKey,
} from '../../src/crypto/hierarchy.ts';
import { newKey } from '../../src/crypto/primitives.ts';
import { keyIdOf } from '../../src/crypto/provider.ts';
import { openEnvironmentProvider } from '../../src/crypto/providers/environment.ts';
import { newId } from '../../src/ids.ts';

const text = () => newKey().toString('base64url');

/** Erasure secrets in memory. */
function secrets(): ErasureStore & { readonly kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    async secret(tenantId, holder, create) {
      const name = `${tenantId}/${holder}`;
      if (create && !kept.has(name)) {
        kept.set(name, newKey());
      }
      return kept.get(name);
    },
    forget: async (tenantId, holder) => kept.delete(`${tenantId}/${holder}`),
    async forgetTenant(tenantId) {
      const names = [...kept.keys()].filter((name) => name.startsWith(`${tenantId}/`));
      return names.filter((name) => kept.delete(name)).length;
    },
  };
}

/** A tenant's key, and a data key under it, as they are kept. */
async function make(roots: Roots) {
  const name = { id: newId() as string, tenantId: newId() as string, purpose: 'wrap' } as const;
  const made = await makeTenantKey(roots, name);
  const tenantKey: StoredTenantKey = { ...name, version: 1, wrapped: made.wrapped, erasable: made.erasable };
  const holder = { id: newId() as string, tenantId: name.tenantId, holderId: newId() as string, version: 1 };
  const { wrapped, erasable, key } = await makeDataKey(roots, made.secret, holder);
  const stored: StoredDataKey = { ...holder, wrapped, erasable, retired: false, tenantKey };
  return { tenantKey, above: made.secret, stored, key };
}

const PLACE: Place = {
  tenantId: newId(),
  ownerId: newId(),
  table: 'memories',
  column: 'content',
  rowId: newId(),
};
const opens = (sealed: string, key: DataKey) =>
  open(sealed, PLACE, (id) => (id === key.id ? key : undefined));

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'opened',
    (error: unknown) => error,
  );
const unavailable = (reason: string) => expect.objectContaining({ name: 'KeyUnavailableError', reason });
const refused = expect.objectContaining({ name: 'KeyProviderError', reason: 'refused' });

/** The text with one byte of what it encodes changed. */
function altered(wrapped: string, at: number): string {
  const cut = wrapped.lastIndexOf(':') + 1;
  const bytes = Buffer.from(wrapped.slice(cut), 'base64url');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return `${wrapped.slice(0, cut)}${bytes.toString('base64url')}`;
}

const erasable = () => ({ provider: openEnvironmentProvider([text()]), erasure: secrets() });

test('a wrapped data key opens for no other holder, tenant, id or version', async () => {
  const roots = erasable();
  const { above, stored } = await make(roots);
  const other = await make(roots);
  const { holderId, id } = other.stored;
  // the other holder and tenant have secrets too, so that what refuses is not that there is none
  await roots.erasure.secret(stored.tenantId, holderId, true);
  await roots.erasure.secret(other.stored.tenantId, stored.holderId, true);
  for (const moved of [
    { holderId },
    { tenantId: other.stored.tenantId },
    { id },
    { version: 2 },
    { version: 0 },
  ]) {
    expect(await failure(openDataKey(roots, above, { ...stored, ...moved }))).toEqual(unavailable('altered'));
  }
  // the same without any secret in it
  const plain = { provider: roots.provider };
  const without = await make(plain);
  for (const moved of [{ holderId }, { tenantId: other.stored.tenantId }, { id }, { version: 2 }]) {
    const error = await failure(openDataKey(plain, without.above, { ...without.stored, ...moved }));
    expect(error).toEqual(unavailable('altered'));
  }
});

test("a wrapped data key opens under no other tenant's key, with no other erasure secret, and with no byte changed", async () => {
  const roots = erasable();
  const { above, stored } = await make(roots);
  const other = await make(roots);
  expect(await failure(openDataKey(roots, other.above, stored))).toEqual(unavailable('altered'));
  for (let at = 0; at < 40; at += 1) {
    const wrapped = altered(stored.wrapped ?? '', at);
    expect(await failure(openDataKey(roots, above, { ...stored, wrapped }))).toEqual(unavailable('altered'));
  }
  for (const wrapped of ['', 'AAAA', (stored.wrapped ?? '').slice(0, -11), `${stored.wrapped}AAAAAAAAAAA`]) {
    expect(await failure(openDataKey(roots, above, { ...stored, wrapped }))).toEqual(unavailable('altered'));
  }
  expect(await openDataKey(roots, above, stored)).toMatchObject({ id: stored.id, version: 1 });
  roots.erasure.kept.set(`${stored.tenantId}/${stored.holderId}`, newKey());
  expect(await failure(openDataKey(roots, above, stored))).toEqual(unavailable('altered'));
  // nor by saying that it needs none
  expect(await failure(openDataKey(roots, above, { ...stored, erasable: false }))).toEqual(
    unavailable('altered'),
  );
});

test("a tenant's key opens as no other key, for no other tenant or purpose, with no byte changed, and under no other provider", async () => {
  const roots = erasable();
  const { tenantKey } = await make(roots);
  const other = await make(roots);
  const { id, tenantId } = other.tenantKey;
  for (const moved of [{ id }, { tenantId }, { purpose: 'index' as const }]) {
    expect(await failure(openTenantKey(roots, { ...tenantKey, ...moved }))).toEqual(refused);
  }
  for (let at = 0; at < 40; at += 1) {
    const wrapped = altered(tenantKey.wrapped ?? '', at);
    expect(await failure(openTenantKey(roots, { ...tenantKey, wrapped }))).toEqual(refused);
  }
  const elsewhere = { ...roots, provider: openEnvironmentProvider([text()]) };
  expect(await failure(openTenantKey(elsewhere, tenantKey))).toEqual(refused);
});

test("a tenant's key with another erasure secret is another key: nothing below it opens", async () => {
  const roots = erasable();
  const { tenantKey, stored } = await make(roots);
  const rightly = await openTenantKey(roots, tenantKey);
  expect(await openDataKey(roots, rightly, stored)).toMatchObject({ id: stored.id });
  roots.erasure.kept.set(`${tenantKey.tenantId}/0`, newKey());
  const wrongly = await openTenantKey(roots, tenantKey);
  expect(await failure(openDataKey(roots, wrongly, stored))).toEqual(unavailable('altered'));
});

test('a key that was destroyed says so, at every level and whatever is asked of it', async () => {
  const roots = erasable();
  const { tenantKey, above, stored } = await make(roots);
  const destroyed = unavailable('destroyed');
  expect(await failure(openTenantKey(roots, { ...tenantKey, wrapped: null }))).toEqual(destroyed);
  expect(await failure(rewrapTenantKey(roots, { ...tenantKey, wrapped: null }))).toEqual(destroyed);
  expect(await failure(openDataKey(roots, above, { ...stored, wrapped: null }))).toEqual(destroyed);
  expect(await failure(rewrapDataKey(roots, above, above, { ...stored, wrapped: null }))).toEqual(destroyed);
});

test('a key whose secret was forgotten is erased, and so is one where no secrets are configured', async () => {
  const roots = erasable();
  const { tenantKey, above, stored } = await make(roots);
  const erased = unavailable('erased');
  const none: Roots = { provider: roots.provider };
  expect(await failure(openDataKey(none, above, stored))).toEqual(erased);
  expect(await failure(openTenantKey(none, tenantKey))).toEqual(erased);
  expect(String(await failure(openTenantKey(none, tenantKey)))).toMatch(/no folder of them is configured/);

  expect(await eraseHolder(roots, stored.tenantId, stored.holderId)).toBe(true);
  expect(await eraseHolder(roots, stored.tenantId, stored.holderId)).toBe(false);
  expect(await failure(openDataKey(roots, above, stored))).toEqual(erased);
  expect(await failure(rewrapDataKey(roots, above, above, stored))).toEqual(erased);
  // asking for it has not made another
  expect(roots.erasure.kept.has(`${stored.tenantId}/${stored.holderId}`)).toBe(false);
  expect(await eraseTenant(roots, stored.tenantId)).toBe(true);
  expect(await failure(openTenantKey(roots, tenantKey))).toEqual(erased);
  expect(await eraseTenant(roots, stored.tenantId)).toBe(false);
  expect([await eraseHolder(none, 'a', 'b'), await eraseTenant(none, 'a')]).toEqual([false, false]);
});

test('no error shows a key, a secret or anything wrapped, however closely it is looked at', async () => {
  const keyText = text();
  const roots = { provider: openEnvironmentProvider([keyText]), erasure: secrets() };
  const { tenantKey, above, stored, key } = await make(roots);
  const other = await make(roots);
  const errors = await Promise.all(
    [
      openDataKey(roots, other.above, stored),
      openDataKey(roots, above, { ...stored, wrapped: null }),
      openDataKey(roots, above, { ...stored, wrapped: altered(stored.wrapped ?? '', 5) }),
      openDataKey({ provider: roots.provider }, above, stored),
      rewrapDataKey(roots, other.above, above, stored),
      openTenantKey(roots, { ...tenantKey, id: newId() }),
      openTenantKey(roots, { ...tenantKey, wrapped: altered(tenantKey.wrapped ?? '', 5) }),
      rewrapTenantKey(roots, { ...tenantKey, tenantId: newId() }),
    ].map(failure),
  );
  const material = [
    Buffer.from(keyText, 'base64url'),
    above.export(),
    key.secret.export(),
    Buffer.from(stored.wrapped ?? '', 'base64url'),
    Buffer.from(tenantKey.wrapped?.split(':')[2] ?? '', 'base64url'),
    ...roots.erasure.kept.values(),
  ].map((bytes) => Buffer.from(bytes));
  for (const error of errors) {
    expect(error).toBeInstanceOf(Error);
    const shown = inspect(error, {
      depth: null,
      showHidden: true,
      maxArrayLength: null,
      maxStringLength: null,
    });
    for (const bytes of material) {
      const hex = bytes.toString('hex');
      const dumped = inspect(bytes, { maxArrayLength: null }).slice('<Buffer '.length, -1);
      for (const form of [hex, dumped, bytes.toString('base64url'), bytes.toString('base64')]) {
        expect(shown).not.toContain(form.slice(0, 16));
      }
    }
  }
});

test('wrapped under another key of its tenant, a data key opens there alone and is the same key', async () => {
  const roots = erasable();
  const { tenantKey, above, stored, key } = await make(roots);
  const sealed = seal('kept', PLACE, key);
  const name = { id: newId() as string, tenantId: stored.tenantId, purpose: 'wrap' } as const;
  const next = await makeTenantKey(roots, name);
  const rewrapped = { ...stored, wrapped: await rewrapDataKey(roots, above, next.secret, stored) };
  expect(await failure(openDataKey(roots, above, rewrapped))).toEqual(unavailable('altered'));
  expect(await failure(openDataKey(roots, next.secret, stored))).toEqual(unavailable('altered'));
  const reopened = await openTenantKey(roots, { ...tenantKey, ...name, wrapped: next.wrapped });
  expect(opens(sealed, await openDataKey(roots, reopened, rewrapped))).toBe('kept');
});

test('key-encryption keys take turns: what the first wrapped opens beside the next, and after wrapping anew without it', async () => {
  const [a, b] = [text(), text()];
  const erasure = secrets();
  const first: Roots = { provider: openEnvironmentProvider([a]), erasure };
  const both: Roots = { provider: openEnvironmentProvider([b, a]), erasure };
  const second: Roots = { provider: openEnvironmentProvider([b]), erasure };
  const { tenantKey, stored, key } = await make(first);
  const sealed = seal('kept', PLACE, key);

  expect(await failure(openTenantKey(second, tenantKey))).toEqual(refused);
  expect(opens(sealed, await openDataKey(both, await openTenantKey(both, tenantKey), stored))).toBe('kept');

  const anew = { ...tenantKey, wrapped: await rewrapTenantKey(both, tenantKey) };
  expect(keyIdOf(anew.wrapped)).toBe(await second.provider.current());
  expect(await failure(openTenantKey(first, anew))).toEqual(refused);
  expect(opens(sealed, await openDataKey(second, await openTenantKey(second, anew), stored))).toBe('kept');
});
