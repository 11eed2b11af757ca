// What holds for every GraphQL server with the plugin: told as tests, which yoga.test.ts and apollo.test.ts have run against theirs.

import type pg from 'pg';
import { expect, test } from 'vitest';
import { type Answer, codes } from './graphql.ts';
import { ANN, BEN, ORDERS, type openShop } from './shop.ts';

export type Ask = (query: string, user?: number | string) => Promise<Answer & { readonly status: number }>;

/** @param serve Starts a server on a pool, for the running test. */
export function tellOperations(
  shop: ReturnType<typeof openShop>,
  serve: (pool: pg.Pool, options?: { readonly limitMs?: number; readonly waitMs?: number }) => Promise<Ask>,
  /** What the server calls what it masks. */
  masked: string,
): void {
  const idsOf = ({ data }: Answer) => (data?.orders as { id: number }[] | undefined)?.map(({ id }) => id);

  test('everybody gets their own rows, also at once on few connections', async () => {
    const ask = await serve(shop().pool());
    const users = Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? ANN : BEN));
    const answers = await Promise.all(users.map((user) => ask('{ orders { id } }', user)));
    expect(answers.map(idsOf)).toEqual(users.map((user) => (user === ANN ? ORDERS.ann : ORDERS.ben)));
  });

  test('nobody gets no session, and is told so where a resolver asks for one', async () => {
    const pool = shop().pool();
    const ask = await serve(pool);
    expect(await ask('{ hello }')).toMatchObject({ status: 200, data: { hello: 'world' } });
    expect(codes(await ask('{ orders { id } }'))).toEqual(['UNAUTHENTICATED']);
    expect(codes(await ask('mutation { add(item: "x") { id } }'))).toEqual(['UNAUTHENTICATED']);
    expect(pool.totalCount).toBe(0);
    const unknown = await ask('{ hello orders { id } }', 4711);
    expect([unknown.status, codes(unknown), unknown.data]).toEqual([401, ['UNAUTHENTICATED'], undefined]);
  });

  test('asking about the schema needs no session', async () => {
    const pool = shop().pool();
    const ask = await serve(pool);
    expect((await ask('{ __schema { queryType { name } } }', ANN)).data).toBeTruthy();
    expect(pool.totalCount).toBe(0);
  });

  test('a query writes nothing', async () => {
    const ask = await serve(shop().pool());
    const answer = await ask('{ hello writing }', ANN);
    expect(answer.errors).toBeDefined();
    expect(await shop().kept("select from orders where item = 'from a query'")).toEqual([]);
  });

  test('a mutation is kept before it is answered, and an error in any field undoes all of it', async () => {
    const pool = shop().pool();
    const ask = await serve(pool);
    const made = await ask(
      'mutation { a: add(item: "kept a") { item } b: add(item: "kept b") { item } }',
      ANN,
    );
    expect(made).toMatchObject({ data: { a: { item: 'kept a' }, b: { item: 'kept b' } } });
    expect(await shop().kept("delete from orders where item like 'kept%' returning 1")).toHaveLength(2);
    for (const [rest, code] of [
      ['fail', masked],
      ['c: add(item: "") { id }', 'BAD_USER_INPUT'],
    ]) {
      const undone = await ask(`mutation { a: add(item: "undone") { id } ${rest} }`, ANN);
      expect([undone.data, codes(undone)]).toEqual([null, [code]]);
    }
    expect(await shop().kept("select from orders where item = 'undone'")).toEqual([]);
    expect(pool.totalCount - pool.idleCount).toBe(0);
  });

  test('what fails only when it is kept is an error of the answer, which shows no data', async () => {
    const answer = await (await serve(shop().pool()))('mutation { tie }', ANN);
    expect([answer.data, codes(answer)]).toEqual([null, ['CONFLICT']]);
  });

  test('an error of the database is told in words that tell nothing of it', async () => {
    const answer = await (await serve(shop().pool()))('{ broken }', ANN);
    expect(JSON.stringify(answer)).not.toMatch(/nowhere|secret|relation/);
    expect(answer.errors?.length).toBeGreaterThan(0);
  });

  test('an operation that takes too long, or finds no connection, is told so', async () => {
    const pool = shop().pool({ max: 1 });
    const ask = await serve(pool, { limitMs: 300, waitMs: 100 });
    // making a connection may take longer than that
    (await pool.connect()).release();
    const slow = ask('{ slow }', ANN);
    const waiting = await ask('{ orders { id } }', BEN);
    expect([waiting.status, codes(waiting)]).toEqual([503, ['UNAVAILABLE']]);
    expect(codes(await slow)?.[0]).toBe('TIMEOUT');
    expect(idsOf(await ask('{ orders { id } }', BEN))).toEqual(ORDERS.ben);
  });
}
