// Making, changing, instructing, limiting and archiving agents. Who may: prisma/policies/11-entities.sql, 13-agents.sql,
// 14-agent-instructions.sql.

import { z } from 'zod';
import { Prisma } from '../../generated/prisma/client.ts';
import { idOf } from '../api/global-id.ts';
import { NotFound, recordChange, refuseAsNotFound } from '../api/problems.ts';
import { readWritten } from '../api/reading.ts';
import { StatusEnum } from '../api/status.ts';
import { checked, given, text } from '../api/validation.ts';
import { builder } from '../builder.ts';
import { isCapability } from '../capabilities.ts';
import { type Context, rows, sessionOf } from '../context.ts';
import { revokeAgent } from '../db/kernel.ts';
import { BailiwickError } from '../errors.ts';
import { type EntityId, newId } from '../ids.ts';
import { Agent } from './agent.ts';
import { namedAgent } from './named.ts';

const shape = {
  name: text(200),
  icon: text(2000).nullish(),
  description: text(10_000).nullish(),
  model: text(200).nullish(),
  settings: z.record(z.string(), z.unknown()).optional(),
};
const instructions = { systemPrompt: text(100_000).nullish(), privateInstructions: text(100_000).nullish() };
const ceiling = z
  .array(z.string().refine(isCapability, 'must be a capability such as memory:read'))
  .max(64)
  .nullish();

function agentFields(t: Parameters<Parameters<typeof builder.inputType>[1]['fields']>[0], creating: boolean) {
  return {
    name: t.string({ required: creating, description: 'What people call it; at most 200 characters.' }),
    icon: t.string({ required: false, description: 'An emoji or the address of a picture.' }),
    description: t.string({ required: false, description: 'What it is for.' }),
    model: t.string({ required: false, description: 'The language model it runs on.' }),
    settings: t.field({
      type: 'JSONObject',
      required: false,
      description: 'Behaviour settings, replaced as a whole.',
    }),
    systemPrompt: t.string({
      required: false,
      description: 'What it is told first; only its owner in person may set it.',
    }),
    privateInstructions: t.string({
      required: false,
      description: 'Told in confidence; only its owner in person may set it.',
    }),
  };
}

const CreateAgentInput = builder.inputType('CreateAgentInput', {
  description: 'A new agent of the owner.',
  fields: (t) => ({
    ...agentFields(t, true),
    parentId: t.id({ required: false, description: 'The agent whose sub-agent it becomes.' }),
  }),
});

const UpdateAgentInput = builder.inputType('UpdateAgentInput', {
  description: 'What to change; a field left out stays, null empties it.',
  fields: (t) => ({ id: t.id({ description: 'The agent.' }), ...agentFields(t, false) }),
});

/** Writes what only the owner in person may write; the database refuses anybody else. */
async function instruct(
  context: Context,
  id: string,
  told: Record<string, string | null | undefined>,
): Promise<void> {
  if (Object.keys(told).length > 0) {
    const { count } = await rows(context).agentInstructions.updateMany({
      where: { id },
      data: told as never,
    });
    if (count === 0) {
      await rows(context).agentInstructions.create({ data: { id, ...told } as never });
    }
  }
}

builder.mutationField('createAgent', (t) =>
  t.field({
    type: Agent,
    errors: { types: [NotFound] },
    description: 'Makes an agent of the owner. It can do nothing for the owner until it holds a delegation.',
    args: { input: t.arg({ type: CreateAgentInput, description: 'The new agent.' }) },
    resolve: async (_root, { input }, context, info) => {
      const { systemPrompt, privateInstructions, ...agent } = checked(
        z.object({ ...shape, ...instructions }),
        input,
      );
      const id = newId<EntityId>();
      const parentId = await namedAgent(context, input.parentId, 'agent.create_refused');
      await rows(context).entity.create({ data: { id, kind: 'agent' } as never, select: { id: true } });
      await rows(context).agent.create({
        data: { id, parentId, ...given(agent) } as never,
        select: { id: true },
      });
      await instruct(context, id, given({ systemPrompt, privateInstructions }));
      await recordChange('agent.created', 'agent', id, { parentId });
      return await readWritten(context, info, 'Agent', id);
    },
  }),
);

