// Requests for approval: what one is to whoever may see it, and how they are listed. Who sees which: prisma/policies/27-approvals.sql.
//
// Whoever decides decides on what is shown. So what is shown must be what the request is bound to: where the digest of the arguments
// is another one, they are not shown at all.

import type { Approval as ApprovalRow, Prisma } from '../../generated/prisma/client.ts';
import { connectionOf, pageArguments } from '../api/connection.ts';
import { idOf, toGlobalId } from '../api/global-id.ts';
import { type PageArgs, paginate } from '../api/keyset.ts';
import { NodeInterface, registerNode } from '../api/node.ts';
import { readPage } from '../api/reading.ts';
import { OrderDirectionEnum } from '../api/status.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { BailiwickError } from '../errors.ts';
import { approvalDigest } from './digest.ts';

const ApprovalStateEnum = builder.enumType('ApprovalState', {
  description: 'Where a request for approval stands.',
  values: {
    WAITING: { description: 'Nobody has decided yet.' },
    APPROVED: { description: 'The agent may do it, once, before it ends.' },
    REJECTED: { description: 'The owner has said no.' },
    EXPIRED: { description: 'Past its end, undecided or unused.' },
    REDEEMED: { description: 'The agent has made use of it.' },
  } as const,
});
type State = (typeof ApprovalStateEnum)['$inferType'];

function stateOf({
  decision,
  redeemedAt,
  expiresAt,
}: Pick<ApprovalRow, 'decision' | 'redeemedAt' | 'expiresAt'>): State {
  if (redeemedAt !== null) {
    return 'REDEEMED';
  }
  if (decision === 'rejected') {
    return 'REJECTED';
  }
  if (expiresAt <= new Date()) {
    return 'EXPIRED';
  }
  return decision === null ? 'WAITING' : 'APPROVED';
}

/** The same as conditions. */
function inState(state: State): Prisma.ApprovalWhereInput {
  const now = new Date();
  switch (state) {
    case 'WAITING':
      return { decision: null, expiresAt: { gt: now } };
    case 'APPROVED':
      return { decision: 'approved', redeemedAt: null, expiresAt: { gt: now } };
    case 'REJECTED':
      return { decision: 'rejected' };
    case 'EXPIRED':
      return {
        OR: [{ decision: null }, { decision: 'approved', redeemedAt: null }],
        expiresAt: { lte: now },
      };
    case 'REDEEMED':
      return { redeemedAt: { not: null } };
    default:
      return state satisfies never;
  }
}

/**
 * The arguments of a request, as far as the caller has the key to them.
 *
 * @throws {BailiwickError} INTERNAL where they are not those to which the request is bound.
 */
export function argumentsOf(
  request: Pick<ApprovalRow, 'service' | 'action' | 'digest'> & { readonly arguments: unknown },
): Record<string, unknown> | null {
  const { service, action, digest } = request;
  const given = request.arguments as Record<string, unknown> | null;
  if (given !== null && approvalDigest({ service, action, arguments: given }) !== digest) {
    throw new BailiwickError('INTERNAL', undefined, {
      cause: new Error('the arguments of a request are not those of its digest'),
    });
  }
  return given;
}

const ApprovalFilter = builder.inputType('ApprovalFilter', {
  description: 'Which requests; every condition given must hold.',
  fields: (t) => ({
    state: t.field({ type: ApprovalStateEnum, required: false, description: 'That stand here now.' }),
    agentId: t.id({ required: false, description: 'Of this agent.' }),
    service: t.string({ required: false, description: 'About this service.' }),
  }),
});

const approvalArguments = builder.args((t) => ({
  ...pageArguments,
  filter: t.field({ type: ApprovalFilter, required: false, description: 'Which requests.' }),
  direction: t.field({
    type: OrderDirectionEnum,
    defaultValue: 'desc',
    description: 'Which end first, by time of creation.',
  }),
}));

type ApprovalArgs = PageArgs & {
  filter?: typeof ApprovalFilter.$inferInput | null | undefined;
  direction: 'asc' | 'desc';
};

function approvalPage(context: Context, { filter, direction, ...args }: ApprovalArgs) {
  const page = paginate(context, args, { connection: 'approvals', field: 'id', direction });
  const conditions: Prisma.ApprovalWhereInput[] = [
    ...(filter?.state ? [inState(filter.state)] : []),
    ...(filter?.agentId ? [{ agentId: idOf(filter.agentId, 'Agent') }] : []),
    ...(filter?.service ? [{ service: filter.service }] : []),
  ];
  return page.of(...conditions);
}

export const Approval = builder.prismaObject('Approval', {
  interfaces: [NodeInterface],
  description:
    'What an agent has asked its owner to let it do, once: exactly this action with exactly these arguments. Seen by the owner and by the agent that asks.',
  fields: (t) => ({
    agent: t.relation('agent', {
      nullable: true,
      description: 'Who asks; null where the caller may not read agents.',
    }),
    agentId: t.id({
      description: 'Global id of the agent that asks.',
      resolve: ({ agentId }) => toGlobalId('Agent', agentId),
    }),
    service: t.exposeString('service', { description: 'For which service it is, such as mail.' }),
    action: t.exposeString('action', { description: 'What is to be done there, such as messages.send.' }),
    arguments: t.field({
      type: 'JSONObject',
      nullable: true,
      description:
        'With what: all of it, and nothing else. Encrypted where it is kept; null where the key to it was destroyed.',
      select: { arguments: true, service: true, action: true, digest: true },
      resolve: (request) => argumentsOf(request),
    }),
    digest: t.exposeString('digest', {
      description: 'SHA-256 of service, action and arguments in canonical JSON (RFC 8785), in hexadecimal.',
    }),
    purpose: t.exposeString('reason', { nullable: true, description: 'What the agent says that it is for.' }),
    chain: t.idList({
      description: "Global ids of the delegations it was asked through, the owner's first.",
      select: { chain: true },
      resolve: ({ chain }) => chain.map((id) => toGlobalId('Delegation', id)),
    }),
    state: t.field({
      type: ApprovalStateEnum,
      description: 'Where it stands now.',
      select: { decision: true, redeemedAt: true, expiresAt: true },
      resolve: (request) => stateOf(request),
    }),
    note: t.exposeString('note', { nullable: true, description: 'What the owner says to the decision.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'Until when it can be decided on, and made use of.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was asked.' }),
    decidedAt: t.expose('decidedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the owner decided; null for not yet.',
    }),
    redeemedAt: t.expose('redeemedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the agent made use of it; null for not yet.',
    }),
  }),
});

const ApprovalConnection = connectionOf(Approval, 'Approval');

builder.queryField('approvals', (t) =>
  t.field({
    type: ApprovalConnection,
    description: 'What agents have asked of the owner; an agent sees what it has asked itself.',
    args: approvalArguments,
    resolve: (_root, args, context, info) =>
      readPage(context, info, 'Approval', approvalPage(context, args as ApprovalArgs)),
  }),
);

registerNode('Approval');
