// Making, changing and archiving worlds, and deciding who takes part. Who may: prisma/policies/11-entities.sql,
// 15-worlds.sql, 16-world-members.sql.

import { z } from 'zod';
import { idOf } from '../api/global-id.ts';
import { AlreadyThere, NotFound, recordChange, refuseAsNotFound } from '../api/problems.ts';
import { readWritten } from '../api/reading.ts';
import { checked, given, text } from '../api/validation.ts';
import { builder } from '../builder.ts';
import { rows, sessionOf } from '../context.ts';
import { BailiwickError } from '../errors.ts';
import { type EntityId, newId } from '../ids.ts';
import { MemberRoleEnum, WorldMember } from './member.ts';
import { World } from './world.ts';

const shape = { name: text(200), description: text(10_000).nullish() };

const CreateWorldInput = builder.inputType('CreateWorldInput', {
  description: 'A new world of the owner, who becomes its first member.',
  fields: (t) => ({
    name: t.string({ description: 'What people call it; at most 200 characters.' }),
    description: t.string({ required: false, description: 'What it is for.' }),
  }),
});

const UpdateWorldInput = builder.inputType('UpdateWorldInput', {
  description: 'What to change; a field left out stays, null empties it.',
  fields: (t) => ({
    id: t.id({ description: 'The world.' }),
    name: t.string({ required: false, description: 'What people call it; not null.' }),
    description: t.string({ required: false, description: 'What it is for.' }),
  }),
});

const DeleteWorldInput = builder.inputType('DeleteWorldInput', {
  description: 'Which world to archive.',
  fields: (t) => ({ id: t.id({ description: 'The world.' }) }),
});

builder.mutationField('createWorld', (t) =>
  t.field({
    type: World,
    errors: { types: [NotFound] },
    description: 'Makes a world of the owner.',
    args: { input: t.arg({ type: CreateWorldInput, description: 'The new world.' }) },
    resolve: async (_root, { input }, context, info) => {
      const world = checked(z.object(shape), input);
      const id = newId<EntityId>();
      await rows(context).entity.create({ data: { id, kind: 'world' } as never, select: { id: true } });
      await rows(context).world.create({ data: { id, ...given(world) } as never, select: { id: true } });
      const entityId = sessionOf(context).ownerId;
      await rows(context).worldMember.create({
        data: { worldId: id, entityId, role: 'owner' } as never,
        select: { id: true },
      });
      await recordChange('world.created', 'world', id);
      return await readWritten(context, info, 'World', id);
    },
  }),
);

builder.mutationField('updateWorld', (t) =>
  t.field({
    type: World,
    errors: { types: [NotFound] },
    description: 'Changes a world of the owner.',
    args: { input: t.arg({ type: UpdateWorldInput, description: 'What to change.' }) },
    resolve: async (_root, { input }, context, info) => {
      const data = given(checked(z.object({ ...shape, name: shape.name.optional() }), input));
      const id = idOf(input.id, 'World');
      const { count } = await rows(context).world.updateMany({ where: { id }, data: data as never });
      if (count === 0) {
        return refuseAsNotFound('world.update_refused', 'world', id);
      }
      await recordChange('world.updated', 'world', id, { fields: Object.keys(data) });
      return await readWritten(context, info, 'World', id);
    },
  }),
);

builder.mutationField('deleteWorld', (t) =>
  t.field({
    type: World,
    errors: { types: [NotFound] },
    description:
      'Archives a world for good: its members lose it on the next statement. By its owner in person.',
    args: { input: t.arg({ type: DeleteWorldInput, description: 'Which world.' }) },
    resolve: async (_root, { input }, context, info) => {
      const id = idOf(input.id, 'World');
      const { count } = await rows(context).entity.updateMany({
        where: { id, kind: 'world', ownerId: sessionOf(context).ownerId },
        data: { status: 'archived' },
      });
      if (count === 0) {
        return refuseAsNotFound('world.delete_refused', 'world', id);
      }
      await recordChange('world.deleted', 'world', id);
      return await readWritten(context, info, 'World', id);
    },
  }),
);

