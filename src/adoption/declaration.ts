// What an adopter declares about tables of their own: whose rows they hold, in which tenant and world, and for which capabilities they
// count. It stands in one file, bailiwick.config.ts, whose default export `satisfies Adoption`.
//
// Names are those of tables and columns as they stand in the catalog; nothing here is SQL. Knows no database.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';

/** A step from a row to one of another table that knows more: a column here, and the column there that holds the same. */
export type Hop = {
  readonly column: string;
  readonly table: string;
  /** Left out: id. */
  readonly key?: string | undefined;
};

/** Where a value comes from. */
export type Source =
  /** A column of the row's own. */
  | string
  /** A column at the end of a path through other tables, with or without foreign keys. */
  | { readonly through: readonly Hop[]; readonly column: string }
  /** A file of lines `value of the column "by",value`, beside the declaration. */
  | { readonly mapping: string; readonly by: string }
  /** The same for all rows. */
  | { readonly constant: string };

/** One source, or several of which the first that says something counts. */
export type Sources = Source | readonly Source[];

/** A table whose rows are people, agents or worlds. */
export type Principals = {
  readonly table: string;
  /** Left out: id. */
  readonly key?: string | undefined;
  /** Which tenant; left out where there is one tenant for all, or where it follows from the owner. */
  readonly tenant?: Sources | undefined;
};

export type Owned = Principals & { readonly owner: Sources };

export type Kept = {
  /** The kind in capabilities: memory, as in memory:read. */
  readonly kind: string;
  readonly owner: Sources;
  /** Left out: the tenant of the owner. */
  readonly tenant?: Sources | undefined;
  readonly world?: Sources | undefined;
  /** Columns that are to be encrypted. */
  readonly encrypted?: readonly string[] | undefined;
  /** What becomes of rows that no source places: nothing goes on (as left out), or this user's they become, to be looked at. */
  readonly unplaced?: 'stop' | { readonly quarantine: string } | undefined;
};

/** A table that stays as it is. */
export type Exempt = {
  /** Why. */
  readonly exempt: string;
};

export type Adoption = {
  /** Where the tables are; left out: public. */
  readonly schema?: string | undefined;
  readonly tenants:
    | { readonly table: string; readonly key?: string | undefined }
    /** All rows are one tenant's. */
    | { readonly constant: string };
  readonly users: Principals;
  readonly agents?: Owned | undefined;
  readonly worlds?: Owned | undefined;
  readonly tables: Readonly<Record<string, Kept | Exempt>>;
};

const name = z.string().min(1).max(63);
const hop = z.strictObject({ column: name, table: name, key: name.optional() });
const source = z.union([
  name,
  z.strictObject({ through: z.array(hop).min(1).max(8), column: name }),
  z.strictObject({ mapping: z.string().min(1), by: name }),
  z.strictObject({ constant: z.string().min(1) }),
]);
const sources = z.union([source, z.array(source).min(1).max(8)]);
const principals = { table: name, key: name.optional(), tenant: sources.optional() };
const owned = z.strictObject({ ...principals, owner: sources });
const kept = z.strictObject({
  kind: z.string().regex(/^[a-z]+(_[a-z]+)*$/, 'a kind is a word in lower case, as in memory:read'),
  owner: sources,
  tenant: sources.optional(),
  world: sources.optional(),
  encrypted: z.array(name).optional(),
  unplaced: z.union([z.literal('stop'), z.strictObject({ quarantine: z.string().min(1) })]).optional(),
});
const exempt = z.strictObject({ exempt: z.string().trim().min(10, 'say why, in ten characters or more') });
const adoption = z.strictObject({
  schema: name.optional(),
  tenants: z.union([
    z.strictObject({ table: name, key: name.optional() }),
    z.strictObject({ constant: z.string().min(1) }),
  ]),
  users: z.strictObject(principals),
  agents: owned.optional(),
  worlds: owned.optional(),
  tables: z.record(name, z.union([kept, exempt])),
});

/** A declaration that cannot be read, with all that is wrong with it. */
export class DeclarationError extends Error {}

/**
 * Takes what a file exports for a declaration.
 *
 * @param from Its name, for the error.
 * @throws {DeclarationError} with a line for each thing that is wrong.
 */
export function declare(value: unknown, from: string): Adoption {
  const { success, data, error } = adoption.safeParse(value);
  if (!success) {
    throw new DeclarationError(`${from} declares what cannot be:\n${z.prettifyError(error)}`);
  }
  return data;
}

/**
 * The declaration in a file of TypeScript or JavaScript.
 *
 * @returns undefined where there is no such file.
 * @throws {DeclarationError} where it cannot be loaded, or declares what cannot be.
 */
export async function readDeclaration(path: string): Promise<Adoption | undefined> {
  const file = resolve(path);
  if (!existsSync(file)) {
    return undefined;
  }
  let loaded: { readonly default?: unknown };
  try {
    loaded = (await import(pathToFileURL(file).href)) as { default?: unknown };
  } catch (error) {
    throw new DeclarationError(`${path} cannot be loaded: ${(error as Error).message}`, { cause: error });
  }
  return declare(loaded.default, path);
}

export const isExempt = (declared: Kept | Exempt): declared is Exempt => 'exempt' in declared;

/** As a list, in the order in which they count. */
export const listed = (some: Sources | undefined): readonly Source[] =>
  some === undefined ? [] : typeof some === 'string' || !Array.isArray(some) ? [some as Source] : some;

/** In a few words: `room_id > rooms.owner_id`. */
export function wordsOf(source: Source): string {
  if (typeof source === 'string') {
    return source;
  }
  if ('constant' in source) {
    return `always ${source.constant}`;
  }
  if ('mapping' in source) {
    return `${source.by} in ${source.mapping}`;
  }
  const tables = source.through.map(
    ({ table }, at) => `${table}.${source.through[at + 1]?.column ?? source.column}`,
  );
  return [source.through[0]?.column, ...tables].join(' > ');
}
