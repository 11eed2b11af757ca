// Where rows would belong: makes of declared sources the SQL that says it, and counts. Every name is quoted and every value is a
// parameter. Compares keys as text wherever their types differ, because legacy references often do.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientBase } from 'pg';
import {
  type Adoption,
  DeclarationError,
  type Hop,
  isExempt,
  listed,
  type Source,
  type Sources,
} from './declaration.ts';
import { columnOf, type Inventory, type Table, tableOf } from './inventory.ts';
import { quoted } from './names.ts';

/** What becomes of the rows of a table under one question, such as whose they are. */
export type Placing = {
  /** Rows by the source that places them, in the order of the sources. */
  readonly by: readonly number[];
  /** Rows that no source places, and of them those where a path leads to several. */
  readonly unplaced: number;
  readonly ambiguous: number;
  /** Rows that are placed with somebody who is not there. */
  readonly unknown: number;
};

export type Counts = {
  readonly rows: number;
  readonly owner?: Placing;
  readonly tenant?: Placing;
  readonly world?: Placing;
  /** Rows whose tenant is not that of their owner. */
  readonly foreign: number;
};

/** What is asked about a table. */
export type Questions = {
  readonly owner?: Sources | undefined;
  readonly tenant?: Sources | undefined;
  readonly world?: Sources | undefined;
};

export const KEY = 'id';
/** The key of a table of people, agents or worlds. */
export const keyOf = ({ key = KEY }: { readonly key?: string | undefined }): string => key;

/** Whether no two rows of a table have the same in this column. */
export const isKey = ({ unique }: Table, column: string): boolean =>
  unique.some((columns) => columns.length === 1 && columns[0] === column);

/** Collects what a query needs while its parts are made. */
class Query {
  readonly values: unknown[] = [];
  readonly joins: string[] = [];
  readonly #inventory: Inventory;
  readonly #folder: string;
  #names = 0;

  constructor(inventory: Inventory, folder: string) {
    this.#inventory = inventory;
    this.#folder = folder;
  }

  value(value: unknown): string {
    return `$${this.values.push(value)}`;
  }

  name(): string {
    this.#names += 1;
    return `j${this.#names}`;
  }

  table(name: string): string {
    return `${quoted(this.#inventory.schema)}.${quoted(name)}`;
  }

