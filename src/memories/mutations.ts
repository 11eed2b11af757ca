// Writing, changing and deleting memories, one or many. Who may: prisma/policies/18-memories.sql.

import { z } from 'zod';
import { idOf, optionalIdOf } from '../api/global-id.ts';
import { NotFound, recordChange, recorded, refuseAsNotFound } from '../api/problems.ts';
import { idsInSight, readByIds, readWritten } from '../api/reading.ts';
import { checked, dropNulls, given, text } from '../api/validation.ts';
import { insertAsked, updateAsked } from '../api/writing.ts';
import { builder } from '../builder.ts';
import { type Context, rows, sessionOf } from '../context.ts';
import { BailiwickError } from '../errors.ts';
import { type EntityId, type MemoryId, newId } from '../ids.ts';
import { Memory } from './memory.ts';

const MOST_AT_ONCE = 500;

const shape = {
  content: text(100_000),
  kind: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'must be a lower-case word of at most 63 characters')
    .optional(),
  sensitive: z.boolean().optional(),
  shared: z.boolean().optional(),
  tags: z.array(text(100)).max(50, 'must be at most 50').optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
};
// made once: zod compiles each
const newMemory = z.object(shape);
const changedMemory = z.object({ ...shape, content: shape.content.optional() });

const CreateMemoryInput = builder.inputType('CreateMemoryInput', {
  description: 'A new memory about the owner.',
  fields: (t) => ({
    content: t.string({ description: 'What is to be remembered; at most 100 000 characters.' }),
    kind: t.string({ required: false, description: 'What sort, a lower-case word; left out: note.' }),
    sensitive: t.boolean({
      required: false,
      description:
        'Whether content and metadata are encrypted where they are kept; no search finds them then. Left out: no.',
    }),
    tags: t.stringList({ required: false, description: 'At most 50 tags.' }),
    metadata: t.field({
      type: 'JSONObject',
      required: false,
      description: 'Whatever else is to be kept with it.',
    }),
    agentId: t.id({
      required: false,
      description:
        "The agent that keeps it, one of the owner's; left out: the acting agent, or nobody for the owner in person.",
    }),
    worldId: t.id({
      required: false,
      description: 'The world it belongs to, of which the owner is a member.',
    }),
    shared: t.boolean({
      required: false,
      description:
        'Whether the members of the world see it. Not with sensitive, not by a guest, and by an agent only where its delegation names the world. Left out: no.',
    }),
  }),
});

const UpdateMemoryInput = builder.inputType('UpdateMemoryInput', {
  description: 'What to change; a field left out stays.',
  fields: (t) => ({
    id: t.id({ description: 'The memory.' }),
    content: t.string({ required: false, description: 'What is to be remembered.' }),
    kind: t.string({ required: false, description: 'What sort.' }),
    sensitive: t.boolean({
      required: false,
      description: 'Encrypts content and metadata where they are kept, or no longer.',
    }),
    shared: t.boolean({
      required: false,
      description: 'Shows it to the members of its world, or no longer.',
    }),
    tags: t.stringList({ required: false, description: 'Tags, replaced as a whole.' }),
    metadata: t.field({ type: 'JSONObject', required: false, description: 'Replaced as a whole.' }),
  }),
});

const DeleteMemoryInput = builder.inputType('DeleteMemoryInput', {
  description: 'A memory that is to be gone for good.',
  fields: (t) => ({ id: t.id({ description: 'The memory.' }) }),
});

const CreateMemoriesInput = builder.inputType('CreateMemoriesInput', {
  description: 'New memories, written in one statement: all of them or none.',
  fields: (t) => ({
    memories: t.field({
      type: [CreateMemoryInput],
      description: `At least one and at most ${MOST_AT_ONCE}.`,
    }),
  }),
});

/** The columns of a new memory. Under a chain it is the acting agent that keeps it, unless another is named. */
function newRow(context: Context, input: typeof CreateMemoryInput.$inferInput) {
  const { chain, actorId } = sessionOf(context);
  const { agentId, worldId, ...rest } = input;
  if (input.shared && (!worldId || input.sensitive)) {
    throw new BailiwickError(
      'BAD_USER_INPUT',
      worldId ? 'What is sensitive is not shared' : 'What is shared stands in a world: give worldId',
    );
  }
  return {
    id: newId<MemoryId>(),
    ...given(checked(newMemory, dropNulls(rest))),
    agentId: optionalIdOf<EntityId>(agentId, 'Agent') ?? (chain.length > 0 ? actorId : null),
    worldId: optionalIdOf<EntityId>(worldId, 'World'),
  };
}

/** Whether every agent and world that new rows refer to is in sight; what is not is answered like what is absent. */
async function missingReference(context: Context, memories: readonly ReturnType<typeof newRow>[]) {
  const { chain, actorId } = sessionOf(context);
  const agents = new Set(memories.flatMap(({ agentId }) => agentId ?? []));
  if (chain.length > 0) {
    // the acting agent may name itself without being allowed to read agents
    agents.delete(actorId);
  }
  const worlds = new Set(memories.flatMap(({ worldId }) => worldId ?? []));
  const seenAgents = await idsInSight(context, 'Agent', [...agents]);
  const seenWorlds = await idsInSight(context, 'World', [...worlds]);
  const agent = [...agents].find((id) => !seenAgents.has(id));
  const world = [...worlds].find((id) => !seenWorlds.has(id));
  return agent !== undefined
    ? { kind: 'agent', id: agent }
    : world !== undefined
      ? { kind: 'world', id: world }
      : undefined;
}

