// What a document asks of rows, worked out once for each document: for every object its members in order, each with the column that it comes
// from. A selection with anything in it that a resolver must answer is not worked out at all (NotDirect), and then nothing of it is.

import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { NotDirect, otherSide, tableOf } from '../../db/direct/filter.ts';
import { besides } from '../../db/direct/opening.ts';
import type { Wanted } from '../../db/direct/statement.ts';
import type { ModelName } from '../../db/models.ts';
import { toGlobalId } from '../global-id.ts';
import { type Declared, declaredOf } from './declared.ts';
import { type Writer, writerOf } from './values.ts';

type Field = GraphQLField<unknown, unknown>;
type PageDeclared = Extract<Declared, { kind: 'page' }>;

/** One member of an object: its key with everything that stands before its value, and where that comes from. */
export type Member = { readonly before: string } & (
  | { readonly kind: 'constant'; readonly text: string }
  | {
      readonly kind: 'column';
      /** The relation that leads to it, where it is not the row's own. */
      readonly through: string | undefined;
      readonly column: string;
      readonly nullable: boolean;
      readonly write: Writer;
    }
  | {
      readonly kind: 'single';
      readonly relation: string;
      readonly nullable: boolean;
      readonly members: readonly Member[];
    }
  | { readonly kind: 'page'; readonly page: PageSelection }
);

/** What is asked of a row. */
export type RowSelection = {
  readonly wanted: Wanted;
  readonly members: readonly Member[];
  readonly page: PageSelection | undefined;
};

/** What is asked of a connection. */
export type PageSelection = {
  readonly node: FieldNode;
  readonly field: Field;
  readonly declared: PageDeclared;
  readonly members: readonly ConnectionMember[];
  readonly row: RowSelection;
};

type ConnectionMember = { readonly before: string } & (
  | { readonly kind: 'constant'; readonly text: string }
  | { readonly kind: 'edges'; readonly members: readonly EdgeMember[] }
  | { readonly kind: 'info'; readonly members: readonly InfoMember[] }
);
type EdgeMember = { readonly before: string } & (
  | { readonly kind: 'constant'; readonly text: string }
  | { readonly kind: 'cursor' | 'node' }
);
type InfoMember = { readonly before: string } & (
  | { readonly kind: 'constant'; readonly text: string }
  | { readonly kind: 'startCursor' | 'endCursor' | 'hasNextPage' | 'hasPreviousPage' }
);

/** A document, as far as its selections need it. */
export type Source = {
  readonly schema: GraphQLSchema;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
};

export function sourceOf(schema: GraphQLSchema, { definitions }: DocumentNode): Source {
  const fragments = definitions.filter((one) => one.kind === Kind.FRAGMENT_DEFINITION);
  return { schema, fragments: new Map(fragments.map((one) => [one.name.value, one])) };
}

/** The fields that are asked of a type, by the keys of the answer and in their order, through its fragments. */
export function fieldsAsked(
  source: Source,
  type: GraphQLObjectType,
  sets: readonly (SelectionSetNode | undefined)[],
  found = new Map<string, FieldNode[]>(),
): Map<string, FieldNode[]> {
  for (const node of sets.flatMap((set) => set?.selections ?? [])) {
    if (node.directives !== undefined && node.directives.length > 0) {
      throw new NotDirect('a directive');
    }
    if (node.kind === Kind.FIELD) {
      const key = node.alias?.value ?? node.name.value;
      const same = found.get(key);
      if (same === undefined) {
        found.set(key, [node]);
      } else {
        same.push(node);
      }
      continue;
    }
    const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : source.fragments.get(node.name.value);
    if (fragment === undefined || (fragment.directives?.length ?? 0) > 0) {
      throw new NotDirect('a fragment');
    }
    if (applies(source, type, fragment.typeCondition?.name.value)) {
      fieldsAsked(source, type, [fragment.selectionSet], found);
    }
  }
  return found;
}

function applies({ schema }: Source, type: GraphQLObjectType, condition: string | undefined): boolean {
  if (condition === undefined || condition === type.name) {
    return true;
  }
  const other = schema.getType(condition);
  return isAbstractType(other) && schema.isSubType(other, type);
}

/** What stands before the value of a member of an object: which one it is, and its key. */
export function beforeOf(key: string, at: number): string {
  return `${at === 0 ? '{' : ','}${JSON.stringify(key)}:`;
}

/** The members of an object, each made of the nodes that ask for it. */
function membersOf<M>(
  source: Source,
  type: GraphQLObjectType,
  sets: readonly (SelectionSetNode | undefined)[],
  make: (nodes: readonly FieldNode[], before: string, name: string) => M,
): (M | { readonly before: string; readonly kind: 'constant'; readonly text: string })[] {
  return [...fieldsAsked(source, type, sets)].map(([key, nodes], at) => {
    const before = beforeOf(key, at);
    const name = nodes[0]?.name.value ?? '';
    return name === '__typename'
      ? { before, kind: 'constant', text: JSON.stringify(type.name) }
      : make(nodes, before, name);
  });
}

