// A session: who gets none, what cannot be done in one, and what becomes of its work.
//
// Faults on the way stand in shield.test.ts and connections.test.ts; what it costs and leaves behind in traces.test.ts.

import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { expect, onTestFinished, vi } from 'vitest';
import { Rollback, type Session, withService, withSession } from '../../src/db/session.ts';
import { ticketKey } from '../../src/db/ticket.ts';
import { ACTORS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { BailiwickError } from '../../src/errors.ts';
import { type DelegationId, type KeyId, newId } from '../../src/ids.ts';
import { ticket } from '../kit/as.ts';
import { test } from '../kit/cast.ts';
import { arrangeHung, arrangeKeys, digestOf, HUNG, issuedOn, KEYS } from '../policies/credentials.ts';
import { claims, expectIsolated, note, notesKept, openLane, ownersSeen } from './lane.ts';

const OUTSIDE = 'outside a session';

test('no query runs outside a session', async ({ database }) => {
  const { pool, database: opened } = await openLane(database);
  const { client } = opened;
  await expect(client.memory.findMany()).rejects.toThrow(OUTSIDE);
  await expect(client.$queryRaw`select 1`).rejects.toThrow(OUTSIDE);
  await expect(client.$transaction((db) => db.$queryRaw`select 1`)).rejects.toThrow(OUTSIDE);
  await expect(client.$transaction([client.$queryRaw`select 1`])).rejects.toThrow(OUTSIDE);
  await expect(pool.connect()).rejects.toThrow(OUTSIDE);
  expect(() => pool.query()).toThrow(OUTSIDE);
  expect(pool.totalCount).toBe(0);
});

test("no query runs beside the session's transaction", async ({ database }) => {
  const lane = await openLane(database, { size: 2 });
  const { client } = lane.database;
  for (const beside of [
    () => note({ db: client }, 'beside'),
    () => client.memory.findMany(),
    () => client.$queryRaw`select 1`,
    () => client.$transaction((db) => note({ db }, 'beside')),
  ]) {
    await expect(lane.run('alice', beside)).rejects.toMatchObject({ code: 'INTERNAL' });
  }
  expect(await notesKept(database, 'beside')).toBe(0);
  await expectIsolated(lane);
});

test('a server whose key the database does not know is UNAVAILABLE, and nobody who asks it is to blame', async ({
  database,
}) => {
  const lane = await openLane(database);
  const work = vi.fn();
  const wrong = { ...lane.database, ticketKey: ticketKey(new Uint8Array(32)) };
  await expect(withSession(wrong, claims('alice'), { readOnly: true }, work)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    cause: { message: 'the database does not believe this server: ticket: mac' },
  });
  expect(work).not.toHaveBeenCalled();
});

test('whom the database does not know is UNAUTHENTICATED, and no work is begun', async ({ database }) => {
  const lane = await openLane(database);
  const work = vi.fn();
  const alice = claims('alice');
  for (const [from, of] of [
    [lane.database, { ...alice, subject: 'nobody' }],
    [lane.database, { ...alice, tenant: 'globex' }],
    [lane.database, { ...alice, issuer: 'https://elsewhere.test/' }],
    [lane.database, { ...alice, onBehalfOf: 'bob' }],
  ] as const) {
    await expect(withSession(from, of, { readOnly: true }, work)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  }
  expect(work).not.toHaveBeenCalled();
  await expectIsolated(lane);
});

test('a ticket that expired opens no further transaction', async ({ database, raw }) => {
  await openLane(database);
  await raw(async ({ client, value }) => {
    const made = Date.now();
    const fresh = ticket('alice', {}, undefined, made - 10_000);
    const expired = ticket('alice', {}, undefined, made - 16_000);
    await client.query('begin');
    await value('select bailiwick.open($1, $2)::text', fresh);
    await client.query('commit');
    await client.query('begin');
    await expect(value('select bailiwick.open($1, $2)::text', expired)).rejects.toMatchObject({
      code: '28000',
    });
  });
});

test('a request that waits long for a connection does not lose its ticket on the way', async ({
  database,
}) => {
  const lane = await openLane(database);
  onTestFinished(() => void vi.useRealTimers());
  const [inside, holding] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const alice = lane.run('alice', () => {
    inside.resolve();
    return holding.promise;
  });
  await inside.promise;
  // as if bob had been waiting for longer than a ticket lives
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 16_000 });
  const bob = lane.run('bob', ownersSeen);
  await sleep(50);
  vi.useRealTimers();
  holding.resolve();
  await alice;
  expect(await bob).toEqual([ACTORS.bob.id]);
});

