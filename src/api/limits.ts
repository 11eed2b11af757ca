// How much one operation may ask for, judged before anything runs: depth, aliases and directives, and cost.
//
// Cost counts the fields that would be answered: a field costs one, and what stands inside a connection or list counts
// once for every row that may come. Fragments count where they are spread, whatever they are called. An operation that
// asks for the schema alone, which only a development server answers, is not limited in depth and cost: it reads no
// rows. The number of tokens is limited by the parser (yoga.ts).

import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql';
import { BailiwickError } from '../errors.ts';
import { DEFAULT_PER_PAGE } from './keyset.ts';

export const LIMITS = {
  /** Tokens of the document. */
  tokens: 2000,
  /** Fields inside fields. */
  depth: 14,
  /** Aliases, and directives, in the whole operation with its fragments spread. */
  aliases: 50,
  directives: 50,
  /** Fields that may be answered. */
  cost: 50_000,
  /** Errors in one answer. */
  errors: 10,
  /** Rows assumed for a list that takes no size and does not tell its own in `extensions.rows`. */
  list: 10,
} as const;

type Tally = {
  readonly cost: number;
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
};

const NOTHING: Tally = { cost: 0, depth: 0, aliases: 0, directives: 0 };

/**
 * Judges an operation that has passed validation.
 *
 * @param limited Which limits apply; all of them unless said.
 * @throws {BailiwickError} LIMIT_EXCEEDED naming the limit, the most that is allowed and what was asked for.
 */
export function checkLimits(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
  limited: readonly (keyof Tally)[] = ['depth', 'aliases', 'directives', 'cost'],
): void {
  const tally = tallies.get(operation) ?? weigh(schema, document, operation, variables);
  for (const limit of limited) {
    if (tally[limit] > LIMITS[limit]) {
      throw new BailiwickError(
        'LIMIT_EXCEEDED',
        `The operation exceeds the limit of ${limit}: ${tally[limit]}, at most ${LIMITS[limit]}`,
      );
    }
  }
}

/** What operations weigh that weigh the same whatever their variables are. */
const tallies = new WeakMap<OperationDefinitionNode, Tally>();

function weigh(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): Tally {
  const root = schema.getRootType(operation.operation);
  const bound: Bound = { variables: withDefaults(operation, variables), asked: false };
  const fragments = new Map(
    document.definitions
      .filter((d): d is FragmentDefinitionNode => d.kind === Kind.FRAGMENT_DEFINITION)
      .map((d) => [d.name.value, d]),
  );
  // A fragment weighs the same wherever it is spread; remembering it keeps this linear in the document.
  const weighed = new Map<string, Tally>();

  const selection = (set: SelectionSetNode, parent: GraphQLNamedType | undefined): Tally => {
    let { cost, depth, aliases, directives } = NOTHING;
    for (const node of set.selections) {
      const part =
        node.kind === Kind.FIELD
          ? field(node, parent)
          : node.kind === Kind.INLINE_FRAGMENT
            ? selection(
                node.selectionSet,
                node.typeCondition ? schema.getType(node.typeCondition.name.value) : parent,
              )
            : fragment(node.name.value);
      cost += part.cost;
      depth = Math.max(depth, part.depth);
      aliases += part.aliases + (node.kind === Kind.FIELD && node.alias ? 1 : 0);
      directives += part.directives + (node.directives?.length ?? 0);
    }
    return { cost, depth, aliases, directives };
  };

  const fragment = (name: string): Tally => {
    const known = weighed.get(name);
    const definition = fragments.get(name);
    if (known !== undefined || definition === undefined) {
      return known ?? NOTHING;
    }
    const tally = selection(definition.selectionSet, schema.getType(definition.typeCondition.name.value));
    weighed.set(name, tally);
    return tally;
  };

  const field = (node: FieldNode, parent: GraphQLNamedType | undefined): Tally => {
    const definition: GraphQLField<unknown, unknown> | undefined =
      isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value] : undefined;
    const inner = node.selectionSet
      ? selection(node.selectionSet, definition && getNamedType(definition.type))
      : NOTHING;
    const rows = definition === undefined ? 1 : rowsOf(node, definition, bound);
    return { ...inner, cost: 1 + rows * inner.cost, depth: inner.depth + 1 };
  };

  const tally = selection(operation.selectionSet, root ?? undefined);
  if (!bound.asked) {
    tallies.set(operation, tally);
  }
  return tally;
}

/** Variables, and whether a size depended on one. */
type Bound = { readonly variables: Readonly<Record<string, unknown>>; asked: boolean };

/** The variables as execution will see them: one that was not given has the default that the document gives it. */
function withDefaults(
  { variableDefinitions = [] }: OperationDefinitionNode,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const defaults = variableDefinitions.flatMap(({ variable, defaultValue }) =>
    defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)] as const] : [],
  );
  return { ...Object.fromEntries(defaults), ...given };
}

/** How many times what is inside a field may be answered. */
function rowsOf(node: FieldNode, definition: GraphQLField<unknown, unknown>, bound: Bound): number {
  const given = (name: string) => numberOf(node.arguments?.find((a) => a.name.value === name)?.value, bound);
  if (definition.args.some(({ name }) => name === 'first')) {
    return Math.max(1, given('first') ?? given('last') ?? DEFAULT_PER_PAGE);
  }
  if (definition.args.some(({ name }) => name === 'ids')) {
    return Math.max(1, lengthOf(node.arguments?.find((a) => a.name.value === 'ids')?.value, bound));
  }
  if (typeof definition.extensions.rows === 'number') {
    return definition.extensions.rows;
  }
  // the size of a connection's edges is that of the connection, which has counted it already
  return isList(definition.type) && definition.name !== 'edges' ? LIMITS.list : 1;
}

function isList(type: GraphQLOutputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

function numberOf(value: ValueNode | undefined, bound: Bound): number | undefined {
  if (value?.kind === Kind.INT) {
    return Number(value.value);
  }
  const given = value?.kind === Kind.VARIABLE ? givenBy(value.name.value, bound) : undefined;
  return typeof given === 'number' ? given : undefined;
}

function givenBy(variable: string, bound: Bound): unknown {
  bound.asked = true;
  return bound.variables[variable];
}

function lengthOf(value: ValueNode | undefined, bound: Bound): number {
  const list =
    value?.kind === Kind.VARIABLE
      ? givenBy(value.name.value, bound)
      : value?.kind === Kind.LIST
        ? value.values
        : 1;
  return Array.isArray(list) ? list.length : 1;
}