/** @throws {NotDirect} */
export function selectRow(
  source: Source,
  type: GraphQLObjectType,
  model: ModelName,
  sets: readonly (SelectionSetNode | undefined)[],
): RowSelection {
  const fields = new Set<string>();
  const singles = new Map<string, Wanted>();
  let page: PageSelection | undefined;
  const members = membersOf<Member>(source, type, sets, (nodes, before, name) => {
    const field = fieldOf(type, name);
    const declared = declaredOf(field);
    if (declared?.kind === 'page') {
      // one page below each row: two would multiply
      if (page !== undefined || declared.relation === undefined) {
        throw new NotDirect(`${type.name}.${name}: another page`);
      }
      page = selectPage(source, field, nodes, declared);
      return { before, kind: 'page', page };
    }
    if (declared?.kind === 'through') {
      const there = otherSide({ model }, declared.relation) as ModelName;
      const known = singles.get(declared.relation) ?? { model: there, fields: new Set(), singles: new Map() };
      singles.set(declared.relation, { ...known, fields: new Set([...known.fields, declared.column]) });
      return columnMember(before, field.type, there, declared.column, declared.relation);
    }
    if (declared?.kind === 'id') {
      fields.add(declared.column);
      const of = declared.type ?? type.name;
      const write: Writer = (id) => `"${toGlobalId(of, id)}"`;
      return {
        before,
        kind: 'column',
        through: undefined,
        column: declared.column,
        nullable: !isNonNullType(field.type),
        write,
      };
    }
    const exposed = field.extensions.pothosExposedField;
    if (typeof exposed === 'string') {
      fields.add(exposed);
      return columnMember(before, field.type, model, exposed, undefined);
    }
    const relation = tableOf(model).relations[name];
    const other = getNamedType(field.type);
    if (
      field.extensions.pothosPrismaRelationField === undefined ||
      relation === undefined ||
      relation.list ||
      !isObjectType(other)
    ) {
      throw new NotDirect(`${type.name}.${name}`);
    }
    const row = selectRow(
      source,
      other,
      relation.model as ModelName,
      nodes.map(({ selectionSet }) => selectionSet),
    );
    if (row.page !== undefined || besides(row.wanted).length > 0 || singles.has(name)) {
      throw new NotDirect(`${type.name}.${name}: more than columns`);
    }
    singles.set(name, row.wanted);
    return {
      before,
      kind: 'single',
      relation: name,
      nullable: !isNonNullType(field.type),
      members: row.members,
    };
  });
  return { wanted: { model, fields, singles }, members, page };
}

function columnMember(
  before: string,
  type: GraphQLOutputType,
  model: ModelName,
  name: string,
  through: string | undefined,
): Member {
  const column = tableOf(model).columns[name];
  if (column === undefined) {
    throw new NotDirect(`${model}.${name} is no column`);
  }
  return {
    before,
    kind: 'column',
    through,
    column: name,
    nullable: !isNonNullType(type),
    write: writerOf(type, column),
  };
}

/** @throws {NotDirect} */
export function selectPage(
  source: Source,
  field: Field,
  nodes: readonly FieldNode[],
  declared: PageDeclared,
): PageSelection {
  const connection = objectOf(field.type);
  const rows: (SelectionSetNode | undefined)[] = [];
  const edge = objectOf(fieldOf(connection, 'edges').type);
  const type = objectOf(fieldOf(edge, 'node').type);
  const members = membersOf<ConnectionMember>(source, connection, setsOf(nodes), (inner, before, name) => {
    switch (name) {
      case 'edges':
        return {
          before,
          kind: 'edges',
          members: membersOf<EdgeMember>(source, edge, setsOf(inner), (of, before, name) => {
            if (name === 'node' && rows.length === 0) {
              rows.push(...setsOf(of));
              return { before, kind: 'node' };
            }
            if (name === 'cursor') {
              return { before, kind: 'cursor' };
            }
            throw new NotDirect(`${edge.name}.${name}`);
          }),
        };
      case 'pageInfo':
        return {
          before,
          kind: 'info',
          members: membersOf<InfoMember>(
            source,
            objectOf(fieldOf(connection, name).type),
            setsOf(inner),
            (_, before, name) => {
              if (isOfInfo(name)) {
                return { before, kind: name };
              }
              throw new NotDirect(`PageInfo.${name}`);
            },
          ),
        };
      default:
        throw new NotDirect(`${connection.name}.${name}`);
    }
  });
  const row = selectRow(source, type, declared.model, rows);
  const [node] = nodes;
  if (node === undefined || (declared.relation !== undefined && row.page !== undefined)) {
    throw new NotDirect('a page below a page below a page');
  }
  return { node, field, declared, members, row };
}

const INFO = ['startCursor', 'endCursor', 'hasNextPage', 'hasPreviousPage'] as const;

function isOfInfo(name: string): name is (typeof INFO)[number] {
  return (INFO as readonly string[]).includes(name);
}

export function setsOf(nodes: readonly FieldNode[]): (SelectionSetNode | undefined)[] {
  return nodes.map(({ selectionSet }) => selectionSet);
}

export function fieldOf(type: GraphQLObjectType, name: string): Field {
  const field = type.getFields()[name];
  if (field === undefined) {
    throw new NotDirect(`${type.name}.${name}`);
  }
  return field;
}

function objectOf(type: GraphQLOutputType): GraphQLObjectType {
  const named = getNamedType(type);
  if (!isObjectType(named)) {
    throw new NotDirect(`${named.name} is no object`);
  }
  return named;
}
