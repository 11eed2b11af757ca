// Asks the running session's connection, in its transaction, for the rows of a statement: as text, as PostgreSQL writes it.
//
// Prisma began the transaction and ends it; between the two it is not asked. Receipts are noted here as they are where Prisma reads.

import type { QueryConfig } from 'pg';
import { statementName } from '../client.ts';
import { opening, runningSession } from '../pool.ts';
import { noteRow } from '../receipts.ts';
import { type Level, type Places, type Statement, statementOf, type Wanted } from './statement.ts';

/** A row as PostgreSQL writes its values. */
export type TextRow = readonly (string | null)[];

export type Read = { readonly rows: readonly TextRow[]; readonly places: Places };

/** What node-postgres takes and its types do not say. */
type AsText = QueryConfig & { readonly rowMode: 'array'; readonly types: typeof TEXT };

const TEXT = { getTypeParser: () => (text: string) => text };

/**
 * The rows of a page and of what belongs to it, in order.
 *
 * @param last Whether nothing else will be asked in this session: then it ends with it, unless it has something to leave (receipts).
 * @throws {NotDirect} where only Prisma can be asked; nothing was sent then.
 */
export async function readDirectly(level: Level, last: boolean): Promise<Read> {
  const statement = statementOf(level, runningSession().context);
  const rows = await ask(statement, last);
  const read = opening.getStore()?.read;
  if (read !== undefined) {
    for (const row of rows) {
      noteLevel(level, row, statement.places, read);
    }
  }
  return { rows, places: statement.places };
}

async function ask({ text, values }: Statement, last: boolean): Promise<readonly TextRow[]> {
  const { connection, read } = opening.getStore() ?? {};
  if (connection === undefined) {
    throw new TypeError('no statement outside a session: use withSession');
  }
  const question: AsText = {
    name: statementName(text),
    text,
    values: [...values],
    rowMode: 'array',
    types: TEXT,
  };
  const answered = last && read === undefined ? connection.last(question) : connection.query(question);
  return (await answered).rows as unknown as readonly TextRow[];
}

type Noted = Map<string, Set<string>>;

function noteLevel({ wanted, below }: Level, row: TextRow, places: Places, read: Noted): void {
  noteWanted(wanted, row, places, read);
  if (below !== undefined && places.below !== undefined) {
    noteLevel(below, row, places.below, read);
  }
}

function noteWanted({ model, singles }: Wanted, row: TextRow, places: Places, read: Noted): void {
  const id = row[places.id];
  if (typeof id !== 'string') {
    return;
  }
  noteRow(model, id, read);
  for (const [relation, wanted] of singles) {
    const there = places.singles.get(relation);
    if (there !== undefined) {
      noteWanted(wanted, row, there, read);
    }
  }
}
