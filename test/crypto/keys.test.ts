// The ring that remembers open keys: for whom it asks the table and how often, what it forgets and when, what one bad key costs the
// others, and that a blind index says nothing beyond its own column and tenant.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  makeDataKey,
  openTenantKey,
  type StoredDataKey,
  type StoredTenantKey,
} from '../../src/crypto/hierarchy.ts';
import { type KeyTable, openDataKeyRing, REMEMBERED, type SessionKeys } from '../../src/crypto/keys.ts';
import { newKey } from '../../src/crypto/primitives.ts';
import { type KeyProvider, KeyProviderError } from '../../src/crypto/provider.ts';
import { openEnvironmentProvider } from '../../src/crypto/providers/environment.ts';
import { newId } from '../../src/ids.ts';

/** The key tables of a tenant, in memory; what asks them is counted. */
function memoryTable() {
  const tenantKeys: StoredTenantKey[] = [];
  const dataKeys: StoredDataKey[] = [];
  const asked = { dataKeys: 0, tenantKey: 0 };
  const table: KeyTable = {
    async dataKeys(holders) {
      asked.dataKeys += 1;
      return dataKeys.filter(({ holderId }) => holders.includes(holderId));
    },
    async tenantKey(purpose) {
      asked.tenantKey += 1;
      return tenantKeys.findLast((key) => key.purpose === purpose);
    },
    async addTenantKey(key) {
      if (!tenantKeys.some(({ purpose }) => purpose === key.purpose)) {
        tenantKeys.push(key);
      }
    },
    async addDataKey(key) {
      if (!dataKeys.some(({ holderId }) => holderId === key.holderId)) {
        dataKeys.push(key);
      }
    },
  };
  return { table, tenantKeys, dataKeys, asked };
}

/** A provider that counts, and fails as often as it is told to. */
function countingProvider() {
  const real = openEnvironmentProvider([newKey().toString('base64url')]);
  const counts = { unwraps: 0, failures: 0 };
  const provider: KeyProvider = {
    ...real,
    async unwrap(wrapped, binding) {
      counts.unwraps += 1;
      await sleep(5);
      if (counts.failures > 0) {
        counts.failures -= 1;
        throw new KeyProviderError('unreachable', 'no answer');
      }
      return real.unwrap(wrapped, binding);
    },
  };
  return { provider, counts };
}

const TENANT: string = newId();

function arrange(remembered: { holders?: number; tenants?: number; milliseconds?: number } = {}) {
  const { provider, counts } = countingProvider();
  const memory = memoryTable();
  const ring = openDataKeyRing({ provider }, { ...REMEMBERED, ...remembered });
  const session = () => ring.forSession(TENANT, memory.table);
  return { ...memory, counts, ring, session, provider };
}

const ask = (session: SessionKeys, holder: string, ...ids: string[]) =>
  session.keysOf(new Map([[holder, new Set(ids)]])).then((keys) => keys.get(holder));

/** Holders with a key each. */
async function holders({ session }: ReturnType<typeof arrange>, n: number): Promise<string[]> {
  const made: string[] = Array.from({ length: n }, () => newId());
  for (const holder of made) {
    await session().sealingKey(holder);
  }
  return made;
}

const alter = (keys: StoredDataKey[], at: number, change: (key: StoredDataKey) => Partial<StoredDataKey>) => {
  const key = keys[at] as StoredDataKey;
  keys[at] = { ...key, ...change(key) };
};
const damage = ({ wrapped }: StoredDataKey) => ({
  wrapped: `${wrapped?.startsWith('A') ? 'B' : 'A'}${wrapped?.slice(1)}`,
});

/** What a rotation does to the table. Returns the id of the new key. */
async function succeed(
  { provider, dataKeys }: ReturnType<typeof arrange>,
  holderId: string,
): Promise<string> {
  const [old] = dataKeys as [StoredDataKey];
  const name = { id: newId() as string, tenantId: TENANT, holderId, version: old.version + 1 };
  const { wrapped } = await makeDataKey({ provider }, await openTenantKey({ provider }, old.tenantKey), name);
  alter(dataKeys, 0, () => ({ retired: true }));
  dataKeys.push({ ...old, ...name, wrapped });
  return name.id;
}

test('whoever has no key gets none from reading, and none is made', async () => {
  const stage = arrange();
  expect(await ask(stage.session(), newId(), newId())).toBeUndefined();
  expect([stage.tenantKeys, stage.dataKeys]).toEqual([[], []]);
});

test('a key that was destroyed is said to be destroyed, and seals nothing', async () => {
  const stage = arrange();
  const [holder = ''] = await holders(stage, 1);
  alter(stage.dataKeys, 0, () => ({ wrapped: null, retired: true }));
  stage.ring.forget();
  const id = stage.dataKeys[0]?.id ?? '';
  const keys = await ask(stage.session(), holder, id);
  expect([keys?.byId.size, keys?.current, [...(keys?.destroyed ?? [])]]).toEqual([0, undefined, [id]]);
  await expect(stage.session().sealingKey(holder)).rejects.toMatchObject({
    name: 'KeyUnavailableError',
    reason: 'destroyed',
  });
  expect(stage.dataKeys).toHaveLength(1);
});

