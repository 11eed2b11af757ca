// Ids that say when they were made, in cases that are written down once and tried for as long as the mutants take: they are of the
// moment in which a case is tried.

import { type EntityId, newId } from '../../../src/ids.ts';

const ids = new Set<string>();

/** An id of version 7 that is of now whenever it is sent, and in all of one case the same. */
export function timelyId(): string {
  const id = newId<EntityId>();
  ids.add(id);
  return id;
}

/** Values as they are sent in a case that began at this time, in milliseconds. */
export function timely(values: readonly unknown[], began: number): unknown[] {
  return values.map((value) =>
    Array.isArray(value)
      ? timely(value, began)
      : ids.has(value as string)
        ? at(value as string, began)
        : value,
  );
}

/** The first 48 bits are the time (RFC 9562 section 5.7). */
function at(id: string, time: number): string {
  const hex = time.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}${id.slice(13)}`;
}
