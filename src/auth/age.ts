// How old something is that is only good for a while. A clock that was set back makes things old, not young, so that nothing
// outlives its time by an accident of time.

/** A moment's age in milliseconds; infinite where there was none, and where it lies in the future. */
export function ageOf(since: number | undefined, now: () => number): number {
  const passed = since === undefined ? Number.POSITIVE_INFINITY : now() - since;
  return passed < 0 ? Number.POSITIVE_INFINITY : passed;
}
