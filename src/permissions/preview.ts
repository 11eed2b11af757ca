// What would happen if: the verdict on an action of an agent, as the rules are, and as they would be with others. For the owner in
// person, before anything is changed or anybody acts.

import { z } from 'zod';
import { idOf, optionalIdOf } from '../api/global-id.ts';
import { readOrNull } from '../api/reading.ts';
import { checked } from '../api/validation.ts';
import { builder } from '../builder.ts';
import { rows } from '../context.ts';
import { preview, type Supposed, type Verdict } from '../db/permissions.ts';
import { BailiwickError } from '../errors.ts';
import type { DelegationId, EntityId } from '../ids.ts';
import { actionName, actionPattern, serviceName, servicePattern } from './names.ts';
import { Permission, PermissionEffectEnum } from './permission.ts';

const MOST_SUPPOSED = 50;

const SupposedPermissionInput = builder.inputType('SupposedPermissionInput', {
  description:
    'A rule to be supposed: in place of the one about exactly the same, or beside the others. Without an effect it takes that one away.',
  fields: (t) => ({
    agentId: t.id({ required: false, description: 'The agent it is about; left out: every agent.' }),
    service: t.string({ description: 'The service it is about; * for all.' }),
    action: t.string({ description: 'The action it is about; issues.* or * for many.' }),
    effect: t.field({
      type: PermissionEffectEnum,
      required: false,
      description: 'What it says; left out: there is no such rule.',
    }),
  }),
});

const PreviewPermissionInput = builder.inputType('PreviewPermissionInput', {
  description: 'Which action of which agent, and with which other rules.',
  fields: (t) => ({
    agentId: t.id({ description: 'The agent, one of yours.' }),
    delegationId: t.id({
      required: false,
      description:
        'A delegation that it holds: the rules about those above it in the chain count too. Left out: the agent alone.',
    }),
    service: t.string({ description: 'For which service it would be, such as mail.' }),
    action: t.string({ description: 'What would be done there, such as messages.send.' }),
    instead: t.field({
      type: [SupposedPermissionInput],
      required: false,
      description: `Rules to be supposed, at most ${MOST_SUPPOSED}.`,
    }),
  }),
});

export const PermissionVerdict = builder.objectRef<Verdict>('PermissionVerdict').implement({
  description: 'What the rules say of an action.',
  fields: (t) => ({
    effect: t.field({
      type: PermissionEffectEnum,
      description: 'What is said.',
      resolve: ({ effect }) => effect,
    }),
    rule: t.field({
      type: Permission,
      nullable: true,
      description:
        'The rule that decided; null where no rule is about the action, where it is only supposed, and where the caller may not see it.',
      resolve: ({ ruleId }, _args, context, info) => readOrNull(context, info, 'Permission', ruleId),
    }),
  }),
});

type Previewed = { readonly inForce: Verdict; readonly supposed: Verdict };

const PermissionPreview = builder.objectRef<Previewed>('PermissionPreview').implement({
  description: 'What the rules say of an action, and what they would say.',
  fields: (t) => ({
    inForce: t.field({
      type: PermissionVerdict,
      description: 'By the rules in force.',
      resolve: ({ inForce }) => inForce,
    }),
    supposed: t.field({
      type: PermissionVerdict,
      description: 'With the supposed rules; the same where none were given.',
      resolve: ({ supposed }) => supposed,
    }),
  }),
});

const shape = z.object({
  service: serviceName,
  action: actionName,
  instead: z
    .array(z.object({ service: servicePattern, action: actionPattern }))
    .max(MOST_SUPPOSED, `must be at most ${MOST_SUPPOSED}`),
});

builder.queryField('permissionPreview', (t) =>
  t.field({
    type: PermissionPreview,
    nullable: true,
    description:
      'What would be said of an action, and what with other rules; nothing is recorded or changed. In person only; null for an agent or a delegation that is none of yours.',
    args: { input: t.arg({ type: PreviewPermissionInput, description: 'Which action of whom.' }) },
    resolve: async (_root, { input }, context): Promise<Previewed | null> => {
      const instead = input.instead ?? [];
      const { service, action } = checked(shape, { ...input, instead });
      const asked = {
        agentId: idOf<EntityId>(input.agentId, 'Agent'),
        delegationId: optionalIdOf<DelegationId>(input.delegationId, 'Delegation'),
        service,
        action,
      };
      const inForce = await preview(rows(context), { ...asked, instead: [] });
      if (inForce === null || instead.length === 0) {
        return inForce && { inForce, supposed: inForce };
      }
      const rules = instead.map(
        (rule): Supposed => ({
          agentId: optionalIdOf<EntityId>(rule.agentId, 'Agent'),
          service: rule.service,
          action: rule.action,
          effect: rule.effect ?? null,
        }),
      );
      refuseTwice(rules);
      const supposed = await preview(rows(context), { ...asked, instead: rules });
      return supposed && { inForce, supposed };
    },
  }),
);

function refuseTwice(rules: readonly Supposed[]): void {
  const about = rules.map(({ agentId, service, action }) => JSON.stringify([agentId, service, action]));
  if (new Set(about).size !== about.length) {
    throw new BailiwickError('BAD_USER_INPUT', 'input.instead must not say two things about the same');
  }
}
