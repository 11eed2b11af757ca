// bailiwick/apollo in a real Apollo Server.

import { ApolloServer, HeaderMap } from '@apollo/server';
import { bailiwickPlugin } from 'bailiwick/apollo';
import type pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { type Answer, type Context, codes, resolvers, typeDefs } from './graphql.ts';
import { type Ask, tellOperations } from './operations.ts';
import { ANN, openShop } from './shop.ts';

const shop = openShop();

async function serve(pool: pg.Pool, options: object = {}, plugins: object[] = [], more: object = {}) {
  const server = new ApolloServer<Context>({
    typeDefs,
    resolvers: resolvers as never,
    introspection: true,
    ...more,
    plugins: [
      bailiwickPlugin<Context>({
        pool,
        key: shop().key,
        principal: ({ user }) => (user === undefined ? null : { user }),
        ...options,
      }),
      ...plugins,
    ],
  });
  await server.start();
  onTestFinished(() => server.stop());
  return server;
}

function askOf(server: ApolloServer<Context>): Ask {
  return async (query, user) => {
    const { status, body } = await server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: 'POST',
        headers: new HeaderMap([['content-type', 'application/json']]),
        search: '',
        body: { query },
      },
      context: async () => ({ user: user === undefined ? undefined : String(user) }) as Context,
    });
    if (body.kind !== 'complete') {
      throw new Error('an answer in pieces');
    }
    return { status: status ?? 200, ...(JSON.parse(body.string) as Answer) };
  };
}

tellOperations(shop, async (pool, options) => askOf(await serve(pool, options)), 'INTERNAL_SERVER_ERROR');

test('what another plugin refuses has no session left open', async () => {
  const pool = shop().pool({ max: 1 });
  const server = await serve(pool, {}, [
    {
      requestDidStart: async () => ({
        didResolveOperation: async () => {
          throw new Error('refused by another');
        },
      }),
    },
  ]);
  const answer = await askOf(server)('mutation { add(item: "refused") { id } }', ANN);
  expect(answer.errors?.[0]?.message).toBe('refused by another');
  expect(pool.totalCount - pool.idleCount).toBe(0);
  expect(await shop().kept("select from orders where item = 'refused'")).toEqual([]);
});

test('an answer in pieces has no session, and is not given', async () => {
  const pool = shop().pool({ max: 1 });
  const inPieces = {
    initialResult: { hasNext: true, data: { hello: 'first' } },
    subsequentResults: (async function* () {})(),
  };
  const server = await serve(pool, {}, [], { __testing_incrementalExecutionResults: inPieces });
  const answer = await askOf(server)('{ hello }', ANN);
  expect([answer.data, codes(answer)]).toEqual([undefined, ['INTERNAL']]);
  expect(pool.totalCount - pool.idleCount).toBe(0);
});
