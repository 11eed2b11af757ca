// The GraphQL side of connections (Relay Cursor Connections Specification): their types and arguments. The paging itself
// is in keyset.ts.

import type { ObjectRef } from '@pothos/core';
import { builder, type PothosTypes } from '../builder.ts';
import { type Connection, DEFAULT_PER_PAGE, type Edge, MOST_PER_PAGE, type PageInfo } from './keyset.ts';

export const PageInfoObject = builder.objectRef<PageInfo>('PageInfo').implement({
  description: 'Where a page lies in its connection.',
  fields: (t) => ({
    startCursor: t.exposeString('startCursor', {
      nullable: true,
      description: 'Cursor of the first row; null when empty.',
    }),
    endCursor: t.exposeString('endCursor', {
      nullable: true,
      description: 'Cursor of the last row; null when empty.',
    }),
    hasNextPage: t.exposeBoolean('hasNextPage', { description: 'Whether rows follow after this page.' }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      description: 'Whether rows come before this page.',
    }),
  }),
});

/** The connection type of a node type, with its edges: AgentConnection and AgentEdge for Agent. */
export function connectionOf<T extends object>(node: ObjectRef<PothosTypes, T>, name: string) {
  const edge = builder.objectRef<Edge<T>>(`${name}Edge`).implement({
    description: `One ${name} of a connection, with its place in the order.`,
    fields: (t) => ({
      cursor: t.exposeString('cursor', {
        description: 'Place in the order: opaque, good only for the same order and owner.',
      }),
      node: t.field({ type: node, description: 'The row.', resolve: (item) => item.node as never }),
    }),
  });
  return builder.objectRef<Connection<T>>(`${name}Connection`).implement({
    description: `A page of ${name} rows that the caller may know of.`,
    fields: (t) => ({
      edges: t.field({
        type: [edge],
        description: 'The rows of this page, in order.',
        resolve: (page) => page.edges,
      }),
      pageInfo: t.field({
        type: PageInfoObject,
        description: 'Where this page lies.',
        resolve: (page) => page.pageInfo,
      }),
    }),
  });
}

/** first, after, last and before, described. */
export const pageArguments = builder.args((t) => ({
  first: t.int({
    required: false,
    description: `How many rows from the start; at most ${MOST_PER_PAGE}, ${DEFAULT_PER_PAGE} when left out.`,
  }),
  after: t.string({ required: false, description: 'Only rows after this cursor.' }),
  last: t.int({ required: false, description: `How many rows from the end; at most ${MOST_PER_PAGE}.` }),
  before: t.string({ required: false, description: 'Only rows before this cursor.' }),
}));