async function refuseMissing(
  context: Context,
  memories: readonly ReturnType<typeof newRow>[],
): Promise<void> {
  const missing = await missingReference(context, memories);
  if (missing !== undefined) {
    await refuseAsNotFound('memory.create_refused', missing.kind, missing.id);
  }
}

builder.mutationField('createMemory', (t) =>
  t.field({
    type: Memory,
    errors: { types: [NotFound] },
    description: 'Writes a memory about the owner.',
    args: { input: t.arg({ type: CreateMemoryInput, description: 'The new memory.' }) },
    resolve: async (_root, { input }, context, info) => {
      const memory = newRow(context, input);
      await refuseMissing(context, [memory]);
      const record = () => recordChange('memory.created', 'memory', memory.id);
      const made = memory.sensitive ? undefined : insertAsked(context, info, 'Memory', memory);
      if (made !== undefined) {
        return (await recorded(made, record)) as never;
      }
      await rows(context).memory.createMany({ data: [memory] as never });
      return await recorded(readWritten(context, info, 'Memory', memory.id), record);
    },
  }),
);

const CreatedMemories = builder
  .objectRef<{ readonly memories: readonly object[] }>('CreatedMemories')
  .implement({
    description: 'What was written.',
    fields: (t) => ({
      memories: t.field({
        type: [Memory],
        description: 'The new memories, in the order given.',
        extensions: { rows: MOST_AT_ONCE },
        resolve: ({ memories }) => memories as never,
      }),
    }),
  });

builder.mutationField('createMemories', (t) =>
  t.field({
    type: CreatedMemories,
    errors: { types: [NotFound] },
    description: `Writes up to ${MOST_AT_ONCE} memories in one statement: all of them or none.`,
    args: { input: t.arg({ type: CreateMemoriesInput, description: 'The new memories.' }) },
    resolve: async (_root, { input }, context, info) => {
      if (input.memories.length === 0) {
        throw new BailiwickError('BAD_USER_INPUT', 'input.memories must not be empty');
      }
      if (input.memories.length > MOST_AT_ONCE) {
        throw new BailiwickError('LIMIT_EXCEEDED', `input.memories must have at most ${MOST_AT_ONCE} items`);
      }
      const memories = input.memories.map((memory) => newRow(context, memory));
      await refuseMissing(context, memories);
      await rows(context).memory.createMany({ data: memories as never });
      const ids = memories.map(({ id }) => id);
      return await recorded(
        readByIds(context, info, 'Memory', ids, ['memories']).then((memories) => ({ memories })),
        () => recordChange('memory.created', 'memory', ids[0] as string, { ids }),
      );
    },
  }),
);

builder.mutationField('updateMemory', (t) =>
  t.field({
    type: Memory,
    errors: { types: [NotFound] },
    description: 'Changes a memory.',
    args: { input: t.arg({ type: UpdateMemoryInput, description: 'What to change.' }) },
    resolve: async (_root, { input }, context, info) => {
      const { id: globalId, ...changes } = input;
      const id = idOf<MemoryId>(globalId, 'Memory');
      const data = given(checked(changedMemory, dropNulls(changes)));
      const own = { id, ownerId: sessionOf(context).ownerId };
      // whoever it was shared with is told that it no longer is
      const shared =
        input.shared === false && (await rows(context).memory.count({ where: { ...own, shared: true } })) > 0;
      const fields = Object.keys(data);
      const record = () =>
        shared
          ? recordChange('memory.withdrawn', 'memory', id, { fields, shared })
          : recordChange('memory.updated', 'memory', id, { fields });
      const changed =
        data.sensitive === undefined ? await updateAsked(context, info, 'Memory', own, data) : undefined;
      if (changed !== undefined) {
        await record();
        return changed as never;
      }
      const { count } = await rows(context).memory.updateMany({ where: own, data: data as never });
      if (count === 0) {
        return refuseAsNotFound('memory.update_refused', 'memory', id);
      }
      return await recorded(readWritten(context, info, 'Memory', id), record);
    },
  }),
);

const DeletedMemory = builder.objectRef<{ id: string }>('DeletedMemory').implement({
  description: 'A memory that is gone.',
  fields: (t) => ({ deletedId: t.exposeID('id', { description: 'Global id of the memory that was.' }) }),
});

builder.mutationField('deleteMemory', (t) =>
  t.field({
    type: DeletedMemory,
    errors: { types: [NotFound] },
    description: 'Deletes a memory for good.',
    args: { input: t.arg({ type: DeleteMemoryInput, description: 'Which memory.' }) },
    resolve: async (_root, { input }, context) => {
      const id = idOf<MemoryId>(input.id, 'Memory');
      // where it has stood: whoever listens there is told that it is gone
      const own = { id, ownerId: sessionOf(context).ownerId };
      const there = await rows(context).memory.findFirst({
        where: own,
        select: { worldId: true, shared: true },
      });
      const { count } = await rows(context).memory.deleteMany({ where: own });
      if (there === null || count === 0) {
        return refuseAsNotFound('memory.delete_refused', 'memory', id);
      }
      await recordChange('memory.deleted', 'memory', id, there);
      return { id: input.id };
    },
  }),
);
