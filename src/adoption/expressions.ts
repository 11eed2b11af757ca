// What declared sources say of one row, as SQL expressions: the same ones in triggers, in the batches of a backfill and when everything is
// checked, so that there is one answer to whose a row is. Mappings are read from where the installation keeps them.
//
// Counting beforehand is set-wise and stands in places.ts; a test holds the two together.

import type { Hop, Source, Sources } from './declaration.ts';
import { DeclarationError, listed } from './declaration.ts';
import { columnOf, type Inventory, type Table, tableOf } from './inventory.ts';
import { literal, quoted, SCHEMAS, table } from './names.ts';
import { keyOf } from './places.ts';

/** A value as text, or null; and whether it is null because several say different things. */
export type Said = { readonly value: string; readonly several: string };

/** A place from which a path's rows are reached: which rows of `table` a changed row of `hop` concerns. */
export type Reach = {
  /** The table whose change matters. */
  readonly hop: string;
  /** Its columns that matter. */
  readonly columns: readonly string[];
  /** A condition over `row` of the dependent table; the changed row is `new`. */
  readonly dependents: (row: string) => string;
};

/** Makes expressions over tables as they are. */
export class Expressions {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  /** What a list of sources says of a row; null where none says anything. */
  of(sources: Sources | undefined, row: string, of: Table): Said {
    const said = listed(sources).map((source) => this.#source(source, row, of));
    return said.length === 0
      ? { value: 'null::text', several: 'false' }
      : {
          value: `coalesce(${said.map(({ value }) => value).join(', ')})`,
          several: said.map(({ several }) => several).join(' or '),
        };
  }

  /** A row's own columns on which its place depends. */
  columns(...sources: readonly (Sources | undefined)[]): string[] {
    const names = sources
      .flatMap(listed)
      .flatMap((source) =>
        typeof source === 'string'
          ? [source]
          : 'mapping' in source
            ? [source.by]
            : 'through' in source
              ? [(source.through[0] as Hop).column]
              : [],
      );
    return [...new Set(names)];
  }

  /** Rows of other tables on which its place depends. */
  reaches(of: Table, ...sources: readonly (Sources | undefined)[]): Reach[] {
    return sources.flatMap(listed).flatMap((source) =>
      typeof source === 'object' && 'through' in source
        ? source.through.map((hop, at) => ({
            hop: hop.table,
            columns: [...new Set([keyOf(hop), source.through[at + 1]?.column ?? source.column])],
            dependents: (row: string) => this.#dependents(source.through.slice(0, at + 1), row, of),
          }))
        : [],
    );
  }

  table(name: string): Table {
    const found = tableOf(this.#inventory, name);
    if (found === undefined) {
      throw new DeclarationError(`there is no table ${name} in schema ${this.#inventory.schema}`);
    }
    return found;
  }

  name(of: string): string {
    return table(this.#inventory.schema, of);
  }

  #source(source: Source, row: string, of: Table): Said {
    if (typeof source === 'string') {
      return { value: `${row}.${this.#column(of, source)}::text`, several: 'false' };
    }
    if ('constant' in source) {
      return { value: `${literal(source.constant)}::text`, several: 'false' };
    }
    if ('mapping' in source) {
      const mapped = `select m.value from ${SCHEMAS.state}.mappings m
        where m.file = ${literal(source.mapping)} and m.key = ${row}.${this.#column(of, source.by)}::text`;
      return { value: `(${mapped})`, several: 'false' };
    }
    const { from, end } = this.#path(source.through, source.column, row, of);
    // what several rows at the end agree in counts, and where they disagree nothing is guessed
    return {
      value: `(select case when min(${end}) = max(${end}) then min(${end}) end ${from})`,
      several: `(select coalesce(min(${end}) <> max(${end}), false) ${from})`,
    };
  }

  #path(hops: readonly Hop[], last: string, row: string, of: Table) {
    const joins = this.#joins(hops);
    const first = hops[0] as Hop;
    const on = this.#same('h0', this.table(first.table), keyOf(first), row, of, first.column);
    const end = `h${hops.length - 1}.${this.#column(this.table((hops.at(-1) as Hop).table), last)}::text`;
    return { from: `from ${joins} where ${on}`, end };
  }

  /** The tables of a path, each joined to the one before. */
  #joins(hops: readonly Hop[]): string {
    return hops
      .map((hop, at) => {
        const before = hops[at - 1];
        return before === undefined
          ? `${this.name(hop.table)} h0`
          : `join ${this.name(hop.table)} h${at} on ${this.#same(
              `h${at}`,
              this.table(hop.table),
              keyOf(hop),
              `h${at - 1}`,
              this.table(before.table),
              hop.column,
            )}`;
      })
      .join(' ');
  }

  #dependents(hops: readonly Hop[], row: string, of: Table): string {
    const first = hops[0] as Hop;
    const last = hops.at(-1) as Hop;
    if (hops.length === 1) {
      return this.#same(row, of, first.column, 'new', this.table(last.table), keyOf(last));
    }
    // the path up to the table before, whose column names the changed row
    const before = hops.slice(0, -1);
    const named = this.#same(
      `h${before.length - 1}`,
      this.table((before.at(-1) as Hop).table),
      last.column,
      'new',
      this.table(last.table),
      keyOf(last),
    );
    const on = this.#same(row, of, first.column, 'h0', this.table(first.table), keyOf(first));
    return `exists (select from ${this.#joins(before)} where ${named} and ${on})`;
  }

  /**
   * That two columns hold the same, as text where their types differ. The first is left as it is wherever that can be, so that an index
   * on it is of use.
   */
  #same(
    left: string,
    leftTable: Table,
    leftColumn: string,
    right: string,
    rightTable: Table,
    rightColumn: string,
  ) {
    const a = `${left}.${this.#column(leftTable, leftColumn)}`;
    const b = `${right}.${this.#column(rightTable, rightColumn)}`;
    const one = classOf(columnOf(leftTable, leftColumn)?.type);
    const other = classOf(columnOf(rightTable, rightColumn)?.type);
    if (one === other) {
      return `${a} = ${b}`;
    }
    if (one === 'text') {
      return `${a} = ${b}::text`;
    }
    if (other === 'text' && one === 'integer') {
      return `${a} = case when ${b} ~ '^(0|-?[1-9][0-9]{0,17})$' then ${b}::bigint end`;
    }
    if (other === 'text' && one === 'uuid') {
      return `${a} = case when ${b} ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then ${b}::uuid end`;
    }
    return `${a}::text = ${b}::text`;
  }

  #column(of: Table, name: string): string {
    if (columnOf(of, name) === undefined) {
      throw new DeclarationError(`table ${of.name} has no column ${name}`);
    }
    return quoted(name);
  }
}

/** Types whose values compare with each other as they are. */
function classOf(type: string | undefined): string | undefined {
  return /^(smallint|integer|bigint)$/.test(type ?? '')
    ? 'integer'
    : /^(text|character varying)$/.test(type ?? '')
      ? 'text'
      : type;
}
