// Answers a query without resolving it: each of its root fields is one statement, and the answer is written from what PostgreSQL says.
//
// Only for speed, and only where it comes to the same: the same page functions, the same second layer, the same transaction, row security as
// always. Whatever it does not know it leaves to the resolvers, before anything was asked or after; so it never says an error in words of its own.

import {
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getVariableValues,
  isObjectType,
  type OperationDefinitionNode,
} from 'graphql';
import { type Context, sessionOf } from '../../context.ts';
import { NotDirect } from '../../db/direct/filter.ts';
import { readDirectly } from '../../db/direct/reading.ts';
import type { Level, Query } from '../../db/direct/statement.ts';
import type { ModelName } from '../../db/models.ts';
import { BailiwickError } from '../../errors.ts';
import { fromGlobalId, type NodeName } from '../global-id.ts';
import type { PageOf } from '../keyset.ts';
import { SHARED } from '../reading.ts';
import { declaredOf } from './declared.ts';
import {
  beforeOf,
  fieldOf,
  fieldsAsked,
  type PageSelection,
  type RowSelection,
  type Source,
  selectPage,
  selectRow,
  setsOf,
  sourceOf,
} from './selection.ts';
import { writeNode, writePage } from './writing.ts';

/** A root field. */
type Root = {
  readonly before: string;
  /** What stands in the answer; undefined where a resolver must say. */
  readonly answer: (context: Context, variables: Variables, last: boolean) => Promise<string | undefined>;
};

type Variables = Readonly<Record<string, unknown>>;
type Field = GraphQLField<unknown, unknown>;

/** How to answer an operation. */
export type Plan = {
  /**
   * @param variables As the client sent them.
   * @returns the whole answer as JSON; undefined where the operation is to be resolved, in another session if this one has ended.
   */
  answer(context: Context, variables: Variables): Promise<string | undefined>;
};

const plans = new WeakMap<DocumentNode, Map<OperationDefinitionNode, Plan | undefined>>();

/** How to answer an operation without resolving it, if that can be done; worked out once for each document. */
export function planOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Plan | undefined {
  const known = plans.get(document) ?? new Map<OperationDefinitionNode, Plan | undefined>();
  plans.set(document, known);
  if (!known.has(operation)) {
    known.set(
      operation,
      unlessNotDirect(() => makePlan(sourceOf(schema, document), operation)),
    );
  }
  return known.get(operation);
}

function unlessNotDirect<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof NotDirect) {
      return undefined;
    }
    throw error;
  }
}

function makePlan(source: Source, operation: OperationDefinitionNode): Plan {
  const { schema } = source;
  const query = schema.getQueryType();
  if (operation.operation !== 'query' || !isObjectType(query) || (operation.directives?.length ?? 0) > 0) {
    throw new NotDirect('no plain query');
  }
  const roots = [...fieldsAsked(source, query, [operation.selectionSet])].map(([key, nodes], at): Root => {
    const before = beforeOf(key, at);
    const field = fieldOf(query, nodes[0]?.name.value ?? '');
    const declared = declaredOf(field);
    switch (declared?.kind) {
      case 'page':
        return { before, answer: pageRoot(selectPage(source, field, nodes, declared)) };
      case 'row':
        return { before, answer: rowRoot(source, field, nodes) };
      default:
        throw new NotDirect(`Query.${field.name}`);
    }
  });
  const patience = new Patience();
  return {
    async answer(context, given) {
      const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], given);
      if (coerced === undefined || !patience.lasts()) {
        return undefined;
      }
      try {
        const answers = await Promise.all(
          roots.map(({ answer }) => answer(context, coerced, roots.length === 1)),
        );
        const answered = !answers.includes(undefined);
        patience.note(answered);
        return answered
          ? `{"data":${roots.map(({ before }, at) => `${before}${answers[at]}`).join('')}}}`
          : undefined;
      } catch (error) {
        patience.note(false);
        // what is wrong with the question is said by whoever resolves it
        if (error instanceof NotDirect || (error instanceof BailiwickError && error.code !== 'INTERNAL')) {
          return undefined;
        }
        throw error;
      }
    },
  };
}

/** What was asked in vain is asked twice. The more often that happens to a document, the more often it is resolved without being tried. */
class Patience {
  #inVain = 0;
  #leave = 0;

  lasts(): boolean {
    if (this.#leave === 0) {
      return true;
    }
    this.#leave -= 1;
    return false;
  }

  note(answered: boolean): void {
    this.#inVain = answered ? 0 : Math.min(2 * this.#inVain + 1, MOST_LEFT);
    this.#leave = this.#inVain;
  }
}

/** Operations in a row that are resolved without being tried. */
const MOST_LEFT = 63;

type Given = { readonly level: Level; readonly pages: readonly PageOf[] };

/** Which rows, and in which order, for these variables. */
function levelOf(selection: PageSelection, context: Context, variables: Variables): Given {
  const { declared, field, node, row } = selection;
  const page = declared.page(context, getArgumentValues(field, node, variables) as never);
  const below = row.page && levelOf(row.page, context, variables);
  return {
    level: {
      wanted: row.wanted,
      query: page.query as unknown as Query,
      among: page.among,
      below: below && { ...below.level, relation: row.page?.declared.relation ?? '' },
    },
    pages: [page, ...(below?.pages ?? [])],
  };
}

const pageRoot =
  (selection: PageSelection): Root['answer'] =>
  async (context, variables, last) => {
    const { level, pages } = levelOf(selection, context, variables);
    const { rows, places } = await readDirectly(level, last);
    return writePage(selection, { rows, places, pages });
  };

/** One row by its global id: the caller's own, which it mostly is. Where it is not, the resolver looks further. */
function rowRoot(source: Source, field: Field, nodes: readonly FieldNode[]): Root['answer'] {
  const selections = new Map<string, RowSelection | undefined>();
  const selectionOf = (name: string): RowSelection | undefined => {
    if (!selections.has(name)) {
      const type = source.schema.getType(name);
      const model = isObjectType(type)
        ? (type.extensions.pothosPrismaModel as ModelName | undefined)
        : undefined;
      const node = getNamedType(field.type);
      selections.set(
        name,
        isObjectType(type) &&
          model !== undefined &&
          type.getInterfaces().some(({ name }) => name === node.name)
          ? unlessNotDirect(() => selectRow(source, type, model, setsOf(nodes)))
          : undefined,
      );
    }
    return selections.get(name);
  };
  return async (context, variables, last) => {
    const { id: asked } = getArgumentValues(field, nodes[0] as FieldNode, variables) as { id: string };
    const { type, id } = fromGlobalId(asked);
    const row = selectionOf(type);
    if (row === undefined || row.page !== undefined) {
      return undefined;
    }
    const own = SHARED.has(type as NodeName) ? { ownerId: sessionOf(context).ownerId } : {};
    const query: Query = { where: { ...own, id }, orderBy: [{ id: 'asc' }], take: 1 };
    const { rows, places } = await readDirectly({ wanted: row.wanted, query }, last);
    return rows[0] === undefined ? undefined : writeNode(row, rows[0], places);
  };
}
