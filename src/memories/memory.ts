// Memories: what is remembered about an owner, and how memories are listed. Who sees which: prisma/policies/18-memories.sql.

import type { Prisma } from '../../generated/prisma/client.ts';
import { Agent } from '../agents/agent.ts';
import { connectionOf, pageArguments } from '../api/connection.ts';
import { declares } from '../api/direct/declared.ts';
import { idOf, toGlobalId } from '../api/global-id.ts';
import { type PageArgs, paginate } from '../api/keyset.ts';
import { NodeInterface, registerNode } from '../api/node.ts';
import { nestedPage, nestedQuery, readPage } from '../api/reading.ts';
import { OrderDirectionEnum } from '../api/status.ts';
import { builder } from '../builder.ts';
import { type Context, sessionOf } from '../context.ts';
import { World } from '../worlds/world.ts';

export const MemoryFilter = builder.inputType('MemoryFilter', {
  description: 'Which memories; every condition given must hold.',
  fields: (t) => ({
    agentId: t.id({ required: false, description: 'Kept by this agent.' }),
    worldId: t.id({ required: false, description: 'Of this world.' }),
    kind: t.string({ required: false, description: 'Of this kind.' }),
    sensitive: t.boolean({ required: false, description: 'Only sensitive ones, or only others.' }),
    tags: t.stringList({ required: false, description: 'Bearing every one of these tags.' }),
    createdAfter: t.field({ type: 'DateTime', required: false, description: 'Made at this time or later.' }),
    createdBefore: t.field({ type: 'DateTime', required: false, description: 'Made before this time.' }),
  }),
});

const MemoryOrderField = builder.enumType('MemoryOrderField', {
  description: 'By what memories can be ordered.',
  values: {
    CREATED: { value: 'id', description: 'Time of creation.' },
    UPDATED: { value: 'updatedAt', description: 'Time of the last change.' },
  } as const,
});

const MemoryOrder = builder.inputType('MemoryOrder', {
  description: 'In which order memories come.',
  fields: (t) => ({
    field: t.field({ type: MemoryOrderField, description: 'By what.' }),
    direction: t.field({ type: OrderDirectionEnum, defaultValue: 'desc', description: 'Which end first.' }),
  }),
});

const memoryArguments = builder.args((t) => ({
  ...pageArguments,
  filter: t.field({ type: MemoryFilter, required: false, description: 'Which memories.' }),
  orderBy: t.field({
    type: MemoryOrder,
    required: false,
    description: 'In which order; left out: newest first.',
  }),
}));

type MemoryArgs = PageArgs & {
  filter?: typeof MemoryFilter.$inferInput | null | undefined;
  orderBy?: typeof MemoryOrder.$inferInput | null | undefined;
};

/** A page of those that one owner has, or of those that are shared in a world. */
function memoryPage(
  context: Context,
  { filter, orderBy, ...args }: MemoryArgs,
  of: Prisma.MemoryWhereInput = { ownerId: sessionOf(context).ownerId },
) {
  const page = paginate(context, args, {
    connection: of.shared === true ? `shared ${of.worldId}` : 'memories',
    field: orderBy?.field ?? 'id',
    direction: orderBy?.direction ?? 'desc',
  });
  const where: Prisma.MemoryWhereInput = {
    ...(filter?.agentId ? { agentId: idOf(filter.agentId, 'Agent') } : {}),
    ...(filter?.worldId ? { worldId: idOf(filter.worldId, 'World') } : {}),
    ...(filter?.kind ? { kind: filter.kind } : {}),
    ...(filter?.sensitive == null ? {} : { sensitive: filter.sensitive }),
    ...(filter?.tags?.length ? { tags: { hasEvery: filter.tags } } : {}),
    ...(filter?.createdAfter || filter?.createdBefore
      ? {
          createdAt: {
            ...(filter.createdAfter ? { gte: filter.createdAfter } : {}),
            ...(filter.createdBefore ? { lt: filter.createdBefore } : {}),
          },
        }
      : {}),
  };
  const made = page.of(where);
  // outermost, where the second layer looks for it (src/db/scope.ts)
  return { page, query: { ...made.query, where: { ...of, AND: made.query.where } } };
}

