// Worlds: shared environments, and how they are listed. Who sees which world: prisma/policies/15-worlds.sql.

import type { Prisma } from '../../generated/prisma/client.ts';
import { connectionOf, pageArguments } from '../api/connection.ts';
import { declares } from '../api/direct/declared.ts';
import { toGlobalId } from '../api/global-id.ts';
import { type PageArgs, paginate } from '../api/keyset.ts';
import { NodeInterface, registerNode } from '../api/node.ts';
import { readPage } from '../api/reading.ts';
import { OrderDirectionEnum, StatusEnum } from '../api/status.ts';
import { containing } from '../api/validation.ts';
import { builder } from '../builder.ts';
import { type Context, sessionOf } from '../context.ts';

const WorldFilter = builder.inputType('WorldFilter', {
  description: 'Which worlds; every condition given must hold.',
  fields: (t) => ({
    name: t.string({ required: false, description: 'The name contains this, in any case.' }),
    status: t.field({
      type: StatusEnum,
      required: false,
      description: 'Of this status; left out: all but archived ones.',
    }),
    mine: t.boolean({
      required: false,
      description: 'Only worlds the owner owns, or only those it merely takes part in.',
    }),
  }),
});

const WorldOrderField = builder.enumType('WorldOrderField', {
  description: 'By what worlds can be ordered.',
  values: {
    CREATED: { value: 'id', description: 'Time of creation.' },
    NAME: { value: 'name', description: 'Alphabetically.' },
  } as const,
});

const WorldOrder = builder.inputType('WorldOrder', {
  description: 'In which order worlds come.',
  fields: (t) => ({
    field: t.field({ type: WorldOrderField, description: 'By what.' }),
    direction: t.field({ type: OrderDirectionEnum, defaultValue: 'asc', description: 'Which end first.' }),
  }),
});

const worldArguments = builder.args((t) => ({
  ...pageArguments,
  filter: t.field({ type: WorldFilter, required: false, description: 'Which worlds.' }),
  orderBy: t.field({
    type: WorldOrder,
    required: false,
    description: 'In which order; left out: oldest first.',
  }),
}));

type WorldArgs = PageArgs & {
  filter?: typeof WorldFilter.$inferInput | null | undefined;
  orderBy?: typeof WorldOrder.$inferInput | null | undefined;
};

function worldPage(context: Context, { filter, orderBy, ...args }: WorldArgs) {
  const { ownerId } = sessionOf(context);
  const page = paginate(context, args, {
    connection: 'worlds',
    field: orderBy?.field ?? 'id',
    direction: orderBy?.direction ?? 'asc',
  });
  const where: Prisma.WorldWhereInput = {
    entity: { status: filter?.status ?? { not: 'archived' } },
    ...(filter?.name ? { name: containing(filter.name) } : {}),
    ...(typeof filter?.mine === 'boolean' ? { ownerId: filter.mine ? ownerId : { not: ownerId } } : {}),
  };
  return page.of(where);
}

export const World = builder.prismaObject('World', {
  interfaces: [NodeInterface],
  description: 'A shared environment with members. Seen by its owner and its members.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What people call it.' }),
    description: t.exposeString('description', { nullable: true, description: 'What it is for.' }),
    ownerId: t.id({
      description: 'Global id of the user who owns it.',
      resolve: ({ ownerId }) => toGlobalId('User', ownerId),
      extensions: declares({ kind: 'id', type: 'User', column: 'ownerId' }),
    }),
    status: t.field({
      type: StatusEnum,
      description: 'Whether it can be taken part in.',
      select: { entity: { select: { status: true } } },
      resolve: ({ entity }) => entity.status as 'active',
      extensions: declares({ kind: 'through', relation: 'entity', column: 'status' }),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
  }),
});

export const WorldConnection = connectionOf(World, 'World');

builder.queryField('worlds', (t) =>
  t.field({
    type: WorldConnection,
    description: 'The worlds that the owner owns or takes part in.',
    args: worldArguments,
    resolve: (_root, args, context, info) => readPage(context, info, 'World', worldPage(context, args)),
    extensions: declares({ kind: 'page', model: 'World', page: worldPage }),
  }),
);

registerNode('World');