  of(name: string): Table {
    const table = tableOf(this.#inventory, name);
    if (table === undefined) {
      throw new DeclarationError(`there is no table ${name} in schema ${this.#inventory.schema}`);
    }
    return table;
  }

  /** Columns are compared as they are where their types are the same. */
  same(left: string, leftType: string | undefined, right: string, rightType: string | undefined): string {
    return leftType === rightType && leftType !== undefined
      ? `${left} = ${right}`
      : `${left}::text = ${right}::text`;
  }

  /** @returns expressions over a row: what the source says as text, and whether it says several things at once. */
  source(source: Source, row: string, table: Table): { value: string; several: string } {
    if (typeof source === 'string') {
      return { value: `${row}.${quoted(column(table, source))}::text`, several: 'false' };
    }
    if ('constant' in source) {
      return { value: `${this.value(source.constant)}::text`, several: 'false' };
    }
    if ('mapping' in source) {
      const mapped = readMapping(join(this.#folder, source.mapping));
      const m = this.name();
      this.joins.push(
        `left join unnest(${this.value([...mapped.keys()])}::text[], ${this.value([...mapped.values()])}::text[]) ${m} (k, v)
           on ${m}.k = ${row}.${quoted(column(table, source.by))}::text`,
      );
      return { value: `${m}.v`, several: 'false' };
    }
    return this.#path(source.through, source.column, row, table);
  }

  #path(hops: readonly Hop[], last: string, row: string, table: Table) {
    const tables = hops.map((hop) => this.of(hop.table));
    const keys = hops.map((hop, at) => column(tables[at] as Table, hop.key ?? KEY));
    const aliases = hops.map(() => this.name());
    const on = (at: number, from: string, left: Table) => {
      const { column: name } = hops[at] as Hop;
      const right = tables[at] as Table;
      return this.same(
        `${aliases[at]}.${quoted(keys[at] as string)}`,
        columnOf(right, keys[at] as string)?.type,
        `${from}.${quoted(column(left, name))}`,
        columnOf(left, name)?.type,
      );
    };
    const end = `${aliases.at(-1)}.${quoted(column(tables.at(-1) as Table, last))}::text`;
    const further = hops
      .slice(1)
      .map(
        (hop, n) =>
          `join ${this.table(hop.table)} ${aliases[n + 1]} on ${on(n + 1, aliases[n] as string, tables[n] as Table)}`,
      );
    if (tables.every((one, at) => isKey(one, keys[at] as string))) {
      this.joins.push(
        `left join ${this.table((hops[0] as Hop).table)} ${aliases[0]} on ${on(0, row, table)}`,
        ...further.map((one) => `left ${one}`),
      );
      return { value: end, several: 'false' };
    }
    // several rows may be at the end of the path: what they agree in counts, and nothing is guessed
    const p = this.name();
    this.joins.push(
      `left join (select ${aliases[0]}.${quoted(keys[0] as string)}::text as k, min(${end}) as v, count(distinct ${end}) as many
          from ${this.table((hops[0] as Hop).table)} ${aliases[0]} ${further.join(' ')} group by 1) ${p}
         on ${p}.k = ${row}.${quoted(column(table, (hops[0] as Hop).column))}::text`,
    );
    return { value: `case when ${p}.many = 1 then ${p}.v end`, several: `coalesce(${p}.many > 1, false)` };
  }
}

/**
 * Counts where the rows of a table would belong. Reads all of it once.
 *
 * @param folder Where the declaration stands, and the files of mappings beside it.
 * @throws {DeclarationError} where a declared table, column or file is not there.
 */
export async function countPlaces(
  client: ClientBase,
  inventory: Inventory,
  adoption: Adoption,
  name: string,
  questions: Questions,
  folder: string,
): Promise<Counts> {
  const query = new Query(inventory, folder);
  const table = query.of(name);
  const asked = (['owner', 'tenant', 'world'] as const).filter((one) => listed(questions[one]).length > 0);
  const inner = asked.flatMap((one) =>
    listed(questions[one]).flatMap((source, n) => {
      const { value, several } = query.source(source, 'r', table);
      return [`${value} as ${one}_${n}`, `${several} as ${one}_${n}_several`];
    }),
  );
  const joins = query.joins.splice(0);
  const outer = asked.flatMap((one) => countsOf(query, adoption, one, listed(questions[one]).length));
  const foreign = foreignTo(query, adoption, questions);
  const { rows } = await client.query<Record<string, number>>(
    `select count(*)::float8 as rows, ${[...outer, `${foreign} as foreign`].join(', ')}
       from (select ${['1 as one', ...inner].join(', ')} from ${query.table(name)} r ${joins.join(' ')}) x ${query.joins.join(' ')}`,
    query.values,
  );
  const found = rows[0] ?? {};
  const placing = (one: 'owner' | 'tenant' | 'world'): Placing => ({
    by: listed(questions[one]).map((_, n) => found[`${one}_${n}`] ?? 0),
    unplaced: found[`${one}_unplaced`] ?? 0,
    ambiguous: found[`${one}_ambiguous`] ?? 0,
    unknown: found[`${one}_unknown`] ?? 0,
  });
  return {
    rows: found.rows ?? 0,
    foreign: found.foreign ?? 0,
    ...Object.fromEntries(asked.map((one) => [one, placing(one)])),
  };
}

const placed = (one: string, count: number) =>
  `coalesce(${Array.from({ length: count }, (_, n) => `x.${one}_${n}`).join(', ')})`;

function countsOf(
  query: Query,
  adoption: Adoption,
  one: 'owner' | 'tenant' | 'world',
  count: number,
): string[] {
  const nth = (n: number) => `x.${one}_${n}`;
  const before = (n: number) => Array.from({ length: n }, (_, k) => `${nth(k)} is null`);
  const several = Array.from({ length: count }, (_, n) => `x.${one}_${n}_several`).join(' or ');
  const all = placed(one, count);
  const who = { owner: adoption.users, tenant: tenantTable(adoption), world: adoption.worlds }[one];
  let known = 'true';
  if (who !== undefined) {
    const alias = `known_${one}`;
    const key = column(query.of(who.table), keyOf(who));
    query.joins.push(
      `left join ${query.table(who.table)} ${alias} on ${alias}.${quoted(key)}::text = ${all}`,
    );
    known = `${alias}.${quoted(key)} is not null`;
  }
  const filtered = (condition: string, as: string) =>
    `count(*) filter (where ${condition})::float8 as ${one}_${as}`;
  return [
    ...Array.from({ length: count }, (_, n) =>
      filtered([...before(n), `${nth(n)} is not null`].join(' and '), String(n)),
    ),
    filtered(`${all} is null`, 'unplaced'),
    filtered(`${all} is null and (${several})`, 'ambiguous'),
    filtered(`${all} is not null and not (${known})`, 'unknown'),
  ];
}

const tenantTable = ({ tenants }: Adoption) => ('table' in tenants ? tenants : undefined);

/** Counts rows whose own tenant is not their owner's, where both are said. */
function foreignTo(query: Query, { users }: Adoption, { owner, tenant }: Questions): string {
  const said = listed(users.tenant);
  if (owner === undefined || tenant === undefined || said.length === 0) {
    return '0';
  }
  const table = query.of(users.table);
  const theirs = said.map((source) => query.source(source, 'known_owner', table).value);
  return `count(*) filter (where coalesce(${theirs.join(', ')}) <> ${placed('tenant', listed(tenant).length)})::float8`;
}

/** @throws {DeclarationError} where the table has no such column. */
function column(table: Table, name: string): string {
  if (columnOf(table, name) === undefined) {
    throw new DeclarationError(`table ${table.name} has no column ${name}`);
  }
  return name;
}

/** What is asked about each declared table: of people, agents and worlds, and of those whose rows are kept apart. */
export function questionsIn({
  users,
  agents,
  worlds,
  tables,
}: Adoption): [table: string, about: Questions][] {
  const owned = [agents, worlds].flatMap((one) => (one === undefined ? [] : [one]));
  return [
    [users.table, { tenant: users.tenant }],
    ...owned.map(({ table, owner, tenant }): [string, Questions] => [table, { owner, tenant }]),
    ...Object.entries(tables).flatMap(([name, declared]): [string, Questions][] =>
      isExempt(declared) ? [] : [[name, declared]],
    ),
  ];
}

/** @throws {DeclarationError} where the file cannot be read, or says two things of one value. */
function readMapping(file: string): ReadonlyMap<string, string> {
  try {
    return parseMapping(file, readFileSync(file, 'utf8'));
  } catch (error) {
    throw error instanceof DeclarationError
      ? error
      : new DeclarationError(`the mapping ${file} cannot be read: ${(error as Error).message}`);
  }
}

/** @throws {DeclarationError} where the text says two things of one value. */
export function parseMapping(file: string, text: string): ReadonlyMap<string, string> {
  const mapped = new Map<string, string>();
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() !== '') {
      const [key = '', value, ...more] = line.split(',').map((part) => part.trim());
      if (value === undefined || value === '' || more.length > 0 || (mapped.get(key) ?? value) !== value) {
        throw new DeclarationError(
          `line ${at + 1} of ${file} is not "value,value", or says otherwise than a line before`,
        );
      }
      mapped.set(key, value);
    }
  }
  return mapped;
}