test("with a tenant's key everything below it is destroyed, and nobody in the tenant gets a new key", async () => {
  const stage = arrange();
  const [holder = ''] = await holders(stage, 1);
  const [above] = stage.tenantKeys as [StoredTenantKey];
  stage.tenantKeys[0] = { ...above, wrapped: null };
  alter(stage.dataKeys, 0, ({ tenantKey }) => ({ tenantKey: { ...tenantKey, wrapped: null } }));
  stage.ring.forget();
  const keys = await ask(stage.session(), holder);
  expect([keys?.byId.size, keys?.destroyed.size]).toEqual([0, 1]);
  for (const each of [holder, newId()]) {
    await expect(stage.session().sealingKey(each)).rejects.toMatchObject({ reason: 'destroyed' });
  }
});

test('a damaged key does not open, and keeps no other from opening', async () => {
  const stage = arrange();
  const [damaged = '', whole = ''] = await holders(stage, 2);
  const [old] = stage.dataKeys as [StoredDataKey];
  alter(stage.dataKeys, 0, damage);
  const keys = await stage.session().keysOf(
    new Map([
      [damaged, new Set<string>()],
      [whole, new Set<string>()],
    ]),
  );
  expect([keys.get(damaged)?.byId.size, keys.get(damaged)?.destroyed.size]).toEqual([0, 0]);
  expect(keys.get(whole)?.byId.size).toBe(1);

  stage.ring.forget();
  alter(stage.dataKeys, 0, () => old);
  stage.dataKeys.push({ ...old, id: newId(), version: 2 });
  const both = await ask(stage.session(), damaged);
  expect([...(both?.byId.keys() ?? [])]).toEqual([old.id]);
  // and nothing is sealed with an older key in the place of the damaged one
  expect(both?.current).toBeUndefined();
  await expect(stage.session().sealingKey(damaged)).rejects.toMatchObject({
    name: 'KeyUnavailableError',
    reason: 'altered',
  });
});

test('a server that lacks the secrets outside the database says so, and not that keys were destroyed', async () => {
  const stage = arrange();
  const [holder = ''] = await holders(stage, 1);
  alter(stage.dataKeys, 0, () => ({ erasable: true }));
  stage.ring.forget();
  expect((await ask(stage.session(), holder))?.destroyed.size).toBe(0);
  await expect(stage.session().sealingKey(holder)).rejects.toMatchObject({ reason: 'erased' });
});

test('while the provider fails everybody is told, and the next session asks it again', async () => {
  const stage = arrange();
  const [holder = ''] = await holders(stage, 1);
  stage.ring.forget();
  stage.counts.unwraps = 0;
  stage.counts.failures = 2;
  for (const _ of [1, 2]) {
    await expect(ask(stage.session(), holder)).rejects.toMatchObject({ reason: 'unreachable' });
  }
  expect((await ask(stage.session(), holder))?.byId.size).toBe(1);
  expect(stage.counts.unwraps).toBe(3);
});

test('fifty sessions at once have the key of their tenant unwrapped once, and again when it failed', async () => {
  const stage = arrange();
  const all = await holders(stage, 50);
  const everybody = () => Promise.allSettled(all.map((holder) => ask(stage.session(), holder)));
  stage.ring.forget();
  stage.counts.unwraps = 0;
  stage.counts.failures = 1;
  expect((await everybody()).filter(({ status }) => status === 'rejected')).toHaveLength(50);
  expect(stage.counts.unwraps).toBe(1);
  expect((await everybody()).filter(({ status }) => status === 'rejected')).toEqual([]);
  expect(stage.counts.unwraps).toBe(2);
});

test('a key that a session has made is not remembered until another session has read it', async () => {
  const stage = arrange();
  const holder: string = newId();
  const session = stage.session();
  const key = await session.sealingKey(holder);
  stage.asked.dataKeys = 0;
  // the session itself knows it
  expect(await session.sealingKey(holder)).toBe(key);
  expect((await ask(session, holder, key.id))?.byId.get(key.id)).toBe(key);
  expect(stage.asked.dataKeys).toBe(0);
  // rolled back: nobody else has ever heard of it
  const [row] = stage.dataKeys.splice(0);
  expect(await ask(stage.session(), holder)).toBeUndefined();
  stage.dataKeys.push(row as StoredDataKey);
  expect((await ask(stage.session(), holder))?.current?.id).toBe(key.id);
  stage.asked.dataKeys = 0;
  expect((await ask(stage.session(), holder))?.current?.id).toBe(key.id);
  expect(stage.asked.dataKeys).toBe(0);
});

