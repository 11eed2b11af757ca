// Drizzle and Kysely inside a session: queries, transactions, and what they do not see.

import { asPool, withSession } from 'bailiwick';
import { eq, sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { type Generated, Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { ANN, BEN, ORDERS, openShop } from './shop.ts';

const shop = openShop();
const orders = pgTable('orders', {
  id: integer().primaryKey().generatedByDefaultAsIdentity(),
  item: text().notNull(),
});
type Tables = { orders: { id: Generated<number>; item: string } };

const as = <Result>(user: number, work: (client: pg.PoolClient) => PromiseLike<Result>) =>
  withSession(shop().pool({ max: 1 }), { user }, work, { key: shop().key });
const drizzled = <Result>(user: number, work: (db: NodePgDatabase) => PromiseLike<Result>) =>
  as(user, (client) => work(drizzle(client)));
const kyselied = <Result>(user: number, work: (db: Kysely<Tables>) => PromiseLike<Result>) =>
  as(user, (client) => work(new Kysely<Tables>({ dialect: new PostgresDialect({ pool: asPool(client) }) })));

const left = () => shop().kept("delete from orders where id > 100 and item <> 'kept' returning item");

test('Drizzle sees the rows of the session and writes them', async () => {
  const seen = await drizzled(ANN, (db) => db.select({ id: orders.id }).from(orders).orderBy(orders.id));
  expect(seen.map(({ id }) => id)).toEqual(ORDERS.ann);
  await drizzled(ANN, async (db) => {
    const [made] = await db.insert(orders).values({ item: 'drizzled' }).returning();
    expect(await db.update(orders).set({ item: 'changed' }).where(eq(orders.item, 'drizzled'))).toMatchObject(
      { rowCount: 1 },
    );
    expect(await db.execute(sql`select item from orders where id = ${made?.id}`)).toMatchObject({
      rows: [{ item: 'changed' }],
    });
    // of another: not there
    expect(await db.delete(orders).where(eq(orders.id, ORDERS.ben[0]))).toMatchObject({ rowCount: 0 });
  });
  expect(await left()).toEqual([{ item: 'changed' }]);
});

test('a transaction of Drizzle’s is undone for itself, nested ones too, and the session goes on', async () => {
  await drizzled(BEN, async (db) => {
    await db.insert(orders).values({ item: 'outside' });
    const undone = db.transaction(async (tx) => {
      await tx.insert(orders).values({ item: 'inside' });
      throw new RangeError('mine');
    });
    await expect(undone).rejects.toThrow(RangeError);
    await expect(db.transaction((tx) => tx.insert(orders).values({ item: '' }))).rejects.toMatchObject({
      cause: { code: '23514' },
    });
    await db.transaction(async (tx) => {
      await tx.insert(orders).values({ item: 'second' });
      await tx
        .transaction(async (inner) => {
          await inner.insert(orders).values({ item: 'innermost' });
          inner.rollback();
        })
        .catch(() => undefined);
    });
    await expect(db.transaction(async () => 1, { isolationLevel: 'serializable' })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('READ COMMITTED') },
    });
    await db.transaction(async () => 1, { isolationLevel: 'read committed', accessMode: 'read write' });
  });
  expect(await left()).toEqual([{ item: 'outside' }, { item: 'second' }]);
});

test('Drizzle on the session as a pool does the same', async () => {
  const seen = await as(ANN, (client) =>
    drizzle(asPool(client) as unknown as pg.Pool).transaction((tx) =>
      tx.select({ id: orders.id }).from(orders),
    ),
  );
  expect(seen).toHaveLength(2);
});

test('Kysely sees the rows of the session and writes them', async () => {
  const seen = await kyselied(BEN, (db) => db.selectFrom('orders').select('id').execute());
  expect(seen.map(({ id }) => id)).toEqual(ORDERS.ben);
  await kyselied(BEN, async (db) => {
    const { id } = await db
      .insertInto('orders')
      .values({ item: 'kyselied' })
      .returning('id')
      .executeTakeFirstOrThrow();
    expect(
      await db.updateTable('orders').set({ item: 'changed' }).where('id', '=', id).executeTakeFirst(),
    ).toEqual({
      numUpdatedRows: 1n,
    });
    expect(await db.deleteFrom('orders').where('id', '=', ORDERS.ann[0]).executeTakeFirst()).toEqual({
      numDeletedRows: 0n,
    });
    // gives nothing back that is the session's
    await db.destroy();
  });
  expect(await left()).toEqual([{ item: 'changed' }]);
});

test('a transaction of Kysely’s is undone for itself, and the session goes on', async () => {
  await kyselied(ANN, async (db) => {
    const add = (on: Kysely<Tables>, item: string) => on.insertInto('orders').values({ item }).execute();
    await add(db, 'outside');
    await expect(
      db.transaction().execute(async (trx) => {
        await add(trx, 'inside');
        throw new RangeError('mine');
      }),
    ).rejects.toThrow(RangeError);
    await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute((trx) => add(trx, 'second'));
    const controlled = await db.startTransaction().execute();
    await add(controlled, 'third');
    const saved = await controlled.savepoint('here').execute();
    await add(saved, 'fourth');
    await saved.rollbackToSavepoint('here').execute();
    await controlled.commit().execute();
    await expect(
      db
        .transaction()
        .setIsolationLevel('serializable')
        .execute(async () => 1),
    ).rejects.toThrow('READ COMMITTED');
    // a failure that nobody looked at: Kysely is told that nothing was kept
    await expect(
      db.transaction().execute(async (trx) => {
        await add(trx, '').catch(() => undefined);
      }),
    ).rejects.toThrow();
  });
  expect(await left()).toEqual([{ item: 'outside' }, { item: 'second' }, { item: 'third' }]);
});

test('of Kysely’s queries at once none waits for ever, and a stream is refused', async () => {
  await kyselied(ANN, async (db) => {
    const both = await Promise.all([1, 2].map(() => db.selectFrom('orders').select('id').execute()));
    expect(both.map((rows) => rows.length)).toEqual([2, 2]);
    const stream = async () => {
      for await (const row of db.selectFrom('orders').select('id').stream()) {
        expect(row).toBeDefined();
      }
    };
    await expect(stream()).rejects.toThrow('cursor');
  });
});
