// On what terms a session is opened, and what it then is: the types that applications see, and the limits of their numbers.
//
// Imports no driver and no ORM, because everybody's types come through here.

import { ADOPTED_LIFETIME, type TicketKey } from '../db/ticket.ts';
import { ticketKeyFrom } from './ticket-key.ts';

export type SessionOptions = {
  /** PostgreSQL refuses every write in it. */
  readonly readOnly?: boolean | undefined;
  /** The ticket key, 32 bytes or their base64url; left out, TICKET_KEY or the file ticket.key in DATA_DIR. */
  readonly key?: string | Uint8Array | undefined;
  /** Milliseconds for all of it, at most 300 000; 30 000 where it is left out. */
  readonly limitMs?: number | undefined;
  /** Milliseconds to wait for a connection; 5 000 where it is left out. */
  readonly waitMs?: number | undefined;
  /**
   * How a pooler such as PgBouncer lends that the pool's connections lead through: by transactions; `transaction-prepared` where it also
   * knows prepared statements (its max_prepared_statements). Left out where there is none.
   */
  readonly pooler?: 'transaction' | 'transaction-prepared' | undefined;
};

/** What the database has established: who acts, for whom, and through which delegations. Ids are Bailiwick's. */
export type SessionContext = {
  readonly tenantId: string;
  readonly actorId: string;
  /** Whose rows: the actor itself, or the owner at the root of its chain. */
  readonly ownerId: string;
  /** The world to which the chain is limited. */
  readonly worldId: string | null;
  readonly actorKind: 'user' | 'agent' | 'world';
  /** Delegations, the owner's first; empty for whoever acts in person. */
  readonly chain: readonly string[];
  /** Names this session in the database: in the provenance of delegations, for example. */
  readonly requestId: string;
};

export type Terms = {
  readonly key: TicketKey;
  readonly readOnly: boolean;
  readonly limitMs: number;
  readonly waitMs: number;
  readonly pooler: SessionOptions['pooler'];
};

export function termsOf({
  readOnly = false,
  key,
  limitMs = 30_000,
  waitMs = 5000,
  pooler,
}: SessionOptions): Terms {
  if (!(limitMs >= 1 && limitMs <= ADOPTED_LIFETIME * 1000)) {
    throw new TypeError(`limitMs is between 1 and ${ADOPTED_LIFETIME * 1000}`);
  }
  if (!(waitMs >= 1 && waitMs < 2 ** 31)) {
    throw new TypeError('waitMs is a number of milliseconds');
  }
  return { readOnly, key: ticketKeyFrom(key), limitMs: Math.ceil(limitMs), waitMs, pooler };
}
