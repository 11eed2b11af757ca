// Request bodies that are too large, or are not what they say, or come as something that a foreign page could send: none
// reaches GraphQL, and the server works on.

import { expect } from 'vitest';
import { codesOf, dataOf } from '../kit/answer.ts';
import { PING, test } from './surviving.ts';

const body = (query: unknown, rest: object = {}) => JSON.stringify({ query, ...rest });

test('a body beyond the limit is refused, with its length declared and without', async ({ server }) => {
  const huge = body(`{ viewer { live } } # ${'x'.repeat(10 * 1024 * 1024)}`);
  const declared = await server.post(huge);
  expect([declared.status, ...codesOf(declared)]).toEqual([413, 'LIMIT_EXCEEDED']);
  const chunks = new Blob([huge]).stream();
  const chunked = await server.post(chunks);
  expect([chunked.status, ...codesOf(chunked)]).toEqual([413, 'LIMIT_EXCEEDED']);
});

test('batches are refused', async ({ server }) => {
  for (const batch of ['[]', `[${body(PING)}]`, `[${body(PING)},${body(PING)}]`]) {
    const answer = await server.post(batch);
    expect([answer.status, ...codesOf(answer)]).toEqual([400, 'BAD_USER_INPUT']);
  }
});

test('what a foreign page could send without asking is not read: forms, multipart, plain text, no type at all', async ({
  server,
}) => {
  const form = new FormData();
  form.set('operations', body(PING));
  form.set('map', '{}');
  const types: [BodyInit, string | undefined][] = [
    [new URLSearchParams({ query: PING }).toString(), 'application/x-www-form-urlencoded'],
    [body(PING), 'text/plain'],
    [body(PING), 'application/json, text/plain'],
    [body(PING), 'application/json; charset=utf-16'],
    [PING, 'application/graphql'],
    [body(PING), ''],
  ];
  for (const [sent, type] of types) {
    const answer = await server.post(sent, { headers: { 'content-type': type ?? '' } });
    expect([type, answer.status, ...codesOf(answer)]).toEqual([type, 415, 'BAD_USER_INPUT']);
  }
  const multipart = await fetch(`${server.origin}/graphql`, {
    method: 'POST',
    headers: await server.credentials('alice'),
    body: form,
  });
  expect(multipart.status).toBe(415);
  expect(multipart.headers.get('x-request-id')).toBe((await multipart.json()).errors[0].extensions.requestId);
});

test('bodies that are not what they say are refused', async ({ server }) => {
  const bodies: BodyInit[] = [
    '',
    '{',
    'null',
    '"text"',
    '1',
    '{}',
    '{"query":null}',
    '{"query":1}',
    '{"query":["a"]}',
    '{"query":""}',
    '{"query":" "}',
    body(PING, { variables: [] }),
    body(PING, { variables: 'x' }),
    body(PING, { operationName: 1 }),
    body(PING, { extensions: [] }),
    body(PING, { operationName: 'Other' }),
    body('query A { viewer { live } } query B { viewer { live } }'),
    body('subscription { viewer { live } }'),
    body('fragment F on Query { __typename }'),
    body('type T { a: Int }'),
    '[['.repeat(100_000),
    `{"query":"${PING}","variables":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
    new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]),
  ];
  for (const sent of bodies) {
    const answer = await server.post(sent);
    expect([String(sent).slice(0, 60), answer.status, ...codesOf(answer)]).toEqual([
      String(sent).slice(0, 60),
      400,
      'BAD_USER_INPUT',
    ]);
  }
});

test('a query in the address is not read', async ({ server }) => {
  const answer = await server.post('{}', { path: `/graphql?query=${encodeURIComponent(PING)}` });
  expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
});

test('huge variables that fit into the body are answered like any other', async ({ query }) => {
  const ids = Array(20_000).fill('x'.repeat(20));
  expect(codesOf(await query('alice', 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids }))).toEqual([
    'LIMIT_EXCEEDED',
  ]);
  const unused = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`v${i}`, 'x']));
  expect(dataOf(await query('alice', PING, unused))).toEqual({ viewer: { live: true } });
});
