// One session's transaction on one lent connection: opened with the ticket, limited in time, closed with the assertion.
//
// The shield is src/db/sealed-connection.ts, the server's own. Added here is what an application's pool needs: time limits that the
// pool's settings may lack, and a look at what the session leaves on the connection before somebody else gets it.

import type { Pool, PoolClient, QueryConfig, QueryResult } from 'pg';
import { translate } from '../db/failures.ts';
import { type OpenContext, type Opening, SealedConnection } from '../db/sealed-connection.ts';
import { type AdoptedClaims, issueTicket } from '../db/ticket.ts';
import { BailiwickError, PostureError } from '../errors.ts';
import { type Lent, take } from './lending.ts';
import type { Terms } from './terms.ts';

/** Milliseconds by which PostgreSQL's limit lies above the session's own: it is for applications that are gone. */
const GRACE = 1000;

// tighter than what the connection has, never wider
const LIMITS = {
  name: 'bailiwick_limits',
  text: `select current_setting('role') as role,
    (select count(set_config(name, $1 || 'ms', true)) from unnest(array['statement_timeout', 'idle_in_transaction_session_timeout']) name
      where current_setting(name)::interval not between interval '1 microsecond' and ($1 || ' milliseconds')::interval) as limited`,
};
const LEFT = {
  name: 'bailiwick_left',
  text: `select current_setting('role') is distinct from $1 or pg_my_temp_schema() <> 0
      or exists (select from pg_prepared_statements where from_sql) as something,
    concat(current_setting('bailiwick_adoption.marks', true), current_setting('bailiwick_adoption.aside', true)) <> '' as observed`,
};
/** What a transaction that could only read has counted in the shadow phase is written down after it. */
const KEEP = 'select bailiwick_adoption.keep_observed()';

/** Why a session is not kept that leaves something where no pooler takes it away. */
const LEFT_BEHIND =
  'a temporary table, a role or a statement of PREPARE would stay on a backend that the pooler gives to others: nothing was kept';

/** Why a session that ended takes nothing more. */
const OVER = 'this session is over, and its client answers nobody';

export class SessionConnection {
  readonly #sealed: SealedConnection;
  readonly #lent: Lent;
  readonly #opening: Opening;
  readonly #limitMs: number;
  readonly #pooler: Terms['pooler'];
  readonly #timer: NodeJS.Timeout;
  #role: unknown;
  #ending = false;
  #over: Error | undefined;
  #expire: (error: BailiwickError) => void = () => undefined;
  /** Fails when the session has run out of time; never fulfils. */
  readonly expired: Promise<never>;

