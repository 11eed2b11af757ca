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
import type { Answered, exchange, NamedStatement, Settled, TextRow } from './exchange.ts';
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
  connection?: Pick<SealedConnection, 'query' | 'read'>;
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
  besides?: () => NamedStatement | undefined;
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

/** What Prisma is answered to its BEGIN, COMMIT and ROLLBACK. */
const done = (command: string): QueryResult => ({ command, rowCount: null, oid: 0, fields: [], rows: [] });

/** What node-postgres takes and its types do not say. */
type Single = QueryConfig & { readonly queryMode: 'extended' };
const TEXT = { getTypeParser: () => (text: string) => text };

/** How a connection is to be spoken to. */
export type Manners = {
  /** Set where it leads through a pooler. */
  readonly pooled?: Pooled | undefined;
  /** Whether it plans a statement once for all values. */
  readonly plansOnce?: boolean | undefined;
  /** How several statements go out as one, where its driver is the one that this program brings along. */
  readonly exchange?: typeof exchange | undefined;
};

/** An opening that has not been sent, and who is to hear what came of it. */
type Waiting = {
  readonly statements: readonly NamedStatement[];
  readonly timer: NodeJS.Immediate;
  settle(settled: Settled): void;
};

/** What node-postgres keeps below its client. */
type Wired = { readonly connection: { readonly stream: Duplex } };

/** Stands for one transaction on one connection; Prisma's adapter takes it for a pool client. */
export class SealedConnection {
  readonly #client: PoolClient;
  #opening: Opening;
  #deadline: NodeJS.Timeout | undefined;
  readonly #lose: (error: Error) => void;
  readonly #pooled: Pooled | undefined;
  readonly #exchange: typeof exchange | undefined;
  #plansOnce: boolean;
  #state: 'fresh' | 'open' | 'closing' | 'committed' | 'over' = 'fresh';
  /** Statements sent and not answered yet. */
  #unanswered = 0;
  /** The opening waits for the first statement, to go out with it; at most until everything else has had its turn. */
  #waiting: Waiting | undefined;

  constructor(client: PoolClient, session: Opening, limitMs: number, manners: Manners = {}) {
    this.#client = client;
    this.#opening = session;
    this.#pooled = manners.pooled;
    this.#plansOnce = manners.plansOnce ?? false;
    this.#exchange = manners.exchange;
    this.#deadline = setTimeout(() => this.#expire(), limitMs + GRACE);
    this.#deadline.unref();
    // by a name of its own first (docs/decisions/0036-what-an-operation-leaves-behind-is-young.md)
    const lose = (error: Error) => this.#lost(error);
    this.#lose = lose;
    client.on('error', lose);
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
   * Asks a statement of ours, for its rows as text.
   *
   * @param last Whether it is the last of a transaction that only reads. Then what closes it goes out in the same write, so there is one
   *   answer to wait for less; nothing of it counts unless all of it succeeds. COMMIT has been said then, and is taken for a signal as before.
   */
  read(statement: NamedStatement, last = false): Promise<readonly TextRow[]> {
    return this.#noting(() => this.#read(statement, last));
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
    const opening = this.#opening;
    opening.roundTrips += 1;
    const ticket = opening.ticket();
    const open = this.#pooled?.open?.(ticket) ?? { ...OPEN, values: [...ticket] };
    const statements = [BEGIN[`${opening.readOnly}`], open];
    const { expected } = opening;
    if (expected !== undefined) {
      return this.#beginExpecting(statements, expected);
    }
    const context = contextOf(await this.#together(statements));
    if (context?.requestId !== opening.requestId) {
      throw new Error('the database opened the context of another request');
    }
    opening.context = context;
    return done('BEGIN');
  }

  /** Answers at once. The opening goes out with the first statement, whose answer counts only if it established what was expected. */
  #beginExpecting(statements: readonly NamedStatement[], expected: OpenContext): QueryResult {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting = {
      statements,
      timer: setImmediate(() => this.#letGo()),
      settle(settled) {
        try {
          expectSame(expected, contextOf(settled));
          resolve();
        } catch (error) {
          reject(error);
        }
      },
    };
    const opening = this.#opening;
    opening.context = expected;
    opening.established = promise;
    // whoever asks for rows hears of it, and whoever commits
    promise.catch((error: Error) => {
      opening.failure ??= error;
    });
    return done('BEGIN');
  }

  /** Takes what waits for the first statement, to be sent with it. */
  #takeWaiting(): Waiting | undefined {
    const waiting = this.#waiting;
    clearImmediate(waiting?.timer);
    this.#waiting = undefined;
    return waiting;
  }

