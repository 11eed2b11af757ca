// How much one operation may ask for, judged by itself: no server, no database. The schema is the product's own, because
// what a field may answer is a property of it.

import { getOperationAST, parse } from 'graphql';
import { expect, test } from 'vitest';
import { checkLimits, LIMITS } from '../../src/api/limits.ts';
import { schema } from '../../src/schema.ts';

/** Judges a document; the name of the limit that it exceeds, if it does. */
function judge(text: string, variables: Record<string, unknown> = {}): string {
  const document = parse(text);
  const operation = getOperationAST(document);
  if (!operation) {
    throw new TypeError('one operation expected');
  }
  try {
    checkLimits(schema, document, operation, variables);
    return 'within';
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    expect(code).toBe('LIMIT_EXCEEDED');
    const [, limit, asked, most] = /limit of (\w+): ([\d.e+]+|Infinity), at most (\d+)$/.exec(message) ?? [];
    expect(Number(asked)).toBeGreaterThan(Number(most));
    expect(Number(most)).toBe(LIMITS[limit as keyof typeof LIMITS]);
    return String(limit);
  }
}

const below = (depth: number) =>
  `{ agents { edges { node { ${'parent { '.repeat(depth)}name${' }'.repeat(depth)} } } } }`;
const page = (argument: string) =>
  `{ agents(${argument}) { edges { node { memories(first: 100) { edges { node { id content kind } } } } } } }`;
const times = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join(' ');

test('fields inside fields are refused beyond the depth, and taken up to it', () => {
  // agents, edges, node and name are four
  expect(judge(below(LIMITS.depth - 4))).toBe('within');
  expect(judge(below(LIMITS.depth - 3))).toBe('depth');
});

test('depth counts what fragments add, whatever they are called', () => {
  for (const name of ['Fields', '__schema', '__type', '__typename', 'IntrospectionQuery']) {
    const half = 'parent { '.repeat(LIMITS.depth - 6);
    const close = ' }'.repeat(LIMITS.depth - 6);
    const text = `query IntrospectionQuery { agents { edges { node { ${half} ...${name} ${close} } } } }
      fragment ${name} on Agent { parent { parent { parent { name } } } }`;
    expect(judge(text)).toBe('depth');
  }
});

test('aliases and directives are counted in the whole operation, fragments included each time they are spread', () => {
  const aliased = (count: number) => `{ ${times(count, (i) => `a${i}: __typename`)} }`;
  expect(judge(aliased(LIMITS.aliases))).toBe('within');
  expect(judge(aliased(LIMITS.aliases + 1))).toBe('aliases');
  const spread = `{ ...F ...F ...F ...F ...F ...F } fragment F on Query { ${times(10, (i) => `a${i}: __typename`)} }`;
  expect(judge(spread)).toBe('aliases');
  const directed = (count: number) => `{ ${times(count, () => '... @include(if: true) { __typename }')} }`;
  expect(judge(directed(LIMITS.directives))).toBe('within');
  expect(judge(directed(LIMITS.directives + 1))).toBe('directives');
});

test('pages inside pages are refused by what they may answer together', () => {
  expect(judge(page('first: 20'))).toBe('within');
  expect(judge(page('last: 20'))).toBe('within');
  expect(judge(page('first: 100'))).toBe('cost');
  expect(judge(page('last: 100'))).toBe('cost');
  expect(
    judge(
      '{ agents { edges { node { subagents { edges { node { subagents { edges { node { subagents { edges { node { name } } } } } } } } } } } } }',
    ),
  ).toBe('cost');
});

test('the size of a page counts wherever it is given: literal, variable, default of a variable, from either end', () => {
  const sized = (definition: string, argument: string, variables: Record<string, unknown>) =>
    judge(
      `query (${definition}) { agents(${argument}) { edges { node { memories(${argument}) {
      edges { node { id kind content tags metadata } } } } } } }`,
      variables,
    );
  expect(sized('$n: Int', 'first: $n', { n: 100 })).toBe('cost');
  expect(sized('$n: Int', 'last: $n', { n: 100 })).toBe('cost');
  expect(sized('$n: Int', 'first: null, last: $n', { n: 100 })).toBe('cost');
  expect(sized('$n: Int = 100', 'first: $n', {})).toBe('cost');
  expect(sized('$n: Int = 100', 'first: $n', { n: 20 })).toBe('within');
  expect(sized('$n: Int = 20', 'first: $n', { n: 100 })).toBe('cost');
  expect(sized('$n: Int', 'first: $n', {})).toBe('within');
  // null takes the default of the server, not that of the variable
  expect(sized('$n: Int = 100', 'first: $n', { n: null })).toBe('within');
});

test('ids count as many rows as there are of them, in the document and in a variable', () => {
  const inner =
    '... on Agent { memories(first: 100) { edges { node { id kind content tags agent { id name } } } } }';
  expect(judge(`query ($ids: [ID!]!) { nodes(ids: $ids) { ${inner} } }`, { ids: Array(10).fill('x') })).toBe(
    'within',
  );
  expect(judge(`query ($ids: [ID!]!) { nodes(ids: $ids) { ${inner} } }`, { ids: Array(100).fill('x') })).toBe(
    'cost',
  );
  expect(judge(`{ nodes(ids: [${times(100, () => '"x"')}]) { ${inner} } }`)).toBe('cost');
});

test('what a mutation answers counts for as many rows as it may write', () => {
  const answer = (fields: string) =>
    judge(`mutation ($input: CreateMemoriesInput!) { createMemories(input: $input) {
      ... on CreatedMemories { memories { ${fields} } } } }`);
  expect(
    answer('id kind content tags metadata createdAt updatedAt agent { id name } world { id name }'),
  ).toBe('within');
  expect(answer('agent { memories(first: 100) { edges { node { id } } } }')).toBe('cost');
});

test('the same field said often costs each time, also through fragments that multiply', () => {
  const names = times(8, (i) => `F${i}`).split(' ');
  const fragments = names.map((name, i) => {
    const next = names[i + 1];
    return `fragment ${name} on Query { ${next ? `...${next} `.repeat(8) : 'agents { edges { node { name } } }'} }`;
  });
  expect(judge(`{ ...F0 } ${fragments.join('\n')}`)).toBe('cost');
});

test('a fragment is weighed once: a hundred that each spread the next one twice come to an end', () => {
  const fragments = times(
    100,
    (i) => `fragment F${i} on Query { ${i < 99 ? `...F${i + 1} ...F${i + 1}` : '__typename'} }`,
  );
  expect(judge(`{ ...F0 } ${fragments}`)).toBe('cost');
});

test('twenty agents with twenty memories each and their worlds are within the limits', () => {
  expect(
    judge(
      '{ agents(first: 20) { edges { node { id name memories(first: 20) { edges { node { id content world { id name } } } } } } } }',
    ),
  ).toBe('within');
});
