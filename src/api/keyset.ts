// Pages by keyset: from the arguments of a connection to what to ask Prisma for, and back to edges and cursors.
//
// A cursor (cursor.ts) holds the values by which its row was ordered, not the row's offset and not merely its id, so it stays good
// when rows come and go, its own included.

import type { Context } from '../context.ts';
import type { Among } from '../db/direct/among.ts';
import { BailiwickError } from '../errors.ts';
import { type Key, makeCursor, type Order, readCursor } from './cursor.ts';

export const MOST_PER_PAGE = 100;
export const DEFAULT_PER_PAGE = 20;

export type PageArgs = {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
};

type Row = Record<string, unknown> & { readonly id: string };

/** What to ask Prisma for, and how to make a connection of its answer. */
export type Page = {
  /** The page of the rows for which all of this holds. */
  of(...conditions: readonly object[]): PageOf;
  /** `fetched` are the rows of that query; one more than asked for tells that there is a further page. */
  connection<T extends object>(fetched: readonly T[]): Connection<T>;
};

/** A page, and what to ask Prisma for; and for whoever asks PostgreSQL directly, among which rows those of the page are, where that has to be said. */
export type PageOf = {
  readonly page: Page;
  readonly query: { readonly where: object };
  readonly among?: Among | undefined;
};

export type Connection<T> = { readonly edges: Edge<T>[]; readonly pageInfo: PageInfo };
export type Edge<T> = { readonly cursor: string; readonly node: T };
export type PageInfo = {
  readonly startCursor: string | null;
  readonly endCursor: string | null;
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
};

/**
 * Turns the arguments of a connection into a keyset page.
 *
 * @throws {BailiwickError} BAD_USER_INPUT for contradicting arguments or a cursor that was not made here, LIMIT_EXCEEDED
 *   for pages beyond MOST_PER_PAGE.
 */
export function paginate(context: Context, args: PageArgs, order: Order): Page {
  const backward = args.last !== null && args.last !== undefined;
  if (backward && args.first !== null && args.first !== undefined) {
    throw new BailiwickError('BAD_USER_INPUT', 'Give first or last, not both');
  }
  const size = pageSize(backward ? args.last : args.first);
  const flip = (direction: 'asc' | 'desc') => (direction === 'asc' ? 'desc' : 'asc');
  const direction = backward ? flip(order.direction) : order.direction;
  const bounds = [
    ...(args.after ? [beyond(readCursor(context, order, args.after), order.field, order.direction)] : []),
    ...(args.before
      ? [beyond(readCursor(context, order, args.before), order.field, flip(order.direction))]
      : []),
  ];
  const where = bounds.length === 0 ? {} : { AND: bounds };
  const orderBy = [...(order.field === 'id' ? [] : [{ [order.field]: direction }]), { id: direction }];
  const take = size + 1;
  return {
    of(...conditions) {
      return { page: this, query: { where: { AND: [...conditions, where] }, orderBy, take } };
    },
    connection(fetched) {
      const more = fetched.length > size;
      const page = fetched.slice(0, size);
      const nodes = backward ? page.reverse() : page;
      const sign = (node: object) => makeCursor(context, order, keyOf(node as Row, order));
      const edges = nodes.map((node) => new SigningEdge(node, sign));
      return {
        edges,
        pageInfo: new Ends(
          edges,
          backward ? Boolean(args.before) : more,
          backward ? more : Boolean(args.after),
        ),
      };
    },
  };
}

/** An edge that signs its cursor when it is asked for, which most are not. */
export class SigningEdge<T> implements Edge<T> {
  readonly node: T;
  readonly #sign: (node: T) => string;

  constructor(node: T, sign: (node: T) => string) {
    this.node = node;
    this.#sign = sign;
  }

  get cursor(): string {
    return this.#sign(this.node);
  }
}

/** Where a page lies. Its ends are taken from the edges when they are asked for, who sign only then. */
export class Ends implements PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly #edges: readonly { readonly cursor: string }[];

  constructor(edges: readonly { readonly cursor: string }[], hasNextPage: boolean, hasPreviousPage: boolean) {
    this.#edges = edges;
    this.hasNextPage = hasNextPage;
    this.hasPreviousPage = hasPreviousPage;
  }

  get startCursor(): string | null {
    return this.#edges.at(0)?.cursor ?? null;
  }

  get endCursor(): string | null {
    return this.#edges.at(-1)?.cursor ?? null;
  }
}

/** @throws {BailiwickError} BAD_USER_INPUT below zero, LIMIT_EXCEEDED above MOST_PER_PAGE. */
export function pageSize(asked: number | null | undefined): number {
  const size = asked ?? DEFAULT_PER_PAGE;
  if (size < 0) {
    throw new BailiwickError('BAD_USER_INPUT', 'first and last must not be negative');
  }
  if (size > MOST_PER_PAGE) {
    throw new BailiwickError('LIMIT_EXCEEDED', `first and last must not exceed ${MOST_PER_PAGE}`);
  }
  return size;
}

/** Rows strictly after a key. The outer bound on the leading column is what an index range can use. */
function beyond([value, id]: Key, field: string, direction: 'asc' | 'desc'): Record<string, unknown> {
  const [than, orEqual] = direction === 'asc' ? (['gt', 'gte'] as const) : (['lt', 'lte'] as const);
  if (field === 'id') {
    return { id: { [than]: id } };
  }
  return { [field]: { [orEqual]: value }, OR: [{ [field]: { [than]: value } }, { id: { [than]: id } }] };
}

function keyOf(row: Row, { field }: Order): Key {
  const value = field === 'id' ? null : row[field];
  return [value instanceof Date ? value.toISOString() : (value as string | null), row.id];
}