  constructor(lent: Lent, claims: AdoptedClaims, { key, readOnly, limitMs, pooler }: Terms) {
    this.#lent = lent;
    this.#pooler = pooler;
    this.#limitMs = limitMs;
    this.#opening = {
      ticket: () => issueTicket(claims, key),
      requestId: claims.requestId,
      readOnly,
      roundTrips: 0,
      statements: 0,
    };
    const pooled = pooler && { named: pooler === 'transaction-prepared' };
    this.#sealed = new SealedConnection(lent as unknown as PoolClient, this.#opening, limitMs, { pooled });
    this.expired = new Promise((_, reject) => {
      this.#expire = reject;
    });
    // whoever does not wait for it is told by the next statement
    this.expired.catch(() => undefined);
    this.#timer = setTimeout(() => this.#runOut(), limitMs);
    this.#timer.unref();
  }

  get live(): boolean {
    return this.#over === undefined && !this.#ending;
  }

  get driver(): PoolClient {
    return this.#lent.driver;
  }

  get context(): OpenContext | undefined {
    return this.#opening.context;
  }

  /** The first error of the transaction, as the driver saw it. */
  get failure(): Error | undefined {
    return this.#opening.failure;
  }

  /** @throws {BailiwickError} UNAUTHENTICATED, UNAVAILABLE, TIMEOUT. @throws {PostureError} where the database is not ready for it. */
  async begin(): Promise<QueryResult> {
    const began = this.#sealed.query({ text: 'BEGIN' });
    const limits = () => this.#sealed.query({ ...LIMITS, values: [String(this.#limitMs + GRACE)] });
    const [begin, limited] = await Promise.allSettled([
      began,
      this.#lent.pipelined ? limits() : began.then(limits),
    ]);
    if (begin.status === 'rejected' || limited.status === 'rejected') {
      const reason = begin.status === 'rejected' ? begin.reason : (limited as PromiseRejectedResult).reason;
      const refusal = this.#over ?? unopened(reason);
      this.end(refusal);
      throw refusal;
    }
    this.#role = limited.value.rows[0]?.role;
    return begin.value;
  }

  async send(statement: QueryConfig): Promise<QueryResult> {
    if (this.#over !== undefined || this.#ending) {
      throw this.#over ?? new TypeError(OVER);
    }
    let result: QueryResult;
    try {
      result = await this.#sealed.query(statement);
    } catch (error) {
      throw this.#over ?? error;
    }
    if (this.#lent.status === 'I' && this.live) {
      const ended = new TypeError('a statement has ended the transaction of its session');
      this.end(ended);
      throw ended;
    }
    return result;
  }

  /** A failure was undone by a savepoint, and is none of the session's. */
  recovered(): void {
    delete this.#opening.failure;
  }

  /** Asserts and commits. The connection is still to be given back: `end`. */
  async commit(): Promise<QueryResult> {
    if (!this.live) {
      throw this.#over ?? new TypeError(OVER);
    }
    this.#ending = true;
    clearTimeout(this.#timer);
    const left = this.#sealed.query({ ...LEFT, values: [this.#role] });
    if (this.#pooler !== undefined && (await left).rows[0]?.something !== false) {
      // once it is committed, the pooler gives the backend to somebody else, and this connection's end would not end it
      const error = new TypeError(LEFT_BEHIND);
      this.end(error);
      throw error;
    }
    const commit = () => this.#sealed.query({ text: 'COMMIT' });
    const [seen, committed] = await Promise.allSettled([
      left,
      this.#lent.pipelined ? commit() : left.then(commit, commit),
    ]);
    this.#lent.tainted = seen.status === 'rejected' || seen.value.rows[0]?.something !== false;
    if (committed.status === 'rejected') {
      throw translate(committed.reason, this.#opening.failure);
    }
    if (this.#opening.readOnly && seen.status === 'fulfilled' && seen.value.rows[0]?.observed === true) {
      // what was committed is committed: a report that misses something is no reason to say otherwise
      await this.#lent.driver.query(KEEP).catch(() => {
        this.#lent.tainted = true;
      });
    }
    return committed.value;
  }

  /** Gives the connection back, or, unless the transaction was committed, destroys it: the rollback. */
  end(error?: Error): void {
    clearTimeout(this.#timer);
    this.#over ??= error ?? new TypeError(OVER);
    this.#sealed.release(error);
  }

  #runOut(): void {
    const cause = new Error(`a session was still open after its ${this.#limitMs} ms`);
    const error = new BailiwickError('TIMEOUT', undefined, { cause });
    this.end(error);
    this.#expire(error);
  }
}

/** @throws {BailiwickError} UNAVAILABLE when no connection is to be had. */
export async function connect(pool: Pool, claims: AdoptedClaims, terms: Terms): Promise<SessionConnection> {
  const lent = await take(pool, terms.waitMs).catch((error: unknown) => {
    throw error instanceof TypeError ? error : translate(error);
  });
  return new SessionConnection(lent, claims, terms);
}

/** Why the database opened no context. */
function unopened(error: Error & { code?: string }): Error {
  switch (error.code) {
    case '3F000':
    case '42883':
      return new PostureError('This database opens no sessions:', [
        `${error.message}: its tables have not been adopted yet, see \`bailiwick adopt plan\``,
      ]);
    case '42501':
      return new PostureError('This role opens no sessions:', [
        `${error.message}: name the role under \`roles\` in the declaration, and run \`bailiwick adopt backfill\``,
      ]);
    default:
      return translate(error);
  }
}
