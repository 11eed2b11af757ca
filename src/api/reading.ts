// Reading rows of a type as a GraphQL selection asks: by id, or a page of them. One statement each, however deep the
// selection, because Pothos turns it into one Prisma query. Which rows there are to read is not decided here.

import { queryFromInfo } from '@pothos/plugin-prisma';
import DataLoader from 'dataloader';
import type { GraphQLResolveInfo } from 'graphql';
import { type Context, rows, sessionOf } from '../context.ts';
import { delegateOf } from '../db/models.ts';
import { BailiwickError } from '../errors.ts';
import type { NodeName } from './global-id.ts';
import type { PageOf } from './keyset.ts';

type Row = { readonly id: string };
type Reader = { findMany(args: object): Promise<Row[]> };

/** Prisma's delegate of a type, without the type of its rows, which the selection decides. */
function readerOf(context: Context, type: NodeName): Reader {
  return (rows(context) as unknown as Record<string, Reader>)[delegateOf(type)] as Reader;
}

/** Of these types others may share rows. Whether one's own is there is found far more cheaply than whether anything is, so it is asked first. */
export const SHARED: ReadonlySet<NodeName> = new Set(['Memory']);

/**
 * The rows with these ids that are in sight, in the order of their ids.
 *
 * @param path Where in the field's selection the rows stand; left out, the field itself is the row.
 */
export async function readByIds(
  context: Context,
  info: GraphQLResolveInfo,
  type: NodeName,
  ids: readonly string[],
  path?: string[],
): Promise<Row[]> {
  const selection = queryFromInfo({ context, info, typeName: type, ...(path ? { path } : {}) });
  const read = (which: readonly string[], where: object = {}): Promise<Row[]> =>
    readerOf(context, type).findMany({
      ...selection,
      where: { id: { in: [...which] }, ...where },
      orderBy: { id: 'asc' },
    });
  if (!SHARED.has(type)) {
    return read(ids);
  }
  const own = await read(ids, { ownerId: sessionOf(context).ownerId });
  const found = new Set(own.map(({ id }) => id));
  const others = ids.filter((id) => !found.has(id));
  return others.length === 0
    ? own
    : [...own, ...(await read(others, { shared: true }))].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The row with this id, or undefined when there is none in sight. */
export async function readById(
  context: Context,
  info: GraphQLResolveInfo,
  type: NodeName,
  id: string,
): Promise<Row | undefined> {
  return (await readByIds(context, info, type, [id]))[0];
}

/** Which of these rows are in sight. */
export async function idsInSight(
  context: Context,
  type: NodeName,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const found =
    ids.length === 0
      ? []
      : await readerOf(context, type).findMany({ where: { id: { in: [...ids] } }, select: { id: true } });
  return new Set(found.map(({ id }) => id));
}

/** The same for a field that is null where there is none in sight, or where there is no id. */
export async function readOrNull(
  context: Context,
  info: GraphQLResolveInfo,
  type: NodeName,
  id: string | null,
): Promise<never> {
  // Pothos types a row by its model; here the model is a name
  return (id === null ? null : ((await readById(context, info, type, id)) ?? null)) as never;
}

// per request: what is asked for in one tick, by type and by what is wanted of it
const together = new WeakMap<object, Map<string, DataLoader<string, Row | undefined>>>();

/** The same; rows that are asked for in one tick, of one type and by selections of one place, are one query. */
export function readTogether(
  context: Context,
  info: GraphQLResolveInfo,
  type: NodeName,
  id: string,
): Promise<Row | undefined> {
  const loaders = together.get(context) ?? new Map<string, DataLoader<string, Row | undefined>>();
  together.set(context, loaders);
  const at = `${type} ${info.fieldNodes.map(({ loc }) => loc?.start).join()}`;
  const loader =
    loaders.get(at) ??
    new DataLoader(
      async (ids: readonly string[]) => {
        const rows = new Map((await readByIds(context, info, type, ids)).map((row) => [row.id, row]));
        return ids.map((one) => rows.get(one));
      },
      { cache: false },
    );
  loaders.set(at, loader);
  return loader.load(id);
}

/**
 * The row that was just written, as the selection asks.
 *
 * @throws {BailiwickError} FORBIDDEN when who may write it may not read it: nothing is kept then.
 */
export async function readWritten(
  context: Context,
  info: GraphQLResolveInfo,
  type: NodeName,
  id: string,
): Promise<never> {
  const row = await readById(context, info, type, id);
  if (row === undefined) {
    throw new BailiwickError('FORBIDDEN');
  }
  return row as never;
}

/** A page of a connection: the query says which rows and in which order, the selection what of them. */
export async function readPage(
  context: Context,
  info: GraphQLResolveInfo,
  type: NodeName,
  { page, query }: PageOf,
): Promise<never> {
  const selection = queryFromInfo({ context, info, path: ['edges', 'node'] });
  // Pothos types a row by its model; here the model is a name
  return page.connection(await readerOf(context, type).findMany({ ...selection, ...query })) as never;
}

type Nested = (selection: object, path: string[]) => unknown;

/** What the query of a row asks of a connection nested in it, by the name of the relation. */
export function nestedQuery(relation: string, nested: Nested, { query }: Pick<PageOf, 'query'>): never {
  return { [relation]: { ...(nested({}, ['edges', 'node']) as object), ...query } } as never;
}

/** The connection nested in a row, of the rows that `nestedQuery` brought. */
export function nestedPage(relation: string, row: object, { page }: Pick<PageOf, 'page'>): never {
  return page.connection((row as Record<string, Row[]>)[relation] as Row[]) as never;
}
