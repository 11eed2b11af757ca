// What the database's refusals mean to a caller: one table from SQLSTATE to the closed list of error codes.
//
// Nothing of the database's own words gets out: no message, no detail, no name of a constraint or policy, because each of
// them can tell about rows out of sight. The original error is kept as the cause, for the log. Error codes: PostgreSQL
// documentation, appendix A.

import { BailiwickError, type ErrorCode } from '../errors.ts';

const BY_SQLSTATE: ReadonlyMap<string, ErrorCode> = new Map([
  ['28000', 'UNAUTHENTICATED'], // the kernel refuses the context
  ['42501', 'FORBIDDEN'], //       row security or a missing privilege
  ['23503', 'NOT_FOUND'], //       refers to a row that does not exist, or that is not the caller's to refer to
  ['23001', 'CONFLICT'], //        still referred to
  ['23505', 'CONFLICT'], //        unique
  ['23P01', 'CONFLICT'], //        exclusion
  ['40001', 'CONFLICT'], //        serialization failure
  ['40P01', 'CONFLICT'], //        deadlock
  ['55P03', 'CONFLICT'], //        lock not available
  ['23502', 'BAD_USER_INPUT'], //  not null
  ['23514', 'BAD_USER_INPUT'], //  check
  ['22001', 'BAD_USER_INPUT'], //  too long
  ['22003', 'BAD_USER_INPUT'], //  out of range
  ['22007', 'BAD_USER_INPUT'], //  not a time
  ['22008', 'BAD_USER_INPUT'], //  no such time
  ['22021', 'BAD_USER_INPUT'], //  not a character, such as NUL
  ['22P02', 'BAD_USER_INPUT'], //  not of the type
  ['22P05', 'BAD_USER_INPUT'], //  not a character
  ['57014', 'TIMEOUT'], //         statement_timeout
  ['25P03', 'TIMEOUT'], //         idle_in_transaction_session_timeout
  ['25P04', 'TIMEOUT'], //         transaction_timeout
  ['08007', 'UNAVAILABLE'], //     COMMIT was sent and never answered
  ['53100', 'UNAVAILABLE'], //     disk full
  ['53200', 'UNAVAILABLE'], //     out of memory
  ['53300', 'UNAVAILABLE'], //     too many connections
  ['53400', 'UNAVAILABLE'],
  ['57P01', 'UNAVAILABLE'], //     the server is shutting down
  ['57P02', 'UNAVAILABLE'],
  ['57P03', 'UNAVAILABLE'],
  ['57P05', 'UNAVAILABLE'], //     idle_session_timeout
  ['ECONNREFUSED', 'UNAVAILABLE'],
  ['ECONNRESET', 'UNAVAILABLE'],
  ['EHOSTUNREACH', 'UNAVAILABLE'],
  ['EPIPE', 'UNAVAILABLE'],
  ['ENOENT', 'UNAVAILABLE'], //    the socket of a server that is not running
  ['ETIMEDOUT', 'UNAVAILABLE'],
  ['BW001', 'UNAVAILABLE'], //     receipts of what was read could not be written
  ['P2025', 'NOT_FOUND'], //       Prisma: an operation on one row found none
]);

const BY_MESSAGE: readonly (readonly [fragment: string, code: ErrorCode])[] = [
  ['timeout exceeded when trying to connect', 'UNAVAILABLE'], // the pool is exhausted
  ['Connection terminated', 'UNAVAILABLE'],
  ['connection error and is not queryable', 'UNAVAILABLE'], // it ended before the first statement
  ['Unable to start a transaction in the given time', 'UNAVAILABLE'], // Prisma: nobody answered BEGIN
  ['on an expired transaction', 'TIMEOUT'], // Prisma: its own limit, which PostgreSQL's should have forestalled
];

/** Where the code's own sentence would promise too much. */
const WORDS: ReadonlyMap<string, string> = new Map([
  [
    'BW001',
    'What was read could not be written down, so it is not shown. What was to be changed is changed: read again before you retry.',
  ],
  ['08007', 'The connection was lost while the work was being kept; read again before you retry.'],
]);

type Thrown = { readonly code?: unknown; readonly message?: unknown; readonly detail?: unknown };

/**
 * The error to answer with.
 *
 * @param error What came out of the transaction.
 * @param first The first error the driver saw in it, which later ones only follow from.
 */
export function translate(error: unknown, first?: Error & { code?: string }): BailiwickError {
  if (error instanceof BailiwickError && first === undefined) {
    return error;
  }
  for (const candidate of [first, error] as (Thrown | undefined)[]) {
    const sqlstate = String(candidate?.code);
    if (sqlstate === '28000' && String(candidate?.detail).startsWith('ticket: ')) {
      // no caller writes tickets: this server's clock or key is wrong, and whoever asked is not to blame
      const cause = new Error(`the database does not believe this server: ${candidate?.detail}`, {
        cause: candidate,
      });
      return new BailiwickError('UNAVAILABLE', undefined, { cause });
    }
    const code =
      BY_SQLSTATE.get(sqlstate) ??
      BY_MESSAGE.find(([fragment]) => String(candidate?.message).includes(fragment))?.[1];
    if (code !== undefined) {
      return new BailiwickError(code, WORDS.get(sqlstate), { cause: first ?? error });
    }
  }
  return error instanceof BailiwickError
    ? error
    : new BailiwickError('INTERNAL', undefined, { cause: first ?? error });
}
