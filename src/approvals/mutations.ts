// Asking whether an action may be taken, deciding on what was asked, and making use of an approval. Who may what, and how rules are
// weighed: prisma/policies/06-permissions.sql.
//
// The server computes every digest itself, of what it was given: nobody states one.

import './approval.ts';
import { z } from 'zod';
import { idOf } from '../api/global-id.ts';
import { NotFound, recordChange, refuseAsNotFound, refuseFor } from '../api/problems.ts';
import { readOrNull, readWritten } from '../api/reading.ts';
import { checked, dropNulls, text } from '../api/validation.ts';
import { builder } from '../builder.ts';
import { rows } from '../context.ts';
import { authorize, decideApproval, noteVerdict, redeemApproval, type Verdict } from '../db/permissions.ts';
import { BailiwickError } from '../errors.ts';
import type { ApprovalId } from '../ids.ts';
import { actionName, serviceName } from '../permissions/names.ts';
import { Permission, PermissionEffectEnum } from '../permissions/permission.ts';
import { Approval, argumentsOf } from './approval.ts';
import { askFor, USUAL_SECONDS } from './asking.ts';
import { approvalDigest } from './digest.ts';
import { ApprovalRefused } from './refusal.ts';

const KIND = 'approval';
const LONGEST_SECONDS = 7 * 86_400;

type Authorized = Verdict & { readonly approvalId: ApprovalId | null };

const ActionVerdict = builder.objectRef<Authorized>('ActionVerdict').implement({
  description: 'Whether an agent may take an action.',
  fields: (t) => ({
    effect: t.field({
      type: PermissionEffectEnum,
      description: 'ALLOW: go ahead. ASK: only with an approval. DENY: no.',
      resolve: ({ effect }) => effect,
    }),
    rule: t.field({
      type: Permission,
      nullable: true,
      description: 'The rule that decided; null where none is about the action, and the owner is asked.',
      resolve: ({ ruleId }, _args, context, info) => readOrNull(context, info, 'Permission', ruleId),
    }),
    approval: t.field({
      type: Approval,
      nullable: true,
      description: 'The request to the owner, new or made before; null unless the owner is to be asked.',
      resolve: ({ approvalId }, _args, context, info) => readOrNull(context, info, 'Approval', approvalId),
    }),
  }),
});

const AuthorizeActionInput = builder.inputType('AuthorizeActionInput', {
  description: 'What an agent is about to do.',
  fields: (t) => ({
    service: t.string({ description: 'The service, such as github or mail.' }),
    action: t.string({ description: 'The action, such as issues.create.' }),
    arguments: t.field({
      type: 'JSONObject',
      required: false,
      description:
        'With what: all that matters, because an approval is good for exactly this. At most 64 KiB.',
    }),
    purpose: t.string({
      required: false,
      description: 'What it is for, to be read by the owner; at most 500 characters.',
    }),
    expiresInSeconds: t.int({
      required: false,
      description: `How long a request is good, to be decided on and made use of: 60 to ${LONGEST_SECONDS}; left out: ${USUAL_SECONDS}.`,
    }),
  }),
});

const intended = {
  service: serviceName,
  action: actionName,
  arguments: z.record(z.string(), z.unknown()).default({}),
};

const authorization = z.object({
  ...intended,
  purpose: text(500).optional(),
  expiresInSeconds: z
    .int()
    .min(60, 'must be at least 60')
    .max(LONGEST_SECONDS, `must be at most ${LONGEST_SECONDS}`)
    .optional(),
});

builder.mutationField('authorizeAction', (t) =>
  t.field({
    type: ActionVerdict,
    description:
      'Whether the acting agent may take an action, by the rules of its owner; where the owner is to be asked, asks. Recorded either way.',
    args: { input: t.arg({ type: AuthorizeActionInput, description: 'The action.' }) },
    resolve: async (_root, { input }, context): Promise<Authorized> => {
      const { expiresInSeconds, purpose, ...action } = checked(authorization, dropNulls(input));
      const verdict = await authorize(rows(context), action.service, action.action);
      if (verdict === null) {
        throw new BailiwickError('FORBIDDEN');
      }
      const approvalId =
        verdict.effect === 'ask'
          ? await askFor(context, { ...action, purpose, seconds: expiresInSeconds })
          : null;
      await noteVerdict(rows(context), action.service, action.action, approvalId);
      return { ...verdict, approvalId };
    },
  }),
);

