// What the database said of a caller the last time: who acts, for whom, through what. With that a query need not wait for its context to be opened
// before it asks for rows: both go out together, which saves a round trip.
//
// Nothing is believed that was remembered. The database opens the context as always, and what it establishes must be what was expected, or nothing
// that was asked in the meantime counts (sealed-connection.ts). So this can make a query cheaper and never wider.

import { isDeepStrictEqual } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { OpenContext } from './sealed-connection.ts';
import { callerOf, type TicketClaims } from './ticket.ts';

/** How many callers are remembered, and for how long, in milliseconds. */
const REMEMBERED = { callers: 10_000, milliseconds: 60_000 } as const;

/** The database established something else than was expected: what was asked with it is to be asked again. */
export class Unexpected extends Error {}

export type Expectations = {
  /** The context that is to be expected for this request; undefined where nobody knows. */
  of(claims: TicketClaims): OpenContext | undefined;
  /** What the database has established. */
  learn(claims: TicketClaims, context: OpenContext): void;
  forget(claims: TicketClaims): void;
};

export function expectations(): Expectations {
  const known = new LRUCache<string, OpenContext>({ max: REMEMBERED.callers, ttl: REMEMBERED.milliseconds });
  return {
    of(claims) {
      const context = known.get(callerOf(claims));
      return context && { ...context, requestId: claims.requestId };
    },
    learn(claims, context) {
      known.set(callerOf(claims), context);
    },
    forget(claims) {
      known.delete(callerOf(claims));
    },
  };
}

/** @throws {Unexpected} where what was established differs in anything. */
export function expectSame(expected: OpenContext, established: OpenContext | undefined): void {
  if (!isDeepStrictEqual(established, expected)) {
    throw new Unexpected('the database established another context than the last time');
  }
}
