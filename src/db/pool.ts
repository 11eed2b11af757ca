// The pool of connections, and the shield around each transaction on it.
//
// Prisma's interactive transactions have, in several releases, put a connection back while its transaction was still open,
// put it back twice, or sent a statement after the rollback (prisma/orm #29719, #29952, #29762). Under row security each
// of these would show one request's rows to another. So Prisma never holds a real connection: it holds a
// `SealedConnection`, which carries exactly one transaction, opens the sealed context in the round trip of BEGIN, asserts
// it in the round trip of COMMIT, and takes no statement before or after. Whatever ends otherwise is destroyed.

import { AsyncLocalStorage } from 'node:async_hooks';
import pg, { type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import type { PoolConfig } from '../config.ts';
import type { EntityId, RequestId, TenantId } from '../ids.ts';

/** What the database established when the context was opened; the second layer filters by it. */
export type OpenContext = {
  readonly tenantId: TenantId;
  /** Who acts. */
  readonly actorId: EntityId;
  /** Whose rows: the actor itself, or the owner at the root of its chain. */
  readonly ownerId: EntityId;
  /** The world to which the chain is limited. */
  readonly worldId: EntityId | null;
  readonly requestId: RequestId;
  readonly actorKind: 'user' | 'agent' | 'world';
  /** Whether the actor is here as its tenant's administrator. */
  readonly administrator: boolean;
  /** Delegations, the owner's first. */
  readonly chain: readonly string[];
};

/** One transaction's worth of intent, travelling from `withSession` to the pool and back. */
export type Opening = {
  readonly ticket: readonly [ticket: string, mac: string];
  readonly requestId: RequestId;
  readonly readOnly: boolean;
  /** Set by the pool once the database has accepted the ticket. */
  context?: OpenContext;
  /** The first error of the transaction, as the driver saw it. */
  failure?: Error & { code?: string };
  /** Times the server waited for the database: what a slow network would multiply. */
  roundTrips: number;
  /** Statements that Prisma or the kernel's callers sent, without opening and closing. */
  statements: number;
};

/** The session in whose name the current asynchronous call chain runs. */
export const opening = new AsyncLocalStorage<Opening>();

const BEGIN = {
  true: { name: 'bailiwick_begin_ro', text: 'begin isolation level read committed read only' },
  false: { name: 'bailiwick_begin_rw', text: 'begin isolation level read committed read write' },
} as const;
const OPEN = { name: 'bailiwick_open', text: 'select bailiwick.open($1, $2) as context' };
const CLOSE = { name: 'bailiwick_close', text: 'select bailiwick.close($1) as request_id' };
const COMMIT = { name: 'bailiwick_commit', text: 'commit' };

/** Milliseconds after PostgreSQL's own limit at which the shield stops waiting for anybody and destroys the connection. */
const GRACE = 1000;

/** Stands for one transaction on one connection; Prisma's adapter takes it for a pool client. */
class SealedConnection {
  readonly #client: PoolClient;
  readonly #opening: Opening;
  readonly #deadline: NodeJS.Timeout;
  #state: 'fresh' | 'open' | 'committed' | 'over' = 'fresh';

  constructor(client: PoolClient, session: Opening, limitMs: number) {
    this.#client = client;
    this.#opening = session;
    this.#deadline = setTimeout(
      () => this.#end(new Error('transaction outlived its limit')),
      limitMs + GRACE,
    );
    this.#deadline.unref();
  }

  /** Prisma's statements; BEGIN, COMMIT and ROLLBACK are taken as signals and replaced. */
  async query(statement: QueryConfig): Promise<QueryResult> {
    try {
      switch (statement.text) {
        case 'BEGIN':
          return await this.#begin();
        case 'COMMIT':
          return await this.#commit();
        case 'ROLLBACK':
          return await this.#rollback();
        default:
          this.#expect('open');
          this.#opening.roundTrips += 1;
          this.#opening.statements += 1;
          return await this.#client.query(statement);
      }
    } catch (error) {
      this.#opening.failure ??= error as Error;
      throw error;
    }
  }

  /** Ends the loan. Safe to call twice: the pool hears of it once. */
  release(error?: Error | boolean): void {
    this.#end(error || (this.#state === 'committed' ? undefined : new Error('transaction not committed')));
  }

  on(event: 'error', listener: (error: Error) => void): this {
    this.#client.on(event, listener);
    return this;
  }

  removeListener(event: 'error', listener: (error: Error) => void): this {
    this.#client.removeListener(event, listener);
    return this;
  }

  async #begin(): Promise<QueryResult> {
    this.#expect('fresh');
    this.#state = 'open';
    this.#opening.roundTrips += 1;
    const [began, opened] = await this.#together<[QueryResult, QueryResult<{ context: OpenContext }>]>(
      BEGIN[`${this.#opening.readOnly}`],
      { ...OPEN, values: [...this.#opening.ticket] },
    );
    const context = opened.rows[0]?.context;
    if (context?.requestId !== this.#opening.requestId) {
      throw new Error('the database opened the context of another request');
    }
    this.#opening.context = context;
    return began;
  }

  async #commit(): Promise<QueryResult> {
    this.#expect('open');
    this.#opening.roundTrips += 1;
    // When the assertion fails, the transaction is aborted before COMMIT arrives, which PostgreSQL then answers with ROLLBACK.
    const [closed, committed] = await this.#together<[QueryResult<{ request_id: RequestId }>, QueryResult]>(
      { ...CLOSE, values: [this.#opening.requestId] },
      COMMIT,
    );
    if (closed.rows[0]?.request_id !== this.#opening.requestId || committed.command !== 'COMMIT') {
      throw new Error('the transaction that ended was not the one of this request');
    }
    this.#state = 'committed';
    return committed;
  }

  /** Destroying the connection is the rollback: PostgreSQL undoes what it had open, and nothing of it can come back. */
  async #rollback(): Promise<QueryResult> {
    this.#end(new Error('transaction rolled back'));
    return { command: 'ROLLBACK', rowCount: null, oid: 0, fields: [], rows: [] };
  }

  /** Sends statements in one write and waits for all of them, so that no answer is left over on the connection. */
  async #together<Results extends QueryResult[]>(...statements: QueryConfig[]): Promise<Results> {
    const { stream } = (
      this.#client as unknown as {
        connection: { stream: NodeJS.WritableStream & { cork(): void; uncork(): void } };
      }
    ).connection;
    stream.cork();
    const results = statements.map((statement) => this.#client.query(statement));
    stream.uncork();
    const settled = await Promise.allSettled(results);
    const failed = settled.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      throw failed.reason;
    }
    return settled.map((result) => (result as PromiseFulfilledResult<QueryResult>).value) as Results;
  }

  #expect(state: 'fresh' | 'open'): void {
    if (this.#state !== state) {
      throw new Error(`statement in a transaction that is ${this.#state}`);
    }
  }

  #end(error: Error | boolean | undefined): void {
    if (this.#state !== 'over') {
      const clean = this.#state === 'committed' && this.#client.getTransactionStatus() === 'I';
      this.#state = 'over';
      clearTimeout(this.#deadline);
      this.#client.release(clean ? error : (error ?? true));
    }
  }
}

