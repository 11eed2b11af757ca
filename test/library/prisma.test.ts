// bailiwick/prisma with an adopter's own client, generated from a schema that knows nothing of adoption.

import { randomBytes } from 'node:crypto';
import { bailiwick, sealedAdapter } from 'bailiwick/prisma';
import { openSealing } from 'bailiwick/sealing';
import type pg from 'pg';
import { beforeAll, expect, expectTypeOf, onTestFinished, test } from 'vitest';
import type { PrismaClient as OwnClient } from '../../generated/prisma/client.ts';
import { withSession } from '../../src/library/bailiwick.ts';
import { type ShopClient, shopClient } from './prisma/client.ts';
import { ANN, BEN, CLEO, ids, ORDERS, openShop } from './shop.ts';

const shop = openShop();
let Client: Awaited<ReturnType<typeof shopClient>>;
beforeAll(async () => {
  Client = await shopClient();
});

type Db = Pick<ShopClient, 'order' | 'account' | '$queryRaw' | '$executeRawUnsafe'> & {
  $transaction<Result>(work: (db: Db) => Promise<Result>): Promise<Result>;
};

function prismaOn(pool: pg.Pool) {
  const plain = new Client({ adapter: sealedAdapter(pool) });
  onTestFinished(() => plain.$disconnect());
  return plain.$extends(bailiwick({ key: shop().key })) as unknown as ShopClient & {
    $as<Result>(
      principal: object,
      work: (db: Db, context: { readonly ownerId: string }) => Promise<Result>,
      options?: { readonly readOnly?: boolean; readonly limitMs?: number; readonly waitMs?: number },
    ): Promise<Result>;
  };
}
const orderIds = async (db: Db) => (await db.order.findMany({ orderBy: { id: 'asc' } })).map(({ id }) => id);

test('everybody sees their own rows through Prisma, however they take turns', async () => {
  const prisma = prismaOn(shop().pool());
  const users = Array.from({ length: 12 }, (_, n) => [ANN, BEN, CLEO][n % 3] ?? ANN);
  const seen = await Promise.all(users.map((user) => prisma.$as({ user }, orderIds)));
  expect(seen).toEqual(
    users.map((user) => ({ [ANN]: ORDERS.ann, [BEN]: ORDERS.ben, [CLEO]: ORDERS.cleo })[user]),
  );
  const [ann] = await prisma.$as({ user: ANN }, (db) =>
    db.account.findMany({ where: { id: ANN }, include: { orders: true } }),
  );
  expect(ann).toMatchObject({ name: 'ann', orders: [{ id: 1 }, { id: 2 }] });
});

test('outside of $as, and beside its transaction, every query is refused', async () => {
  const pool = shop().pool();
  const prisma = prismaOn(pool);
  await expect(prisma.order.findMany()).rejects.toThrow('no query outside of a session');
  await expect(prisma.$queryRaw`select 1`).rejects.toThrow('no query outside of a session');
  await expect(prisma.$transaction([prisma.order.findMany()])).rejects.toThrow(
    'no query outside of a session',
  );
  expect(pool.totalCount).toBe(0);
  await expect(prisma.$as({ user: ANN }, () => prisma.order.findMany())).rejects.toThrow(
    'outside of a session',
  );
  await expect(
    prisma.$as({ user: ANN }, () => prisma.$transaction((db: Db) => db.order.findMany())),
  ).rejects.toThrow('one transaction');
});

test('what work did is kept when it returns, and undone when it throws, whose own error goes on', async () => {
  const prisma = prismaOn(shop().pool({ max: 1 }));
  const own = new RangeError('mine');
  await prisma.$as({ user: BEN }, (db) => db.order.create({ data: { item: 'kept' } }));
  await expect(
    prisma.$as({ user: BEN }, async (db) => {
      await db.order.create({ data: { item: 'undone' } });
      throw own;
    }),
  ).rejects.toBe(own);
  const kept =
    "delete from orders where item in ('kept', 'undone') returning item, bailiwick_owner is not null as owned";
  expect(await shop().kept(kept)).toEqual([{ item: 'kept', owned: true }]);
  // of another: not there
  expect(
    await prisma.$as({ user: BEN }, (db) => db.order.deleteMany({ where: { id: ORDERS.ann[0] } })),
  ).toEqual({ count: 0 });
});

