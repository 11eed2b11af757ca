// Connections: pages from either end, in every order, that stay where they were while rows come and go; and cursors that
// are good only where they were given.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS, SEED_REQUEST, TENANTS, USERS } from '../../src/demo/cast.ts';
import { type Answer, codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, test as base, type RunningServer } from '../kit/server.ts';

const BOB = USERS.bob.id;

// bob keeps 30 memories m00 to m29, changed in another order than they were made, some at the same moment
const test = base.extend('thirty', { scope: 'file', auto: true }, async ({ server }) => {
  await server.migrate((sql) =>
    sql.touched(`
      with deleted as (delete from memories where owner_id = '${BOB}')
      insert into memories (tenant_id, id, owner_id, kind, content, tags, updated_at, created_by, request_id)
      select '${TENANTS.acme.id}', ('019b0000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, '${BOB}',
             case when n % 3 = 0 then 'fact' else 'note' end, 'm' || lpad(n::text, 2, '0'), array['t' || n % 2],
             timestamptz '2026-01-01' + (n * 7 % 10) * interval '1 day', '${BOB}', '${SEED_REQUEST}'
        from generate_series(0, 29) n`),
  );
  return true;
});

type Variables = documents.MemoriesQueryVariables;
type Page = documents.MemoriesQuery['memories'];

const contents = ({ edges }: Page) => edges.map(({ node }) => node.content ?? 'nothing');

function pager(query: RunningServer['query'], actor: 'bob' | 'alice' | 'bobot' = 'bob', asking: Asking = {}) {
  const ask = (variables: Variables): Promise<Answer<documents.MemoriesQuery>> =>
    query(actor, documents.MemoriesDocument, variables, asking);
  const page = async (variables: Variables): Promise<Page> => dataOf(await ask(variables)).memories;
  return { ask, page };
}

async function walk(
  page: (variables: Variables) => Promise<Page>,
  size: number,
  variables: Variables,
  forward = true,
): Promise<string[]> {
  const seen: string[][] = [];
  let cursor: string | null = null;
  for (let more = true; more; ) {
    const at: Page = await page({
      ...variables,
      ...(forward ? { first: size, after: cursor } : { last: size, before: cursor }),
    });
    seen.push(contents(at));
    more = forward ? at.pageInfo.hasNextPage : at.pageInfo.hasPreviousPage;
    cursor = forward ? at.pageInfo.endCursor : at.pageInfo.startCursor;
    expect(seen.length).toBeLessThan(100);
  }
  return (forward ? seen : seen.reverse()).flat();
}

test('forged and altered cursors are refused', async ({ query }) => {
  const { page, ask } = pager(query);
  const { pageInfo } = await page({ first: 3 });
  const good = pageInfo.endCursor ?? '';
  const bytes = Buffer.from(good, 'base64url');
  const altered = Buffer.from(bytes);
  altered[altered.length - 3] = (altered.at(-3) ?? 0) ^ 1;
  const unsigned = Buffer.concat([Buffer.alloc(16), bytes.subarray(16)]);
  const forged = [
    'x',
    '!',
    'AAAA',
    altered.toString('base64url'),
    unsigned.toString('base64url'),
    bytes.subarray(16).toString('base64url'),
    good.slice(0, -4),
    Buffer.from(JSON.stringify([null, BOB])).toString('base64url'),
  ];
  for (const cursor of forged) {
    for (const place of [
      { first: 3, after: cursor },
      { last: 3, before: cursor },
    ]) {
      expect([cursor, ...codesOf(await ask(place))]).toEqual([cursor, 'BAD_USER_INPUT']);
    }
  }
});

