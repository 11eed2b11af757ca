// One transaction on one connection, and nothing before or after it: what Prisma is given instead of a connection.
// One file because which statement may go out when, and what becomes of the connection after it, is one automaton.
//
// It opens the sealed context in the round trip of BEGIN, with which the first statement may travel where it is known what to expect (expected.ts),
// asserts it in the round trip of COMMIT, and takes no statement outside the two, whoever sends it and however late. Whatever ends otherwise is destroyed, never given back. It decides
// nothing about access, and it does not know whose transaction it is: the ticket and the database do.

import type { Duplex } from 'node:stream';
import type { PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import type { EntityId, RequestId, TenantId } from '../ids.ts';
import type { Transaction } from './client.ts';
import { expectSame } from './expected.ts';
import { lossOf, type Pooled } from './pooler.ts';

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
  /** What proved who acts: `token`, `key:<id>`, or `service:<name>` when nobody does. */
  readonly credential: string;
  /** Whether what is read is to be written down. */
  readonly receipts: boolean;
};

/** One transaction's worth of intent, travelling from `withSession` to the pool and back. */
export type Opening = {
  /** Signs a ticket at the last moment: it lives for seconds, and waiting for a connection may take longer. */
  readonly ticket: () => readonly [ticket: string, mac: string];
  readonly requestId: RequestId;
  readonly readOnly: boolean;
  /** Set by the pool when a connection is asked for: a session has one transaction. */
  lent?: true;
  /** Set by the pool: where statements of ours go that Prisma does not make (direct/reading.ts). */
  connection?: Pick<SealedConnection, 'query' | 'last'>;
  /** Set by the connection: the transaction is closed and committed, whoever is still to say so. */
  ended?: true;
  /** Set by the pool once the database has accepted the ticket; or before, to what is expected. */
  context?: OpenContext;
  /** What the database is expected to establish; then statements do not wait for it, and count only if it did. */
  readonly expected?: OpenContext | undefined;
  /** Set by the pool where something is expected: fulfilled when that was established, rejected when it was not. */
  established?: Promise<void>;
  /** Set by `withSession`: the client of the transaction. */
  db?: Transaction;
  /** The first error of the transaction, as the driver saw it. */
  failure?: Error & { code?: string };
  /** Times the server waited for the database: what a slow network would multiply. */
  roundTrips: number;
  /** Statements that Prisma or the kernel's callers sent, without opening and closing. */
  statements: number;
  /** Set by `withSession` where what is read is to be written down: ids of rows, by model. */
  read?: Map<string, Set<string>>;
  /** Set by `withSession`: what is to be kept beside the transaction, in one of its own; asked for when everything in it is done. */
  besides?: () => QueryConfig | undefined;
};

const BEGIN = {
  true: { name: 'bailiwick_begin_ro', text: 'begin isolation level read committed read only' },
  false: { name: 'bailiwick_begin_rw', text: 'begin isolation level read committed read write' },
} as const;
const OPEN = { name: 'bailiwick_open', text: 'select bailiwick.open($1, $2) as context' };
const CLOSE = { name: 'bailiwick_close', text: 'select bailiwick.close($1) as request_id' };
const COMMIT = { name: 'bailiwick_commit', text: 'commit' };

const FOR_VALUES = { name: 'bailiwick_for_values', text: 'set local plan_cache_mode = force_custom_plan' };

/** Milliseconds after PostgreSQL's own limit at which the shield stops waiting for anybody and destroys the connection. */
const GRACE = 1000;

type Closed = { readonly request_id: RequestId };

/** The answer to a COMMIT that went out before. */
const COMMITTED: QueryResult = { command: 'COMMIT', rowCount: null, oid: 0, fields: [], rows: [] };

/** What node-postgres takes and its types do not say. */
type Single = QueryConfig & { readonly queryMode: 'extended' };

/** What node-postgres keeps below its client. */
type Wired = { readonly connection: { readonly stream: Duplex } };

/** Stands for one transaction on one connection; Prisma's adapter takes it for a pool client. */
export class SealedConnection {
  readonly #client: PoolClient;
  readonly #opening: Opening;
  readonly #deadline: NodeJS.Timeout;
  readonly #pooled: Pooled | undefined;
  #plansOnce: boolean;
  #state: 'fresh' | 'open' | 'closing' | 'committed' | 'over' = 'fresh';
  /** Statements sent and not answered yet. */
  #unanswered = 0;
  /** The opening waits for the first statement, to go out with it; at most until everything else has had its turn. */
  #waiting: NodeJS.Immediate | undefined;

