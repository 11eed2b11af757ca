// Statements of ours on the running session's connection, in its transaction. Prisma began that and ends it; between the two it is not asked.
//
// What is sent before another is answered goes out behind it: PostgreSQL takes both in their order.

import type { QueryConfig, QueryResult } from 'pg';
import { statementName } from '../client.ts';
import { opening } from '../pool.ts';

/** What node-postgres takes and its types do not say. */
type Question = QueryConfig & { readonly rowMode?: 'array'; readonly types?: unknown };

/**
 * Asks one statement, prepared under a name of its own.
 *
 * @param last Whether nothing else will be asked in this session: then it ends with it, unless it has something to leave (receipts).
 */
export function ask(question: Question & { readonly text: string }, last = false): Promise<QueryResult> {
  const { connection, read } = opening.getStore() ?? {};
  if (connection === undefined) {
    throw new TypeError('no statement outside a session: use withSession');
  }
  const named = { ...question, name: statementName(question.text) };
  return last && read === undefined ? connection.last(named) : connection.query(named);
}