test('a cursor is refused in another order, another connection, a search, and by another owner', async ({
  query,
}) => {
  const { page, ask } = pager(query);
  const after = (await page({ first: 3 })).pageInfo.endCursor;
  expect(codesOf(await ask({ after, orderBy: { field: 'UPDATED', direction: 'DESC' } }))).toEqual([
    'BAD_USER_INPUT',
  ]);
  expect(codesOf(await ask({ after, orderBy: { field: 'CREATED', direction: 'ASC' } }))).toEqual([
    'BAD_USER_INPUT',
  ]);
  expect(codesOf(await query('bob', documents.WorldsDocument, { after }))).toEqual(['BAD_USER_INPUT']);
  expect(codesOf(await query('bob', documents.SearchMemoriesDocument, { query: 'm01', after }))).toEqual([
    'BAD_USER_INPUT',
  ]);
  expect(codesOf(await pager(query, 'alice').ask({ after }))).toEqual(['BAD_USER_INPUT']);
  // the same owner through a delegate is the same place
  expect(contents(await pager(query, 'bobot', { delegation: 'bobot' }).page({ first: 1, after }))).toEqual([
    'm26',
  ]);
});

test('a cursor shows nothing of what it stands for', async ({ query }) => {
  const { pageInfo } = await pager(query).page({ first: 1, orderBy: { field: 'UPDATED' } });
  expect(pageInfo.endCursor).toMatch(/^[A-Za-z0-9_-]+$/);
});

test('first and last together are refused', async ({ query }) => {
  expect(codesOf(await pager(query).ask({ first: 1, last: 1 }))).toEqual(['BAD_USER_INPUT']);
});

for (const field of ['CREATED', 'UPDATED'] as const) {
  for (const direction of ['ASC', 'DESC'] as const) {
    test(`by ${field} ${direction}, pages of any size from either end join to the whole list`, async ({
      query,
    }) => {
      const { page } = pager(query);
      const orderBy = { field, direction };
      const whole = contents(await page({ first: 100, orderBy }));
      expect(whole).toHaveLength(30);
      expect(new Set(whole).size).toBe(30);
      expect(contents(await page({ last: 100, orderBy }))).toEqual(whole);
      for (const size of [1, 7, 30]) {
        expect(await walk(page, size, { orderBy })).toEqual(whole);
        expect(await walk(page, size, { orderBy }, false)).toEqual(whole);
      }
    });
  }
}

test('the orders are what they say: by the field, ties by creation', async ({ query }) => {
  const { page } = pager(query);
  expect(contents(await page({ first: 3 }))).toEqual(['m29', 'm28', 'm27']);
  expect(contents(await page({ first: 3, orderBy: { field: 'CREATED', direction: 'ASC' } }))).toEqual([
    'm00',
    'm01',
    'm02',
  ]);
  // n * 7 % 10 is 0 for 0, 10, 20 and 1 for 3, 13, 23
  expect(contents(await page({ first: 5, orderBy: { field: 'UPDATED', direction: 'ASC' } }))).toEqual([
    'm00',
    'm10',
    'm20',
    'm03',
    'm13',
  ]);
  expect(contents(await page({ last: 2, orderBy: { field: 'UPDATED', direction: 'ASC' } }))).toEqual([
    'm17',
    'm27',
  ]);
});

