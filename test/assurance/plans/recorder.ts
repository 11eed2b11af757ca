// What the server really sends: text and values of every statement about rows, taken where the product hands them to its
// driver. Opening and closing of sessions are left out, as they are the same for all.
//
// It changes nothing and judges nothing; the statements go on to the database as they came.

import pg from 'pg';
import { Exchange } from '../../../src/db/exchange.ts';
import { opening } from '../../../src/db/pool.ts';

export type Statement = { readonly text: string; readonly values: readonly unknown[] };

export type Recorder = {
  /** By request id. */
  readonly sessions: ReadonlyMap<string, readonly Statement[]>;
  stop(): void;
};

/** Records from now on, whichever pool the statements go through. */
export function record(): Recorder {
  const sessions = new Map<string, Statement[]>();
  const original = pg.Client.prototype.query as (this: pg.Client, ...args: unknown[]) => unknown;
  pg.Client.prototype.query = function query(this: pg.Client, ...args: unknown[]): never {
    const session = opening.getStore();
    const sent = args[0] as pg.QueryConfig | Exchange;
    for (const { text, values = [], name } of sent instanceof Exchange ? sent.statements : [sent]) {
      if (session !== undefined && !name?.startsWith('bailiwick_')) {
        const statements = sessions.get(session.requestId) ?? [];
        statements.push({ text, values });
        sessions.set(session.requestId, statements);
      }
    }
    // pg declares this function for every way of calling it, and none of them is this one
    return original.apply(this, args) as never;
  };
  return {
    sessions,
    stop() {
      pg.Client.prototype.query = original as typeof pg.Client.prototype.query;
    },
  };
}