  /**
   * @param pooled Set where the connection leads through a pooler.
   * @param plansOnce Whether the connection plans a statement once for all values.
   */
  constructor(client: PoolClient, session: Opening, limitMs: number, pooled?: Pooled, plansOnce = false) {
    this.#client = client;
    this.#opening = session;
    this.#pooled = pooled;
    this.#plansOnce = plansOnce;
    this.#deadline = setTimeout(() => this.#expire(), limitMs + GRACE);
    this.#deadline.unref();
    client.on('error', this.#lose);
  }

  /** Prisma's statements; BEGIN, COMMIT and ROLLBACK are taken as signals and replaced. */
  query(statement: QueryConfig): Promise<QueryResult> {
    switch (statement.text) {
      case 'BEGIN':
        return this.#noting(() => this.#begin());
      case 'COMMIT':
        return this.#noting(() => this.#commit());
      case 'ROLLBACK':
        return this.#noting(() => this.#rollback());
      default:
        return this.#noting(() => this.#ask(statement));
    }
  }

  /**
   * The last statement of a transaction that only reads. What closes it goes out in the same write, so there is one answer to wait for less;
   * nothing of it counts unless all of it succeeds. COMMIT has been said then, and is taken for a signal as before.
   */
  last(statement: QueryConfig): Promise<QueryResult> {
    return this.#noting(() => this.#askLast(statement));
  }

  /** Does something, and keeps the reason if it fails. */
  async #noting<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (this.#state === 'over') {
        // follows from the end; the reason for that is recorded already, or it is the caller's own
        throw failure('25P04', 'statement in a transaction that is over', error);
      }
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
    const ticket = this.#opening.ticket();
    const open = this.#pooled?.open?.(ticket) ?? { ...OPEN, values: [...ticket] };
    const { expected } = this.#opening;
    if (expected !== undefined) {
      return this.#beginExpecting(open, expected);
    }
    const [began, opened] = await this.#together<{ context: OpenContext }>(
      BEGIN[`${this.#opening.readOnly}`],
      open,
    );
    const result = answer(began);
    const context = answer(opened).rows[0]?.context;
    if (context?.requestId !== this.#opening.requestId) {
      throw new Error('the database opened the context of another request');
    }
    this.#opening.context = context;
    return result;
  }

  /** Answers at once. The opening goes out with the first statement, whose answer counts only if it established what was expected. */
  #beginExpecting(open: QueryConfig, expected: OpenContext): QueryResult {
    this.#stream.cork();
    const answers = [
      this.#send(BEGIN[`${this.#opening.readOnly}`]),
      this.#send<{ context: OpenContext }>(open),
    ] as const;
    this.#waiting = setImmediate(() => this.#letGo());
    this.#opening.context = expected;
    this.#opening.established = Promise.allSettled(answers).then(([began, opened]) => {
      answer(began);
      expectSame(expected, answer(opened).rows[0]?.context);
    });
    // whoever asks for rows hears of it, and whoever commits
    this.#opening.established.catch((error: Error) => {
      this.#opening.failure ??= error;
    });
    return { command: 'BEGIN', rowCount: null, oid: 0, fields: [], rows: [] };
  }

  /** Sends what waits for the first statement. @returns whether there was something. */
  #letGo(): boolean {
    if (this.#waiting === undefined) {
      return false;
    }
    clearImmediate(this.#waiting);
    this.#waiting = undefined;
    this.#stream.uncork();
    return true;
  }

  async #ask(statement: QueryConfig): Promise<QueryResult> {
    this.#expect('open');
    this.#opening.statements += 1;
    const behind = this.#unanswered > 0;
    // what is asked in the same breath goes out in the same write
    this.#stream.cork();
    process.nextTick(() => this.#stream.uncork());
    if (this.#plansOnce && !statement.name) {
      // what has no name is planned for its values (client.ts), and from here on what comes after it
      this.#plansOnce = false;
      this.#send(FOR_VALUES).catch(() => undefined);
    }
    const sent = this.#send(statement);
    if (!this.#letGo() && !behind) {
      this.#opening.roundTrips += 1;
    }
    if (this.#opening.established !== undefined) {
      // what it failed of is the reason why this fails too
      sent.catch(() => undefined);
      await this.#opening.established;
    }
    return await sent;
  }

  async #askLast(statement: QueryConfig): Promise<QueryResult> {
    this.#expect('open');
    if (!this.#opening.readOnly || this.#opening.besides !== undefined) {
      throw new TypeError('the last statement is that of a transaction that reads and leaves nothing');
    }
    this.#opening.statements += 1;
    this.#state = 'closing';
    const alone = this.#waiting === undefined;
    if (alone) {
      this.#opening.roundTrips += 1;
      this.#stream.cork();
    }
    const answers = [this.#send(statement), this.#send<Closed>(this.#closing()), this.#send(COMMIT)] as const;
    if (alone) {
      this.#stream.uncork();
    } else {
      this.#letGo();
    }
    const [asked, closed, committed] = await Promise.allSettled(answers);
    await this.#opening.established;
    const result = answer(asked);
    this.#concluded(closed, committed);
    this.#state = 'committed';
    this.#opening.ended = true;
    return result;
  }

  async #commit(): Promise<QueryResult> {
    if (this.#opening.ended) {
      return COMMITTED;
    }
    this.#expect('open');
    this.#letGo();
    // from here on a late statement would arrive behind COMMIT, in no transaction
    this.#state = 'closing';
    this.#opening.roundTrips += 1;
    const besides = this.#opening.besides?.();
    const [closed, committed, kept] = await this.#together<Closed>(
      this.#closing(),
      COMMIT,
      ...(besides === undefined ? [] : [besides]),
    );
    await this.#opening.established;
    const result = this.#concluded(closed, committed);
    if (kept?.status === 'rejected') {
      throw failure('BW001', 'what belongs to the transaction was not kept beside it', kept.reason);
    }
    this.#state = 'committed';
    return result;
  }

  /** When the assertion fails, the transaction is aborted before COMMIT arrives, which PostgreSQL then answers with ROLLBACK. */
  #closing(): QueryConfig {
    return { ...CLOSE, values: [this.#opening.requestId] };
  }

  /** What PostgreSQL made of the assertion and of COMMIT. */
  #concluded(
    closed: PromiseSettledResult<QueryResult<Closed>>,
    committed: PromiseSettledResult<QueryResult>,
  ): QueryResult {
    if (closed.status === 'rejected' && closed.reason.severity !== undefined) {
      // another's context, or none any more, says nothing about this caller's identity
      throw closed.reason.code === '28000' ? foreign(closed.reason) : closed.reason;
    }
    if (committed.status === 'rejected' && committed.reason.severity !== 'ERROR') {
      this.#opening.failure ??= failure(
        '08007',
        'connection lost before COMMIT was answered',
        committed.reason,
      );
    }
    const result = answer(committed);
    if (answer(closed).rows[0]?.request_id !== this.#opening.requestId || result.command !== 'COMMIT') {
      throw foreign();
    }
    return result;
  }

  /** Destroying the connection is the rollback: PostgreSQL undoes what it had open, and nothing of it can come back. */
  async #rollback(): Promise<QueryResult> {
    this.#end(new Error('transaction rolled back'));
    return { command: 'ROLLBACK', rowCount: null, oid: 0, fields: [], rows: [] };
  }

  async #send<Row extends QueryResultRow>(statement: QueryConfig): Promise<QueryResult<Row>> {
    this.#unanswered += 1;
    try {
      // one statement and no other, also where it has neither a name nor values: the simple protocol would take several
      const single: Single =
        this.#pooled?.named === false
          ? { ...statement, name: '', queryMode: 'extended' }
          : { ...statement, queryMode: 'extended' };
      return await this.#client.query<Row>(single);
    } catch (error) {
      throw this.#meant(error as Error);
    } finally {
      this.#unanswered -= 1;
    }
  }

  /** Sends statements in one write and waits for all, so that no answer is left over on the connection. */
  async #together<Row extends QueryResultRow>(
    first: QueryConfig,
    second: QueryConfig,
    ...others: readonly QueryConfig[]
  ) {
    this.#stream.cork();
    const answers = [
      this.#send<Row>(first),
      this.#send<Row>(second),
      ...others.map((one) => this.#send<Row>(one)),
    ] as const;
    this.#stream.uncork();
    return Promise.allSettled(answers);
  }

  get #stream(): Duplex {
    return (this.#client as unknown as Wired).connection.stream;
  }

  #expect(state: 'fresh' | 'open'): void {
    if (this.#state !== state) {
      throw new Error(`statement in a transaction that is ${this.#state}`);
    }
  }

  /** The connection was lost between two statements, when there was nobody to tell; whom a pooler says it to besides, an answer tells better. */
  readonly #lose = (error: Error): void => {
    if (this.#pooled === undefined || this.#unanswered === 0) {
      this.#fail(this.#meant(error));
    }
  };

  /** What an error tells, which through a pooler is not always what it says. */
  #meant(error: Error): Error {
    return this.#pooled === undefined ? error : lossOf(error, this.#state === 'closing');
  }

  #expire(): void {
    this.#fail(failure('25P04', 'transaction outlived its limit'));
    this.#end(new Error('transaction outlived its limit'));
    // a server that does not answer would not notice a farewell either
    this.#stream.destroy();
  }

  #fail(error: Error): void {
    // between COMMIT and its answer nobody knows what was kept; #commit says so
    if (this.#state !== 'closing') {
      this.#opening.failure ??= error;
    }
  }

  #end(error: Error | boolean | undefined): void {
    if (this.#state !== 'over') {
      const clean = this.#state === 'committed' && this.#client.getTransactionStatus() === 'I';
      this.#state = 'over';
      clearTimeout(this.#deadline);
      this.#letGo();
      this.#client.removeListener('error', this.#lose);
      this.#client.release(clean ? error : (error ?? true));
      if (this.#unanswered > 0) {
        // the pool would first wait for the answers, and requests for the pool
        this.#stream.destroy();
      }
    }
  }
}

function answer<Result>(settled: PromiseSettledResult<Result>): Result {
  if (settled.status === 'rejected') {
    throw settled.reason;
  }
  return settled.value;
}

/** An error with the SQLSTATE under which PostgreSQL would report it. */
function failure(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code });
}

function foreign(cause?: unknown): Error {
  return new Error('the transaction that ended was not the one of this request', { cause });
}
