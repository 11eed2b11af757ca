// How large what grows is made: three sizes of each, the smallest, a power of ten in between, and the largest. Nothing is measured here.

/** Of what there is more and more; the smallest size of each. */
export const SMALLEST = { rows: 10_000, tenants: 10, delegations: 1, members: 2, clients: 1 } as const;
/** All depths that a chain may have. */
export const DEPTHS = [1, 2, 3, 4] as const;

export type Growing = keyof typeof SMALLEST;
export type Sizes = Readonly<Record<Growing, readonly number[]>>;

/** @throws {RangeError} where there is no power of ten between the two. */
export function sizesOf(smallest: number, largest: number): readonly number[] {
  const middle = 10 ** Math.round((Math.log10(smallest) + Math.log10(largest)) / 2);
  if (!Number.isInteger(largest) || middle <= smallest || middle >= largest) {
    throw new RangeError(`${largest} is not enough beside ${smallest}`);
  }
  return [smallest, middle, largest];
}

/**
 * The sizes of everything, from the largest of each.
 *
 * @throws {RangeError} also where rows cannot lie among each other evenly.
 */
export function allSizes(largest: Readonly<Record<Growing, number>>): Sizes {
  const of = (what: Growing) => sizesOf(SMALLEST[what], largest[what]);
  if (of('rows').some((size) => largest.rows % size !== 0)) {
    throw new RangeError(`${largest.rows} rows are no multiple of ${of('rows').join(' and ')}`);
  }
  return {
    rows: of('rows'),
    tenants: of('tenants'),
    delegations: of('delegations'),
    members: of('members'),
    clients: of('clients'),
  };
}
