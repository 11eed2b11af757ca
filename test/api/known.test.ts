// Operations that were asked before are performed once, whoever writes their answer, and answered as the first time.

import { buildSchema, type ExecutionResult, parse } from 'graphql';
import { pino } from 'pino';
import { expect } from 'vitest';
import { type KnownDocuments, knownDocuments, shortcuts } from '../../src/api/known.ts';
import type { RequestState } from '../../src/api/request.ts';
import { BailiwickError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { codesOf } from '../kit/answer.ts';
import { test } from '../kit/server.ts';

const schema = buildSchema('type Query { one: Int, none: Int! } type Subscription { one: Int }');
const JSON_TYPE = 'application/json; charset=utf-8';

function stateOf(query: string, accept?: string): RequestState {
  return {
    requestId: newId(),
    log: pino({ level: 'silent' }),
    outcome: { caller: { kind: 'anonymous' }, params: { query } },
    verdict: {},
    accept,
  };
}

function taking(documents: KnownDocuments, perform = (): ExecutionResult => ({ data: { one: 1 } })) {
  const made = { performed: 0 };
  const short = shortcuts(
    schema,
    documents,
    () => ({ caller: { kind: 'anonymous' } }) as never,
    async () => {
      made.performed += 1;
      return perform();
    },
  );
  short.learn('application/json', JSON_TYPE);
  return { ...short, made };
}

function knowing(...queries: string[]): KnownDocuments {
  const documents = knownDocuments();
  for (const query of queries) {
    documents.learn({ query }, parse(query));
  }
  return documents;
}

test('what was asked before, by whoever accepts what somebody has accepted before, is answered without the engine', async () => {
  const short = taking(knowing('{ one }'));
  expect(await short.take(stateOf('{ none }', 'application/json'))).toBeUndefined();
  expect(await short.take(stateOf('{ one }', 'text/html'))).toBeUndefined();
  expect(await short.take(stateOf('{ one }'))).toBeUndefined();
  expect(short.made.performed).toBe(0);
  const state = stateOf('{ one }', 'application/json');
  expect(await short.take(state)).toEqual({
    status: 200,
    headers: { 'content-type': JSON_TYPE },
    body: '{"data":{"one":1}}',
  });
  expect(state.verdict).toMatchObject({ asked: true, proved: true });
});

test('a stream is written by the engine, whatever was learned of it', async () => {
  const short = taking(knowing('subscription { one }', '{ one }'));
  short.learn('text/event-stream', 'text/event-stream');
  expect(await short.take(stateOf('subscription { one }', 'application/json'))).toBeUndefined();
  expect(await short.take(stateOf('{ one }', 'text/event-stream'))).toBeUndefined();
  expect(short.made.performed).toBe(0);
});

test('what did not end well is handed to the engine, and not performed again', async () => {
  const failure = new BailiwickError('FORBIDDEN');
  const failed = taking(knowing('{ one }'), () => {
    throw failure;
  });
  const state = stateOf('{ one }', 'application/json');
  expect(await failed.take(state)).toBeUndefined();
  await expect(state.verdict.performed).rejects.toBe(failure);
  expect(state.verdict.proved).toBeUndefined();

  const errors = [{ message: 'no' }] as never;
  const wrong = taking(knowing('{ one }'), () => ({ errors, data: null }));
  const other = stateOf('{ one }', 'application/json');
  expect(await wrong.take(other)).toBeUndefined();
  expect(await other.verdict.performed).toEqual({ errors, data: null });
});

const CREATE = `mutation Create($input: CreateMemoryInput!) { createMemory(input: $input) { __typename ... on Memory { content } } }`;

test('the second time is like the first, also where it fails, and what fails is tried once', async ({
  server,
  query,
}) => {
  const count = (sql: string) => server.migrate((db) => db.value(sql));
  const refused = () => count("select count(*) from audit_entries where event = 'operation.refused'");
  for (let time = 1; time <= 3; time += 1) {
    const made = await query('alice', CREATE, { input: { content: `the ${time}th time` } });
    expect([made.status, made.text]).toEqual([
      200,
      `{"data":{"createMemory":{"__typename":"Memory","content":"the ${time}th time"}}}`,
    ]);
    expect(await count("select count(*) from memories where content like 'the %th time'")).toBe(String(time));
    const forbidden = await query('alice', CREATE, { input: { content: 'no' } }, { scopes: ['memory:read'] });
    expect(codesOf(forbidden)).toEqual(['FORBIDDEN']);
    expect(await refused()).toBe(String(time));
    expect(codesOf(await query('alice', CREATE, { input: {} }))).toEqual(['BAD_USER_INPUT']);
    expect(codesOf(await query('nobody', CREATE, { input: { content: 'no' } }))).toEqual(['UNAUTHENTICATED']);
    expect(await count("select count(*) from memories where content = 'no'")).toBe('0');
  }
});