  /** Sends what waits for the first statement. @returns whether there was something. */
  #letGo(): boolean {
    const waiting = this.#takeWaiting();
    if (waiting === undefined) {
      return false;
    }
    void this.#together(waiting.statements).then((settled) => waiting.settle(settled));
    return true;
  }

  async #ask(statement: QueryConfig): Promise<QueryResult> {
    this.#expect('open');
    const opening = this.#opening;
    opening.statements += 1;
    const behind = this.#unanswered > 0;
    // what is asked in the same breath goes out in the same write
    this.#stream.cork();
    process.nextTick(() => this.#stream.uncork());
    const opens = this.#letGo();
    if (this.#plansOnce && !statement.name) {
      // what has no name is planned for its values (client.ts), and from here on what comes after it
      this.#plansOnce = false;
      this.#send(FOR_VALUES).catch(() => undefined);
    }
    const sent = this.#send(statement);
    if (!opens && !behind) {
      opening.roundTrips += 1;
    }
    if (opening.established !== undefined) {
      // what it failed of is the reason why this fails too
      sent.catch(() => undefined);
      await opening.established;
    }
    return await sent;
  }

  async #read(statement: NamedStatement, last: boolean): Promise<readonly TextRow[]> {
    this.#expect('open');
    const opening = this.#opening;
    if (last && (!opening.readOnly || opening.besides !== undefined)) {
      throw new TypeError('the last statement is that of a transaction that reads and leaves nothing');
    }
    opening.statements += 1;
    const behind = this.#unanswered > 0;
    const waiting = this.#takeWaiting();
    if (waiting === undefined && (last || !behind)) {
      opening.roundTrips += 1;
    }
    if (last) {
      this.#state = 'closing';
    }
    const settled = await this.#together([
      ...(waiting?.statements ?? []),
      statement,
      ...(last ? [this.#closing(), COMMIT] : []),
    ]);
    const [asked, closed, committed] = settled.slice(waiting?.statements.length ?? 0);
    waiting?.settle(settled);
    await opening.established;
    const { rows } = answer(asked);
    if (last) {
      this.#concluded(opening, closed, committed);
      this.#state = 'committed';
      opening.ended = true;
    }
    return rows;
  }

  async #commit(): Promise<QueryResult> {
    const opening = this.#opening;
    if (opening.ended) {
      return done('COMMIT');
    }
    this.#expect('open');
    this.#letGo();
    // from here on a late statement would arrive behind COMMIT, in no transaction
    this.#state = 'closing';
    opening.roundTrips += 1;
    const besides = opening.besides?.();
    const [closed, committed, kept] = await this.#together([
      this.#closing(),
      COMMIT,
      ...(besides === undefined ? [] : [besides]),
    ]);
    await opening.established;
    this.#concluded(opening, closed, committed);
    if (kept?.status === 'rejected') {
      throw failure('BW001', 'what belongs to the transaction was not kept beside it', kept.reason);
    }
    this.#state = 'committed';
    return done('COMMIT');
  }

  /** When the assertion fails, the transaction is aborted before COMMIT arrives, which PostgreSQL then skips, or answers with ROLLBACK. */
  #closing(): NamedStatement {
    return { ...CLOSE, values: [this.#opening.requestId] };
  }

  /** What PostgreSQL made of the assertion and of COMMIT. */
  #concluded(
    opening: Opening,
    closed: Settled[number] | undefined,
    committed: Settled[number] | undefined,
  ): void {
    if (closed?.status === 'rejected' && closed.reason.severity !== undefined) {
      // another's context, or none any more, says nothing about this caller's identity
      throw closed.reason.code === '28000' ? foreign(closed.reason) : closed.reason;
    }
    if (committed?.status === 'rejected' && committed.reason.severity !== 'ERROR') {
      opening.failure ??= failure('08007', 'connection lost before COMMIT was answered', committed.reason);
    }
    const { command } = answer(committed);
    if (answer(closed).rows[0]?.[0] !== opening.requestId || command !== 'COMMIT') {
      throw foreign();
    }
  }

  /** Destroying the connection is the rollback: PostgreSQL undoes what it had open, and nothing of it can come back. */
  async #rollback(): Promise<QueryResult> {
    this.#end(new Error('transaction rolled back'));
    return done('ROLLBACK');
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
  async #together(statements: readonly NamedStatement[]): Promise<Settled> {
    if (this.#exchange !== undefined) {
      this.#unanswered += 1;
      try {
        const unnamed = this.#pooled?.named === false;
        const sent = unnamed ? statements.map((one) => ({ ...one, name: '' })) : statements;
        const settled = await this.#exchange(this.#client, sent);
        return this.#pooled === undefined ? settled : settled.map((one) => this.#truly(one));
      } finally {
        this.#unanswered -= 1;
      }
    }
    this.#stream.cork();
    const answers = statements.map((one) =>
      this.#send({ ...one, rowMode: 'array', types: TEXT } as NamedStatement),
    );
    this.#stream.uncork();
    return (await Promise.allSettled(answers)) as unknown as Settled;
  }

  #truly(one: Settled[number]): Settled[number] {
    return one.status === 'fulfilled' ? one : { ...one, reason: this.#meant(one.reason as Error) };
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
  #lost(error: Error): void {
    if (this.#pooled === undefined || this.#unanswered === 0) {
      this.#fail(this.#meant(error));
    }
  }

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
      // Prisma remembers the last hundred transactions: they are not to hold what a hundred requests have read
      this.#deadline = undefined;
      this.#opening = spent(this.#opening);
      this.#client.removeListener('error', this.#lose);
      this.#client.release(clean ? error : (error ?? true));
      if (this.#unanswered > 0) {
        // the pool would first wait for the answers, and requests for the pool
        this.#stream.destroy();
      }
    }
  }
}

/** What is left of an opening for a connection that has been given back. */
function spent({ requestId, readOnly, roundTrips, statements, ended }: Opening): Opening {
  return {
    ticket() {
      throw failure('25P04', 'ticket for a transaction that is over');
    },
    requestId,
    readOnly,
    roundTrips,
    statements,
    ...(ended ? { ended } : {}),
  };
}

function answer(settled: Settled[number] | undefined): Answered {
  if (settled?.status !== 'fulfilled') {
    throw settled?.reason ?? new TypeError('a statement that was not sent');
  }
  return settled.value;
}

/** What BEGIN and opening the context have established. */
function contextOf([began, opened]: Settled): OpenContext | undefined {
  answer(began);
  const text = answer(opened).rows[0]?.[0];
  return typeof text === 'string' ? (JSON.parse(text) as OpenContext) : undefined;
}

/** An error with the SQLSTATE under which PostgreSQL would report it. */
function failure(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code });
}

function foreign(cause?: unknown): Error {
  return new Error('the transaction that ended was not the one of this request', { cause });
}