test('a transaction inside $as is a savepoint', async () => {
  const prisma = prismaOn(shop().pool({ max: 1 }));
  await prisma.$as({ user: BEN }, async (db) => {
    await db.order.create({ data: { item: 'outside' } });
    await expect(
      db.$transaction(async (inner) => {
        await inner.order.create({ data: { item: 'inside' } });
        throw new RangeError('mine');
      }),
    ).rejects.toThrow(RangeError);
  });
  expect(await shop().kept("delete from orders where item in ('outside', 'inside') returning item")).toEqual([
    { item: 'outside' },
  ]);
});

test('what is sealed through the db of $as opens there, for the same owner alone', async () => {
  const prisma = prismaOn(shop().pool());
  const sealing = await openSealing({ KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64url') });
  onTestFinished(() => sealing.close());
  const cell = { table: 'orders', column: 'item', key: 1 };
  const sealed = await prisma.$as({ user: ANN }, async (db) => {
    const one = await sealing.seal(db, cell, 'tea');
    expect(await sealing.open(db, cell, one)).toBe('tea');
    return one;
  });
  const opened = (user: number) => prisma.$as({ user }, (db) => sealing.open(db, cell, sealed));
  expect(await opened(ANN)).toBe('tea');
  await expect(opened(BEN)).rejects.toMatchObject({ reason: 'key' });
});

test('who gets no session is told why, and nothing of Prisma’s or the database’s', async () => {
  const pool = shop().pool({ max: 1 });
  const prisma = prismaOn(pool);
  const work = () => Promise.reject(new Error('begun'));
  for (const principal of [{ user: 4711 }, { user: undefined }]) {
    await expect(prisma.$as(principal, work)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  }
  const held = await pool.connect();
  await expect(prisma.$as({ user: ANN }, work, { waitMs: 100 })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  });
  held.release();
  await expect(new Client({ adapter: sealedAdapter(pool) }).order.findMany()).rejects.toThrow(
    'outside of a session',
  );
});

test('a session inside $as, and $as inside a session, is refused and not waited for', async () => {
  const pool = shop().pool({ max: 1 });
  const prisma = prismaOn(pool);
  const { key } = shop();
  const nested = [
    () => prisma.$as({ user: ANN }, () => prisma.$as({ user: ANN }, orderIds)),
    () => prisma.$as({ user: ANN }, () => withSession(pool, { user: ANN }, ids, { key })),
    () => withSession(pool, { user: ANN }, () => prisma.$as({ user: ANN }, orderIds), { key }),
  ];
  for (const one of nested) {
    await expect(one()).rejects.toThrow('a session inside a session');
  }
  expect(await prisma.$as({ user: ANN }, orderIds)).toEqual(ORDERS.ann);
});

test('limits hold: reading only, time, and statements that would end the transaction', async () => {
  const prisma = prismaOn(shop().pool({ max: 1 }));
  const add = (db: Db) => db.order.create({ data: { item: 'never' } });
  await expect(prisma.$as({ user: ANN }, add, { readOnly: true })).rejects.toThrow(/read-only/);
  await expect(
    prisma.$as({ user: ANN }, async (db) => [await add(db), await db.$queryRaw`select pg_sleep(3)::text`], {
      limitMs: 200,
    }),
  ).rejects.toMatchObject({ code: 'TIMEOUT' });
  await expect(
    prisma.$as({ user: ANN }, async (db) => [await add(db), await db.$executeRawUnsafe('commit; select 1')]),
  ).rejects.toThrow();
  await expect(
    prisma.$as({ user: ANN }, async (db) => [await add(db), await db.$executeRawUnsafe(' commit')]),
  ).rejects.toThrow();
  expect(await shop().kept("select from orders where item = 'never'")).toEqual([]);
  expect(await prisma.$as({ user: ANN }, orderIds)).toEqual(ORDERS.ann);
});

// held by the compiler
const memories = (own: OwnClient) =>
  own.$extends(bailiwick()).$as({ user: ANN }, (db) => db.memory.findMany({ select: { id: true } }));

test('the client inside $as has the adopter’s own models and types', () => {
  expectTypeOf(memories).returns.resolves.toEqualTypeOf<{ id: string }[]>();
});
