// What stands between a connection and PostgreSQL: nothing, or a pooler such as PgBouncer, which lends one backend to many connections, a
// transaction at a time.
//
// The URL says it (`?pooler=transaction`), so that whoever is given a URL knows how to speak through it; `openDatabase` writes it there
// from DATABASE_POOLER. What then changes is here: no names for statements, no settings at the start of a connection, and other last words.

import type { PoolConfig } from '../config.ts';
import type { NamedStatement } from './exchange.ts';

/** How a pooler lends: by transactions; and perhaps it knows the names of prepared statements (PgBouncer from 1.21 on does). */
export type PoolerMode = 'transaction' | 'transaction-prepared';

/** What a transaction through a pooler does otherwise than one without. */
export type Pooled = {
  /** Whether statements may have names. Without, each is parsed anew: a name would be another connection's, or nobody's. */
  readonly named: boolean;
  /** The statement that opens the context, where it also sets the limits that no connection can bring with it. */
  readonly open?: (ticket: readonly [ticket: string, mac: string]) => NamedStatement;
};

/** The mode in which a URL leads through a pooler; undefined where it leads to PostgreSQL itself. */
export function poolerOf(url: string): PoolerMode | undefined {
  const mode = URL.parse(url)?.searchParams.get('pooler') ?? undefined;
  if (mode !== undefined && mode !== 'transaction' && mode !== 'transaction-prepared') {
    throw new TypeError(`no such mode of a pooler: ${mode}`);
  }
  return mode;
}

/** The same URL, saying through what it leads. */
export function throughPooler(url: string, mode: PoolerMode | undefined): string {
  if (mode === undefined) {
    return url;
  }
  const said = new URL(url);
  said.searchParams.set('pooler', mode);
  return said.href;
}

/**
 * The limits that PostgreSQL is to enforce, as settings of one transaction.
 *
 * A pooler refuses them at the start of a connection, or drops them, and left on a backend they would be somebody else's. So they ride in
 * the statement that opens the context: no round trip more, and in force before any other statement. Until then the role's own hold
 * (prisma/roles.sql), and so they do for COMMIT.
 *
 * @param serverVersion `server_version_num`; from 170000 on the database can limit whole transactions.
 */
export function pooled(
  mode: PoolerMode,
  { statementMs, transactionMs }: Pick<PoolConfig, 'statementMs' | 'transactionMs'>,
  serverVersion: number,
): Pooled {
  const limits = {
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: statementMs,
    ...(serverVersion >= 170_000 ? { transaction_timeout: transactionMs } : {}),
  };
  const settings = Object.keys(limits).map((name, at) => `set_config('${name}', $${at + 3}, true)`);
  const text = `select bailiwick.open($1, $2) as context, ${settings.join(', ')}`;
  const values = Object.values(limits).map(String);
  return {
    named: mode === 'transaction-prepared',
    open: (ticket) => ({ name: 'bailiwick_open_within', text, values: [...ticket, ...values] }),
  };
}

/**
 * What an error through a pooler tells. A fatal one may be the pooler's own, and then says nothing of what became of the statement: as
 * little as a connection that was lost, and so it is taken for that. PostgreSQL's own are passed on as they are, but while a commit is
 * on its way one that looks like PostgreSQL's can still be of another moment.
 *
 * @param committing Whether COMMIT was sent.
 */
export function lossOf(error: Error & { code?: string; severity?: string }, committing: boolean): Error {
  return error.code === '08P01' || (committing && error.severity === 'FATAL')
    ? new Error('Connection terminated by the pooler', { cause: error })
    : error;
}
