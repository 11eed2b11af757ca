// What is planted in the data set (shape.ts), counted from the numbers of its rows alone: how many of each kind, what `adopt plan` must
// count in each table, and how many rows nobody can place. Knows no database.

import type { Counts, Placing } from '../../../src/adoption/places.ts';
import { FIRST_BAD, OF, ROWS_EACH, type TableName, USERS_EACH } from './shape.ts';

/** What is wrong with a row. */
export type Kind =
  /** Nothing says whose it is. */
  | 'null'
  /** A path leads nowhere. */
  | 'orphan'
  /** It belongs to somebody who is not there. */
  | 'unknown'
  /** Its tenant is not its owner's. */
  | 'foreign'
  /** It stands under itself, over one other or none. */
  | 'cycle'
  /** A path leads to several. */
  | 'ambiguous'
  | 'tenant-null'
  | 'tenant-unknown';

/** Where a row would belong: the source that says so, by its number. */
type Place = {
  readonly kind?: Kind;
  readonly owner: number | 'unplaced' | 'ambiguous';
  readonly unknown?: true;
  readonly tenant?: number | 'unplaced';
  readonly tenantUnknown?: true;
  readonly foreign?: true;
  readonly world?: number | 'unplaced';
  /** Bad, and yet it can be said whose it is: by a constant, or because its owner is there and only its tenant is not said. */
  readonly placed?: true;
};

type Planting = {
  readonly each: number;
  /** How many sources are declared for each question. */
  readonly sources: { readonly owner: number; readonly tenant?: number; readonly world?: number };
  readonly good: (n: number) => Place;
  /** The six bad ones of every two hundred. */
  readonly bad: readonly Place[];
  /** The number that says whether it is bad, where that is not its own. */
  readonly of?: (n: number) => number;
};

const half = (n: number) => Math.ceil(n / 2);
const lost = (kind: Kind, more: Partial<Place> = {}): Place => ({ kind, owner: 'unplaced', ...more });
const unknown = (owner: number, more: Partial<Place> = {}): Place => ({
  kind: 'unknown',
  owner,
  unknown: true,
  ...more,
});
const times = (count: number, place: Place) => Array.from({ length: count }, () => place);
const T = { tenant: 0 } as const;
const PLACED = { kind: 'orphan', owner: 1, placed: true } as const;
const FOREIGN = { kind: 'foreign', owner: 0, tenant: 0, foreign: true } as const;
const OUTSIDE = { world: 'unplaced' } as const;

export const PLANTINGS = {
  agents: {
    each: 20,
    sources: { owner: 1 },
    good: () => ({ owner: 0 }),
    bad: [...times(3, unknown(0)), ...times(3, lost('null'))],
  },
  rooms: {
    each: 20,
    sources: { owner: 2 },
    good: (n) => ({ owner: n % 2 }),
    bad: [lost('null'), lost('null'), lost('orphan'), lost('orphan'), unknown(0), unknown(1)],
  },
  participants: {
    each: 100,
    sources: { owner: 1, tenant: 1 },
    good: () => ({ owner: 0, ...T }),
    bad: [
      ...times(3, FOREIGN),
      ...times(2, { kind: 'tenant-null', owner: 0, tenant: 'unplaced', placed: true }),
      { kind: 'tenant-unknown', owner: 0, tenant: 0, tenantUnknown: true, foreign: true },
    ],
  },
  messages: {
    each: 250,
    sources: { owner: 3, world: 1 },
    good: (n) => ({ owner: n % 3, world: 0 }),
    bad: [
      lost('orphan', OUTSIDE),
      lost('null', OUTSIDE),
      unknown(0, { world: 0 }),
      unknown(1, OUTSIDE),
      lost('null', { world: 0 }),
      unknown(2, { world: 0 }),
    ],
  },
  memories: {
    each: 120,
    sources: { owner: 2 },
    good: (n) => ({ owner: 1 - (n % 2) }),
    bad: [
      lost('null'),
      { kind: 'ambiguous', owner: 'ambiguous' },
      lost('orphan'),
      unknown(0),
      { kind: 'ambiguous', owner: 'ambiguous' },
      lost('null'),
    ],
  },
  documents: {
    each: 60,
    sources: { owner: 2, tenant: 1 },
    good: (n) => ({ owner: n % 4 === 0 ? 1 : 0, ...T }),
    bad: [...times(3, lost('cycle', T)), lost('orphan', T), FOREIGN, unknown(0, T)],
  },
  document_versions: {
    each: 120,
    sources: { owner: 2 },
    of: half,
    good: (n) => ({ owner: half(n) % 4 === 0 ? 1 : 0 }),
    bad: [...times(3, lost('cycle')), lost('orphan'), lost('orphan'), unknown(0)],
  },
  orders: {
    each: 80,
    sources: { owner: 1, tenant: 1 },
    good: () => ({ owner: 0, ...T }),
    bad: [
      lost('null', T),
      FOREIGN,
      FOREIGN,
      { kind: 'tenant-null', owner: 0, tenant: 'unplaced', placed: true },
      { kind: 'tenant-unknown', owner: 0, tenant: 0, tenantUnknown: true, foreign: true },
      lost('null', T),
    ],
  },
  order_lines: {
    each: 160,
    sources: { owner: 1 },
    of: half,
    good: () => ({ owner: 0 }),
    bad: [lost('null'), ...times(4, lost('orphan')), lost('null')],
  },
  api_keys: {
    each: 10,
    sources: { owner: 2 },
    good: () => ({ owner: 0 }),
    bad: [...times(3, PLACED), unknown(0), unknown(0), { kind: 'null', owner: 1, placed: true }],
  },
  notes: {
    each: 20,
    sources: { owner: 2 },
    good: (n) => ({ owner: n % 5 === 0 ? 1 : 0 }),
    bad: [lost('null'), lost('null'), unknown(0), unknown(0), unknown(1), lost('null')],
  },
  events: {
    each: 40,
    sources: { owner: 3 },
    good: (n) => ({ owner: n % 3 }),
    bad: [lost('null'), lost('orphan'), unknown(0), unknown(2), lost('null'), lost('orphan')],
  },
} as const satisfies Partial<Record<TableName, Planting>>;

