// A page of rows with what belongs to them, as one statement: rows of the page, beside each what it refers to, and perhaps a page below each.
//
// What of the rows is wanted is the same each time a document is asked; which rows, and in which order, is not. The second layer's predicate
// (scope.ts) is in every table of which there may be many rows, exactly as where Prisma is asked.

import type { ModelName } from '../models.ts';
import { narrowed, predicate } from '../scope.ts';
import type { OpenContext } from '../sealed-connection.ts';
import { type Among, amongWhich } from './among.ts';
import { columnOf, condition, from, join, type Named, NotDirect, Parameters, tableOf } from './filter.ts';
import { besides } from './opening.ts';

/** What of a row is wanted. */
export type Wanted = {
  readonly model: ModelName;
  readonly fields: ReadonlySet<string>;
  /** What it refers to, by the name of the relation. */
  readonly singles: ReadonlyMap<string, Wanted>;
};

/** Which rows, as Prisma is told. */
export type Query = {
  readonly where?: unknown;
  readonly orderBy: readonly Readonly<Record<string, 'asc' | 'desc'>>[];
  readonly take: number;
};

/** A page, and the page below each of its rows. */
export type Level = {
  readonly wanted: Wanted;
  readonly query: Query;
  /** Among which rows those of the page are, where that has to be said. */
  readonly among?: Among | undefined;
  readonly below?: (Level & { readonly relation: string }) | undefined;
};

/** At which places of an answered row something stands. */
export type Places = {
  readonly id: number;
  readonly fields: ReadonlyMap<string, number>;
  /** By what a page is ordered. */
  readonly order: ReadonlyMap<string, number>;
  readonly singles: ReadonlyMap<string, Places>;
  readonly below?: Places | undefined;
};

export type Statement = {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly places: Places;
};

/** What a statement selects, and where. */
class Selected {
  readonly expressions: string[] = [];

  add(expression: string): number {
    const known = this.expressions.indexOf(expression);
    return known < 0 ? this.expressions.push(expression) - 1 : known;
  }

  fields(of: Named, fields: Iterable<string>): Map<string, number> {
    return new Map([...fields].map((field) => [field, this.add(columnOf(of, field))]));
  }
}

/**
 * Makes the statement.
 *
 * @throws {NotDirect} where the query says something that only Prisma knows.
 */
export function statementOf(level: Level, context: OpenContext): Statement {
  const selected = new Selected();
  const parameters = new Parameters();
  const tables: string[] = [];
  const order: string[] = [];
  const places = addLevel(level, 'p', undefined, { selected, parameters, tables, order, context });
  // a page alone comes in its own order; what is joined to it may not leave it so
  const alone = tables.length === 1;
  const text = `select ${selected.expressions.join(', ')} from ${tables.join(' ')}${
    alone ? '' : ` order by ${order.join(', ')}`
  }`;
  return { text, values: parameters.values, places };
}

type Making = {
  readonly selected: Selected;
  readonly parameters: Parameters;
  readonly tables: string[];
  readonly order: string[];
  readonly context: OpenContext;
};

function addLevel(
  { wanted, query, among, below }: Level,
  alias: string,
  above: { readonly of: Named; readonly relation: string } | undefined,
  making: Making,
): Places {
  const { selected, parameters, tables, order, context } = making;
  const { model } = wanted;
  const inner: Named = { model, alias: `${alias}_` };
  const page: Named = { model, alias };
  const orderBy = query.orderBy.flatMap((one) => Object.entries(one));
  const asked = narrowed(query.where, predicate(model, context, query.where));
  const by = (of: Named) => orderBy.map(([field, direction]) => `${columnOf(of, field)} ${direction}`);
  const take = limit(query.take);
  const where = [
    ...(above === undefined ? [] : [join(above.of, above.relation, inner)]),
    condition(inner, asked, parameters),
    ...(among === undefined
      ? []
      : [
          `${columnOf(inner, 'id')} in (${amongWhich({ where: query.where, take, by }, context, parameters)})`,
        ]),
  ].join(' and ');
  const fields = new Set([...wanted.fields, ...besides(wanted)]);
  const columns = new Set([
    ...[...fields, 'id', ...orderBy.map(([field]) => field)].map((field) => columnOf(inner, field)),
    ...[...wanted.singles.keys(), ...(below === undefined ? [] : [below.relation])].flatMap((relation) =>
      joinedBy(inner, relation),
    ),
  ]);
  const rows = `(select ${[...columns].join(', ')} from ${from(inner)} where ${where} order by ${by(inner).join(', ')} limit ${take}) ${alias}`;
  tables.push(above === undefined ? rows : `left join lateral ${rows} on true`);
  order.push(...by(page));
  return {
    id: selected.add(columnOf(page, 'id')),
    fields: selected.fields(page, fields),
    order: selected.fields(
      page,
      orderBy.map(([field]) => field),
    ),
    singles: addSingles(page, wanted, making),
    below: below && addLevel(below, `${alias}b`, { of: page, relation: below.relation }, making),
  };
}

/** What rows refer to. To-one relations have no predicate of their own; the foreign key carries the tenant (scope.ts). */
function addSingles(of: Named, { singles }: Wanted, making: Making): Map<string, Places> {
  const { selected, tables } = making;
  return new Map(
    [...singles].map(([relation, wanted], at) => {
      if (besides(wanted).length > 0) {
        throw new NotDirect(`${of.model}.${relation} has something encrypted`);
      }
      const there: Named = { model: wanted.model, alias: `${of.alias}${at}` };
      const inner: Named = { model: wanted.model, alias: `${there.alias}_` };
      const columns = new Set([
        ...[...wanted.fields, 'id'].map((field) => columnOf(inner, field)),
        ...[...wanted.singles.keys()].flatMap((further) => joinedBy(inner, further)),
      ]);
      // each looked up by its key: joined as a whole, all that there are might be read for a page
      tables.push(
        `left join lateral (select ${[...columns].join(', ')} from ${from(inner)} where ${join(of, relation, inner)} limit 1) ${there.alias} on true`,
      );
      return [
        relation,
        {
          id: selected.add(columnOf(there, 'id')),
          fields: selected.fields(there, wanted.fields),
          order: new Map(),
          singles: addSingles(there, wanted, making),
        },
      ];
    }),
  );
}

/** The columns of a table by which it is joined. */
function joinedBy({ model, alias }: Named, relation: string): string[] {
  return (tableOf(model).relations[relation]?.on ?? []).map(([here]) => `${alias}.${here}`);
}

/** In the text and not a parameter: PostgreSQL plans for it. */
function limit(take: number): number {
  if (!Number.isSafeInteger(take) || take < 0) {
    throw new TypeError(`a page of ${take} rows`);
  }
  return take;
}