/** The connections of the runtime role. Lends sealed transactions to Prisma, and nothing to anybody else. */
export class SealedPool extends pg.Pool {
  readonly #limitMs: number;

  /**
   * @param url Connection of the role `bailiwick_runtime`.
   * @param limits Size and times; PostgreSQL enforces the times itself, below Prisma's.
   * @param serverVersion `server_version_num`; from 170000 on the database can limit whole transactions.
   */
  constructor(url: string, limits: PoolConfig, serverVersion: number) {
    super({
      connectionString: url,
      application_name: 'bailiwick',
      max: limits.size,
      connectionTimeoutMillis: limits.waitMs,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      pipeline: true,
      statement_timeout: limits.statementMs,
      idle_in_transaction_session_timeout: limits.statementMs,
      ...(serverVersion >= 170_000 ? { options: `-c transaction_timeout=${limits.transactionMs}` } : {}),
    });
    this.#limitMs = limits.transactionMs;
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
    try {
      const client = await super.connect();
      if (client.getTransactionStatus() !== 'I') {
        client.release(true);
        throw new Error('the pool lent a connection inside a transaction');
      }
      return new SealedConnection(client, session, this.#limitMs) as unknown as PoolClient;
    } catch (error) {
      session.failure ??= error as Error;
      throw error;
    }
  }

  /** Whether PostgreSQL answers. Reads nothing and carries no context. */
  async ping(): Promise<void> {
    const client = await super.connect();
    const answered = await client.query({ name: 'bailiwick_ping', text: 'select 1' }).then(
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
