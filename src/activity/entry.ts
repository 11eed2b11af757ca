// The activity log: what an entry is to whoever may see it, and how entries are listed, newest first. Who sees which:
// prisma/policies/28-activity-entries.sql.
//
// A filter by time is one by id, and so is a cursor: both name the months to look into. Nothing is counted, because counting ten
// million rows takes as long as reading them.

import { z } from 'zod';
import type { Prisma } from '../../generated/prisma/client.ts';
import { connectionOf, pageArguments } from '../api/connection.ts';
import { idOf, toGlobalId } from '../api/global-id.ts';
import { type PageArgs, paginate } from '../api/keyset.ts';
import { NodeInterface, registerNode } from '../api/node.ts';
import { readPage } from '../api/reading.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { firstIdOf } from './moment.ts';

const DECIDED = {
  ALLOWED: { value: 'allowed', description: 'The rules of the owner allowed it.' },
  ASKED: { value: 'asked', description: 'The owner had to be asked first.' },
  DENIED: { value: 'denied', description: 'The rules of the owner denied it.' },
} as const;
const DONE = {
  STARTED: {
    value: 'started',
    description: 'It was begun; how it ended says an entry of its own, if one came.',
  },
  SUCCEEDED: { value: 'succeeded', description: 'It was done.' },
  FAILED: { value: 'failed', description: 'It was tried in vain.' },
} as const;

const ActivityOutcomeEnum = builder.enumType('ActivityOutcome', {
  description: 'What was decided about an action of an agent, or what became of it.',
  values: { ...DECIDED, ...DONE },
});

/** What an agent can say itself; what was decided, the server says. */
export const ReportedOutcomeEnum = builder.enumType('ReportedOutcome', {
  description: 'What became of an action, as the agent that took it says.',
  values: DONE,
});

/** Where a call went. */
export const networkShape = z.object({
  host: z.string().min(1, 'must not be empty').max(255, 'must have at most 255 characters'),
  method: z.string().min(1, 'must not be empty').max(20, 'must have at most 20 characters').optional(),
  port: z.int().min(1, 'must be at least 1').max(65_535, 'must be at most 65535').optional(),
  tls: z.boolean().optional(),
  fingerprint: z.string().min(1, 'must not be empty').max(128, 'must have at most 128 characters').optional(),
});
type Network = z.infer<typeof networkShape>;

export const ActivityNetwork = builder.objectRef<Network>('ActivityNetwork').implement({
  description: 'Where a call went.',
  fields: (t) => ({
    host: t.exposeString('host', { description: 'The name or address of the server.' }),
    method: t.string({
      nullable: true,
      description: 'What was asked of it, such as POST.',
      resolve: ({ method }) => method ?? null,
    }),
    port: t.int({ nullable: true, description: 'At which port.', resolve: ({ port }) => port ?? null }),
    tls: t.boolean({
      nullable: true,
      description: 'Whether it was encrypted.',
      resolve: ({ tls }) => tls ?? null,
    }),
    fingerprint: t.string({
      nullable: true,
      description: 'Of the handshake or the certificate, as the runtime gave it, such as a JA4.',
      resolve: ({ fingerprint }) => fingerprint ?? null,
    }),
  }),
});

const ActivityFilter = builder.inputType('ActivityFilter', {
  description: 'Which entries; every condition given must hold.',
  fields: (t) => ({
    agentId: t.id({ required: false, description: 'Of this agent.' }),
    service: t.string({ required: false, description: 'About this service.' }),
    action: t.string({ required: false, description: 'About this action, by its whole name.' }),
    outcome: t.field({ type: ActivityOutcomeEnum, required: false, description: 'With this outcome.' }),
    since: t.field({ type: 'DateTime', required: false, description: 'Of this time or later.' }),
    until: t.field({ type: 'DateTime', required: false, description: 'Of before this time.' }),
  }),
});

