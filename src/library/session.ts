// A session on an application's own pool: one transaction in which the database knows for whom it works.
//
// The application says who that is, and proves with its key that it is the application that says so. What they may see and do is decided
// by the database alone. Nothing here knows an ORM, or GraphQL.

import type { Pool, PoolClient } from 'pg';
import { translate } from '../db/failures.ts';
import { BailiwickError } from '../errors.ts';
import { connect } from './connection.ts';
import { claimsOf, type Principal } from './principal.ts';
import { noteSession, refuseNested, runInside, sessionOf } from './running.ts';
import { InnerClient } from './session-client.ts';
import { type SessionContext, type SessionOptions, termsOf } from './terms.ts';

/** The client of a session: node-postgres's own type, for code that takes a `PoolClient`. */
export type SessionClient = PoolClient;

export type Session = {
  /** Takes statements as every client of node-postgres does; all run in the session's transaction. */
  readonly client: PoolClient;
  readonly context: SessionContext;
  /** Keeps everything. @throws {BailiwickError} when nothing was kept, or nobody knows. */
  commit(): Promise<void>;
  /** Undoes everything. May be called after the end, and then does nothing. */
  rollback(): Promise<void>;
};

/**
 * Runs `work` in one transaction, for the principal. It is kept when `work` returns, and undone when it throws.
 *
 * @throws {BailiwickError} UNAUTHENTICATED when the database knows no such principal, UNAVAILABLE when no connection is to be had,
 *   TIMEOUT when it took too long; or whatever `work` threw, as it is.
 */
export async function withSession<Result>(
  pool: Pool,
  principal: Principal,
  work: (client: PoolClient, context: SessionContext) => Result | PromiseLike<Result>,
  options: SessionOptions = {},
): Promise<Result> {
  const session = await openSession(pool, principal, options);
  let result: Result;
  try {
    result = await runInside(pool, sessionOf(session.client).connection, () =>
      work(session.client, session.context),
    );
  } catch (error) {
    await session.rollback();
    throw lossOf(session, error) ?? error;
  }
  await session.commit();
  return result;
}

/**
 * Opens a session for whoever cannot put the work into a function. It has to be ended with `commit` or `rollback`, and ends by itself,
 * undone, after its time.
 *
 * @throws {BailiwickError} as `withSession`.
 */
export async function openSession(
  pool: Pool,
  principal: Principal,
  options: SessionOptions = {},
): Promise<Session> {
  refuseNested(pool);
  const terms = termsOf(options);
  const connection = await connect(pool, claimsOf(principal), terms);
  await connection.begin();
  const client = new InnerClient(connection, terms.readOnly) as unknown as PoolClient;
  const context = noteSession(client, connection);
  return {
    client,
    context,
    async commit() {
      try {
        await connection.commit();
      } finally {
        connection.end();
      }
    },
    async rollback() {
      connection.end();
    },
  };
}

/** The loss of the connection, if that is what work failed of: the driver says it in many words. */
function lossOf(session: Session, error: unknown): Error | undefined {
  const { failure } = sessionOf(session.client).connection;
  if (failure === undefined || (failure as { severity?: unknown }).severity === 'ERROR') {
    return undefined;
  }
  for (let at = error; at instanceof Error && !(at instanceof BailiwickError); at = at.cause) {
    if (translate(at).code === 'UNAVAILABLE') {
      return translate(failure);
    }
  }
  return undefined;
}
