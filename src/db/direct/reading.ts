// Rows of a page and of what belongs to it, as text, as PostgreSQL writes it. Receipts are noted here as they are where Prisma reads.

import type { TextRow } from '../exchange.ts';
import { opening, runningSession } from '../pool.ts';
import { noteRow } from '../receipts.ts';
import { askForText } from './asking.ts';
import { openRows } from './opening.ts';
import { type Level, type Places, statementOf, type Wanted } from './statement.ts';

export type Read = { readonly rows: readonly TextRow[]; readonly places: Places };

/**
 * The rows of a page and of what belongs to it, in order.
 *
 * @param last Whether nothing else will be asked in this session: then it ends with it, unless it has something to leave (receipts).
 * @throws {NotDirect} where only Prisma can be asked: something cannot be said, and then nothing was sent, or cannot be opened here.
 */
export async function readDirectly(level: Level, last: boolean): Promise<Read> {
  const statement = statementOf(level, runningSession().context);
  const rows = await askForText({ text: statement.text, values: [...statement.values] }, last);
  const read = opening.getStore()?.read;
  if (read !== undefined) {
    for (const row of rows) {
      noteLevel(level, row, statement.places, read);
    }
  }
  openRows(level, rows, statement.places);
  return { rows, places: statement.places };
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
