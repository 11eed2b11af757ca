// A session: one operation, one transaction, one sealed context. The only door to the rows.
//
// Opening costs one round trip, together with BEGIN, or none where a query's caller is known and the first statement rides along (expected.ts);
// closing costs one, in which the database asserts that the transaction still belongs to this request and then commits. PostgreSQL's time limits lie below Prisma's, so that it is
// always the database that ends a transaction first. This module decides nothing about access.

import { BailiwickError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { DatabaseClient, Transaction } from './client.ts';
import { type Expectations, Unexpected } from './expected.ts';
import { translate } from './failures.ts';
import { opening } from './pool.ts';
import { receiptsOf } from './receipts.ts';
import type { Replica } from './replica.ts';
import type { OpenContext, Opening } from './sealed-connection.ts';
import { issueTicket, type ServiceClaims, type TicketClaims, type TicketKey } from './ticket.ts';

/** What work inside a session can use. */
export type Session = OpenContext & {
  /** The transaction's client: every query through it is filtered by tenant and owner, and by the database. */
  readonly db: Transaction;
  /** What its transaction has come to so far. */
  readonly course: Course;
  /** Fulfilled when the database has opened the context; until then it is what was expected, and nothing that is read counts. */
  readonly established: Promise<void>;
};

/**
 * What a transaction has come to. Not the intent itself: that can sign tickets, and what a session holds may end up in a log.
 *
 * A class, as is everything with an accessor that is made for each operation (docs/decisions/0036-what-an-operation-leaves-behind-is-young.md).
 */
export class Course {
  readonly #intent: Opening;

  constructor(intent: Opening) {
    this.#intent = intent;
  }

  get roundTrips(): number {
    return this.#intent.roundTrips;
  }

  get statements(): number {
    return this.#intent.statements;
  }

  /** Whether it is committed already, with the statement that was said to be the last. */
  get ended(): boolean {
    return this.#intent.ended ?? false;
  }
}

export type SessionOptions = {
  /** PostgreSQL refuses every write in it. */
  readonly readOnly: boolean;
  /** The root fields that are asked for, as receipts of what is read name them. */
  readonly fields?: readonly string[] | undefined;
  /** Whether work may begin before the context is established, where one is expected. It only reads, and may be done twice. */
  readonly repeatable?: boolean | undefined;
};

/** How to open sessions: a client on a sealed pool, the key that signs tickets, and the longest transaction. */
export type Database = {
  readonly client: DatabaseClient;
  readonly ticketKey: TicketKey;
  readonly transactionMs: number;
  readonly waitMs: number;
  /** What is known of callers; left out, every session waits for its context. */
  readonly expectations?: Expectations | undefined;
  /** A standby, for what may be late. */
  readonly replica?: Replica | undefined;
};

/** Milliseconds by which Prisma's own limits lie above PostgreSQL's. */
const HEADROOM = 5000;

/** Thrown by work to roll its transaction back while keeping what it found; a failure of the database goes first. */
export class Rollback<Value> extends Error {
  readonly value: Value;

  constructor(value: Value) {
    super('rolled back on purpose');
    this.value = value;
  }
}

/**
 * Runs `work` in one transaction under the context that the claims establish.
 *
 * @returns what `work` returns, after the transaction is committed; or the value of a `Rollback` it threw.
 * @throws {BailiwickError} UNAUTHENTICATED when the database knows no such subject or chain, UNAVAILABLE when no
 *   connection is to be had, TIMEOUT when PostgreSQL ended the transaction, or whatever `work` threw.
 */
export async function withSession<Result>(
  database: Database,
  claims: TicketClaims,
  { readOnly, fields, repeatable = false }: SessionOptions,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const expectations = readOnly && repeatable ? database.expectations : undefined;
  let issuedAt = 0;
  const intent: Opening = {
    ticket() {
      issuedAt = Date.now();
      return issueTicket(claims, database.ticketKey, issuedAt);
    },
    requestId: claims.requestId,
    readOnly,
    expected: expectations?.of(claims),
    roundTrips: 0,
    statements: 0,
  };
  const course = new Course(intent);
  return opening.run(intent, async () => {
    try {
      return await database.client.$transaction(
        async (db) => {
          if (intent.context === undefined) {
            throw new BailiwickError('INTERNAL', undefined, {
              cause: new Error('transaction without a context'),
            });
          }
          intent.db = db;
          if (intent.context.receipts) {
            intent.read = new Map();
            intent.besides = receiptsOf(intent.context, intent.read, database.ticketKey, issuedAt, fields);
          }
          const result = await work({
            ...intent.context,
            db,
            course,
            established: intent.established ?? Promise.resolve(),
          });
          if (intent.expected === undefined) {
            expectations?.learn(claims, intent.context);
          }
          return result;
        },
        { maxWait: database.waitMs + HEADROOM, timeout: database.transactionMs + HEADROOM },
      );
    } catch (error) {
      if (intent.expected !== undefined) {
        expectations?.forget(claims);
        if (intent.failure instanceof Unexpected) {
          return await withSession(database, claims, { readOnly, fields, repeatable }, work);
        }
      }
      if (error instanceof Rollback && intent.failure === undefined) {
        return error.value as Result;
      }
      throw translate(error, intent.failure);
    }
  });
}

/** What the server can do as one of its own services: statements of its own, and no model, because it has no rows. */
export type ServiceSession = Pick<Transaction, '$queryRaw'>;

/**
 * Runs `work` in one transaction of the server itself, which works for nobody: it has no tenant and sees what the policies
 * open to this service alone.
 *
 * @throws {BailiwickError} as `withSession`.
 */
export function withService<Result>(
  database: Database,
  service: ServiceClaims['service'],
  options: SessionOptions,
  work: (db: ServiceSession) => Promise<Result>,
): Promise<Result> {
  return withSession(database, { kind: 'service', service, requestId: newId() }, options, ({ db }) =>
    work(db),
  );
}
