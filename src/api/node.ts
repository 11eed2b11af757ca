// node and nodes: any row by its global id, of every type that a feature has registered; many ids of one type are one
// query. What the caller may not know of is null in its place, exactly like what does not exist.

import type { GraphQLResolveInfo } from 'graphql';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { BailiwickError } from '../errors.ts';
import { declares } from './direct/declared.ts';
import { fromGlobalId, type NodeName, toGlobalId } from './global-id.ts';
import { readByIds } from './reading.ts';

type NodeRow = { readonly id: string };

const registered = new Set<NodeName>();
const MOST_NODES = 100;

const MARK = Symbol('the type of a row that node or nodes loaded');

export const NodeInterface = builder.interfaceRef<NodeRow>('Node').implement({
  description: 'Whatever has a global id.',
  resolveType: (row) => (row as { [MARK]?: string })[MARK],
  fields: (t) => ({
    id: t.id({
      description: 'Global id: stable, opaque, an identity and never a permission.',
      resolve: ({ id }, _args, _context, info) => toGlobalId(info.parentType.name, id),
      extensions: declares({ kind: 'id', type: null, column: 'id' }),
    }),
  }),
});

/** Makes a type reachable by global id. */
export function registerNode(type: NodeName): void {
  registered.add(type);
}

async function loadNodes(
  context: Context,
  ids: readonly string[],
  info: GraphQLResolveInfo,
): Promise<(NodeRow | null)[]> {
  if (ids.length > MOST_NODES) {
    throw new BailiwickError('LIMIT_EXCEEDED', `nodes takes at most ${MOST_NODES} ids`);
  }
  const parsed = ids.map(fromGlobalId);
  const found = new Map<string, NodeRow>();
  // side by side for whoever sends them; within a transaction Prisma still lets one statement wait for the other
  await Promise.all(
    [...registered].map(async (type) => {
      const wanted = [...new Set(parsed.filter((item) => item.type === type).map(({ id }) => id))];
      for (const row of wanted.length === 0 ? [] : await readByIds(context, info, type, wanted)) {
        found.set(toGlobalId(type, row.id), Object.assign(row, { [MARK]: type }));
      }
    }),
  );
  return ids.map((id) => found.get(id) ?? null);
}

builder.queryFields((t) => ({
  node: t.field({
    type: NodeInterface,
    nullable: true,
    description: 'One row by global id; null when there is none that you may know of.',
    args: { id: t.arg.id({ description: 'A global id.' }) },
    resolve: async (_root, { id }, context, info) => (await loadNodes(context, [id], info))[0] ?? null,
    extensions: declares({ kind: 'row' }),
  }),
  nodes: t.field({
    type: [NodeInterface],
    nullable: { list: false, items: true },
    description: `Rows by global id, in the order asked for, with null for each that you may not know of; at most ${MOST_NODES}.`,
    args: { ids: t.arg.idList({ description: 'Global ids.' }) },
    resolve: (_root, { ids }, context, info) => loadNodes(context, ids, info),
  }),
}));
