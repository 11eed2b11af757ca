// bailiwick/prisma: an adopter's own Prisma client, whose every query runs in a session. `sealedAdapter` takes the place of the adapter,
// and the extension `bailiwick()` adds `$as`. Outside of `$as` every query is refused.
//
// Prisma never holds a connection: it is lent one transaction, as the server's own client is (src/db/pool.ts).

import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { PrismaPg } from '@prisma/adapter-pg';
import { Prisma } from '@prisma/client/extension';
import pg, { type Pool, type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import { translate } from '../db/failures.ts';
import type { AdoptedClaims } from '../db/ticket.ts';
import { connect, type SessionConnection } from './connection.ts';
import { claimsOf, type Principal } from './principal.ts';
import { noteSession, refuseNested, runInside } from './running.ts';
import { meaningOf } from './statement.ts';
import { type SessionContext, type SessionOptions, type Terms, termsOf } from './terms.ts';

export type { Key, Principal } from './principal.ts';
export type { SessionContext, SessionOptions } from './terms.ts';

/** One `$as`, on its way from there to the adapter and back. */
type Asked = {
  readonly claims: AdoptedClaims;
  readonly terms: Terms;
  lent?: { readonly pool: Pool; connection?: SessionConnection };
  /** Why there is no session, or why it was not kept. */
  failure?: unknown;
};

const asked = new AsyncLocalStorage<Asked>();
const OUTSIDE = 'no query outside of a session: use prisma.$as(principal, (db) => …)';

/** Milliseconds by which Prisma's own limits lie above the session's. */
const HEADROOM = 5000;

/** A driver adapter for `new PrismaClient({ adapter })` on a pool of the application's, which stays the application's to end. */
export function sealedAdapter(pool: Pool, options?: ConstructorParameters<typeof PrismaPg>[1]): PrismaPg {
  return new PrismaPg(new SealedLoans(pool), options);
}

/** What works inside `$as`: the client of its transaction. */
export type Inside<Client> = Client extends {
  $transaction(work: (db: infer Db) => Promise<unknown>, ...options: never[]): unknown;
}
  ? Db
  : never;

/**
 * The extension: `prisma.$extends(bailiwick())`.
 *
 * @param always Options of every session, unless `$as` is given others.
 */
export function bailiwick(always: SessionOptions = {}) {
  return Prisma.defineExtension({
    name: 'bailiwick',
    client: {
      /**
       * Runs `work` in one transaction for the principal. It is kept when `work` returns, and undone when it throws.
       *
       * @throws {BailiwickError} as `withSession`.
       */
      async $as<This, Result>(
        this: This,
        principal: Principal,
        work: (db: Inside<This>, context: SessionContext) => Result | PromiseLike<Result>,
        options: SessionOptions = {},
      ): Promise<Result> {
        const asking: Asked = { claims: claimsOf(principal), terms: termsOf({ ...always, ...options }) };
        const client = Prisma.getExtensionContext(this) as unknown as Transacting<Inside<This> & object>;
        return run(asking, client, work);
      },
    },
  });
}

type Transacting<Db extends object> = {
  $transaction<Result>(
    work: (db: Db) => Promise<Result>,
    options: { readonly maxWait: number; readonly timeout: number },
  ): Promise<Result>;
};

async function run<Db extends object, Result>(
  asking: Asked,
  client: Transacting<Db>,
  work: (db: Db, context: SessionContext) => Result | PromiseLike<Result>,
): Promise<Result> {
  const { waitMs, limitMs } = asking.terms;
  let thrown: { readonly error: unknown } | undefined;
  const inside = async (db: Db): Promise<Result> => {
    const { pool, connection } = asking.lent ?? {};
    if (pool === undefined || connection === undefined) {
      throw new TypeError('this client has another adapter: make it with sealedAdapter(pool)');
    }
    try {
      const context = noteSession(db, connection);
      return await runInside(pool, connection, () => work(db, context));
    } catch (error) {
      thrown = { error };
      throw error;
    }
  };
  try {
    const limits = { maxWait: waitMs + HEADROOM, timeout: limitMs + HEADROOM };
    return await asked.run(asking, () => client.$transaction(inside, limits));
  } catch (error) {
    throw reasonOf(asking, thrown, error);
  }
}

function reasonOf(
  { failure, lent }: Asked,
  thrown: { readonly error: unknown } | undefined,
  error: unknown,
): unknown {
  if (failure !== undefined) {
    return failure;
  }
  const first = lent?.connection?.failure;
  const lost = first !== undefined && (first as { severity?: unknown }).severity !== 'ERROR';
  // Prisma's own errors of a lost connection name neither it nor its time
  const own = thrown !== undefined && !/^(Prisma|DriverAdapter)/.test(String((thrown.error as Error)?.name));
  return thrown !== undefined && (own || !lost)
    ? thrown.error
    : error instanceof TypeError
      ? error
      : translate(error, first);
}

/** The application's pool, as Prisma sees it: lends sealed transactions, and nothing to anybody else. */
class SealedLoans extends pg.Pool {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    // makes no connection of its own
    super({ max: 1 });
    this.#pool = pool;
  }

  // Declared with both of pg's signatures; Prisma's adapter uses the promise.
  override connect(): Promise<PoolClient>;
  override connect(
    callback: (
      error: Error | undefined,
      client: PoolClient | undefined,
      done: (release?: unknown) => void,
    ) => void,
  ): void;
  override connect(callback?: unknown): Promise<PoolClient> | undefined {
    if (callback !== undefined) {
      throw new TypeError('a sealed adapter lends by promise only');
    }
    return this.#lend();
  }

  override query(): never {
    throw new TypeError(OUTSIDE);
  }

  async #lend(): Promise<PoolClient> {
    const asking = asked.getStore();
    if (asking === undefined) {
      throw new TypeError(OUTSIDE);
    }
    if (asking.lent !== undefined) {
      throw new TypeError('$as has one transaction: use the db that its work is given');
    }
    const lent: Asked['lent'] = { pool: this.#pool };
    asking.lent = lent;
    try {
      refuseNested(this.#pool);
      lent.connection = await connect(this.#pool, asking.claims, asking.terms);
    } catch (error) {
      asking.failure = error;
      throw error;
    }
    return new Loan(lent.connection, asking) as unknown as PoolClient;
  }
}

/** One transaction; BEGIN, COMMIT and ROLLBACK are Prisma's signals. */
class Loan extends EventEmitter {
  readonly #connection: SessionConnection;
  readonly #asking: Asked;

  constructor(connection: SessionConnection, asking: Asked) {
    super();
    this.#connection = connection;
    this.#asking = asking;
  }

  async query(statement: QueryConfig): Promise<QueryResult> {
    switch (statement.text) {
      case 'BEGIN':
        return this.#noting(this.#connection.begin());
      case 'COMMIT':
        return this.#noting(this.#connection.commit());
      case 'ROLLBACK':
        this.#connection.end(new TypeError('this session is over, and its client answers nobody'));
        return { command: 'ROLLBACK', rowCount: null, oid: 0, fields: [], rows: [] };
    }
    const meaning = meaningOf(statement.text);
    if (meaning.is === 'refused') {
      throw new TypeError(meaning.why);
    }
    if (meaning.is === 'begin' || meaning.is === 'commit' || meaning.is === 'rollback') {
      throw new TypeError(
        'the transaction of $as is kept when its work returns, and undone when its work throws',
      );
    }
    const result = await this.#connection.send(statement);
    if (meaning.is === 'rollback to') {
      this.#connection.recovered();
    }
    return result;
  }

  release(error?: Error | boolean): void {
    this.#connection.end(error instanceof Error ? error : undefined);
  }

  async #noting(asked: Promise<QueryResult>): Promise<QueryResult> {
    try {
      return await asked;
    } catch (error) {
      this.#asking.failure = error;
      throw error;
    }
  }
}