test('what a session holds shows no ticket', async ({ database }) => {
  const lane = await openLane(database);
  const { db, ...shown } = await lane.read('alice', async (session) => session);
  expect(Object.keys(shown).sort()).toEqual(
    [
      'actorId',
      'actorKind',
      'administrator',
      'chain',
      'course',
      'credential',
      'established',
      'ownerId',
      'receipts',
      'requestId',
      'tenantId',
      'worldId',
    ].sort(),
  );
  expect(shown.course).toMatchObject({ roundTrips: 2, statements: 0, ended: false });
  expect(inspect(shown, { depth: 9 })).not.toContain('ticket');
});

test('a session opened by a key is its holder, and shows which key it was and nothing of its digest', async ({
  database,
  migrate,
}) => {
  const lane = await openLane(database);
  await migrate(arrangeKeys);
  const by = (digest: string, delegation?: DelegationId) =>
    withSession(
      lane.database,
      { kind: 'key', digest, delegation, requestId: newId() },
      { readOnly: true },
      async ({ db, ...shown }) => ({ ...shown, seen: await ownersSeen({ db }) }),
    );
  for (const digest of [digestOf('nobody'), 'key of alice', '']) {
    await expect(by(digest)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  }
  await expect(by(KEYS.scout.digest, DELEGATIONS.scoutInGarden.id)).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
  });
  const alice = await by(KEYS.alice.digest);
  expect(alice).toMatchObject({ actorId: ACTORS.alice.id, chain: [], credential: `key:${KEYS.alice.id}` });
  const scout = await by(KEYS.scout.digest);
  expect(scout).toMatchObject({ actorId: ACTORS.scout.id, chain: [DELEGATIONS.scout.id] });
  expect([alice.seen, scout.seen]).toEqual([[ACTORS.alice.id], [ACTORS.alice.id]]);
  expect(JSON.stringify([alice, scout])).not.toMatch(/[0-9a-f]{64}/);
  await expectIsolated(lane);
});

