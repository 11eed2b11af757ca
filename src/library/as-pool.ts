// A session as a pool, for query builders that take their connections themselves: all of them are the session's one.
//
// What is lent here runs in the session's transaction, so giving it back ends nothing. Ends no session and opens none.

import type { PoolClient, QueryResult } from 'pg';
import { sessionOf } from './running.ts';

/** As much of a pool as Kysely, Drizzle and their like use. */
export type SessionPool = {
  connect(): Promise<PoolClient>;
  query: PoolClient['query'];
  /** Does nothing: the session ends with its work. */
  end(): Promise<void>;
  on(): SessionPool;
  readonly options: object;
};

/** The client of a session, as a pool of connections. */
export function asPool(client: PoolClient): SessionPool {
  sessionOf(client);
  return new PoolOfOne(client) as unknown as SessionPool;
}

// Drizzle knows a pool by this word in the name of its class
class PoolOfOne {
  readonly #lent: PoolClient;
  readonly options: object = {};

  constructor(client: PoolClient) {
    this.#lent = new Proxy(client, {
      get(target, property) {
        if (property === 'release') {
          return () => undefined;
        }
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  connect(): Promise<PoolClient> {
    return Promise.resolve(this.#lent);
  }

  query(...stated: unknown[]): Promise<QueryResult> {
    return (this.#lent.query as unknown as (...stated: unknown[]) => Promise<QueryResult>)(...stated);
  }

  async end(): Promise<void> {}

  on(): this {
    return this;
  }
}
