// Clients of transactions are made when they are asked for something, each once, and are then what Prisma makes.

import { PrismaPg } from '@prisma/adapter-pg';
import { expect, onTestFinished } from 'vitest';
import { PrismaClient } from '../../generated/prisma/client.ts';
import { lateClients } from '../../src/db/late-client.ts';
import { test } from '../kit/cast.ts';

/** A client of Prisma's alone, and how many clients of transactions it has made. */
function counted(connectionString: string) {
  const client = new PrismaClient({ adapter: new PrismaPg({ connectionString }) });
  onTestFinished(() => client.$disconnect());
  const making = client as unknown as { _createItxClient(...of: unknown[]): object };
  const { _createItxClient: make } = making;
  const made: object[] = [];
  Object.defineProperty(client, '_createItxClient', {
    configurable: true,
    value: (...of: unknown[]) => {
      const one = make.apply(client, of);
      made.push(one);
      return one;
    },
  });
  return { client, made };
}

test('Prisma still makes the clients of transactions by this name', async ({ database }) => {
  const { client, made } = counted(database.runtimeUrl);
  await client.$transaction(async () => undefined);
  expect(made).toHaveLength(1);
});

test('a transaction in which nothing is asked makes no client, one that asks makes one, and each its own', async ({
  database,
}) => {
  const { client, made } = counted(database.runtimeUrl);
  lateClients(client);
  expect(await client.$transaction(async () => 'done')).toBe('done');
  expect(made).toHaveLength(0);
  const ask = () =>
    client.$transaction(async (db) => {
      expect('memory' in db).toBe(true);
      expect(await db.memory.findMany({ take: 1 })).toEqual([]);
      return await db.$queryRaw<{ id: string }[]>`select pg_current_xact_id()::text as id`;
    });
  const [[one], [other]] = await Promise.all([ask(), ask()]);
  expect(made).toHaveLength(2);
  expect(one?.id).not.toBe(other?.id);
});

test('what has no such name is left as it is', () => {
  const client = {};
  expect(lateClients(client)).toBe(client);
  expect(Object.getOwnPropertyNames(client)).toEqual([]);
});
