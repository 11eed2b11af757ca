// Agents: what one is for a client, and how agents are listed.
//
// Who sees which agent is decided in prisma/policies/13-agents.sql and 14-agent-instructions.sql, and nowhere here.

import type { Prisma } from '../../generated/prisma/client.ts';
import { connectionOf, pageArguments } from '../api/connection.ts';
import { declares } from '../api/direct/declared.ts';
import { optionalIdOf } from '../api/global-id.ts';
import { type PageArgs, paginate } from '../api/keyset.ts';
import { NodeInterface, registerNode } from '../api/node.ts';
import { nestedPage, nestedQuery, readPage } from '../api/reading.ts';
import { OrderDirectionEnum, StatusEnum } from '../api/status.ts';
import { containing } from '../api/validation.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';

const AgentFilter = builder.inputType('AgentFilter', {
  description: 'Which agents; every condition given must hold.',
  fields: (t) => ({
    name: t.string({ required: false, description: 'The name contains this, in any case.' }),
    status: t.field({
      type: StatusEnum,
      required: false,
      description: 'Of this status; left out: all but archived ones.',
    }),
    parentId: t.id({ required: false, description: 'Sub-agents of this agent.' }),
  }),
});

const AgentOrderField = builder.enumType('AgentOrderField', {
  description: 'By what agents can be ordered.',
  values: {
    CREATED: { value: 'id', description: 'Time of creation.' },
    NAME: { value: 'name', description: 'Alphabetically.' },
  } as const,
});

const AgentOrder = builder.inputType('AgentOrder', {
  description: 'In which order agents come.',
  fields: (t) => ({
    field: t.field({ type: AgentOrderField, description: 'By what.' }),
    direction: t.field({ type: OrderDirectionEnum, defaultValue: 'asc', description: 'Which end first.' }),
  }),
});

const agentArguments = builder.args((t) => ({
  ...pageArguments,
  filter: t.field({ type: AgentFilter, required: false, description: 'Which agents.' }),
  orderBy: t.field({
    type: AgentOrder,
    required: false,
    description: 'In which order; left out: oldest first.',
  }),
}));

type AgentArgs = PageArgs & {
  filter?: typeof AgentFilter.$inferInput | null | undefined;
  orderBy?: typeof AgentOrder.$inferInput | null | undefined;
};

function agentPage(context: Context, { filter, orderBy, ...args }: AgentArgs) {
  const page = paginate(context, args, {
    connection: 'agents',
    field: orderBy?.field ?? 'id',
    direction: orderBy?.direction ?? 'asc',
  });
  const where: Prisma.AgentWhereInput = {
    entity: { status: filter?.status ?? { not: 'archived' } },
    ...(filter?.name ? { name: containing(filter.name) } : {}),
    ...(filter?.parentId ? { parentId: optionalIdOf(filter.parentId, 'Agent') } : {}),
  };
  return page.of(where);
}

export const Agent = builder.prismaObject('Agent', {
  interfaces: [NodeInterface],
  description:
    'An AI agent in the bailiwick of one user, for whom it acts as far as a live delegation allows.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What people call it.' }),
    icon: t.exposeString('icon', {
      nullable: true,
      description: 'An emoji or the address of a picture, if it has one.',
    }),
    description: t.exposeString('description', {
      nullable: true,
      description: "What it is for, in its owner's words.",
    }),
    model: t.exposeString('model', {
      nullable: true,
      description: 'The language model it runs on, as its runtime calls it.',
    }),
    settings: t.expose('settings', {
      type: 'JSONObject',
      description: 'Behaviour settings for its runtime, free-form.',
    }),
    status: t.field({
      type: StatusEnum,
      description: 'Whether it takes part.',
      select: { entity: { select: { status: true } } },
      resolve: ({ entity }) => entity.status as 'active',
      extensions: declares({ kind: 'through', relation: 'entity', column: 'status' }),
    }),
    systemPrompt: t.string({
      nullable: true,
      description:
        'What it is told first. Null for everybody but its owner in person and the agent as itself.',
      select: { instructions: { select: { systemPrompt: true } } },
      resolve: ({ instructions }) => instructions?.systemPrompt ?? null,
    }),
    privateInstructions: t.string({
      nullable: true,
      description:
        'What its owner told it in confidence. Null for everybody but its owner in person and the agent as itself.',
      select: { instructions: { select: { privateInstructions: true } } },
      resolve: ({ instructions }) => instructions?.privateInstructions ?? null,
    }),
    parent: t.relation('parent', {
      nullable: true,
      description: 'The agent whose sub-agent this is, if it is one.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
  }),
});

export const AgentConnection = connectionOf(Agent, 'Agent');

builder.prismaObjectField(Agent, 'subagents', (t) =>
  t.field({
    type: AgentConnection,
    description: 'Agents that act below this one, of the same owner.',
    args: agentArguments,
    select: (args, context, nested) => nestedQuery('subagents', nested, agentPage(context, args)),
    resolve: (agent, args, context) => nestedPage('subagents', agent, agentPage(context, args)),
    extensions: declares({ kind: 'page', model: 'Agent', page: agentPage, relation: 'subagents' }),
  }),
);

builder.queryField('agents', (t) =>
  t.field({
    type: AgentConnection,
    description: "The owner's agents; acting as itself, an agent sees itself.",
    args: agentArguments,
    resolve: (_root, args, context, info) => readPage(context, info, 'Agent', agentPage(context, args)),
    extensions: declares({ kind: 'page', model: 'Agent', page: agentPage }),
  }),
);

registerNode('Agent');
