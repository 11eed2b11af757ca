// Sensitive memories through the API: clients read and write them like others, and what does not open is an error of one field.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { fromGlobalId, toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS } from '../../src/demo/cast.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type RunningServer, test } from '../kit/server.ts';

type Written = { readonly __typename: string; readonly id?: string };

async function write(query: RunningServer['query'], content: string): Promise<string> {
  const input = { content, sensitive: true, metadata: { of: content } };
  const written: Written = dataOf(
    await query('alice', documents.CreateMemoryDocument, { input }),
  ).createMemory;
  expect(written.__typename).toBe('Memory');
  return written.id ?? '';
}

test('a search finds nothing that is sensitive', async ({ query }) => {
  await write(query, 'the password of the greenhouse');
  const search = async () =>
    dataOf(await query('alice', documents.SearchMemoriesDocument, { query: 'greenhouse' })).searchMemories
      .edges;
  expect(await search()).toEqual([]);
  const input = { content: 'the key of the greenhouse' };
  await query('alice', documents.CreateMemoryDocument, { input });
  expect(await search()).toHaveLength(1);
});

test('a damaged value is an error of its field with a code, in the log with its place, and the page is there', async ({
  server,
  query,
}) => {
  const id = await write(query, 'will be damaged');
  const rows = await server.migrate((sql) =>
    sql.rows<{ id: string }>(
      `update memories set content = left(content, -4) || 'AAAA' where id = '${fromGlobalId(id).id}' returning id`,
    ),
  );
  expect(rows).toHaveLength(1);
  const answer = await query('alice', documents.MemoriesDocument, { first: 100 });
  expect(codesOf(answer)).toEqual(['INTERNAL']);
  expect(answer.text).not.toContain('bwe1');
  const { memories } = answer.body.data as documents.MemoriesQuery;
  expect(memories.edges.length).toBeGreaterThan(7);
  expect(memories.edges.find(({ node }) => node.id === id)?.node).toMatchObject({
    sensitive: true,
    content: null,
    metadata: { of: 'will be damaged' },
  });
  const logged = JSON.stringify(
    server.log.filter((line) => JSON.stringify(line).includes(rows[0]?.id ?? '-')),
  );
  expect(logged).toContain('"reason":"altered"');
  expect(logged).not.toMatch(/bwe1/);
  await query('alice', documents.DeleteMemoryDocument, { input: { id } });
});

test('a memory is marked and unmarked, changed in part, and read by whoever may read memories for the owner', async ({
  server,
  query,
}) => {
  const id = await write(query, 'first');
  const change = async (input: object) =>
    dataOf(await query('alice', documents.UpdateMemoryDocument, { input: { id, ...input } })).updateMemory;
  expect(await change({ content: 'second' })).toMatchObject({
    sensitive: true,
    content: 'second',
    metadata: { of: 'first' },
  });
  const asScout = await query('scout', documents.MemoriesDocument, { first: 100 }, { delegation: 'scout' });
  expect(dataOf(asScout).memories.edges.map(({ node }) => node.content)).toContain('second');
  expect(await change({ sensitive: false })).toMatchObject({ sensitive: false, content: 'second' });
  expect(await change({ sensitive: true, metadata: {} })).toMatchObject({ content: 'second', metadata: {} });
  const kept = await server.migrate((sql) =>
    sql.value(`select content from memories where id = '${fromGlobalId(id).id}'`),
  );
  expect(kept).toMatch(/^bwe1\./);
});

test('an agent writes what is sensitive for its owner, many at once too, and keeps its own', async ({
  query,
}) => {
  const memories = [1, 2, 3].map((n) => ({ content: `batch ${n}`, sensitive: true }));
  const written = await query(
    'scout',
    documents.CreateMemoriesDocument,
    { input: { memories } },
    { delegation: 'scout' },
  );
  expect(dataOf(written).createMemories).toMatchObject({ __typename: 'CreatedMemories' });
  const only = { first: 100, filter: { sensitive: true, agentId: toGlobalId('Agent', AGENTS.scout.id) } };
  const seen = dataOf(await query('alice', documents.MemoriesDocument, only)).memories;
  expect(seen.edges.map(({ node }) => node.content).sort()).toEqual(['batch 1', 'batch 2', 'batch 3']);
  const input = { content: 'my own', sensitive: true };
  expect(dataOf(await query('scout', documents.CreateMemoryDocument, { input })).createMemory).toMatchObject({
    content: 'my own',
  });
  const alices = dataOf(await query('alice', documents.MemoriesDocument, { first: 100 })).memories;
  expect(alices.edges.map(({ node }) => node.content)).not.toContain('my own');
});
