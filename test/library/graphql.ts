// The API of the shop, for every GraphQL server alike; its resolvers filter nothing. Who asks stands in the header x-user.

import type pg from 'pg';

export const typeDefs = /* GraphQL */ `
  type Order {
    id: Int!
    item: String!
  }
  type Query {
    orders: [Order!]!
    hello: String
    broken: Int
    failing: Int
    writing: Int
    slow: Int
    nested: Int
  }
  type Mutation {
    add(item: String!): Order
    fail: Int
    tie: Int
  }
  type Subscription {
    ticks: Int
  }
`;

export type Context = { readonly user: string | undefined; readonly session: pg.PoolClient };
type Args = { readonly item: string };

export const resolvers = {
  Query: {
    orders: async (_: unknown, _args: unknown, { session }: Context) =>
      (await session.query('select id, item from orders order by id')).rows,
    hello: () => 'world',
    broken: (_: unknown, _args: unknown, { session }: Context) => session.query('select secret from nowhere'),
    failing: () => {
      throw new Error('a secret of the server');
    },
    writing: async (_: unknown, _args: unknown, { session }: Context) =>
      (await session.query("insert into orders (item) values ('from a query')")).rowCount,
    slow: async (_: unknown, _args: unknown, { session }: Context) =>
      (await session.query('select pg_sleep(3)')).rowCount,
  },
  Mutation: {
    add: async (_: unknown, { item }: Args, { session }: Context) =>
      (await session.query('insert into orders (item) values ($1) returning id, item', [item])).rows[0],
    fail: () => {
      throw new Error('a secret of the server');
    },
    // a constraint that is checked when the transaction is kept
    tie: async (_: unknown, _args: unknown, { session }: Context) =>
      (await session.query('insert into ties (number) values (1), (1)')).rowCount,
  },
  Subscription: {
    ticks: {
      subscribe: async function* () {
        yield 1;
      },
      resolve: (_: unknown, _args: unknown, context: Context) => context.session,
    },
  },
};

export type Answer = {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Record<string, unknown> }[];
};

/** The codes of an answer's errors. */
export const codes = ({ errors }: Answer) => errors?.map(({ extensions }) => extensions?.code);