const AddWorldMemberInput = builder.inputType('AddWorldMemberInput', {
  description: 'Who is to take part in which world.',
  fields: (t) => ({
    worldId: t.id({ description: 'A world of the owner.' }),
    userId: t.id({ description: 'A user of the same tenant, who gave you this id.' }),
    role: t.field({
      type: MemberRoleEnum,
      defaultValue: 'member',
      description: 'How they take part; not OWNER.',
    }),
  }),
});

const UpdateWorldMemberInput = builder.inputType('UpdateWorldMemberInput', {
  description: 'How a member is to take part from now on.',
  fields: (t) => ({
    id: t.id({ description: 'The membership.' }),
    role: t.field({ type: MemberRoleEnum, description: 'The new role; not OWNER.' }),
  }),
});

const RemoveWorldMemberInput = builder.inputType('RemoveWorldMemberInput', {
  description: 'Whose membership ends.',
  fields: (t) => ({ id: t.id({ description: "The membership: of a world of the owner, or one's own." }) }),
});

function notOwner(role: string): string {
  if (role === 'owner') {
    throw new BailiwickError('BAD_USER_INPUT', 'input.role: a world has one owner, who is not appointed');
  }
  return role;
}

builder.mutationField('addWorldMember', (t) =>
  t.field({
    type: WorldMember,
    errors: { types: [NotFound, AlreadyThere] },
    description: 'Lets a user take part in a world of the owner.',
    args: { input: t.arg({ type: AddWorldMemberInput, description: 'Who, and where.' }) },
    resolve: async (_root, { input }, context, info) => {
      const worldId = idOf(input.worldId, 'World');
      const entityId = idOf(input.userId, 'User');
      const role = notOwner(input.role);
      const { ownerId } = sessionOf(context);
      if ((await rows(context).world.count({ where: { id: worldId, ownerId } })) === 0) {
        return refuseAsNotFound('member.add_refused', 'world', worldId);
      }
      if ((await rows(context).worldMember.count({ where: { worldId, entityId } })) > 0) {
        throw new AlreadyThere('This user already takes part in this world.');
      }
      const id = newId();
      await rows(context).worldMember.create({
        data: { id, worldId, entityId, role } as never,
        select: { id: true },
      });
      await recordChange('member.added', 'member', id, { worldId, entityId, role });
      return await readWritten(context, info, 'WorldMember', id);
    },
  }),
);

builder.mutationField('updateWorldMember', (t) =>
  t.field({
    type: WorldMember,
    errors: { types: [NotFound] },
    description: 'Changes how somebody takes part in a world of the owner.',
    args: { input: t.arg({ type: UpdateWorldMemberInput, description: 'Who, and how.' }) },
    resolve: async (_root, { input }, context, info) => {
      const id = idOf<string>(input.id, 'WorldMember');
      const role = notOwner(input.role);
      const { count } = await rows(context).worldMember.updateMany({ where: { id }, data: { role } });
      if (count === 0) {
        return refuseAsNotFound('member.update_refused', 'member', id);
      }
      await recordChange('member.updated', 'member', id, { role });
      return await readWritten(context, info, 'WorldMember', id);
    },
  }),
);

const RemovedMember = builder.objectRef<{ id: string }>('RemovedMember').implement({
  description: 'A membership that has ended.',
  fields: (t) => ({ removedId: t.exposeID('id', { description: 'Global id of the membership that was.' }) }),
});

builder.mutationField('removeWorldMember', (t) =>
  t.field({
    type: RemovedMember,
    errors: { types: [NotFound] },
    description: 'Ends a membership: the owner of the world removes somebody, or a member leaves in person.',
    args: { input: t.arg({ type: RemoveWorldMemberInput, description: 'Whose.' }) },
    resolve: async (_root, { input }, context) => {
      const id = idOf<string>(input.id, 'WorldMember');
      const { count } = await rows(context).worldMember.deleteMany({ where: { id } });
      if (count === 0) {
        return refuseAsNotFound('member.remove_refused', 'member', id);
      }
      await recordChange('member.removed', 'member', id);
      return { id: input.id };
    },
  }),
);