/** A page of those that are shared in a world. */
function sharedPage(context: Context, { worldId, ...args }: MemoryArgs & { worldId: string }) {
  return memoryPage(context, args, { shared: true, worldId: idOf(worldId, 'World') });
}

export const Memory = builder.prismaObject('Memory', {
  interfaces: [NodeInterface],
  description:
    'Something remembered about an owner. Seen by that owner, and by agents that may read memories for them; and where it is shared, by the members of its world.',
  fields: (t) => ({
    ownerId: t.id({
      description: 'Global id of its owner; their profile is their own affair and usually out of sight.',
      resolve: ({ ownerId }) => toGlobalId('User', ownerId),
      extensions: declares({ kind: 'id', type: 'User', column: 'ownerId' }),
    }),
    shared: t.exposeBoolean('shared', {
      description:
        'Whether the members of its world see it, and agents of theirs whose delegation names that world.',
    }),
    kind: t.exposeString('kind', {
      description: "What sort of memory, a word of the caller's choosing: note, fact, preference.",
    }),
    sensitive: t.exposeBoolean('sensitive', {
      description: 'Whether content and metadata are encrypted where they are kept, and found by no search.',
    }),
    content: t.exposeString('content', {
      nullable: true,
      description:
        'What is remembered. Null only where it is sensitive: when the caller has no key for it, or when its key was destroyed.',
    }),
    tags: t.exposeStringList('tags', { description: 'Tags, in the order given.' }),
    metadata: t.expose('metadata', {
      type: 'JSONObject',
      nullable: true,
      description:
        'Whatever its writer keeps with it, free-form. Null where the content is, and for the same reason.',
    }),
    agent: t.relation('agent', {
      nullable: true,
      description:
        'The agent that keeps it; null when nobody in particular does, or the caller may not read agents.',
    }),
    world: t.relation('world', {
      nullable: true,
      description: 'The world it belongs to; null when to none, or the caller may not see that world.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was written.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
  }),
});

export const MemoryConnection = connectionOf(Memory, 'Memory');

const ofParent = 'Memories of the owner that belong here.';

builder.prismaObjectField(Agent, 'memories', (t) =>
  t.field({
    type: MemoryConnection,
    description: `${ofParent} What this agent keeps about its owner.`,
    args: memoryArguments,
    select: (args, context, nested) => nestedQuery('memories', nested, memoryPage(context, args)),
    resolve: (agent, args, context) => nestedPage('memories', agent, memoryPage(context, args)),
    extensions: declares({ kind: 'page', model: 'Memory', page: memoryPage, relation: 'memories' }),
  }),
);

builder.prismaObjectField(World, 'memories', (t) =>
  t.field({
    type: MemoryConnection,
    description: `${ofParent} What other members share there is asked for with sharedMemories.`,
    args: memoryArguments,
    select: (args, context, nested) => nestedQuery('memories', nested, memoryPage(context, args)),
    resolve: (world, args, context) => nestedPage('memories', world, memoryPage(context, args)),
    extensions: declares({ kind: 'page', model: 'Memory', page: memoryPage, relation: 'memories' }),
  }),
);

builder.queryField('memories', (t) =>
  t.field({
    type: MemoryConnection,
    description: 'The memories of the owner.',
    args: memoryArguments,
    resolve: (_root, args, context, info) => readPage(context, info, 'Memory', memoryPage(context, args)),
    extensions: declares({ kind: 'page', model: 'Memory', page: memoryPage }),
  }),
);

builder.queryField('sharedMemories', (t) =>
  t.field({
    type: MemoryConnection,
    description:
      'What the members of a world share in it, the caller’s own with it. None for who takes no part, and for an agent whose delegation does not name the world.',
    args: {
      worldId: t.arg.id({ description: 'Where they are shared.' }),
      ...memoryArguments,
    },
    resolve: (_root, args, context, info) => readPage(context, info, 'Memory', sharedPage(context, args)),
    extensions: declares({ kind: 'page', model: 'Memory', page: sharedPage }),
  }),
);

registerNode('Memory');
