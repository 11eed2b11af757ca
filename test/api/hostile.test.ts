// Operations that are made to hurt: each is answered with a code of the closed list and the request id (the kit checks both
// on every answer), costs next to nothing, and leaves a server that works. What is wrong with bodies: bodies.test.ts.

import { expect } from 'vitest';
import { toGlobalId } from '../../src/api/global-id.ts';
import { LIMITS } from '../../src/api/limits.ts';
import { AGENTS } from '../../src/demo/cast.ts';
import { codesOf } from '../kit/answer.ts';
import { repeat, test } from './surviving.ts';

test('documents of too many tokens are refused, deep ones and long ones, before they are parsed', async ({
  server,
  query,
}) => {
  const deep = (count: number) =>
    `{ ...F0 } ${repeat(count, (i) => `fragment F${i} on Query { ...F${i + 1} }`)} fragment F${count} on Query { __typename }`;
  const floods = [
    `{ ${repeat(LIMITS.tokens, () => '__typename')} }`,
    deep(5000),
    `{ nodes(ids: ${'['.repeat(20_000)}${']'.repeat(20_000)}) { id } }`,
    `{ ${'a { '.repeat(20_000)}b${' }'.repeat(20_000)} }`,
    `{ ${repeat(3000, () => '__typename @x @y')} }`,
    `query (${repeat(3000, (i) => `$v${i}: Int`)}) { __typename }`,
  ];
  for (const flood of floods) {
    const answer = await query('alice', flood);
    expect(codesOf(answer)).toEqual(['LIMIT_EXCEEDED']);
    expect(answer.status).toBe(413);
  }
  expect(server.log.filter(({ msg }) => msg === 'internal error')).toEqual([]);
});

test('depth, aliases, directives and cost are refused with the limit and what was asked for', async ({
  query,
}) => {
  const agent = '{ agents { edges { node { ';
  const hostile: [limit: string, text: string][] = [
    ['depth', `${agent}${'parent { '.repeat(20)}name${' }'.repeat(24)}`],
    ['aliases', `{ ${repeat(51, (i) => `a${i}: __typename`)} viewer { live } }`],
    ['directives', `{ ${repeat(51, () => '... @include(if: true) { __typename }')} viewer { live } }`],
    [
      'cost',
      `${agent} memories(first: 100) { edges { node { id kind content tags agent { id name } world { id name } createdAt updatedAt } } } } } }
      more: agents(first: 100) { edges { node { memories(first: 100) { edges { node { id kind content } } } } } } }`,
    ],
    [
      'cost',
      `query ($n: Int = 100) { agents(first: $n) { edges { node { memories(first: $n) { edges { node { id kind content tags } } } } } } }`,
    ],
    [
      'depth',
      `query IntrospectionQuery { ...__schema } fragment __schema on Query ${agent}${'parent { '.repeat(20)}name${' }'.repeat(24)}`,
    ],
  ];
  for (const [limit, text] of hostile) {
    const answer = await query('alice', text);
    expect([limit, ...codesOf(answer)]).toEqual([limit, 'LIMIT_EXCEEDED']);
    expect(answer.body.errors?.[0]?.message).toMatch(new RegExp(`limit of ${limit}: \\d+, at most \\d+`));
    expect(answer.status).toBe(413);
  }
});

test('a flood of aliases that asks for nothing but names of types is limited too', async ({ query }) => {
  const answer = await query('nobody', `{ ${repeat(100, (i) => `a${i}: __typename`)} }`);
  expect(codesOf(answer)).toEqual(['LIMIT_EXCEEDED']);
});

test('pages beyond the limit are refused by every connection, and nodes beyond theirs', async ({ query }) => {
  const connections = ['agents', 'memories', 'worlds', 'members', 'delegationsGranted', 'delegationsHeld'];
  for (const connection of connections) {
    for (const size of ['first', 'last']) {
      const answer = await query('alice', `{ ${connection}(${size}: 101) { edges { cursor } } }`);
      expect([connection, size, ...codesOf(answer)]).toEqual([connection, size, 'LIMIT_EXCEEDED']);
      const negative = await query('alice', `{ ${connection}(${size}: -1) { edges { cursor } } }`);
      expect([connection, size, ...codesOf(negative)]).toEqual([connection, size, 'BAD_USER_INPUT']);
    }
  }
  expect(
    codesOf(await query('alice', '{ searchMemories(query: "x", first: 101) { edges { cursor } } }')),
  ).toEqual(['LIMIT_EXCEEDED']);
  const nested = await query(
    'alice',
    '{ agents(first: 1) { edges { node { memories(first: 1000) { edges { cursor } } } } } }',
  );
  expect(codesOf(nested)).toEqual(['LIMIT_EXCEEDED']);
  const ids = Array(101).fill(toGlobalId('Agent', AGENTS.scout.id));
  expect(codesOf(await query('alice', 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids }))).toEqual([
    'LIMIT_EXCEEDED',
  ]);
});

