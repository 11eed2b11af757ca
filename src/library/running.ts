// Which sessions are open, and which of them a chain of calls runs in.
//
// So a session inside a session can be refused before it waits for a connection that only the outer one could give back. Opens and ends
// none.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Pool } from 'pg';
import type { SessionConnection } from './connection.ts';
import type { SessionContext } from './terms.ts';

/** A session that a call chain runs in; those around it follow. */
type Running = {
  readonly pool: Pool;
  readonly connection: SessionConnection;
  readonly around: Running | undefined;
};

/** What is known of a client that a session has given out. */
type Opened = { readonly connection: SessionConnection; readonly context: SessionContext };

const running = new AsyncLocalStorage<Running>();
const opened = new WeakMap<object, Opened>();

/** Notes the client that a session gives out. */
export function noteSession(client: object, connection: SessionConnection): SessionContext {
  const context = contextOf(connection);
  opened.set(client, { connection, context });
  return context;
}

/** Runs work in an open session, no longer than its time; a session inside it is refused. */
export async function runInside<Result>(
  pool: Pool,
  connection: SessionConnection,
  work: () => Result | PromiseLike<Result>,
): Promise<Result> {
  const around = running.getStore();
  return Promise.race([running.run({ pool, connection, around }, async () => work()), connection.expired]);
}

/** @throws {TypeError} for a client that is none of a session's. */
export function sessionOf(client: object): Opened {
  const found = opened.get(client);
  if (found === undefined) {
    throw new TypeError('this is no client of a session');
  }
  return found;
}

/** @throws {TypeError} where the calling chain has a session on this pool. */
export function refuseNested(pool: Pool): void {
  for (let outer = running.getStore(); outer !== undefined; outer = outer.around) {
    if (outer.pool === pool && outer.connection.live) {
      throw new TypeError(
        'a session inside a session: use the client of the one that is open. Holding one connection while waiting for another of the same pool is how a pool comes to wait for itself',
      );
    }
  }
}

function contextOf(connection: SessionConnection): SessionContext {
  if (connection.context === undefined) {
    throw new TypeError('a session without a context');
  }
  const { tenantId, actorId, ownerId, worldId, actorKind, chain, requestId } = connection.context;
  return { tenantId, actorId, ownerId, worldId, actorKind, chain, requestId };
}