/** A table that is kept apart. */
export type KeptName = keyof typeof PLANTINGS;
export const KEPT = Object.keys(PLANTINGS) as KeptName[];

/** What must be found in one table. */
export type Planted = {
  /** As `adopt plan` counts. */
  readonly counts: Counts;
  readonly kinds: Readonly<Partial<Record<Kind, number>>>;
  readonly bad: number;
  /** Rows that become the quarantine's. */
  readonly quarantined: number;
};

export function plantedIn(table: KeptName, tenants: number): Planted {
  const { each, sources, good, bad, of = (n: number) => n }: Planting = PLANTINGS[table];
  const placing = (count = 0) => ({
    by: Array.from({ length: count }, () => 0),
    unplaced: 0,
    ambiguous: 0,
    unknown: 0,
  });
  const asked = {
    owner: placing(sources.owner),
    tenant: placing(sources.tenant),
    world: placing(sources.world),
  };
  const kinds: Partial<Record<Kind, number>> = {};
  const rows = each * tenants;
  let foreign = 0;
  let quarantined = 0;
  let wrong = 0;
  for (let n = 1; n <= rows; n += 1) {
    const place = bad[(of(n) % OF) - FIRST_BAD] ?? good(n);
    for (const what of ['owner', 'tenant', 'world'] as const) {
      const source = place[what];
      if (typeof source === 'number') {
        asked[what].by[source] = (asked[what].by[source] ?? 0) + 1;
      } else if (source !== undefined) {
        asked[what].unplaced += 1;
        asked[what].ambiguous += source === 'ambiguous' ? 1 : 0;
      }
    }
    asked.owner.unknown += place.unknown ? 1 : 0;
    asked.tenant.unknown += place.tenantUnknown ? 1 : 0;
    foreign += place.foreign ? 1 : 0;
    if (place.kind !== undefined) {
      kinds[place.kind] = (kinds[place.kind] ?? 0) + 1;
      wrong += 1;
      quarantined += place.placed ? 0 : 1;
    }
  }
  const counts = {
    rows,
    foreign,
    ...Object.fromEntries(
      Object.entries(asked).filter(([what]) => sources[what as keyof typeof sources] !== undefined),
    ),
  } as { rows: number; foreign: number; owner: Placing };
  return { counts, kinds, bad: wrong, quarantined };
}

/** What must be counted of the people themselves. */
export function peopleIn(tenants: number): Counts {
  const users = tenants * USERS_EACH;
  const byTeam = users / 4;
  return {
    rows: users + 1,
    foreign: 0,
    tenant: { by: [users + 1 - byTeam, byTeam], unplaced: 0, ambiguous: 0, unknown: 0 },
  };
}

/** The number of tenants for about so many rows: a thousand rows each, and tables whose rows come in two hundreds. */
export const tenantsFor = (rows: number): number => Math.max(20, Math.round(rows / ROWS_EACH / 20) * 20);