test('many who make the first key of one holder at once end with one key', async () => {
  const stage = arrange();
  const holder: string = newId();
  const session = stage.session();
  const keys = await Promise.all([
    ...Array.from({ length: 10 }, () => session.sealingKey(holder)),
    ...Array.from({ length: 10 }, () => stage.session().sealingKey(holder)),
  ]);
  expect(new Set(keys.map(({ id }) => id))).toEqual(new Set([stage.dataKeys[0]?.id]));
  expect([stage.tenantKeys.length, stage.dataKeys.length]).toEqual([1, 1]);
  expect(new Set(keys.map(({ secret }) => secret.export().toString('hex'))).size).toBe(1);
});

test('a key that is not known is looked for once more, and what was found is known from then on', async () => {
  const stage = arrange();
  const [holder = ''] = await holders(stage, 1);
  await ask(stage.session(), holder);
  const [first] = stage.dataKeys as [StoredDataKey];
  stage.asked.dataKeys = 0;
  const unknown: string = newId();
  expect((await ask(stage.session(), holder, unknown))?.byId.has(unknown)).toBe(false);
  expect(stage.asked.dataKeys).toBe(1);
  expect((await ask(stage.session(), holder, first.id))?.byId.has(first.id)).toBe(true);
  expect(stage.asked.dataKeys).toBe(1);

  // rotated by somebody else: the new key is found when an envelope names it, and seals from then on
  const next = await succeed(stage, holder);
  expect((await stage.session().sealingKey(holder)).id).toBe(first.id);
  expect((await ask(stage.session(), holder, next, first.id))?.byId.size).toBe(2);
  expect((await stage.session().sealingKey(holder)).id).toBe(next);
});

test('keys are remembered for a time and no longer', async () => {
  const stage = arrange({ milliseconds: 200 });
  const [holder = ''] = await holders(stage, 1);
  await ask(stage.session(), holder);
  stage.asked.dataKeys = 0;
  stage.counts.unwraps = 0;
  await ask(stage.session(), holder);
  expect(stage.asked.dataKeys).toBe(0);
  alter(stage.dataKeys, 0, () => ({ wrapped: null }));
  await sleep(250);
  expect((await ask(stage.session(), holder))?.byId.size).toBe(0);
  expect(stage.asked.dataKeys).toBe(1);
  expect(REMEMBERED.milliseconds).toBeLessThan(120_000);
});

test('keys are remembered of so many holders and tenants and no more, and of none once they are forgotten', async () => {
  const stage = arrange({ holders: 2, tenants: 1 });
  const [a = '', b = '', c = ''] = await holders(stage, 3);
  for (const holder of [a, b, c]) {
    await ask(stage.session(), holder);
  }
  const costs = async (holder: string) => {
    stage.asked.dataKeys = 0;
    await ask(stage.session(), holder);
    return stage.asked.dataKeys;
  };
  expect([await costs(c), await costs(b), await costs(a)]).toEqual([0, 0, 1]);
  stage.counts.unwraps = 0;
  const other = memoryTable();
  await stage.ring.forSession(newId(), other.table).sealingKey(newId());
  expect(stage.counts.unwraps).toBe(1);
  await ask(stage.session(), c);
  expect(stage.counts.unwraps).toBe(2);
  stage.ring.forget();
  expect([await costs(a), stage.counts.unwraps]).toEqual([1, 3]);
});

test('keys of one tenant are not found for another, whatever its holders are called', async () => {
  const stage = arrange();
  const [holder = ''] = await holders(stage, 1);
  await ask(stage.session(), holder);
  const empty = memoryTable();
  expect(await ask(stage.ring.forSession(newId(), empty.table), holder)).toBeUndefined();
});

test('without a key for it there is no index, unless one may be made', async () => {
  const stage = arrange();
  const column = ['users', 'email'] as const;
  expect(await stage.session().blindIndex(column, 'a@example.org', false)).toBeUndefined();
  expect(stage.tenantKeys).toEqual([]);
  const made = await stage.session().blindIndex(column, 'a@example.org', true);
  expect(stage.tenantKeys.map(({ purpose }) => purpose)).toEqual(['index']);
  expect(await stage.session().blindIndex(column, 'a@example.org', false)).toBe(made);
});

test('a blind index is equal for equal values of one column and tenant, and for nothing else', async () => {
  const stage = arrange();
  const other = memoryTable();
  const index = (table: string, column: string, value: string) =>
    stage.session().blindIndex([table, column], value, true);
  const one = await index('users', 'email', 'a');
  expect(one).toMatch(/^[\w-]{43}$/);
  expect(await index('users', 'email', 'a')).toBe(one);
  const others = await Promise.all([
    index('users', 'email', 'b'),
    index('users', 'emai', 'la'),
    index('users', 'locale', 'a'),
    index('agents', 'email', 'a'),
    stage.ring.forSession(newId(), other.table).blindIndex(['users', 'email'], 'a', true),
  ]);
  expect(new Set([one, ...others]).size).toBe(6);
});