builder.mutationField('updateAgent', (t) =>
  t.field({
    type: Agent,
    errors: { types: [NotFound] },
    description: 'Changes an agent.',
    args: { input: t.arg({ type: UpdateAgentInput, description: 'What to change.' }) },
    resolve: async (_root, { input }, context, info) => {
      const schema = z.object({ ...shape, name: shape.name.optional(), ...instructions });
      const { systemPrompt, privateInstructions, ...agent } = given(checked(schema, input));
      const id = idOf(input.id, 'Agent');
      const { count } = await rows(context).agent.updateMany({ where: { id }, data: agent as never });
      if (count === 0) {
        return refuseAsNotFound('agent.update_refused', 'agent', id);
      }
      const told = given({ systemPrompt, privateInstructions });
      await instruct(context, id, told);
      await recordChange('agent.updated', 'agent', id, {
        fields: Object.keys({ ...agent, ...told }),
      });
      return await readWritten(context, info, 'Agent', id);
    },
  }),
);

const SetAgentStatusInput = builder.inputType('SetAgentStatusInput', {
  description: 'Which agent takes part, and how far.',
  fields: (t) => ({
    id: t.id({ description: 'The agent.' }),
    status: t.field({ type: StatusEnum, description: 'Its new status.' }),
  }),
});

// An administrator's reach goes further than its own agents; others it stops with revokeAgent.
const own = (context: Context, id: EntityId) => ({ id, kind: 'agent', ownerId: sessionOf(context).ownerId });

async function setStatus(context: Context, id: EntityId, status: string, event: string): Promise<void> {
  const { count } = await rows(context).entity.updateMany({ where: own(context, id), data: { status } });
  if (count === 0) {
    await refuseAsNotFound(`${event}_refused`, 'agent', id);
  }
}

builder.mutationField('setAgentStatus', (t) =>
  t.field({
    type: Agent,
    errors: { types: [NotFound] },
    description:
      'Suspends an agent or lets it take part again, from the next statement on. By its owner in person.',
    args: { input: t.arg({ type: SetAgentStatusInput, description: 'Which agent, and how.' }) },
    resolve: async (_root, { input }, context, info) => {
      const id = idOf(input.id, 'Agent');
      if (input.status === 'archived') {
        throw new BailiwickError(
          'BAD_USER_INPUT',
          'input.status: archiving is deleteAgent, because it is for good',
        );
      }
      await setStatus(context, id, input.status, 'agent.status');
      await recordChange('agent.status_set', 'agent', id, { status: input.status });
      return await readWritten(context, info, 'Agent', id);
    },
  }),
);

const SetAgentCeilingInput = builder.inputType('SetAgentCeilingInput', {
  description: 'The most an agent may ever do.',
  fields: (t) => ({
    id: t.id({ description: 'The agent.' }),
    capabilities: t.stringList({
      required: false,
      description: 'Capabilities such as memory:read; null sets no limit beyond its delegations.',
    }),
  }),
});

builder.mutationField('setAgentCeiling', (t) =>
  t.field({
    type: Agent,
    errors: { types: [NotFound] },
    description:
      'Limits what an agent may ever do, whatever it is granted, from the next statement on. By its owner in person.',
    args: { input: t.arg({ type: SetAgentCeilingInput, description: 'Which agent, and how far.' }) },
    resolve: async (_root, { input }, context, info) => {
      const id = idOf(input.id, 'Agent');
      const { capabilities } = checked(z.object({ capabilities: ceiling }), input);
      const { count } = await rows(context).entity.updateMany({
        where: own(context, id),
        data: { ceiling: capabilities ?? Prisma.DbNull },
      });
      if (count === 0) {
        return refuseAsNotFound('agent.ceiling_refused', 'agent', id);
      }
      await recordChange('agent.ceiling_set', 'agent', id, { capabilities: capabilities ?? null });
      return await readWritten(context, info, 'Agent', id);
    },
  }),
);

const DeleteAgentInput = builder.inputType('DeleteAgentInput', {
  description: 'Which agent to archive.',
  fields: (t) => ({ id: t.id({ description: 'The agent.' }) }),
});

builder.mutationField('deleteAgent', (t) =>
  t.field({
    type: Agent,
    errors: { types: [NotFound] },
    description:
      'Archives an agent for good and revokes everything it holds. By its owner in person; its record stays.',
    args: { input: t.arg({ type: DeleteAgentInput, description: 'Which agent.' }) },
    resolve: async (_root, { input }, context, info) => {
      const id = idOf(input.id, 'Agent');
      await setStatus(context, id, 'archived', 'agent.delete');
      const revoked = await revokeAgent(rows(context), id);
      await recordChange('agent.deleted', 'agent', id, { revoked });
      return await readWritten(context, info, 'Agent', id);
    },
  }),
);
