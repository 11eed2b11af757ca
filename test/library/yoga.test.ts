// bailiwick/yoga in a real GraphQL Yoga.

import { useBailiwick } from 'bailiwick/yoga';
import { createSchema, createYoga, type Plugin } from 'graphql-yoga';
import pg from 'pg';
import { expect, test } from 'vitest';
import { withSession } from '../../src/library/bailiwick.ts';
import { type Answer, type Context, codes, resolvers, typeDefs } from './graphql.ts';
import { type Ask, tellOperations } from './operations.ts';
import { ANN, openShop } from './shop.ts';

const shop = openShop();

function yogaOn(pool: pg.Pool, options: object = {}, context: object = {}, more: object = {}) {
  return createYoga<object, Context>({
    schema: createSchema<Context>({ typeDefs, resolvers: { ...resolvers, ...more } as never }),
    context: ({ request }) => ({ user: request.headers.get('x-user') ?? undefined, ...context }) as Context,
    plugins: [
      useBailiwick<{ user?: string }>({
        pool,
        key: shop().key,
        principal: async ({ user }) => (user === undefined ? undefined : { user }),
        ...options,
      }),
    ],
    logging: false,
    batching: true,
  });
}

function askOf(yoga: ReturnType<typeof yogaOn>): Ask {
  return async (query, user) => {
    const answer = await yoga.fetch('http://shop.test/graphql', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(user === undefined ? {} : { 'x-user': String(user) }),
      },
      body: JSON.stringify({ query }),
    });
    return { status: answer.status, ...((await answer.json()) as Answer) };
  };
}

tellOperations(shop, async (pool, options) => askOf(yogaOn(pool, options)), 'INTERNAL_SERVER_ERROR');

test('a session inside the operation’s own is refused, and not waited for', async () => {
  const pool = shop().pool({ max: 1 });
  const nested = () => withSession(pool, { user: ANN }, () => 1, { key: shop().key });
  const said: unknown[] = [];
  const ask = askOf(
    yogaOn(
      pool,
      {},
      {},
      { Query: { ...resolvers.Query, nested: () => nested().catch((error) => said.push(error.message)) } },
    ),
  );
  expect(await ask('{ nested }', ANN)).toMatchObject({ data: { nested: 1 } });
  expect(said).toEqual([expect.stringContaining('a session inside a session')]);
});

test('operations of one request have a session each', async () => {
  const yoga = yogaOn(shop().pool());
  const answer = await yoga.fetch('http://shop.test/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-user': String(ANN) },
    body: JSON.stringify([
      { query: '{ orders { id } }' },
      { query: 'mutation { fail }' },
      { query: '{ orders { id } }' },
    ]),
  });
  const [first, second, third] = (await answer.json()) as Answer[];
  expect(first?.data?.orders).toHaveLength(2);
  expect(codes(second ?? {})).toEqual(['INTERNAL_SERVER_ERROR']);
  expect(third).toEqual(first);
});

test('a context with a session of its own keeps it: the client gets another name, or nothing happens', async () => {
  const own = { session: { id: 'of the web server' } };
  const clash = await askOf(yogaOn(shop().pool(), {}, own))('{ hello }', ANN);
  expect(codes(clash)).toEqual(['INTERNAL_SERVER_ERROR']);
  const renamed = yogaOn(shop().pool(), { at: 'db' }, own, {
    Query: {
      ...resolvers.Query,
      hello: async (_: unknown, _args: unknown, context: { db: pg.PoolClient; session: { id: string } }) =>
        `${context.session.id}, ${(await context.db.query('select count(*)::int as n from orders')).rows[0].n}`,
    },
  });
  expect(await askOf(renamed)('{ hello }', ANN)).toMatchObject({ data: { hello: 'of the web server, 2' } });
});

test('two operations at once cannot have one context, and one after the other can', async () => {
  const shared = { user: String(ANN) };
  const sharing: Plugin = {
    onExecute: ({ args, executeFn, setExecuteFn }) =>
      setExecuteFn(() => executeFn({ ...args, contextValue: shared })),
  };
  const plugin = useBailiwick({ pool: shop().pool(), key: shop().key, principal: () => ({ user: ANN }) });
  const yoga = createYoga<object, Context>({
    schema: createSchema<Context>({ typeDefs, resolvers: resolvers as never }),
    // the last one is asked first
    plugins: [plugin, sharing],
    logging: false,
  });
  const ask = () => askOf(yoga)('{ orders { id } }', ANN);
  // the first waits for its rows until the second has been refused
  const holder = new pg.Client({ connectionString: shop().adminUrl });
  await holder.connect();
  await holder.query('begin; lock table orders');
  const asked = [ask(), ask()];
  await Promise.race(asked);
  await holder.query('commit');
  await holder.end();
  const together = await Promise.all(asked);
  expect(together.map(codes)).toContainEqual(['INTERNAL_SERVER_ERROR']);
  expect(together.map(codes)).toContainEqual(undefined);
  expect(codes(await ask())).toBeUndefined();
});

test('an answer in pieces has no session, and nothing of it is kept', async () => {
  const pieces: Plugin = {
    onExecute: ({ executeFn, setExecuteFn }) =>
      setExecuteFn(async function* (args: Parameters<typeof executeFn>[0]) {
        yield await executeFn(args);
      } as never),
  };
  const plugin = useBailiwick({ pool: shop().pool(), key: shop().key, principal: () => ({ user: ANN }) });
  const yoga = createYoga<object, Context>({
    schema: createSchema<Context>({ typeDefs, resolvers: resolvers as never }),
    plugins: [pieces, plugin],
    logging: false,
  });
  expect(codes(await askOf(yoga)('mutation { add(item: "piece") { id } }', ANN))).toEqual([
    'INTERNAL_SERVER_ERROR',
  ]);
  expect(await shop().kept("select from orders where item = 'piece'")).toEqual([]);
});

test('a subscription has no session, and says so', async () => {
  const answer = await yogaOn(shop().pool()).fetch('http://shop.test/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', 'x-user': String(ANN) },
    body: JSON.stringify({ query: 'subscription { ticks }' }),
  });
  expect(await answer.text()).toContain('"errors"');
});
