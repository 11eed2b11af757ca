// What a resolver holds while it works on one operation.
//
// Holding a Context lets you know who calls and under which request id, log with that id, and reach rows through the one
// session that the operation runs in, which a mutation may end early. It does not let you open another session, see the caller's token or decide a
// permission; and it knows no feature. Features keep per-request state in a WeakMap keyed by it.

import type { Logger } from 'pino';
import type { Caller } from './auth/actor.ts';
import { batched } from './db/batch.ts';
import type { Session } from './db/session.ts';
import { BailiwickError } from './errors.ts';
import type { RequestId } from './ids.ts';
import type { Outgoing } from './outgoing/call.ts';

/** Does something in a session of its own, after the one of a mutation has ended. */
export type Afterwards = <Result>(work: (db: Session['db']) => Promise<Result>) => Promise<Result>;

/** Signs a text: the digest as latin1. */
export type CursorSigner = { sign(text: string): string };

export type Context = {
  readonly requestId: RequestId;
  readonly caller: Caller;
  readonly log: Logger;
  /** Signs pagination cursors, so that a client can only come back with one that it was given. */
  readonly cursorKey: CursorSigner;
  /** The session of the running operation; undefined outside one, as when only the schema is asked for. */
  session: Session | undefined;
  /**
   * Keeps what a mutation has done so far and ends its session before the mutation ends: for what must not happen unless it is kept,
   * or takes longer than a transaction may. Undefined outside a mutation.
   *
   * @returns how to do something more afterwards, in a session of its own under the same credential.
   * @throws {BailiwickError} BAD_USER_INPUT when the operation asks for anything else beside, whatever made keeping impossible.
   */
  leave: (() => Promise<Afterwards>) | undefined;
  /** Calls services of third parties. */
  readonly outgoing: Outgoing;
};

/** The session of the running operation. */
export function sessionOf(context: Context): Session {
  if (context.session === undefined) {
    throw new BailiwickError('UNAUTHENTICATED');
  }
  return context.session;
}

/** The session's Prisma client. */
export function rows(context: Context): Session['db'] {
  return sessionOf(context).db;
}

/** The same as Pothos wants it, which asks row by row: what it asks for in one tick is read together. */
export function rowsTogether(context: Context): ReturnType<typeof batched> {
  return batched(rows(context));
}
