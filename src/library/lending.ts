// A connection of the application's own pool, lent to one session.
//
// The pool is of any version of node-postgres and configured for whatever the application did before. So waiting for it is bounded, a
// connection that somebody gave back inside a transaction is not taken, and what a session leaves on one goes with it.

import type { Pool, PoolClient, QueryConfig, QueryResult } from 'pg';
import { BailiwickError } from '../errors.ts';

/** What of node-postgres's client is used; older versions have less of it. */
type Lendable = PoolClient & {
  pipeline?: boolean;
  getTransactionStatus?: () => string | null;
  readonly connection?: { readonly stream?: unknown };
};

/** A pool client, as `SealedConnection` wants one. */
export class Lent {
  readonly #client: Lendable;
  readonly #pipeline: boolean | undefined;
  /** Set when something is left on the connection that its next user must not find. */
  tainted = false;

  constructor(client: Lendable) {
    this.#client = client;
    this.#pipeline = client.pipeline;
    if (this.pipelined) {
      // several statements in one round trip; every version that has the setting reads it at each statement
      client.pipeline = true;
    }
  }

  get pipelined(): boolean {
    return this.#pipeline !== undefined;
  }

  get connection() {
    return this.#client.connection;
  }

  /** The driver's own client, for what needs no server. */
  get driver(): PoolClient {
    return this.#client;
  }

  query(config: QueryConfig): Promise<QueryResult> {
    return this.#client.query(config);
  }

  on(event: 'error', listener: (error: Error) => void): this {
    this.#client.on(event, listener);
    return this;
  }

  removeListener(event: 'error', listener: (error: Error) => void): this {
    this.#client.removeListener(event, listener);
    return this;
  }

  /** I outside of a transaction, T inside, E in one that has failed; undefined where the driver does not say. */
  get status(): string | undefined {
    return this.#client.getTransactionStatus?.() ?? undefined;
  }

  getTransactionStatus(): string {
    return this.status ?? 'I';
  }

  release(error?: Error | boolean): void {
    if (this.#pipeline !== undefined) {
      this.#client.pipeline = this.#pipeline;
    }
    const gone = error || this.tainted;
    const own = new Set(this.#client.listeners('error'));
    this.#client.release(gone);
    if (gone) {
      // The server may have something to say to it yet. Nobody misses it, so it is no loss, as which the pool would report it: and a pool
      // that nobody listens to ends the process with that.
      for (const listener of this.#client.listeners('error') as ((error: Error) => void)[]) {
        if (!own.has(listener)) {
          this.#client.removeListener('error', listener);
        }
      }
      this.#client.on('error', () => undefined);
    }
  }
}

/**
 * Takes a connection.
 *
 * @throws {BailiwickError} UNAVAILABLE when none is free within `waitMs`.
 */
export async function take(pool: Pool, waitMs: number): Promise<Lent> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const client = (await within(pool, deadline - Date.now(), waitMs)) as Lendable | undefined;
    if (typeof client?.release !== 'function') {
      throw new TypeError('a session needs a pg.Pool');
    }
    if (client.connection?.stream === undefined) {
      client.release();
      throw new TypeError('a session needs the JavaScript client of node-postgres, not pg-native');
    }
    const lent = new Lent(client);
    if (lent.status === undefined || lent.status === 'I') {
      return lent;
    }
    // given back inside a transaction: nobody knows whose
    lent.release(true);
  }
}

function within(pool: Pool, ms: number, waitMs: number): Promise<PoolClient> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      const { totalCount, waitingCount } = pool;
      const cause = new Error(
        `no connection was free for ${waitMs} ms (${totalCount} in the pool, ${waitingCount} waiting): inside a session its client is to be used, not the pool`,
      );
      reject(new BailiwickError('UNAVAILABLE', undefined, { cause }));
    }, ms);
    pool.connect().then(
      (client) => {
        clearTimeout(timer);
        if (late) {
          client.release();
        } else {
          resolve(client);
        }
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
