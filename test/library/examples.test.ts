// The examples of docs/library.md, run as they stand there.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ApolloServer } from '@apollo/server';
import { asPool, delegate, revoke, withSession } from 'bailiwick';
import { bailiwickPlugin } from 'bailiwick/apollo';
import { bailiwick, sealedAdapter } from 'bailiwick/prisma';
import { openSealing } from 'bailiwick/sealing';
import { useBailiwick } from 'bailiwick/yoga';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { createSchema, createYoga } from 'graphql-yoga';
import { Kysely, PostgresDialect } from 'kysely';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Context, resolvers, typeDefs } from './graphql.ts';
import { shopClient } from './prisma/client.ts';
import { openShop } from './shop.ts';

const shop = openShop();
beforeAll(() => vi.stubEnv('TICKET_KEY', shop().key));
afterAll(() => vi.unstubAllEnvs());

const orders = pgTable('orders', { id: integer().primaryKey(), item: text().notNull() });
type Tables = { orders: { id: number; item: string } };
const ANNS = [
  { id: 1, item: 'tea' },
  { id: 2, item: 'cups' },
].map((order) => expect.objectContaining(order));
const QUERY = '{ orders { id item } }';
const userOf = (request: Request) => ({ user: request.headers.get('x-user') ?? '' });

test('sessions', async () => {
  const pool = shop().pool();
  const mine = await withSession(pool, { user: 7 }, async (client) => {
    const { rows } = await client.query('select id, item from orders order by id');
    return rows;
  });
  expect(mine).toEqual(ANNS);
});

test('Drizzle and Kysely', async () => {
  const pool = shop().pool();
  const drizzled = await withSession(pool, { user: 7 }, (client) => drizzle(client).select().from(orders));
  expect(drizzled).toEqual(ANNS);
  const kyselied = await withSession(pool, { user: 7 }, (client) => {
    const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: asPool(client) }) });
    return db.selectFrom('orders').selectAll().execute();
  });
  expect(kyselied).toEqual(ANNS);
});

test('Prisma', async () => {
  const pool = shop().pool();
  // generated without types that a compiler could follow; the shape of $as is held in prisma.test.ts
  const PrismaClient = (await shopClient()) as unknown as new (
    options: object,
  ) => {
    $disconnect(): Promise<void>;
    $extends(extension: unknown): {
      $as(who: object, work: (db: Shop) => Promise<unknown>): Promise<unknown>;
    };
  };
  type Shop = { readonly order: { findMany(): Promise<unknown> } };
  const prisma = new PrismaClient({ adapter: sealedAdapter(pool) }).$extends(bailiwick());
  const found = await prisma.$as({ user: 7 }, (db) => db.order.findMany());
  expect(found).toEqual(ANNS);
});

test('Encrypted columns', async () => {
  const pool = shop().pool();
  vi.stubEnv('KEY_ENCRYPTION_KEY', randomBytes(32).toString('base64url'));
  const sealing = await openSealing();
  const kept = await withSession(pool, { user: 7 }, async (client) => {
    const { rows } = await client.query("select nextval('orders_id_seq')::int as id");
    const item = { table: 'orders', column: 'item', key: rows[0].id };
    const sealed = await sealing.seal(client, item, 'tea');
    await client.query('insert into orders (id, item) values ($1, $2)', [item.key, sealed]);
    return await sealing.open(client, item, sealed);
  });
  sealing.close();
  expect(kept).toBe('tea');
  expect(await shop().kept('select item from orders where id = 101')).toEqual([
    { item: expect.stringMatching(/^bwe1\./) },
  ]);
  await withSession(pool, { user: 7 }, (client) => client.query('delete from orders where id = 101'));
});

test('GraphQL', async () => {
  const pool = shop().pool();
  const schema = createSchema({ typeDefs, resolvers: resolvers as never });
  const yoga = createYoga({
    schema,
    plugins: [useBailiwick({ pool, principal: ({ request }) => userOf(request) })],
  });
  const asked = await yoga.fetch(`http://shop.test/graphql?query=${encodeURIComponent(QUERY)}`, {
    headers: { 'x-user': '7' },
  });
  expect(await asked.json()).toEqual({ data: { orders: ANNS } });
  const server = new ApolloServer<Context>({
    typeDefs,
    resolvers,
    plugins: [bailiwickPlugin<Context>({ pool, principal: ({ user }) => (user ? { user } : undefined) })],
  });
  onTestFinished(() => server.stop());
  const { body } = await server.executeOperation(
    { query: QUERY },
    { contextValue: { user: '7' } as Context },
  );
  expect(body).toMatchObject({ singleResult: { data: { orders: ANNS } } });
});

test('delegations', async () => {
  const pool = shop().pool();
  const delegation = await withSession(pool, { user: 7 }, (client) =>
    delegate(client, {
      to: { agent: 12 },
      capabilities: ['order:read'],
      expiresAt: new Date(Date.now() + 3_600_000),
    }),
  );
  const seen = await withSession(pool, { agent: 12, delegation }, (client) =>
    client.query('select id from orders'),
  );
  const since = await withSession(pool, { user: 7 }, (client) => revoke(client, delegation));
  expect([seen.rows.length, since]).toEqual([2, expect.any(Date)]);
});

test('what the document shows is what is run here', async () => {
  const said = await readFile(new URL('../../docs/library.md', import.meta.url), 'utf8');
  const run = (await readFile(new URL(import.meta.url), 'utf8')).replaceAll(/\s+/g, ' ');
  const blocks = [...said.matchAll(/```ts\n(.*?)```/gs)].map(([, block = '']) =>
    block.replaceAll(/\s+/g, ' ').trim(),
  );
  expect(blocks.length).toBeGreaterThan(6);
  expect(blocks.filter((block) => !run.includes(block))).toEqual([]);
});
