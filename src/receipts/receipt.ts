// Receipts of reading: which agent has read which of the owner's rows. Who sees them: prisma/policies/30-access-receipts.sql; how they
// come into being: src/db/receipts.ts.

import { z } from 'zod';
import type { Prisma } from '../../generated/prisma/client.ts';
import { connectionOf, pageArguments } from '../api/connection.ts';
import { fromGlobalId, idOf, toGlobalId } from '../api/global-id.ts';
import { type PageArgs, paginate } from '../api/keyset.ts';
import { NodeInterface, registerNode } from '../api/node.ts';
import { readPage } from '../api/reading.ts';
import { checked } from '../api/validation.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';

const ReceiptFilter = builder.inputType('ReceiptFilter', {
  description: 'Which receipts; every condition given must hold.',
  fields: (t) => ({
    agentId: t.id({ required: false, description: 'Of this agent, yours or a fellow’s.' }),
    rowId: t.id({ required: false, description: 'Of this row.' }),
    kind: t.string({ required: false, description: 'Of rows of this type, such as Memory.' }),
    operation: t.string({ required: false, description: 'By exactly this operation.' }),
    from: t.string({ required: false, description: 'Of this day or later, such as 2026-11-22, in UTC.' }),
    to: t.string({ required: false, description: 'Of this day or earlier.' }),
  }),
});

const receiptArguments = builder.args((t) => ({
  ...pageArguments,
  filter: t.field({ type: ReceiptFilter, required: false, description: 'Which receipts.' }),
}));

type ReceiptArgs = PageArgs & { filter?: typeof ReceiptFilter.$inferInput | null | undefined };

const day = (given: string, path: string): Date => new Date(checked(z.iso.date(), given, path));

function receiptPage(context: Context, { filter, ...args }: ReceiptArgs) {
  const page = paginate(context, args, { connection: 'receipts', field: 'id', direction: 'desc' });
  const conditions: Prisma.AccessReceiptWhereInput[] = [
    ...(filter?.agentId ? [{ agentId: idOf(filter.agentId, 'Agent') }] : []),
    ...(filter?.rowId ? [{ rowId: fromGlobalId(filter.rowId).id }] : []),
    ...(filter?.kind ? [{ kind: filter.kind }] : []),
    ...(filter?.operation ? [{ operation: filter.operation }] : []),
    ...(filter?.from ? [{ day: { gte: day(filter.from, 'filter.from') } }] : []),
    ...(filter?.to ? [{ day: { lte: day(filter.to, 'filter.to') } }] : []),
  ];
  return page.of(...conditions);
}

export const AccessReceipt = builder.prismaObject('AccessReceipt', {
  interfaces: [NodeInterface],
  description:
    'That an agent has read a row of yours, on a day and by an operation. Seen by the owner in person and nobody else.',
  fields: (t) => ({
    agentId: t.id({
      description: 'Global id of the agent; one that acts for a fellow may read what you share.',
      resolve: ({ agentId }) => toGlobalId('Agent', agentId),
    }),
    agent: t.relation('agent', { nullable: true, description: 'The agent; null where it is not yours.' }),
    day: t.string({
      description: 'The day, in UTC, such as 2026-11-22.',
      resolve: ({ day: date }) => date.toISOString().slice(0, 10),
    }),
    operation: t.exposeString('operation', {
      description: 'What was asked for: the root fields of the operation.',
    }),
    kind: t.exposeString('kind', { description: 'The type of the row, such as Memory or ServiceSecret.' }),
    rowId: t.id({
      description: 'Global id of the row, which may be gone by now; of a secret, that of its credential.',
      resolve: ({ kind, rowId }) => toGlobalId(kind === 'ServiceSecret' ? 'ServiceCredential' : kind, rowId),
    }),
    times: t.exposeInt('times', {
      description: 'How many operations have read it on that day, of those that leave receipts.',
    }),
    firstAt: t.expose('firstAt', { type: 'DateTime', description: 'When for the first time.' }),
    lastAt: t.expose('lastAt', { type: 'DateTime', description: 'When for the last time.' }),
    delegationId: t.id({
      description: 'Global id of the delegation through which it was read last.',
      resolve: ({ delegationId }) => toGlobalId('Delegation', delegationId),
    }),
    requestId: t.exposeString('requestId', { description: 'The request in which it was read last.' }),
  }),
});

const AccessReceiptConnection = connectionOf(AccessReceipt, 'AccessReceipt');

builder.queryField('accessReceipts', (t) =>
  t.field({
    type: AccessReceiptConnection,
    description:
      'Which agents have read which of your rows, what was read for the first time on its day first. In person only.',
    args: receiptArguments,
    resolve: (_root, args, context, info) =>
      readPage(context, info, 'AccessReceipt', receiptPage(context, args)),
  }),
);

registerNode('AccessReceipt');
