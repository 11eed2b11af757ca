// Moments as ids: an id of version 7 begins with its time, so a range of time is a range of ids, and one of few partitions.

/** The most that 48 bits hold. */
const LATEST = 2 ** 48 - 1;

/** The first id of a moment: ids from it on were made then or later. As bailiwick.id_at() in prisma/policies/08-activity.sql. */
export function firstIdOf(moment: Date): string {
  const ms = Math.min(Math.max(moment.getTime(), 0), LATEST);
  const hex = ms.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
