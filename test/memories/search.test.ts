// Search in memories: whose memories are searched, in which order hits come, and how pages of them join.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { type ActorName, SEED_REQUEST, TENANTS, USERS } from '../../src/demo/cast.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, test as base, type RunningServer } from '../kit/server.ts';

const ADA = USERS.ada.id;
const NOTES = [
  'The red kite nests above the mill.',
  'Kite, kite, kite: three red kites over the red barn.',
  'Buy red paint.',
  'The kite string is red.',
  'A blue kite.',
];

// ada remembers the notes above, and forty more that all rank the same
const test = base.extend('notes', { scope: 'file', auto: true }, async ({ server }) => {
  const contents = [...NOTES, ...Array.from({ length: 40 }, (_, n) => `Sparrow number ${n}.`)];
  await server.migrate((sql) =>
    sql.touched(
      `insert into memories (tenant_id, id, owner_id, content, updated_at, created_by, request_id)
       select $1, ('019b0000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $2, content, now(), $2, $3
         from unnest($4::text[]) with ordinality as note (content, n)`,
      [TENANTS.acme.id, ADA, SEED_REQUEST, contents],
    ),
  );
  return true;
});

async function search(
  query: RunningServer['query'],
  words: string,
  actor: ActorName = 'ada',
  asking: Asking = {},
) {
  const answer = await query(actor, documents.SearchMemoriesDocument, { query: words, first: 100 }, asking);
  return dataOf(answer).searchMemories.edges;
}

const found = async (...args: Parameters<typeof search>) =>
  (await search(...args)).map(({ node }) => node.content);

test('nobody searches, and nothing is found through a delegation that has ended', async ({ query }) => {
  expect(codesOf(await query('nobody', documents.SearchMemoriesDocument, { query: 'lisbon' }))).toEqual([
    'UNAUTHENTICATED',
  ]);
  expect(await found(query, 'lisbon', 'late', { delegation: 'late' })).toEqual([]);
  expect(await found(query, 'lisbon', 'rogue', { delegation: 'rogue' })).toEqual([]);
  expect(await found(query, 'lisbon', 'scout', { delegation: 'scout', scopes: ['agent:read'] })).toEqual([]);
});

test('the memories of other owners are never found, in the same tenant and in another', async ({ query }) => {
  expect(await found(query, 'lisbon', 'alice')).toHaveLength(1);
  expect(await found(query, 'lisbon', 'mallory')).toEqual([
    'Acme will probably move to Lisbon; find out when.',
  ]);
  for (const actor of ['bob', 'ada'] as const) {
    expect(await found(query, 'lisbon', actor)).toEqual([]);
  }
  expect(await found(query, 'archive', 'scout')).toEqual([
    'The archive answers faster before ten in the morning.',
  ]);
});

test('a delegate finds what its delegation shows it', async ({ query }) => {
  expect(await found(query, 'lisbon', 'scout', { delegation: 'scout' })).toHaveLength(1);
  expect(await found(query, 'lisbon', 'scribe', { delegation: 'scribe' })).toHaveLength(1);
  expect(await found(query, 'lisbon', 'scout', { delegation: 'scoutInGarden' })).toEqual([]);
  expect(await found(query, 'tomatoes', 'scout', { delegation: 'scoutInGarden' })).toHaveLength(1);
});

test('words without text, and too many, are refused', async ({ query }) => {
  for (const words of ['', 'x'.repeat(501)]) {
    expect(codesOf(await query('ada', documents.SearchMemoriesDocument, { query: words }))).toEqual([
      'BAD_USER_INPUT',
    ]);
  }
});

test('no text of a query is an error or more than words', async ({ query }) => {
  for (const words of [
    "'; drop table memories; --",
    '" or 1=1',
    '(((',
    '& | !',
    '\\',
    "kite' & 'red",
    ':*',
    'kite:*',
    '<->',
    '--',
    '%',
    '"',
  ]) {
    await search(query, words);
  }
  expect(await found(query, "kite'); delete from memories; --")).toEqual([]);
  expect(await found(query, 'blue kite')).toHaveLength(1);
});

test('the best match comes first, and words match in every form', async ({ query }) => {
  const hits = await search(query, 'red kite');
  expect(hits[0]?.node.content).toBe(NOTES[1]);
  expect(hits.map(({ node }) => node.content).sort()).toEqual([NOTES[0], NOTES[1], NOTES[3]].sort());
  const ranks = hits.map(({ rank }) => rank);
  expect(ranks).toEqual([...ranks].sort((a, b) => b - a));
  expect(await found(query, 'nesting')).toEqual([NOTES[0]]);
});

test('phrases, alternatives and exclusions are understood', async ({ query }) => {
  expect(await found(query, '"red kite"')).toEqual(expect.arrayContaining([NOTES[0]]));
  expect(await found(query, '"red kite"')).not.toContain(NOTES[3]);
  expect((await found(query, 'paint or blue')).sort()).toEqual([NOTES[2], NOTES[4]].sort());
  expect((await found(query, 'kite -red')).sort()).toEqual([NOTES[4]]);
});

test('the words found stand between asterisks', async ({ query }) => {
  const [hit] = await search(query, 'blue kite');
  expect(hit?.highlight).toContain('**blue** **kite**');
});

test('pages join to the whole, also where everything ranks the same', async ({ query }) => {
  const whole = await found(query, 'sparrow');
  expect(whole).toHaveLength(40);
  expect(whole[0]).toBe('Sparrow number 39.');
  const pages: string[] = [];
  let after: string | null = null;
  for (let more = true; more; ) {
    const { searchMemories }: documents.SearchMemoriesQuery = dataOf(
      await query('ada', documents.SearchMemoriesDocument, { query: 'sparrow', first: 7, after }),
    );
    expect(searchMemories.pageInfo.hasPreviousPage).toBe(after !== null);
    pages.push(...searchMemories.edges.map(({ node }) => node.content ?? 'nothing'));
    more = searchMemories.pageInfo.hasNextPage;
    after = searchMemories.pageInfo.endCursor;
  }
  expect(pages).toEqual(whole);
});

test('pages join where ranks differ, and a cursor is good for its words only', async ({ query }) => {
  const page = async (words: string, after: string | null = null) =>
    query('ada', documents.SearchMemoriesDocument, { query: words, first: 1, after });
  const whole = await found(query, 'red kite');
  const first = dataOf(await page('red kite')).searchMemories;
  const second = dataOf(await page('red kite', first.pageInfo.endCursor)).searchMemories;
  const third = dataOf(await page('red kite', second.pageInfo.endCursor)).searchMemories;
  expect([first, second, third].flatMap(({ edges }) => edges.map(({ node }) => node.content))).toEqual(whole);
  expect(third.pageInfo.hasNextPage).toBe(false);
  expect(codesOf(await page('blue kite', first.pageInfo.endCursor))).toEqual(['BAD_USER_INPUT']);
});