test('agents and worlds are ordered by name as the database compares names', async ({ query }) => {
  const agents = async (variables: documents.AgentsQueryVariables) =>
    dataOf(await query('alice', documents.AgentsDocument, variables)).agents;
  const names = (page: documents.AgentsQuery['agents']) => page.edges.map(({ node }) => node.name);
  const orderBy = { field: 'NAME', direction: 'ASC' } as const;
  const whole = names(await agents({ orderBy }));
  expect(whole).toEqual([AGENTS.late.name, AGENTS.rogue.name, AGENTS.scout.name, AGENTS.scribe.name]);
  const two = await agents({ first: 2, orderBy });
  expect(two.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
  const next = await agents({ first: 2, after: two.pageInfo.endCursor, orderBy });
  expect([...names(two), ...names(next)]).toEqual(whole);
  expect(next.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  expect(names(await agents({ orderBy: { field: 'NAME', direction: 'DESC' } }))).toEqual(
    [...whole].reverse(),
  );
});

test('after and before bound a page together', async ({ query }) => {
  const { page } = pager(query);
  const { edges } = await page({ first: 100 });
  const [from, to] = [edges[2]?.cursor, edges[8]?.cursor];
  const between = ['m26', 'm25', 'm24', 'm23', 'm22'];
  expect(contents(await page({ first: 100, after: from, before: to }))).toEqual(between);
  expect(contents(await page({ first: 2, after: from, before: to }))).toEqual(between.slice(0, 2));
  expect(contents(await page({ last: 2, after: from, before: to }))).toEqual(between.slice(-2));
});

test('a page says truly what lies on either side of it', async ({ query }) => {
  const { page } = pager(query);
  const empty = await page({ first: 0 });
  expect(empty).toMatchObject({
    edges: [],
    pageInfo: { startCursor: null, endCursor: null, hasNextPage: true },
  });
  expect((await page({})).edges).toHaveLength(20);
  const first = await page({ first: 10 });
  expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
  const last = await page({ last: 10 });
  expect(last.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  const exact = await page({ first: 30 });
  expect(exact.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: false });
  const beyond = await page({ first: 5, after: exact.pageInfo.endCursor });
  expect(beyond).toMatchObject({ edges: [], pageInfo: { hasNextPage: false } });
});

test('filters narrow, and pages of a filtered list join to it', async ({ query }) => {
  const { page, ask } = pager(query);
  const facts = await walk(page, 3, { filter: { kind: 'fact' } });
  expect(facts).toEqual(['m27', 'm24', 'm21', 'm18', 'm15', 'm12', 'm09', 'm06', 'm03', 'm00']);
  expect(await walk(page, 3, { filter: { kind: 'fact', tags: ['t0'] } })).toEqual([
    'm24',
    'm18',
    'm12',
    'm06',
    'm00',
  ]);
  expect(await walk(page, 3, { filter: { kind: 'fact', tags: ['t0', 't1'] } })).toEqual([]);
  expect(contents(await page({ filter: { agentId: toGlobalId('Agent', AGENTS.scout.id) } }))).toEqual([]);
  expect(
    contents(await page({ filter: { createdAfter: new Date(Date.now() + 60_000).toISOString() } })),
  ).toEqual([]);
  expect(
    contents(
      await page({ first: 1, filter: { createdBefore: new Date(Date.now() + 60_000).toISOString() } }),
    ),
  ).toEqual(['m29']);
  for (const filter of [{ agentId: 'x' }, { worldId: toGlobalId('Agent', AGENTS.scout.id) }]) {
    expect(codesOf(await ask({ filter }))).toEqual(['BAD_USER_INPUT']);
  }
});

test('an empty filter, null and left out are the same, and null filters nothing', async ({ query }) => {
  const { page } = pager(query);
  const whole = contents(await page({ first: 100 }));
  for (const variables of [
    { filter: {} },
    { filter: null },
    { filter: { kind: null, tags: null, worldId: null } },
    { orderBy: null },
    { after: null, before: null, last: null },
  ]) {
    expect(contents(await page({ first: 100, ...variables }))).toEqual(whole);
  }
});

// last: these change the list
test('the place of a cursor stays when rows come and go, its own included', async ({ server, query }) => {
  const { page } = pager(query);
  const orderBy = { field: 'UPDATED', direction: 'ASC' } as const;
  const whole = contents(await page({ first: 100, orderBy }));
  const head = await page({ first: 10, orderBy });
  const tail = await page({ last: 10, orderBy });
  const own = head.edges.at(-1)?.node.content;
  await server.migrate(async (sql) => {
    await sql.touched('delete from memories where owner_id = $1 and content = any ($2)', [
      BOB,
      [own, whole[10], whole[3]],
    ]);
    await sql.touched(
      `insert into memories (tenant_id, id, owner_id, content, updated_at, created_by, request_id)
       values ($1, gen_random_uuid(), $2, 'before', '2025-01-01', $2, $3), ($1, gen_random_uuid(), $2, 'after', '2027-01-01', $2, $3)`,
      [TENANTS.acme.id, BOB, SEED_REQUEST],
    );
  });
  const next = await page({ first: 100, after: head.pageInfo.endCursor, orderBy });
  expect(contents(next)).toEqual([...whole.slice(11), 'after']);
  const previous = await page({ last: 100, before: tail.pageInfo.startCursor, orderBy });
  expect(contents(previous)).toEqual([
    'before',
    ...whole.slice(0, 20).filter((content) => ![own, whole[10], whole[3]].includes(content)),
  ]);
});
