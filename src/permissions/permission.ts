// Rules about actions: what one is to whoever may see it, how they are written, and how they are listed. Who sees which:
// prisma/policies/26-permissions.sql; how they are weighed: 06-permissions.sql.

import type { Prisma } from '../../generated/prisma/client.ts';
import { connectionOf, pageArguments } from '../api/connection.ts';
import { idOf } from '../api/global-id.ts';
import { type PageArgs, paginate } from '../api/keyset.ts';
import { NodeInterface, registerNode } from '../api/node.ts';
import { readPage } from '../api/reading.ts';
import { OrderDirectionEnum } from '../api/status.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';

export const PermissionEffectEnum = builder.enumType('PermissionEffect', {
  description: 'What is said of an action.',
  values: {
    ALLOW: { value: 'allow', description: 'It may be done.' },
    ASK: { value: 'ask', description: 'The owner is asked first, each time.' },
    DENY: { value: 'deny', description: 'It may not be done, and nobody is asked.' },
  } as const,
});

const PermissionFilter = builder.inputType('PermissionFilter', {
  description: 'Which rules; every condition given must hold.',
  fields: (t) => ({
    agentId: t.id({ required: false, description: 'About this agent alone.' }),
    service: t.string({ required: false, description: 'Written for exactly this service, or *.' }),
    effect: t.field({ type: PermissionEffectEnum, required: false, description: 'That say this.' }),
  }),
});

const permissionArguments = builder.args((t) => ({
  ...pageArguments,
  filter: t.field({ type: PermissionFilter, required: false, description: 'Which rules.' }),
  direction: t.field({
    type: OrderDirectionEnum,
    defaultValue: 'desc',
    description: 'Which end first, by time of creation.',
  }),
}));

type PermissionArgs = PageArgs & {
  filter?: typeof PermissionFilter.$inferInput | null | undefined;
  direction: 'asc' | 'desc';
};

function permissionPage(context: Context, { filter, direction, ...args }: PermissionArgs) {
  const page = paginate(context, args, { connection: 'permissions', field: 'id', direction });
  const conditions: Prisma.PermissionWhereInput[] = [
    ...(filter?.agentId ? [{ agentId: idOf(filter.agentId, 'Agent') }] : []),
    ...(filter?.service ? [{ service: filter.service }] : []),
    ...(filter?.effect ? [{ effect: filter.effect }] : []),
  ];
  return page.of(...conditions);
}

export const Permission = builder.prismaObject('Permission', {
  interfaces: [NodeInterface],
  description:
    'A rule of an owner about what their agents do outside. Of the rules that fit, the most exact decide, and of those the strictest.',
  fields: (t) => ({
    agent: t.relation('agent', {
      nullable: true,
      description: 'The agent it is about; null for all, and where the caller may not read agents.',
    }),
    everyAgent: t.boolean({
      description: 'Whether it is about every agent of the owner.',
      resolve: ({ agentId }) => agentId === null,
    }),
    service: t.exposeString('service', { description: 'The service it is about; * for all.' }),
    action: t.exposeString('action', {
      description: 'The action it is about; issues.* for all that begin so, * for all.',
    }),
    effect: t.field({
      type: PermissionEffectEnum,
      description: 'What it says.',
      // a check of the table allows no other
      resolve: ({ effect }) => effect as (typeof PermissionEffectEnum)['$inferType'],
    }),
    note: t.exposeString('note', { nullable: true, description: 'Why, in the words of its owner.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
  }),
});

const PermissionConnection = connectionOf(Permission, 'Permission');

builder.queryField('permissions', (t) =>
  t.field({
    type: PermissionConnection,
    description: "The owner's rules about actions; an agent sees those about all agents and about itself.",
    args: permissionArguments,
    resolve: (_root, args, context, info) =>
      readPage(context, info, 'Permission', permissionPage(context, args as PermissionArgs)),
  }),
);

registerNode('Permission');