test('a session opened by a token of our own is the holder of what it hangs on, and opens no more once that is revoked', async ({
  database,
  migrate,
}) => {
  const lane = await openLane(database);
  await migrate(arrangeHung);
  const by = (id: KeyId) =>
    withSession(lane.database, issuedOn(id), { readOnly: true }, async ({ db, ...shown }) => ({
      ...shown,
      seen: await ownersSeen({ db }),
    }));
  await expect(by(newId<KeyId>())).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(await by(HUNG.session.id)).toMatchObject({
    actorId: ACTORS.alice.id,
    credential: `session:${HUNG.session.id}`,
    seen: [ACTORS.alice.id],
  });
  expect(await by(HUNG.boundClient.id)).toMatchObject({
    actorId: ACTORS.scout.id,
    chain: [DELEGATIONS.scout.id],
    credential: `client:${HUNG.boundClient.id}`,
  });
  await migrate((sql) => sql.rows('update credentials set revoked_at = now(), revoked_by = owner_id'));
  for (const { id } of [HUNG.session, HUNG.boundClient]) {
    await expect(by(id)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  }
  await expectIsolated(lane);
});

test('the server itself has a session without tenant and owner, in which it reads issuers and no rows', async ({
  database,
  migrate,
}) => {
  const lane = await openLane(database);
  await migrate((sql) => sql.rows('delete from credentials; delete from issuers'));
  await migrate(arrangeKeys);
  const found = await withService(lane.database, 'identity', { readOnly: true }, async (db) => [
    await db.$queryRaw`select count(*)::int as n from issuers`,
    await db.$queryRaw`select id from memories`,
    await db.$queryRaw`select id from credentials`,
  ]);
  expect(found).toEqual([[{ n: 2 }], [], []]);
  await expectIsolated(lane);
});

test('a snapshot that would hide a revocation is refused', async ({ database }) => {
  const lane = await openLane(database);
  const { client } = lane.database;
  const transaction = client.$transaction.bind(client) as (
    work: unknown,
    options: object,
  ) => Promise<unknown>;
  for (const isolationLevel of ['RepeatableRead', 'Serializable']) {
    const stricter = new Proxy(client, {
      get: (target, name) =>
        name === '$transaction'
          ? (work: unknown, options: object) => transaction(work, { ...options, isolationLevel })
          : Reflect.get(target, name),
    });
    const refused = withSession(
      { ...lane.database, client: stricter },
      claims('alice'),
      { readOnly: true },
      ownersSeen,
    );
    await expect(refused).rejects.toMatchObject({ code: 'INTERNAL', cause: { code: '25001' } });
  }
  await expectIsolated(lane);
});

test('a read-only session refuses every write', async ({ database }) => {
  const lane = await openLane(database);
  const [id] = await lane.read('alice', ({ db }) => db.memory.findMany({ take: 1, select: { id: true } }));
  const writes: ((session: Session) => Promise<unknown>)[] = [
    (session) => note(session, 'written while reading'),
    ({ db }) => db.memory.deleteMany({ where: { id: id?.id ?? '' } }),
    ({ db }) => db.$executeRaw`update memories set content = 'written while reading'`,
    ({ db }) => db.$executeRaw`set transaction read write`,
  ];
  for (const write of writes) {
    await expect(lane.read('alice', write)).rejects.toMatchObject({ code: 'INTERNAL' });
  }
  expect(await notesKept(database, 'written while reading')).toBe(0);
  await expectIsolated(lane);
});

test('a second statement cannot be stacked behind the first', async ({ database }) => {
  const lane = await openLane(database);
  for (const stacked of [
    "select 1; insert into memories (content) values ('stacked')",
    'select 1; commit; select * from memories',
    'rollback; begin',
    // statements about partitions have no name, and so no protection by it
    'select from "activity_entries"; commit; select * from memories',
  ]) {
    const attempt = lane.run('alice', ({ db }) => db.$queryRawUnsafe(stacked));
    await expect(attempt).rejects.toMatchObject({ code: 'INTERNAL', cause: { code: '42601' } });
  }
  expect(await notesKept(database, 'stacked')).toBe(0);
  await expectIsolated(lane);
});

test.for(['commit', 'COMMIT', 'commit and chain', 'rollback', 'ROLLBACK', 'end', 'abort and chain'])(
  'SQL that ends its own transaction by %s finds nothing behind it',
  async (ending, { database }) => {
    const lane = await openLane(database);
    const seen: string[] = [];
    const cut = lane.run('alice', async (session) => {
      await session.db.$executeRawUnsafe(ending);
      seen.push(...(await ownersSeen(session)));
      await note(session, `after ${ending}`);
    });
    await expect(cut).rejects.toBeInstanceOf(BailiwickError);
    expect(seen).toEqual([]);
    expect(await notesKept(database, `after ${ending}`)).toBe(0);
    await expectIsolated(lane);
  },
);

test('work that swallows a failure of the database has failed', async ({ database }) => {
  const lane = await openLane(database);
  const swallowed = lane.run('alice', async (session) => {
    await note(session, 'before the failure');
    await note(session, '').catch(() => undefined);
  });
  await expect(swallowed).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  expect(await notesKept(database, 'before the failure')).toBe(0);
});

test('work that throws is undone, and its own error is the answer', async ({ database }) => {
  const lane = await openLane(database);
  const own = new BailiwickError('LIMIT_EXCEEDED');
  for (const [thrown, code] of [
    [own, 'LIMIT_EXCEEDED'],
    [new TypeError('a mistake'), 'INTERNAL'],
  ] as const) {
    const failed = lane.run('alice', async (session) => {
      await note(session, 'undone');
      // still running when the work throws, and no reason for the failure
      session.db.$queryRaw`select pg_sleep(0.1)::text`.catch(() => undefined);
      await sleep(20);
      throw thrown;
    });
    await expect(failed).rejects.toMatchObject({ code });
  }
  expect(await notesKept(database, 'undone')).toBe(0);
  await expectIsolated(lane);
});

test('a rollback on purpose keeps its value and undoes the work, unless the database failed', async ({
  database,
}) => {
  const lane = await openLane(database);
  const value = await lane.run('alice', async (session) => {
    await note(session, 'on purpose');
    throw new Rollback('found');
  });
  expect(value).toBe('found');
  const failed = lane.run('alice', async (session) => {
    await note(session, '').catch(() => undefined);
    throw new Rollback('found');
  });
  await expect(failed).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  expect(await notesKept(database, 'on purpose')).toBe(0);
  await expectIsolated(lane);
});

test('a session inside another is its own, with its own context', async ({ database }) => {
  const lane = await openLane(database, { size: 2 });
  const seen = await lane.read('alice', async (outer) => {
    const bob = await lane.read('bob', async (inner) => [
      ...(await ownersSeen(inner)),
      // alice's handle in bob's hands: the second layer asks for bob's rows, the database has alice's
      ...(await outer.db.memory.findMany()),
    ]);
    return [bob, await ownersSeen(outer)];
  });
  expect(seen).toEqual([[ACTORS.bob.id], [ACTORS.alice.id]]);
});
