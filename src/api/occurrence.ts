// What happened, as a field of Subscription tells it: of each row the last of it, and of what is in sight now.

import type { Context } from '../context.ts';
import type { Happening, Kind } from '../db/events.ts';
import type { NodeName } from './global-id.ts';
import { idsInSight } from './reading.ts';

/** What a field of Subscription listens to, and of which type the rows are. */
export type Listens = { readonly kind: Kind; readonly type: NodeName };

/** One thing that happened, as the resolver of a field of Subscription gets it. */
export type Occurrence = {
  readonly event: string;
  readonly change: 'CREATED' | 'UPDATED' | 'DELETED';
  readonly id: string;
  /** Whether its row was in sight; undefined where nobody asked for it. */
  row: 'seen' | 'hidden' | undefined;
};

/** The last thing that happened to each row. */
function lastOfEach(events: readonly Happening[]): Happening[] {
  const last = new Map<string, Happening>();
  for (const event of events) {
    // anew, so that what is last stands last
    last.delete(event.id);
    last.set(event.id, event);
  }
  return [...last.values()];
}

/**
 * What is to be told of events: of each row the last. One that is said to be gone and is in sight is not gone; to whom it is merely no
 * longer shared, it is.
 */
export async function occurrencesOf(
  context: Context,
  { type }: Listens,
  events: readonly Happening[],
): Promise<(Happening & { readonly occurrence: Occurrence })[]> {
  const last = lastOfEach(events);
  const gone = last.filter(({ event }) => GONE.has(wordOf(event))).map(({ id }) => id);
  const there = await idsInSight(context, type, gone);
  return last.flatMap((happening) => {
    const { event, id } = happening;
    const word = wordOf(event);
    if (word === 'deleted' && there.has(id)) {
      return [];
    }
    const isGone = GONE.has(word) && !there.has(id);
    const change = isGone ? 'DELETED' : CREATING.has(word) ? 'CREATED' : 'UPDATED';
    return [{ ...happening, occurrence: { event, id, change, row: undefined } }];
  });
}

/** Leaves out what is out of sight. Where the row was asked for, that has shown; otherwise it is looked for. */
export async function inSight<Item extends { readonly occurrence: Occurrence }>(
  context: Context,
  { type }: Listens,
  items: readonly Item[],
): Promise<Item[]> {
  const unsure = items.filter(({ occurrence: { change, row } }) => change !== 'DELETED' && row === undefined);
  const there = await idsInSight(
    context,
    type,
    unsure.map(({ occurrence }) => occurrence.id),
  );
  return items.filter(
    ({ occurrence: { change, row, id } }) =>
      change === 'DELETED' || row === 'seen' || (row === undefined && there.has(id)),
  );
}

/** What happened, without to what: deleted, of memory.deleted. */
const wordOf = (event: string): string => event.slice(event.indexOf('.') + 1);
const CREATING: ReadonlySet<string> = new Set(['created', 'asked', 'granted', 'recorded']);
const GONE: ReadonlySet<string> = new Set(['deleted', 'withdrawn']);
