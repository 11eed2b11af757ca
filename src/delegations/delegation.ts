// Delegations: who may act for whom, how far and until when; and how they are listed. Who sees which:
// prisma/policies/17-delegations.sql.

import type { GraphQLResolveInfo } from 'graphql';
import type { Prisma } from '../../generated/prisma/client.ts';
import { Agent } from '../agents/agent.ts';
import { connectionOf, pageArguments } from '../api/connection.ts';
import { idOf, toGlobalId } from '../api/global-id.ts';
import { type PageArgs, paginate } from '../api/keyset.ts';
import { NodeInterface, registerNode } from '../api/node.ts';
import { readPage, readWritten } from '../api/reading.ts';
import { OrderDirectionEnum } from '../api/status.ts';
import { builder } from '../builder.ts';
import { type Context, sessionOf } from '../context.ts';

const DelegationFilter = builder.inputType('DelegationFilter', {
  description: 'Which delegations; every condition given must hold.',
  fields: (t) => ({
    delegateId: t.id({ required: false, description: 'Held by this agent.' }),
    worldId: t.id({ required: false, description: 'Limited to this world.' }),
    ended: t.boolean({
      required: false,
      description: 'Only those revoked or expired, or only those that are not.',
    }),
  }),
});

const DelegationOrderField = builder.enumType('DelegationOrderField', {
  description: 'By what delegations can be ordered.',
  values: {
    CREATED: { value: 'id', description: 'Time of creation.' },
    EXPIRES: { value: 'expiresAt', description: 'Time of expiry.' },
  } as const,
});

const DelegationOrder = builder.inputType('DelegationOrder', {
  description: 'In which order delegations come.',
  fields: (t) => ({
    field: t.field({ type: DelegationOrderField, description: 'By what.' }),
    direction: t.field({ type: OrderDirectionEnum, defaultValue: 'desc', description: 'Which end first.' }),
  }),
});

const delegationArguments = builder.args((t) => ({
  ...pageArguments,
  filter: t.field({ type: DelegationFilter, required: false, description: 'Which delegations.' }),
  orderBy: t.field({
    type: DelegationOrder,
    required: false,
    description: 'In which order; left out: newest first.',
  }),
}));

type DelegationArgs = PageArgs & {
  filter?: typeof DelegationFilter.$inferInput | null | undefined;
  orderBy?: typeof DelegationOrder.$inferInput | null | undefined;
};

function delegationPage(
  context: Context,
  { filter, orderBy, ...args }: DelegationArgs,
  condition: Prisma.DelegationWhereInput,
) {
  const page = paginate(context, args, {
    connection: 'delegations',
    field: orderBy?.field ?? 'id',
    direction: orderBy?.direction ?? 'desc',
  });
  const now = new Date();
  const ended = { OR: [{ revokedAt: { not: null } }, { expiresAt: { lte: now } }] };
  const conditions: Prisma.DelegationWhereInput[] = [
    ...(filter?.delegateId ? [{ delegateId: idOf(filter.delegateId, 'Agent') }] : []),
    ...(filter?.worldId ? [{ worldId: idOf(filter.worldId, 'World') }] : []),
    ...(typeof filter?.ended === 'boolean' ? [filter.ended ? ended : { NOT: ended }] : []),
  ];
  return page.of(condition, ...conditions);
}

const DelegationStateEnum = builder.enumType('DelegationState', {
  description:
    'Where a delegation stands in its life. It may be in force and still allow nothing: a chain ends with any hop.',
  values: {
    PENDING: { description: 'Not yet in force.' },
    ACTIVE: { description: 'In force by itself.' },
    EXPIRED: { description: 'Past its expiry.' },
    REVOKED: { description: 'Revoked, for good.' },
  } as const,
});

export const Delegation = builder.prismaObject('Delegation', {
  interfaces: [NodeInterface],
  description:
    "An owner's permission to act for them, held by an agent. Seen by its owner, its delegator and its delegate.",
  fields: (t) => ({
    ownerId: t.id({
      description: 'Global id of the user whose rows it reaches.',
      resolve: ({ ownerId }) => toGlobalId('User', ownerId),
    }),
    delegatorId: t.id({
      description: 'Global id of whoever granted it: the owner, or the agent one hop above.',
      resolve: ({ delegatorId, depth }) => toGlobalId(depth === 1 ? 'User' : 'Agent', delegatorId),
    }),
    delegateId: t.id({
      description: 'Global id of the agent that holds it.',
      resolve: ({ delegateId }) => toGlobalId('Agent', delegateId),
    }),
    delegate: t.field({
      type: Agent,
      nullable: true,
      description: 'The agent that holds it; null when the caller may not read agents.',
      select: (_args, _context, nested) => ({ agent: nested() as never }),
      resolve: (delegation) => (delegation as unknown as { agent: null }).agent,
    }),
    parentId: t.id({
      nullable: true,
      description: 'Global id of the delegation one hop above; null at the root.',
      resolve: ({ parentId }) => (parentId === null ? null : toGlobalId('Delegation', parentId)),
    }),
    depth: t.exposeInt('depth', { description: 'Place in its chain; 1 at the root, at most 4.' }),
    redelegate: t.exposeInt('redelegate', { description: 'How many further hops its delegate may add.' }),
    capabilities: t.exposeStringList('capabilities', {
      description: 'What it allows, as kind:verb; the chain may allow less.',
    }),
    world: t.relation('world', {
      nullable: true,
      description: 'The one world it is limited to, where the caller may see it.',
    }),
    worldId: t.id({
      nullable: true,
      description: 'Global id of the one world it is limited to; null when it is not.',
      resolve: ({ worldId }) => (worldId === null ? null : toGlobalId('World', worldId)),
    }),
    purpose: t.exposeString('purpose', { nullable: true, description: 'Why it was granted.' }),
    notBefore: t.expose('notBefore', { type: 'DateTime', description: 'From when.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when.' }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null while it was not.',
    }),
    state: t.field({
      type: DelegationStateEnum,
      description: 'Where it stands now.',
      resolve: ({ revokedAt, expiresAt, notBefore }) => {
        const now = new Date();
        return revokedAt !== null
          ? 'REVOKED'
          : expiresAt <= now
            ? 'EXPIRED'
            : notBefore > now
              ? 'PENDING'
              : 'ACTIVE';
      },
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was granted.' }),
  }),
});

export const DelegationConnection = connectionOf(Delegation, 'Delegation');

/** A connection of delegations that satisfy one more condition. */
function listDelegations(
  name: string,
  description: string,
  condition: (context: Context) => Prisma.DelegationWhereInput,
) {
  builder.queryField(name, (t) =>
    t.field({
      type: DelegationConnection,
      description,
      args: delegationArguments,
      resolve: (_root, args, context, info) =>
        readPage(context, info, 'Delegation', delegationPage(context, args, condition(context))),
    }),
  );
}

listDelegations(
  'delegationsGranted',
  "Delegations of the owner's authority, however far down their chains; for an agent as itself, those it granted.",
  (context) => {
    const { ownerId, actorId, actorKind, chain } = sessionOf(context);
    return actorKind === 'agent' && chain.length === 0 ? { delegatorId: actorId } : { ownerId };
  },
);

listDelegations(
  'delegationsHeld',
  'Delegations that the acting agent holds. A person holds none.',
  (context) => ({
    delegateId: sessionOf(context).actorId,
  }),
);

registerNode('Delegation');

/** One delegation as a mutation answers it, after it has written. */
export async function readDelegation(context: Context, id: string, info: GraphQLResolveInfo) {
  return await readWritten(context, info, 'Delegation', id);
}