test('one answer holds few errors, however many there are', async ({ query }) => {
  const unknown = await query('alice', `{ ${repeat(101, (i) => `nope${i}`)} }`);
  expect(unknown.body.errors?.length).toBeLessThanOrEqual(LIMITS.errors);
  expect(new Set(codesOf(unknown))).toEqual(new Set(['BAD_USER_INPUT']));
  const failing = await query(
    'alice',
    `{ ${repeat(40, (i) => `a${i}: agents(first: -1) { edges { cursor } }`)} }`,
  );
  expect(failing.body.errors?.length).toBeLessThanOrEqual(LIMITS.errors);
  const variables = await query('alice', 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
    ids: Array(90).fill({}),
  });
  expect(variables.body.errors?.length).toBeLessThanOrEqual(LIMITS.errors);
});

test('an error repeats only a little of what was sent', async ({ query }) => {
  const long = 'x'.repeat(100_000);
  const sent: [string, Record<string, unknown>][] = [
    ['query ($id: ID!) { node(id: $id) { id } }', { id: long }],
    ['query ($n: Int) { agents(first: $n) { edges { cursor } } }', { n: long }],
    ['query ($f: AgentFilter) { agents(filter: $f) { edges { cursor } } }', { f: { status: long } }],
    ['query ($f: AgentFilter) { agents(filter: $f) { edges { cursor } } }', { f: { [long]: 1 } }],
    [
      'mutation ($input: CreateMemoryInput!) { createMemory(input: $input) { __typename } }',
      { input: { content: 'x', metadata: { constructor: long } } },
    ],
    [`{ ${long} }`, {}],
    [`{ agents(filter: { name: ${long} }) { edges { cursor } } }`, {}],
  ];
  for (const [text, variables] of sent) {
    const answer = await query('alice', text, variables);
    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
    expect(answer.text.length).toBeLessThan(2000);
  }
});

test('variables of the wrong type and unknown fields are refused', async ({ query }) => {
  const sent: [string, unknown][] = [
    ['query ($n: Int) { agents(first: $n) { edges { cursor } } }', { n: '20' }],
    ['query ($n: Int) { agents(first: $n) { edges { cursor } } }', { n: 1.5 }],
    ['query ($n: Int) { agents(first: $n) { edges { cursor } } }', { n: { $gt: 0 } }],
    ['query ($id: ID!) { node(id: $id) { id } }', {}],
    ['query ($id: ID!) { node(id: $id) { id } }', { id: ['a'] }],
    ['query ($f: AgentFilter) { agents(filter: $f) { edges { cursor } } }', { f: { ownerId: 'x' } }],
    [
      'query ($f: MemoryFilter) { memories(filter: $f) { edges { cursor } } }',
      { f: { createdAfter: 'yesterday' } },
    ],
    [
      'query ($f: MemoryFilter) { memories(filter: $f) { edges { cursor } } }',
      { f: { createdAfter: -1e300 } },
    ],
    [
      'mutation ($input: CreateMemoryInput!) { createMemory(input: $input) { __typename } }',
      { input: { content: 'x', tenantId: 'x' } },
    ],
    [
      'mutation ($input: CreateMemoryInput!) { createMemory(input: $input) { __typename } }',
      { input: { content: 'x', metadata: 'x' } },
    ],
    [
      'mutation ($input: CreateMemoryInput!) { createMemory(input: $input) { __typename } }',
      { input: { content: 'x', metadata: [1] } },
    ],
  ];
  for (const [text, variables] of sent) {
    expect([
      JSON.stringify(variables),
      ...codesOf(await query('alice', text, variables as Record<string, unknown>)),
    ]).toEqual([JSON.stringify(variables), 'BAD_USER_INPUT']);
  }
});

