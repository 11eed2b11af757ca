// Ids that say when they were made, in cases that are written down once and tried for as long as the mutants take: they are of the
// moment in which a case is tried, or of so long before it.

import { type EntityId, newId } from '../../../src/ids.ts';

/** How many milliseconds before it is sent an id is made. */
const ages = new Map<string, number>();

/**
 * An id of version 7 that is of now whenever it is sent, and in all of one case the same.
 *
 * @param age Milliseconds by which it is older.
 */
export function timelyId(age = 0): string {
  const id = newId<EntityId>();
  ages.set(id, age);
  return id;
}

/** Values as they are sent in a case that began at this time, in milliseconds. */
export function timely(values: readonly unknown[], began: number): unknown[] {
  return values.map((value) => {
    const age = ages.get(value as string);
    return Array.isArray(value)
      ? timely(value, began)
      : age === undefined
        ? value
        : at(value as string, began - age);
  });
}

/** The first 48 bits are the time (RFC 9562 section 5.7). */
function at(id: string, time: number): string {
  const hex = time.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}${id.slice(13)}`;
}
