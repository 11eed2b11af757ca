// Fields of Subscription: one for each kind of thing that can be listened to, all of one form. What becomes of them: streaming.ts.

import type { ObjectRef } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import { builder, type PothosTypes } from '../builder.ts';
import type { Context } from '../context.ts';
import type { Kind } from '../db/events.ts';
import { type NodeName, toGlobalId } from './global-id.ts';
import type { Occurrence } from './occurrence.ts';
import { readTogether } from './reading.ts';

const ChangeEnum = builder.enumType('Change', {
  description: 'What became of a row.',
  values: {
    CREATED: { description: 'It is new.' },
    UPDATED: { description: 'It has changed.' },
    DELETED: { description: 'It is gone.' },
  } as const,
});

/**
 * Makes a field of Subscription.
 *
 * @param name Of the field in Subscription, such as memoryChanged; of the type, such as MemoryChange; of the row in it, such as memory.
 */
export function listenTo<T extends object>(
  node: ObjectRef<PothosTypes, T>,
  type: NodeName,
  kind: Kind,
  name: { readonly field: string; readonly change: string; readonly row: string },
  description: string,
): void {
  const change = builder.objectRef<Occurrence>(name.change).implement({
    description: 'Something that happened. Several changes of one row may come as the last of them.',
    fields: (t) => ({
      change: t.field({ type: ChangeEnum, description: 'What became of it.', resolve: (one) => one.change }),
      event: t.exposeString('event', {
        description: `What happened, in a word such as ${kind}.created; there may be new ones.`,
      }),
      id: t.id({
        description: 'Global id of what it happened to.',
        resolve: ({ id }) => toGlobalId(type, id),
      }),
      [name.row]: t.field({
        type: node,
        nullable: true,
        description: 'As it is now; null where it is gone.',
        resolve: (one, _args, context, info) => read(one, context, info, type) as never,
      }),
    }),
  });
  builder.subscriptionField(name.field, (t) =>
    t.field({
      type: change,
      description,
      extensions: { listens: { kind, type } },
      subscribe: () => {
        throw new TypeError('a subscription is run by src/api/streaming.ts');
      },
      resolve: (occurrence) => occurrence as unknown as Occurrence,
    }),
  );
}

/** The row of an event, and whether it is in sight. */
async function read(
  one: Occurrence,
  context: Context,
  info: GraphQLResolveInfo,
  type: NodeName,
): Promise<never> {
  const row = one.change === 'DELETED' ? undefined : await readTogether(context, info, type, one.id);
  one.row = row === undefined ? 'hidden' : 'seen';
  return (row ?? null) as never;
}