test('NUL, dangerous keys and deep JSON are refused in variables and in the document alike', async ({
  query,
}) => {
  const write = 'mutation ($input: CreateMemoryInput!) { createMemory(input: $input) { __typename } }';
  const written = (metadata: string) =>
    `mutation { createMemory(input: { content: "x", metadata: ${metadata} }) { __typename } }`;
  const deep = (depth: number): unknown => (depth === 0 ? 1 : { a: deep(depth - 1) });
  const parsed = (json: string) => ({ input: { content: 'x', metadata: JSON.parse(json) as unknown } });
  const sent: [string, Record<string, unknown>][] = [
    [write, { input: { content: 'a\u0000b' } }],
    [write, { input: { content: 'x', tags: ['a\u0000'] } }],
    [write, { input: { content: 'x', metadata: { a: ['\u0000'] } } }],
    [write, { input: { content: 'x', metadata: { 'a\u0000': 1 } } }],
    [write, { input: { content: 'x', metadata: deep(30) } }],
    [write, parsed('{"__proto__":{"polluted":true}}')],
    [write, parsed('{"a":{"constructor":{"prototype":{"polluted":true}}}}')],
    [written('{ a: "\\u0000" }'), {}],
    [written('{ __proto__: { polluted: true } }'), {}],
    [written('{ a: { constructor: { prototype: { polluted: true } } } }'), {}],
    [written(`${'{ a: '.repeat(30)}1${' }'.repeat(30)}`), {}],
    ['mutation { createMemory(input: { content: "a\\u0000b" }) { __typename } }', {}],
    ['{ memories(filter: { kind: "a\\u0000" }) { edges { cursor } } }', {}],
    ['{ memories(filter: { tags: ["a\\u0000"] }) { edges { cursor } } }', {}],
    ['{ agents(filter: { name: "a\\u0000" }) { edges { cursor } } }', {}],
    ['{ worlds(filter: { name: "a\\u0000" }) { edges { cursor } } }', {}],
    ['{ searchMemories(query: "a\\u0000") { edges { cursor } } }', {}],
    ['{ node(id: "a\\u0000") { id } }', {}],
    ['{ agents(after: "a\\u0000") { edges { cursor } } }', {}],
  ];
  for (const [text, variables] of sent) {
    expect([text, ...codesOf(await query('alice', text, variables))]).toEqual([text, 'BAD_USER_INPUT']);
  }
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test('text with NUL is answered with the name that the client knows it by', async ({ query }) => {
  const said = async (text: string) => (await query('alice', text)).body.errors?.[0]?.message;
  expect(await said('{ searchMemories(query: "a\\u0000") { edges { cursor } } }')).toBe(
    'query must not contain the NUL character',
  );
  expect(await said('{ searchMemories(query: "") { edges { cursor } } }')).toBe('query must not be empty');
  expect(await said('mutation { createWorld(input: { name: "a\\u0000" }) { __typename } }')).toBe(
    'input.name must not contain the NUL character',
  );
});

test('half a character is refused like any other text that the database cannot hold', async ({ query }) => {
  for (const text of ['\\ud800', 'a\\udc00b']) {
    const answer = await query(
      'alice',
      `mutation { createMemory(input: { content: "${text}" }) { __typename } }`,
    );
    expect(['BAD_USER_INPUT', undefined]).toContain(codesOf(answer)[0]);
    const found = await query('alice', `{ memories(filter: { kind: "${text}" }) { edges { cursor } } }`);
    expect(['BAD_USER_INPUT', undefined]).toContain(codesOf(found)[0]);
  }
});

test('the schema cannot be asked for, and no name of it is suggested', async ({ query }) => {
  for (const text of [
    '{ __schema { types { name } } }',
    '{ __type(name: "Agent") { name } }',
    '{ ...F viewer { live } } fragment F on Query { __schema { types { name } } }',
  ]) {
    for (const actor of ['nobody', 'alice'] as const) {
      const answer = await query(actor, text);
      expect([answer.status, ...new Set(codesOf(answer))]).toEqual([400, 'BAD_USER_INPUT']);
    }
  }
  const nearly: [text: string, name: string][] = [
    ['{ agent { id } }', 'agents'],
    ['{ agents(frist: 1) { edges { cursor } } }', 'first'],
    ['{ agents { edges { node { nam } } } }', 'name'],
    ['{ agents(filter: { nam: "x" }) { edges { cursor } } }', 'name'],
    ['{ node(id: "x") { ... on Agnt { id } } }', 'Agent'],
    ['{ agents(filter: { status: ACTIV }) { edges { cursor } } }', 'ACTIVE'],
  ];
  for (const [text, name] of nearly) {
    const answer = await query('alice', text);
    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
    expect(answer.body.errors?.[0]?.message).not.toMatch(new RegExp(`did you mean|"${name}"`));
  }
  const variables = await query(
    'alice',
    'query ($f: AgentFilter) { agents(filter: $f) { edges { cursor } } }',
    { f: { nam: 'x', status: 'ACTIV' } },
  );
  expect(JSON.stringify(variables.body.errors)).not.toMatch(/did you mean/i);
});
