// What an adopter declares about tables of their own: whose rows they hold, in which tenant and world, and for which capabilities they
// count. It stands in one file, bailiwick.config.ts, whose default export `satisfies Adoption`.
//
// Names are those of tables and columns as they stand in the catalog; nothing here is SQL. Imports nothing, because adopters import its
// types. How the file is read: reading.ts.

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
  /** The application's roles in the database, which are to open sessions. */
  readonly roles?: readonly string[] | undefined;
  readonly tables: Readonly<Record<string, Kept | Exempt>>;
};

/** A declaration that cannot be read, with all that is wrong with it. */
export class DeclarationError extends Error {}

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
