// Statements of ours on the running session's connection, in its transaction. Prisma began that and ends it; between the two it is not asked.
//
// What is sent before another is answered goes out behind it: PostgreSQL takes both in their order.

import type { QueryConfig, QueryResult } from 'pg';
import { statementName } from '../client.ts';
import type { TextRow } from '../exchange.ts';
import { opening } from '../pool.ts';
import type { Opening } from '../sealed-connection.ts';

type Question = QueryConfig & { readonly text: string };

/** Asks one statement, prepared under a name of its own. */
export function ask(question: Question): Promise<QueryResult> {
  return running().connection.query({ ...question, name: statementName(question.text) });
}

/**
 * The same, for its rows as text.
 *
 * @param last Whether nothing else will be asked in this session: then it ends with it, unless it has something to leave (receipts).
 */
export function askForText(question: Question, last = false): Promise<readonly TextRow[]> {
  const { connection, read } = running();
  return connection.read({ ...question, name: statementName(question.text) }, last && read === undefined);
}

function running(): Opening & { readonly connection: NonNullable<Opening['connection']> } {
  const session = opening.getStore();
  if (session?.connection === undefined) {
    throw new TypeError('no statement outside a session: use withSession');
  }
  return session as ReturnType<typeof running>;
}
