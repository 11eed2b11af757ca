// The pool of connections, and the shield around each transaction on it.
//
// Prisma's interactive transactions have, in several releases, put a connection back while its transaction was still open,
// put it back twice, or sent a statement after the rollback (prisma/orm #29719, #29952, #29762). Under row security each
// of these would show one request's rows to another. So Prisma never holds a real connection: for each session the pool
// lends one `SealedConnection`, which carries exactly one transaction and never becomes anybody else's.

import { AsyncLocalStorage } from 'node:async_hooks';
import pg, { type PoolClient } from 'pg';
import type { PoolConfig } from '../config.ts';
import { exchange } from './exchange.ts';
import { type Pooled, pooled, poolerOf } from './pooler.ts';
import { type Opening, SealedConnection } from './sealed-connection.ts';

/** The session in whose name the current asynchronous call chain runs. */
export const opening = new AsyncLocalStorage<Opening>();

/** What the database established for the running session, and the client of its transaction. */
export function runningSession(): Required<Pick<Opening, 'context' | 'db'>> {
  const { context, db } = opening.getStore() ?? {};
  if (context === undefined || db === undefined) {
    throw new TypeError('no query outside a session: use withSession');
  }
  return { context, db };
}

/** The connections of the runtime role. Lends sealed transactions to Prisma, and nothing to anybody else. */
export class SealedPool extends pg.Pool {
  readonly #limitMs: number;
  readonly #pooled: Pooled | undefined;
  readonly #plansOnce: boolean;

  /**
   * @param url Connection of the role `bailiwick_runtime`; says whether it leads through a pooler.
   * @param limits Size and times; PostgreSQL enforces the times itself, below Prisma's.
   * @param serverVersion `server_version_num`; from 170000 on the database can limit whole transactions.
   * @param plansOnce Whether a named statement is planned once for all values (decision 33); no, where the database is distributed.
   */
  constructor(url: string, limits: PoolConfig, serverVersion: number, plansOnce = true) {
    const mode = poolerOf(url);
    super({
      connectionString: url,
      application_name: 'bailiwick',
      max: limits.size,
      connectionTimeoutMillis: limits.waitMs,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      pipeline: true,
      ...(mode === undefined ? startUp(limits, serverVersion, plansOnce) : {}),
    });
    this.#limitMs = limits.transactionMs;
    this.#pooled = mode && pooled(mode, limits, serverVersion);
    // through a pooler the setting is the operator's
    this.#plansOnce = mode === undefined && plansOnce;
    // The pool drops an idle connection that the server closes; without a listener the process would end with it. The
    // error carries the whole client, whose cancel key and addresses belong in no log.
    this.on('error', (error: Error & { client?: unknown }) => {
      delete error.client;
    });
    // The same for a connection that ends in the instant in which it is handed over: the pool listens no longer, and the
    // borrower not yet. The borrower learns of it from its first statement.
    this.on('connect', (client) => client.on('error', () => undefined));
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
      throw new TypeError('a sealed pool lends by promise only');
    }
    return this.#lend();
  }

  async #lend(): Promise<PoolClient> {
    const session = opening.getStore();
    if (session === undefined) {
      throw new TypeError('no statement outside a session: use withSession');
    }
    if (session.lent) {
      throw new TypeError("a session has one transaction: use the session's db");
    }
    session.lent = true;
    try {
      const client = await super.connect();
      if (client.getTransactionStatus() !== 'I') {
        client.release(true);
        throw new Error('the pool lent a connection inside a transaction');
      }
      const sealed = new SealedConnection(client, session, this.#limitMs, {
        pooled: this.#pooled,
        plansOnce: this.#plansOnce,
        exchange,
      });
      session.connection = sealed;
      return sealed as unknown as PoolClient;
    } catch (error) {
      session.failure ??= error as Error;
      throw error;
    }
  }

  /** Whether PostgreSQL answers. Reads nothing and carries no context. */
  async ping(): Promise<void> {
    const client = await super.connect();
    const name = this.#pooled?.named === false ? '' : 'bailiwick_ping';
    const question = { name, text: 'select 1', query_timeout: this.#limitMs };
    const answered = await client.query(question).then(
      () => undefined,
      (error: Error) => error,
    );
    client.release(answered);
    if (answered !== undefined) {
      throw answered;
    }
  }

  override query(): never {
    throw new TypeError('no statement outside a session: use withSession');
  }
}

/** The limits of every transaction of a connection, and how its statements are planned, as settings that it starts with. */
function startUp(
  { statementMs, transactionMs }: PoolConfig,
  serverVersion: number,
  plansOnce: boolean,
): pg.PoolConfig {
  const options = [
    ...(serverVersion >= 170_000 ? [`-c transaction_timeout=${transactionMs}`] : []),
    ...(plansOnce ? ['-c plan_cache_mode=force_generic_plan'] : []),
  ];
  return {
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: statementMs,
    ...(options.length > 0 ? { options: options.join(' ') } : {}),
  };
}
