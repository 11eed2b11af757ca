// Recording what an agent has done by its own means, many actions at once. Who may: prisma/policies/28-activity-entries.sql. What the
// server does for an agent, and what it decides, it notes itself.

import { z } from 'zod';
import { optionalIdOf, toGlobalId } from '../api/global-id.ts';
import { recordChange } from '../api/problems.ts';
import { checked, dropNulls, text } from '../api/validation.ts';
import { builder } from '../builder.ts';
import { sessionOf } from '../context.ts';
import { type Reported, reportActivity } from '../db/activity.ts';
import { watch } from '../db/baselines.ts';
import { BailiwickError } from '../errors.ts';
import { type ApprovalId, newId } from '../ids.ts';
import { actionName, serviceName } from '../permissions/names.ts';
import { networkShape, ReportedOutcomeEnum } from './entry.ts';

const MOST_AT_ONCE = 500;

export const ActivityNetworkInput = builder.inputType('ActivityNetworkInput', {
  description: 'Where a call went.',
  fields: (t) => ({
    host: t.string({ description: 'The name or address of the server.' }),
    method: t.string({ required: false, description: 'What was asked of it, such as POST.' }),
    port: t.int({ required: false, description: 'At which port.' }),
    tls: t.boolean({ required: false, description: 'Whether it was encrypted.' }),
    fingerprint: t.string({
      required: false,
      description: 'Of the handshake or the certificate, such as a JA4: at most 128 characters.',
    }),
  }),
});

const ActivityInput = builder.inputType('ActivityInput', {
  description: 'An action that the acting agent has taken.',
  fields: (t) => ({
    service: t.string({ description: 'The service, such as github or mail.' }),
    action: t.string({ description: 'The action, such as issues.create.' }),
    summary: t.string({
      required: false,
      description: 'What was given to it, in short: at most 500 characters, and no secret.',
    }),
    outcome: t.field({ type: ReportedOutcomeEnum, description: 'What became of it.' }),
    durationMs: t.int({ required: false, description: 'How long it took, in milliseconds.' }),
    approvalId: t.id({
      required: false,
      description: 'The approval that the agent has redeemed for it; any other is refused.',
    }),
    network: t.field({ type: ActivityNetworkInput, required: false, description: 'Where the call went.' }),
  }),
});

const RecordActivityInput = builder.inputType('RecordActivityInput', {
  description: 'What an agent has done, written in one statement: all of it or nothing.',
  fields: (t) => ({
    entries: t.field({
      type: [ActivityInput],
      description: `At least one and at most ${MOST_AT_ONCE}, in the order in which they were done.`,
    }),
  }),
});

const shape = z.object({
  service: serviceName,
  action: actionName,
  summary: text(500).optional(),
  outcome: z.string(),
  durationMs: z.int().min(0, 'must not be negative').optional(),
  network: networkShape.optional(),
});

/** A new entry; who did it through what, the context says. */
function newEntry({ approvalId, network, ...rest }: typeof ActivityInput.$inferInput): Reported {
  const said = checked(shape, {
    ...dropNulls(rest),
    ...(network ? { network: dropNulls(network) } : {}),
  });
  return {
    id: newId(),
    service: said.service,
    action: said.action,
    summary: said.summary ?? null,
    outcome: said.outcome,
    duration_ms: said.durationMs ?? null,
    approval_id: optionalIdOf<ApprovalId>(approvalId, 'Approval'),
    network: said.network ?? null,
  };
}

const RecordedActivity = builder
  .objectRef<{ readonly ids: readonly string[] }>('RecordedActivity')
  .implement({
    description: 'What was written.',
    fields: (t) => ({
      ids: t.idList({
        description: 'Global ids of the new entries, in the order given.',
        extensions: { rows: MOST_AT_ONCE },
        resolve: ({ ids }) => ids.map((id) => toGlobalId('ActivityEntry', id)),
      }),
      count: t.int({ description: 'How many they are.', resolve: ({ ids }) => ids.length }),
    }),
  });

builder.mutationField('recordActivity', (t) =>
  t.field({
    type: RecordedActivity,
    description: `Records up to ${MOST_AT_ONCE} actions of the acting agent in one statement. Under a delegation that says so, and in its own name alone.`,
    args: { input: t.arg({ type: RecordActivityInput, description: 'What was done.' }) },
    resolve: async (_root, { input: { entries } }, context) => {
      if (entries.length === 0) {
        throw new BailiwickError('BAD_USER_INPUT', 'input.entries must not be empty');
      }
      if (entries.length > MOST_AT_ONCE) {
        throw new BailiwickError('LIMIT_EXCEEDED', `input.entries must have at most ${MOST_AT_ONCE} items`);
      }
      const session = sessionOf(context);
      if (session.chain.length === 0) {
        // an entry says through what it was done, and in person there is nothing to say
        throw new BailiwickError('FORBIDDEN');
      }
      const made = entries.map(newEntry);
      await reportActivity(session, made);
      const ids = made.map(({ id }) => id);
      await recordChange('activity.recorded', 'activity', ids[0] as string, { ids });
      const went = made.filter(({ network }) => network !== null).map(({ id }) => id);
      if (went.length > 0) {
        await watch(session.db, went);
      }
      return { ids };
    },
  }),
);
