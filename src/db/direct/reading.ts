// Rows of a page and of what belongs to it, as text, as PostgreSQL writes it. Receipts are noted here as they are where Prisma reads.

import { opening, runningSession } from '../pool.ts';
import { noteRow } from '../receipts.ts';
import { ask } from './asking.ts';
import { type Level, type Places, type Statement, statementOf, type Wanted } from './statement.ts';

/** A row as PostgreSQL writes its values. */
export type TextRow = readonly (string | null)[];

export type Read = { readonly rows: readonly TextRow[]; readonly places: Places };

const TEXT = { getTypeParser: () => (text: string) => text };

/**
 * The rows of a page and of what belongs to it, in order.
 *
 * @param last Whether nothing else will be asked in this session: then it ends with it, unless it has something to leave (receipts).
 * @throws {NotDirect} where only Prisma can be asked; nothing was sent then.
 */
export async function readDirectly(level: Level, last: boolean): Promise<Read> {
  const statement = statementOf(level, runningSession().context);
  const rows = await textOf(statement, last);
  const read = opening.getStore()?.read;
  if (read !== undefined) {
    for (const row of rows) {
      noteLevel(level, row, statement.places, read);
    }
  }
  return { rows, places: statement.places };
}

async function textOf({ text, values }: Statement, last: boolean): Promise<readonly TextRow[]> {
  const { rows } = await ask({ text, values: [...values], rowMode: 'array', types: TEXT }, last);
  return rows as unknown as readonly TextRow[];
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
