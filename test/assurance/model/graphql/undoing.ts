// Nothing that a mutation does may stay: where the product sends COMMIT, ROLLBACK goes to PostgreSQL instead, after a look at what would have been
// kept. Everything else of an exchange goes as it is, and its answers come back as the product expects them.

import type pg from 'pg';
import { nameOf } from '../../../../src/assurance/world.ts';
import { Exchange, type Settled } from '../../../../src/db/exchange.ts';
import { opening, type SealedPool } from '../../../../src/db/pool.ts';
import { CHANGES } from './changes.ts';

/**
 * Turns every COMMIT into a look and ROLLBACK, and answers as COMMIT would. A connection whose transaction failed is rolled
 * back and kept, where the product destroys it: what it answered is settled by then, and making a new one takes longer.
 *
 * @returns what would have been kept, by request id.
 */
export function undoing(pool: SealedPool): Map<string, string[]> {
  const changes = new Map<string, string[]>();
  pool.on('connect', (connection) => {
    const query = connection.query.bind(connection) as (statement: unknown) => Promise<pg.QueryResult>;
    connection.query = ((statement: Exchange | pg.QueryConfig) =>
      query(
        statement instanceof Exchange ? undone(statement, opening.getStore()?.requestId, changes) : statement,
      )) as typeof connection.query;
    // the pool gives a connection a new `release` with every loan
    let release = connection.release;
    Object.defineProperty(connection, 'release', {
      get: () => release,
      set(give: typeof release) {
        release = (error) => {
          if (error instanceof Error && error.message === 'transaction rolled back') {
            query('rollback').then(() => give(), give);
          } else {
            give(error);
          }
        };
      },
    });
  });
  return changes;
}

const plain = (text: string) => ({ name: '', text });
const ROLLBACK = plain('rollback');

/** The same exchange, with a look and ROLLBACK in the place of COMMIT; what is kept beside it is not kept either. */
function undone(sent: Exchange, requestId: string | undefined, changes: Map<string, string[]>): Exchange {
  const instead = sent.statements.map((one) =>
    one.name === 'bailiwick_commit'
      ? [CHANGES, ROLLBACK]
      : one.name === 'bailiwick_receipts'
        ? [plain('begin'), one, ROLLBACK]
        : [one],
  );
  return new Exchange(instead.flat(), (settled) => {
    let at = 0;
    sent.settle(
      sent.statements.map(({ name }, nth): Settled[number] => {
        const of = settled.slice(at, at + (instead[nth]?.length ?? 0));
        at += of.length;
        const failed = of.find(({ status }) => status === 'rejected');
        const [first, second = first] = of;
        if (failed !== undefined || first?.status !== 'fulfilled' || second?.status !== 'fulfilled') {
          return failed ?? { status: 'rejected', reason: new Error('nothing was answered') };
        }
        if (name === 'bailiwick_commit') {
          note(requestId, first.value.rows[0]?.[0], changes);
          return { status: 'fulfilled', value: { command: 'COMMIT', rows: [] } };
        }
        return name === 'bailiwick_receipts' ? second : first;
      }),
    );
  });
}

function note(
  requestId: string | undefined,
  looked: string | null | undefined,
  changes: Map<string, string[]>,
): void {
  if (requestId !== undefined && typeof looked === 'string') {
    const change = JSON.parse(looked) as string[];
    changes.set(requestId, [...(changes.get(requestId) ?? []), ...change.map(named)]);
  }
}

/** `~agents <tenant>/<id>` by names. */
function named(change: string): string {
  return change.replaceAll(/[0-9a-f-]{36}/g, nameOf);
}
