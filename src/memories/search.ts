// Search in memories: by words, best first. A connection of its own, because a hit is more than a memory.

import { PageInfoObject } from '../api/connection.ts';
import { makeCursor, type Order, readCursor } from '../api/cursor.ts';
import { type Connection, type Edge, Ends, pageSize, SigningEdge } from '../api/keyset.ts';
import { readByIds } from '../api/reading.ts';
import { checked, text } from '../api/validation.ts';
import { builder } from '../builder.ts';
import { sessionOf } from '../context.ts';
import { type SearchHit, searchMemories } from '../db/search.ts';
import { Memory } from './memory.ts';

type Hit = Edge<{ readonly id: string }> & Pick<SearchHit, 'rank' | 'highlight'>;

const MemorySearchEdge = builder.objectRef<Hit>('MemorySearchEdge').implement({
  description: 'One memory that matches.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      description: 'Place in the order; opaque, good only for the same words.',
    }),
    node: t.field({ type: Memory, description: 'The memory.', resolve: ({ node }) => node as never }),
    rank: t.exposeFloat('rank', {
      description: 'How well it matches, comparable within one search; higher is better.',
    }),
    highlight: t.exposeString('highlight', {
      description: 'The passages that match, the words found between **.',
    }),
  }),
});

const MemorySearchConnection = builder
  .objectRef<Connection<unknown> & { edges: Hit[] }>('MemorySearchConnection')
  .implement({
    description: 'A page of memories that match, best first.',
    fields: (t) => ({
      edges: t.field({
        type: [MemorySearchEdge],
        description: 'The matches of this page.',
        resolve: ({ edges }) => edges,
      }),
      pageInfo: t.field({
        type: PageInfoObject,
        description: 'Where this page lies.',
        resolve: ({ pageInfo }) => pageInfo,
      }),
    }),
  });

builder.queryField('searchMemories', (t) =>
  t.field({
    type: MemorySearchConnection,
    description: 'The memories of the owner that contain these words, best first.',
    args: {
      query: t.arg.string({
        description: 'Words as for a web search: "quoted phrases", or, -without; at most 500 characters.',
      }),
      first: t.arg.int({ required: false, description: 'How many; at most 100, 20 when left out.' }),
      after: t.arg.string({ required: false, description: 'Only matches after this cursor.' }),
    },
    resolve: async (_root, { query, first, after }, context, info) => {
      const words = checked(text(500), query, 'query');
      const order: Order = { connection: `search ${words}`, field: 'rank', direction: 'desc' };
      const size = pageSize(first);
      const from = after ? (readCursor(context, order, after) as readonly [number, string]) : undefined;
      const hits = await searchMemories(sessionOf(context), words, size + 1, from);
      const ids = hits.slice(0, size).map(({ id }) => id);
      const found = ids.length === 0 ? [] : await readByIds(context, info, 'Memory', ids, ['edges', 'node']);
      const byId = new Map(found.map((memory) => [memory.id, memory]));
      const edges = hits.slice(0, size).flatMap(({ id, rank, highlight }) => {
        const node = byId.get(id);
        return node === undefined
          ? []
          : [
              Object.assign(new SigningEdge(node, () => makeCursor(context, order, [rank, id])), {
                rank,
                highlight,
              }),
            ];
      });
      return { edges, pageInfo: new Ends(edges, hits.length > size, from !== undefined) };
    },
  }),
);
