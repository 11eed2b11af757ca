// The keys that sign our tokens, over the real database, with a clock that can be turned: published before they sign, verified
// with for as long as a token can live, made by one process of several, and readable by nobody without the wrapping key.

import { createPrivateKey, createSign, createVerify, randomBytes } from 'node:crypto';
import { test as base, expect } from 'vitest';
import { openEnvironmentProvider } from '../../src/crypto/providers/environment.ts';
import { createClient } from '../../src/db/client.ts';
import { installTicketKey } from '../../src/db/policies.ts';
import { SealedPool } from '../../src/db/pool.ts';
import type { Database } from '../../src/db/session.ts';
import { ticketKey } from '../../src/db/ticket.ts';
import { tokenStore } from '../../src/db/tokens.ts';
import { type KeyRing, openKeyRing, SCHEDULE } from '../../src/oauth/signing-keys.ts';
import { raw } from '../kit/as.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { testEncryption } from '../kit/keys.ts';

type Ground = { readonly database: TestDatabase; readonly store: ReturnType<typeof tokenStore> };

const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  .extend('installation', { scope: 'file' }, async ({}, { onCleanup }): Promise<Ground> => {
    const database = await createTestDatabase();
    const secret = randomBytes(32);
    const key = ticketKey(secret);
    await installTicketKey(database.migratorUrl, key.kid, secret);
    const limits = { size: 5, waitMs: 2000, statementMs: 3000, transactionMs: 6000 };
    const pool = new SealedPool(database.runtimeUrl, limits, 180_000);
    const client = createClient(pool, testEncryption());
    onCleanup(async () => {
      await client.$disconnect();
      await pool.end();
      await database.drop();
    });
    const made: Database = { client, ticketKey: key, transactionMs: 6000, waitMs: 2000 };
    return { database, store: tokenStore(made) };
  })
  // for each test one in which nothing has signed yet
  .extend('ground', async ({ installation }): Promise<Ground> => {
    await raw(
      installation.database,
      (sql) => sql.rows('delete from bailiwick.signing_keys'),
      installation.database.migratorUrl,
    );
    return installation;
  });

const provider = () => openEnvironmentProvider([randomBytes(32).toString('base64url')]);
const PROVIDER = provider();
const START = Date.UTC(2026, 0, 1);
const SECOND = 1000;
const DAY = 86_400 * SECOND;

function clock() {
  let now = START;
  return {
    now: () => now,
    forward(milliseconds: number) {
      now += milliseconds;
    },
  };
}

const kids = async (ring: KeyRing) => (await ring.published()).keys.map(({ kid }) => String(kid as string));
const signer = async (ring: KeyRing) =>
  (await ring.signing()).find(({ alg }) => alg === 'ES256')?.kid ?? 'none';

test('a private key is not readable without the wrapping key, nor where it was moved to', async ({
  ground,
}) => {
  const { store, database } = ground;
  await openKeyRing(store, PROVIDER).signing();
  await expect(openKeyRing(store, provider()).signing()).rejects.toThrow();
  const rows = await raw(
    database,
    (sql) =>
      sql.rows<{ stored: string }>("select encode(private_key, 'escape') stored from bailiwick.signing_keys"),
    database.migratorUrl,
  );
  expect(rows).toHaveLength(2);
  expect(rows.filter(({ stored }) => stored.includes('"d"'))).toEqual([]);
  await raw(
    database,
    (sql) => sql.rows(`update bailiwick.signing_keys set kid = 'moved' where algorithm = 'ES256'`),
    database.migratorUrl,
  );
  await expect(openKeyRing(store, PROVIDER).signing()).rejects.toThrow();
});

test('a key is published an hour before it signs, and until the last token of it has expired', async ({
  ground,
}) => {
  const time = clock();
  const ring = openKeyRing(ground.store, PROVIDER, time);
  const first = await signer(ring);
  expect(await kids(ring)).toHaveLength(2);
  const [next = ''] = (await ring.rotate()).filter((kid) => kid !== first);
  expect(next).not.toBe('');
  expect(await kids(ring)).toHaveLength(4);
  time.forward(SCHEDULE.ahead - SECOND);
  expect(await signer(ring)).toBe(first);
  time.forward(2 * SECOND);
  const second = await signer(ring);
  expect(second).not.toBe(first);
  expect(await kids(ring)).toContain(first);
  expect((await ring.source.find(first))?.id).toBe(first);
  time.forward(SCHEDULE.retires);
  expect(await kids(ring)).not.toContain(first);
  expect(await ring.source.find(first)).toBeUndefined();
  expect(await kids(ring)).toHaveLength(2);
});

test('without anybody asking for it a key signs for thirty days, and never is there none', async ({
  ground,
}) => {
  const time = clock();
  const ring = openKeyRing(ground.store, PROVIDER, time);
  const seen = new Set<string>();
  for (let day = 0; day < 95; day += 1) {
    seen.add(await signer(ring));
    time.forward(DAY);
  }
  expect(seen).not.toContain('none');
  // a key signs from the day its turn comes, and somebody asked
  expect(seen.size).toBe(4);
});

test('of several processes that find a key too old one adds the next, and all sign with the same', async ({
  ground,
}) => {
  const time = clock();
  const rings = Array.from({ length: 4 }, () => openKeyRing(ground.store, PROVIDER, time));
  const first = new Set(await Promise.all(rings.map(signer)));
  expect(first.size).toBe(1);
  time.forward(SCHEDULE.signs);
  await Promise.all(rings.map((ring) => ring.published()));
  time.forward(SCHEDULE.ahead + 61 * SECOND);
  const second = new Set(await Promise.all(rings.map(signer)));
  expect([second.size, second.has([...first][0] ?? '')]).toEqual([1, false]);
  expect(await ground.store.signingKeys()).toHaveLength(4);
});

test('what another process has added is found when a token names it', async ({ ground }) => {
  const time = clock();
  const [one, other] = [openKeyRing(ground.store, PROVIDER, time), openKeyRing(ground.store, PROVIDER, time)];
  await one?.published();
  await other?.published();
  time.forward(5 * SECOND);
  const added = (await other?.rotate()) ?? [];
  for (const kid of added) {
    expect((await one?.source.find(kid))?.id).toBe(kid);
  }
  expect(await one?.source.find('made up')).toBeUndefined();
});

test('what the private half signs, the published half verifies', async ({ ground }) => {
  const ring = openKeyRing(ground.store, PROVIDER);
  for (const key of await ring.signing()) {
    const signature = createSign('sha256')
      .update('text')
      .sign(createPrivateKey({ key, format: 'jwk' }));
    const published = await ring.source.find(key.kid);
    expect(
      createVerify('sha256')
        .update('text')
        .verify(published?.key ?? '', signature),
    ).toBe(true);
  }
  // and nothing of the private half is published
  for (const key of (await ring.published()).keys) {
    expect(Object.keys(key).filter((member) => ['d', 'p', 'q', 'dp', 'dq', 'qi'].includes(member))).toEqual(
      [],
    );
  }
});
