// What happened, as the kernel tells it to whoever listens (prisma/policies/09-events.sql), and whether listeners may still listen.

import type { Transaction } from './client.ts';
import { type Database, type ServiceSession, withService } from './session.ts';
import { issueTicket, type TicketClaims } from './ticket.ts';

/** The kinds of things that can be listened to. */
export const KINDS = ['approval', 'activity', 'baseline', 'delegation', 'agent', 'memory'] as const;
export type Kind = (typeof KINDS)[number];

/** How far somebody has listened: up to a snapshot of PostgreSQL, or where a look was cut short. */
export type Place = {
  readonly since: string;
  readonly upto?: string;
  readonly after?: string;
};

/** Something that happened to a row. */
export type Happening = {
  /** Its place among those of one look. */
  readonly seq: number;
  /** The transaction in which it happened. */
  readonly xid: string;
  /** Such as memory.created. */
  readonly event: string;
  readonly id: string;
};

export type Look = {
  /** Whether the context has any authority at all. */
  readonly live: boolean;
  /** The snapshot up to which was looked. */
  readonly snapshot: string;
  /** Whether there is more up to there, which comes first. */
  readonly cut: boolean;
  /** Whether there may be anything else. */
  readonly more: boolean;
  /** Worlds in which the context hears of what others share. */
  readonly worlds: readonly string[];
  readonly events: readonly Happening[];
};

/** What a context has not seen of a kind since a place; without a place nothing, and where to begin. */
export async function unseen(
  db: Transaction,
  kind: Kind,
  place: Place | undefined,
  most: number,
): Promise<Look> {
  const [row] = await db.$queryRaw<{ look: Look }[]>`
    select bailiwick.unseen(${place?.since ?? null}, ${place?.upto ?? null}, ${place?.after ?? null}::bigint,
      ${[kind]}::text[], ${most}::int) as look`;
  if (row === undefined) {
    throw new TypeError('unseen() answered nothing');
  }
  return row.look;
}

/** Which of these claims would still open a context with any authority, in their order. */
export async function stillLive(
  database: Database,
  claims: readonly TicketClaims[],
): Promise<readonly boolean[]> {
  const tickets = claims.map((claim) => issueTicket(claim, database.ticketKey));
  return await withService(database, 'identity', { readOnly: true }, async (db: ServiceSession) => {
    const [row] = await db.$queryRaw<{ live: boolean[] }[]>`
      select bailiwick.still(${tickets.map(([ticket]) => ticket)}::text[], ${tickets.map(([, mac]) => mac)}::text[]) as live`;
    return row?.live ?? [];
  });
}

/** Throws away events that nobody comes back for, a few thousand at most. Whether there may be more of them. */
export async function forgetEvents(db: ServiceSession): Promise<boolean> {
  const [row] = await db.$queryRaw<{ more: boolean }[]>`select bailiwick.forget_events() as more`;
  return row?.more ?? false;
}