const ApprovalDecisionEnum = builder.enumType('ApprovalDecision', {
  description: 'What an owner says to a request.',
  values: {
    APPROVE: { value: 'approved', description: 'Yes, once, exactly this.' },
    REJECT: { value: 'rejected', description: 'No.' },
  } as const,
});

const DecideApprovalInput = builder.inputType('DecideApprovalInput', {
  description: 'A decision on a request.',
  fields: (t) => ({
    id: t.id({ description: 'The request.' }),
    decision: t.field({ type: ApprovalDecisionEnum, description: 'Yes or no.' }),
    note: t.string({
      required: false,
      description: 'What the agent is to know about it; at most 500 characters.',
    }),
  }),
});

builder.mutationField('decideApproval', (t) =>
  t.field({
    type: Approval,
    errors: { types: [NotFound, ApprovalRefused] },
    description: 'Approves or rejects what an agent has asked. In person only, once, and in time.',
    args: { input: t.arg({ type: DecideApprovalInput, description: 'The decision.' }) },
    resolve: async (_root, { input }, context, info) => {
      const id = idOf<ApprovalId>(input.id, 'Approval');
      const { note } = checked(z.object({ note: text(500).optional() }), dropNulls(input));
      const request = await rows(context).approval.findFirst({
        where: { id },
        select: { service: true, action: true, digest: true, arguments: true },
      });
      // nobody approves what cannot be shown, or what is not what would be shown
      const shown = request !== null && (input.decision === 'rejected' || argumentsOf(request) !== null);
      const problem =
        request === null
          ? 'approval'
          : await decideApproval(rows(context), id, {
              digest: shown ? request.digest : '',
              decision: input.decision,
              note: note ?? null,
            });
      if (problem === 'approval') {
        return refuseAsNotFound('approval.decide_refused', KIND, id);
      }
      if (problem !== null) {
        return refuseFor('approval.decide_refused', { kind: KIND, id }, new ApprovalRefused(problem));
      }
      await recordChange(`approval.${input.decision}`, KIND, id);
      return await readWritten(context, info, 'Approval', id);
    },
  }),
);

const RedeemApprovalInput = builder.inputType('RedeemApprovalInput', {
  description: 'What an agent now does, and with which approval.',
  fields: (t) => ({
    id: t.id({ description: 'The approval.' }),
    service: t.string({ description: 'The service, as it was asked.' }),
    action: t.string({ description: 'The action, as it was asked.' }),
    arguments: t.field({
      type: 'JSONObject',
      required: false,
      description: 'With what is it done: exactly what was asked.',
    }),
  }),
});

builder.mutationField('redeemApproval', (t) =>
  t.field({
    type: Approval,
    errors: { types: [NotFound, ApprovalRefused] },
    description:
      'Makes use of an approval for an action that the agent takes by itself: once, for exactly what was approved. Whoever gets an answer other than the approval must not act.',
    args: { input: t.arg({ type: RedeemApprovalInput, description: 'What is done.' }) },
    resolve: async (_root, { input }, context, info) => {
      const id = idOf<ApprovalId>(input.id, 'Approval');
      const action = checked(z.object(intended), dropNulls(input));
      const problem = await redeemApproval(rows(context), id, {
        service: action.service,
        action: action.action,
        digest: approvalDigest(action),
      });
      if (problem === 'approval') {
        return refuseAsNotFound('approval.redeem_refused', KIND, id);
      }
      if (problem !== null) {
        return refuseFor('approval.redeem_refused', { kind: KIND, id }, new ApprovalRefused(problem));
      }
      await recordChange('approval.redeemed', KIND, id);
      return await readWritten(context, info, 'Approval', id);
    },
  }),
);
