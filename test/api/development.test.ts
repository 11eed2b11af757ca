// What development mode adds: the schema may be asked for, and a mistake is answered with what may have been meant.

import { getIntrospectionQuery } from 'graphql';
import { expect } from 'vitest';
import { codesOf, dataOf } from '../kit/answer.ts';
import { test as base, startServer } from '../kit/server.ts';

const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  .extend('server', { scope: 'file' }, async ({}, { onCleanup }) => {
    const server = await startServer({ development: true });
    onCleanup(() => server.stop());
    return server;
  });

test('rows are as closed as ever', async ({ query }) => {
  expect(codesOf(await query('nobody', '{ agents { edges { cursor } } }'))).toEqual(['UNAUTHENTICATED']);
  const mixed = await query('nobody', '{ __schema { queryType { name } } agents { edges { cursor } } }');
  expect(codesOf(mixed)).toEqual(['UNAUTHENTICATED']);
  expect(mixed.body.data ?? null).toBeNull();
});

test('tools get the schema, without a credential and without touching the database', async ({
  server,
  query,
}) => {
  const answer = await query('nobody', getIntrospectionQuery());
  expect(dataOf(answer)).toMatchObject({ __schema: { queryType: { name: 'Query' } } });
  expect(() => server.cost(answer)).toThrow('no session');
});

test('a mistake is answered with what may have been meant', async ({ query }) => {
  const answer = await query('alice', '{ agent { id } }');
  expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
  expect(answer.body.errors?.[0]?.message).toContain('Did you mean "agents"');
});
