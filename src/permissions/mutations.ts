// Making, changing and removing rules about actions: the owner, in person. Who may: prisma/policies/26-permissions.sql.
//
// What a rule is about never changes. Every change of one makes void whatever was asked for under it (06-permissions.sql).

import { z } from 'zod';
import { namedAgent } from '../agents/named.ts';
import { idOf } from '../api/global-id.ts';
import { AlreadyThere, NotFound, recordChange, refuseAsNotFound } from '../api/problems.ts';
import { readWritten } from '../api/reading.ts';
import { checked, dropNulls, given, text } from '../api/validation.ts';
import { builder } from '../builder.ts';
import { rows } from '../context.ts';
import { newId, type PermissionId } from '../ids.ts';
import { actionPattern, servicePattern } from './names.ts';
import { Permission, PermissionEffectEnum } from './permission.ts';

const CreatePermissionInput = builder.inputType('CreatePermissionInput', {
  description: 'A new rule.',
  fields: (t) => ({
    agentId: t.id({ required: false, description: 'The agent it is about; left out: every agent of yours.' }),
    service: t.string({ description: 'The service it is about, such as github; * for all.' }),
    action: t.string({
      description:
        'The action it is about, such as issues.create; issues.* for all that begin so, * for all.',
    }),
    effect: t.field({ type: PermissionEffectEnum, description: 'What it says.' }),
    note: t.string({ required: false, description: 'Why; at most 500 characters.' }),
  }),
});

const creation = z.object({
  service: servicePattern,
  action: actionPattern,
  effect: z.string(),
  note: text(500).optional(),
});

builder.mutationField('createPermission', (t) =>
  t.field({
    type: Permission,
    errors: { types: [NotFound, AlreadyThere] },
    description: 'Makes a rule about what agents of yours do. In person only.',
    args: { input: t.arg({ type: CreatePermissionInput, description: 'The rule.' }) },
    resolve: async (_root, { input }, context, info) => {
      const { agentId: globalId, ...rest } = input;
      const said = checked(creation, dropNulls(rest));
      const agentId = await namedAgent(context, globalId, 'permission.create_refused');
      const { service, action } = said;
      if ((await rows(context).permission.count({ where: { agentId, service, action } })) > 0) {
        throw new AlreadyThere('There is a rule of yours about exactly this; change that one.');
      }
      const id = newId<PermissionId>();
      await rows(context).permission.createMany({ data: { id, agentId, ...given(said) } as never });
      await recordChange('permission.created', 'permission', id, {
        agentId,
        service,
        action,
        effect: said.effect,
      });
      return await readWritten(context, info, 'Permission', id);
    },
  }),
);

const UpdatePermissionInput = builder.inputType('UpdatePermissionInput', {
  description: 'What to change; a field left out stays. What a rule is about never changes.',
  fields: (t) => ({
    id: t.id({ description: 'The rule.' }),
    effect: t.field({ type: PermissionEffectEnum, required: false, description: 'What it says.' }),
    note: t.string({ required: false, description: 'Why; null for no reason given.' }),
  }),
});

builder.mutationField('updatePermission', (t) =>
  t.field({
    type: Permission,
    errors: { types: [NotFound] },
    description: 'Changes what a rule says. In person only.',
    args: { input: t.arg({ type: UpdatePermissionInput, description: 'What to change.' }) },
    resolve: async (_root, { input }, context, info) => {
      const id = idOf<PermissionId>(input.id, 'Permission');
      const { note } = checked(z.object({ note: text(500).nullish() }), { note: input.note });
      const data = given({ effect: input.effect ?? undefined, note });
      const { count } = await rows(context).permission.updateMany({ where: { id }, data: data as never });
      if (count === 0) {
        return refuseAsNotFound('permission.update_refused', 'permission', id);
      }
      await recordChange('permission.updated', 'permission', id, data);
      return await readWritten(context, info, 'Permission', id);
    },
  }),
);

const DeletePermissionInput = builder.inputType('DeletePermissionInput', {
  description: 'A rule that is to be gone.',
  fields: (t) => ({ id: t.id({ description: 'The rule.' }) }),
});

const DeletedPermission = builder.objectRef<{ id: string }>('DeletedPermission').implement({
  description: 'A rule that is gone.',
  fields: (t) => ({ deletedId: t.exposeID('id', { description: 'Global id of the rule that was.' }) }),
});

builder.mutationField('deletePermission', (t) =>
  t.field({
    type: DeletedPermission,
    errors: { types: [NotFound] },
    description: 'Removes a rule; what was said by it is now said by the others. In person only.',
    args: { input: t.arg({ type: DeletePermissionInput, description: 'Which rule.' }) },
    resolve: async (_root, { input }, context) => {
      const id = idOf<PermissionId>(input.id, 'Permission');
      const { count } = await rows(context).permission.deleteMany({ where: { id } });
      if (count === 0) {
        return refuseAsNotFound('permission.delete_refused', 'permission', id);
      }
      await recordChange('permission.deleted', 'permission', id);
      return { id: input.id };
    },
  }),
);
