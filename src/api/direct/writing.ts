// Writes the JSON of an answer from rows of text.
//
// A row that holds null where the schema allows none is not written (NotDirect): then the whole operation is resolved, which says what is wrong
// with it.

import { NotDirect, tableOf } from '../../db/direct/filter.ts';
import type { Places } from '../../db/direct/statement.ts';
import type { TextRow } from '../../db/exchange.ts';
import type { Connection, PageOf } from '../keyset.ts';
import type { Member, PageSelection, RowSelection } from './selection.ts';
import { isoOf } from './values.ts';

/** What was answered: rows in order, where in them things stand, and the pages that they are of, the outermost first. */
export type Answered = {
  readonly rows: readonly TextRow[];
  readonly places: Places;
  readonly pages: readonly PageOf[];
};

/** A row of a page: the values that it was ordered by, and the rows of the answer in which it stands. */
type Item = Record<string, unknown> & { readonly id: string; readonly [ROWS]: readonly TextRow[] };
const ROWS = Symbol('rows of the answer');

/** @throws {NotDirect} */
export function writePage(selection: PageSelection, { rows, places, pages }: Answered): string {
  const [page, ...inner] = pages;
  if (page === undefined) {
    throw new TypeError('a page without its query');
  }
  const connection = page.page.connection(itemsOf(selection, rows, places));
  let text = '';
  for (const member of selection.members) {
    text += member.before;
    switch (member.kind) {
      case 'constant':
        text += member.text;
        break;
      case 'info':
        text += writeInfo(member.members, connection.pageInfo);
        break;
      default:
        text += '[';
        for (const [at, edge] of connection.edges.entries()) {
          text += at === 0 ? '' : ',';
          for (const part of member.members) {
            text += part.before;
            text +=
              part.kind === 'constant'
                ? part.text
                : part.kind === 'cursor'
                  ? JSON.stringify(edge.cursor)
                  : writeRow(selection.row, edge.node[ROWS], places, inner);
          }
          text += '}';
        }
        text += ']';
    }
  }
  return `${text}}`;
}

type InfoMembers = Extract<PageSelection['members'][number], { kind: 'info' }>['members'];

function writeInfo(members: InfoMembers, info: Connection<Item>['pageInfo']): string {
  return `${members.map((one) => `${one.before}${one.kind === 'constant' ? one.text : JSON.stringify(info[one.kind])}`).join('')}}`;
}

/** The rows of a page; one that has a page below it stands in as many rows of the answer, which follow each other. */
function itemsOf({ row: { wanted } }: PageSelection, rows: readonly TextRow[], places: Places): Item[] {
  const { columns } = tableOf(wanted.model);
  const ordering = [...places.order].map(([field, at]) => [field, at, columns[field]?.type] as const);
  const items: Item[] = [];
  let together: TextRow[] = [];
  let last: string | undefined;
  for (const row of rows) {
    const id = row[places.id];
    if (id === null || id === undefined) {
      continue;
    }
    if (id === last) {
      together.push(row);
      continue;
    }
    together = [row];
    last = id;
    const item: Record<string, unknown> & { [ROWS]?: readonly TextRow[] } = { id, [ROWS]: together };
    for (const [field, at, type] of ordering) {
      const value = row[at];
      item[field] = type === 'Timestamptz' && typeof value === 'string' ? isoOf(value) : value;
    }
    items.push(item as Item);
  }
  return items;
}

/** One row by itself. @throws {NotDirect} */
export function writeNode(selection: RowSelection, row: TextRow, places: Places): string {
  return writeRow(selection, [row], places, []);
}

function writeRow(
  { members }: RowSelection,
  rows: readonly TextRow[],
  places: Places,
  inner: readonly PageOf[],
): string {
  const [row] = rows;
  if (row === undefined) {
    throw new TypeError('a row that is none');
  }
  return writeMembers(members, row, places, (page) => {
    if (places.below === undefined) {
      throw new TypeError('a page that was not asked for');
    }
    return writePage(page, { rows, places: places.below, pages: inner });
  });
}

function writeMembers(
  members: readonly Member[],
  row: TextRow,
  places: Places,
  pageBelow: (page: PageSelection) => string,
): string {
  // of an interface, a selection may have nothing for this type
  let text = members.length === 0 ? '{' : '';
  for (const member of members) {
    text += member.before;
    switch (member.kind) {
      case 'constant':
        text += member.text;
        break;
      case 'page':
        text += pageBelow(member.page);
        break;
      case 'single': {
        const there = places.singles.get(member.relation);
        const known = there !== undefined && typeof row[there.id] === 'string';
        text += known ? writeMembers(member.members, row, there, pageBelow) : nothing(member.nullable);
        break;
      }
      default: {
        const of = member.through === undefined ? places : places.singles.get(member.through);
        const value = row[of?.fields.get(member.column) ?? -1];
        text += typeof value === 'string' ? member.write(value) : nothing(member.nullable);
      }
    }
  }
  return `${text}}`;
}

function nothing(nullable: boolean): string {
  if (!nullable) {
    throw new NotDirect('nothing where there must be something');
  }
  return 'null';
}