const activityArguments = builder.args((t) => ({
  ...pageArguments,
  filter: t.field({ type: ActivityFilter, required: false, description: 'Which entries.' }),
}));

type ActivityArgs = PageArgs & { filter?: typeof ActivityFilter.$inferInput | null | undefined };

/** Milliseconds by which clocks may differ, and more: nothing is noted for a later time. */
const AHEAD = 86_400_000;

function activityPage(context: Context, { filter, ...args }: ActivityArgs) {
  const page = paginate(context, args, { connection: 'activity', field: 'id', direction: 'desc' });
  const conditions: Prisma.ActivityEntryWhereInput[] = [
    ...(filter?.agentId ? [{ agentId: idOf(filter.agentId, 'Agent') }] : []),
    ...(filter?.service ? [{ service: filter.service }] : []),
    ...(filter?.action ? [{ action: filter.action }] : []),
    ...(filter?.outcome ? [{ outcome: filter.outcome }] : []),
    ...(filter?.since ? [{ id: { gte: firstIdOf(filter.since) } }] : []),
    // without an end, the months to come would be looked into as well
    { id: { lt: firstIdOf(filter?.until ?? new Date(Date.now() + AHEAD)) } },
  ];
  return page.of(...conditions);
}

export const ActivityEntry = builder.prismaObject('ActivityEntry', {
  interfaces: [NodeInterface],
  description:
    'What an agent has done for its owner, or was not let do. Never changed, and kept as long as the tenant says. Seen by the owner and by that agent.',
  fields: (t) => ({
    agent: t.relation('agent', {
      nullable: true,
      description: 'Who acted; null where the caller may not read agents.',
    }),
    agentId: t.id({
      description: 'Global id of the agent that acted.',
      resolve: ({ agentId }) => toGlobalId('Agent', agentId),
    }),
    service: t.exposeString('service', { description: 'At which service, such as github.' }),
    action: t.exposeString('action', { description: 'What was to be done there, such as issues.create.' }),
    summary: t.exposeString('summary', {
      nullable: true,
      description: 'What was given to the action, in short; never a secret.',
    }),
    outcome: t.field({
      type: ActivityOutcomeEnum,
      description: 'What was decided, or what became of it.',
      // a check of the table allows no other
      resolve: ({ outcome }) => outcome as (typeof ActivityOutcomeEnum)['$inferType'],
    }),
    durationMs: t.exposeInt('durationMs', {
      nullable: true,
      description: 'How long it took, in milliseconds; null where nobody said.',
    }),
    approvalId: t.id({
      nullable: true,
      description: 'Global id of the approval that was redeemed for it; null for none.',
      resolve: ({ approvalId }) => (approvalId === null ? null : toGlobalId('Approval', approvalId)),
    }),
    startedId: t.id({
      nullable: true,
      description: 'Global id of the entry that says that this was begun; null where this stands alone.',
      resolve: ({ startedId }) => (startedId === null ? null : toGlobalId('ActivityEntry', startedId)),
    }),
    network: t.field({
      type: ActivityNetwork,
      nullable: true,
      description: 'Where the call went; null where nobody said.',
      // a check of the table allows nothing else
      resolve: ({ network }) => network as Network | null,
    }),
    chain: t.idList({
      description: "Global ids of the delegations it was done through, the owner's first.",
      resolve: ({ chain }) => chain.map((id) => toGlobalId('Delegation', id)),
    }),
    requestId: t.exposeString('requestId', {
      description: 'The request in which it was noted, as in the header X-Request-Id of its answer.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was noted.' }),
  }),
});

const ActivityEntryConnection = connectionOf(ActivityEntry, 'ActivityEntry');

builder.queryField('activity', (t) =>
  t.field({
    type: ActivityEntryConnection,
    description: 'What agents have done for the owner, newest first; an agent sees what it did itself.',
    args: activityArguments,
    resolve: (_root, args, context, info) =>
      readPage(context, info, 'ActivityEntry', activityPage(context, args)),
  }),
);

registerNode('ActivityEntry');
