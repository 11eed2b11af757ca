// What happened, and who hears of it, for the tests of policies and for the probe: recording as whoever did something, looking as
// whoever listens, and events of every kind, owner and party that were there before.
//
// Expects nothing. Those that are there already have numbers for transactions, so that a snapshot can be named that sees some of them.

import { AGENTS, id, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';

export const KINDS = ['approval', 'activity', 'baseline', 'delegation', 'agent', 'memory'] as const;
export type Kind = (typeof KINDS)[number];

export type Looking = {
  readonly since: string | null;
  readonly upto?: string;
  readonly after?: number;
  readonly kinds?: readonly string[];
  readonly most?: number;
};
export type Event = {
  readonly seq: number;
  readonly kind: Kind;
  readonly event: string;
  readonly id: string;
};
export type Look = {
  readonly live: boolean;
  readonly snapshot: string;
  readonly cut: boolean;
  readonly more: boolean;
  readonly worlds: readonly string[];
  readonly events: readonly Event[];
};

export const look = async (
  sql: Sql,
  { since, upto, after, kinds = KINDS, most = 100 }: Looking,
): Promise<Look> =>
  (await sql.value('select bailiwick.unseen($1, $2, $3, $4, $5)', [
    ...[since, upto ?? null, after ?? null, kinds, most],
  ])) as Look;

/** Of which rows a look tells, in its order. */
export const ids = ({ events }: Look): string[] => events.map((event) => event.id);

/** A snapshot that has seen nothing. */
export const NOTHING = '1:1:';

export const record = (
  sql: Sql,
  event: string,
  kind: string | null,
  target: string | null,
  detail: object | null = null,
) =>
  sql.rows('select bailiwick.audit($1, $2, $3, $4, $5)', [
    ...[newId(), event, kind, target, detail === null ? null : JSON.stringify(detail)],
  ]);

type Kept = {
  readonly last: string;
  readonly tenant?: 'acme' | 'globex';
  readonly owner: string;
  readonly parties?: readonly string[];
  readonly world?: string;
  readonly shared?: true;
  readonly kinds?: readonly Kind[];
};

const { alice, bob, mallory } = USERS;
const { scout, scribe, late, rogue, bobot, mimic } = AGENTS;
const MEMORY: readonly Kind[] = ['memory'];

/** Events by whose they are and who is a party to them; of each kind, unless it says of which. */
const HAPPENED: readonly Kept[] = [
  { last: '1', owner: alice.id, parties: [alice.id] },
  ...[scout, scribe, late, rogue].map((agent, n) => ({
    last: `2${n}`,
    owner: alice.id,
    parties: [agent.id],
  })),
  { last: '3', owner: alice.id, parties: [scout.id, scribe.id] },
  { last: '4', owner: bob.id, parties: [bobot.id] },
  { last: '5', owner: mallory.id, parties: [mimic.id], tenant: 'globex' },
  // what nobody makes, and would be somebody's without one of the conditions
  { last: '6', owner: alice.id, parties: [scout.id], tenant: 'globex' },
  { last: '7', owner: bob.id, parties: [scout.id] },
  { last: '8', owner: alice.id, parties: [bob.id, bobot.id] },
  { last: '9', owner: alice.id, parties: [scout.id], world: WORLDS.garden.id, kinds: MEMORY },
  { last: 'a', owner: alice.id, world: WORLDS.workshop.id, kinds: MEMORY },
  { last: 'b', owner: bob.id, world: WORLDS.garden.id, kinds: MEMORY },
  { last: 'c', owner: bob.id, world: WORLDS.garden.id, shared: true, kinds: MEMORY },
  { last: 'd', owner: alice.id, world: WORLDS.garden.id, shared: true, kinds: MEMORY },
  { last: 'e', owner: bob.id, world: WORLDS.workshop.id, shared: true, kinds: MEMORY },
  { last: 'f', owner: mallory.id, world: WORLDS.garden.id, shared: true, tenant: 'globex', kinds: MEMORY },
];

/** The transaction in which the first of them happened; each is in another. */
export const FIRST = 10;
/** Seen by a snapshot up to one of them, but for one that was still running. */
export const UPTO = (seen: number, running?: number): string =>
  running === undefined
    ? `${FIRST + seen}:${FIRST + seen}:`
    : `${FIRST + running}:${FIRST + seen}:${FIRST + running}`;

/** Lays those out, whatever there was. The cast must be there. */
export async function arrangeEvents(sql: Sql): Promise<void> {
  const rows = HAPPENED.flatMap(({ kinds = KINDS, ...of }) => kinds.map((kind) => ({ ...of, kind })));
  for (const [
    n,
    { last, tenant = 'acme', owner, parties = [], world = null, shared = false, kind },
  ] of rows.entries()) {
    await sql.rows(
      `insert into bailiwick.events (tenant_id, xid, owner_id, world_id, shared, parties, kind, event, id)
       values ($1, $2::text::xid8, $3, $4, $5, $6, $7, $8, $9)`,
      [
        ...[TENANTS[tenant].id, String(FIRST + n), owner, world, shared, parties, kind, `${kind}.happened`],
        id<string>(14, `${KINDS.indexOf(kind)}${last}`),
      ],
    );
  }
}
