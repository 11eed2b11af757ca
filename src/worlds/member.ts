// Members of worlds: who takes part, seen by everybody who takes part. Who may add and remove:
// prisma/policies/16-world-members.sql.

import type { Prisma } from '../../generated/prisma/client.ts';
import { connectionOf, pageArguments } from '../api/connection.ts';
import { declares } from '../api/direct/declared.ts';
import { toGlobalId } from '../api/global-id.ts';
import { type PageArgs, type PageOf, paginate } from '../api/keyset.ts';
import { NodeInterface, registerNode } from '../api/node.ts';
import { nestedPage, nestedQuery, readPage } from '../api/reading.ts';
import { OrderDirectionEnum } from '../api/status.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { World } from './world.ts';

export const MemberRoleEnum = builder.enumType('MemberRole', {
  description: 'How somebody takes part in a world.',
  values: {
    OWNER: { value: 'owner', description: 'Owns the world; there is exactly one, who cannot leave.' },
    MEMBER: { value: 'member', description: 'Takes part.' },
    GUEST: { value: 'guest', description: 'Takes part as a guest.' },
  } as const,
});

const MemberFilter = builder.inputType('MemberFilter', {
  description: 'Which members; every condition given must hold.',
  fields: (t) => ({
    role: t.field({ type: MemberRoleEnum, required: false, description: 'With this role.' }),
  }),
});

const MemberOrder = builder.inputType('MemberOrder', {
  description: 'In which order members come: by when they joined.',
  fields: (t) => ({
    direction: t.field({ type: OrderDirectionEnum, defaultValue: 'asc', description: 'Which end first.' }),
  }),
});

const memberArguments = builder.args((t) => ({
  ...pageArguments,
  filter: t.field({ type: MemberFilter, required: false, description: 'Which members.' }),
  orderBy: t.field({
    type: MemberOrder,
    required: false,
    description: 'In which order; left out: who joined first.',
  }),
}));

type MemberArgs = PageArgs & {
  filter?: typeof MemberFilter.$inferInput | null | undefined;
  orderBy?: typeof MemberOrder.$inferInput | null | undefined;
};

function memberPage(context: Context, { filter, orderBy, ...args }: MemberArgs) {
  const page = paginate(context, args, {
    connection: 'members',
    field: 'id',
    direction: orderBy?.direction ?? 'asc',
  });
  const where: Prisma.WorldMemberWhereInput = filter?.role ? { role: filter.role } : {};
  return page.of(where);
}

/** The page over all worlds: among the first of each. */
const fellowPage = (context: Context, args: MemberArgs): PageOf => ({
  ...memberPage(context, args),
  among: 'fellows',
});

export const WorldMember = builder.prismaObject('WorldMember', {
  interfaces: [NodeInterface],
  description: 'Somebody who takes part in a world. Seen by everybody who takes part in it.',
  fields: (t) => ({
    userId: t.id({
      description: 'Global id of the user; their profile is their own affair and usually out of sight.',
      extensions: declares({ kind: 'id', type: 'User', column: 'entityId' }),
      resolve: ({ entityId }) => toGlobalId('User', entityId),
    }),
    role: t.expose('role' as never, { type: MemberRoleEnum, description: 'How they take part.' }),
    world: t.relation('world', {
      nullable: true,
      description: 'The world; null where the caller may see members but not worlds.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When they joined.' }),
  }),
});

export const WorldMemberConnection = connectionOf(WorldMember, 'WorldMember');

builder.prismaObjectField(World, 'members', (t) =>
  t.field({
    type: WorldMemberConnection,
    description: 'Who takes part in it.',
    args: memberArguments,
    extensions: declares({ kind: 'page', model: 'WorldMember', page: memberPage, relation: 'members' }),
    select: (args, context, nested) => nestedQuery('members', nested, memberPage(context, args)),
    resolve: (world, args, context) => nestedPage('members', world, memberPage(context, args)),
  }),
);

builder.queryField('members', (t) =>
  t.field({
    type: WorldMemberConnection,
    description: 'The members of every world that the owner owns or takes part in.',
    args: memberArguments,
    extensions: declares({ kind: 'page', model: 'WorldMember', page: fellowPage }),
    resolve: (_root, args, context, info) =>
      readPage(context, info, 'WorldMember', fellowPage(context, args)),
  }),
);

registerNode('WorldMember');
