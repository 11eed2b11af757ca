// What of the schema this instrument must know, read from the schema itself: every mutation, every id that a mutation takes,
// every way to a row. What is missing is said by its name, so that nobody has to remember.

import {
  type GraphQLInputField,
  type GraphQLNamedType,
  getNamedType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  parse,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { askersOf } from '../../../../src/assurance/askers.ts';
import { sampleWorlds } from '../../../../src/assurance/generate.ts';
import { schema } from '../../../../src/schema.ts';
import { authorityOf } from '../rules.ts';
import { attemptsOf, MUTATIONS } from './attempts.ts';
import { LEFT_OUT } from './left-out.ts';
import { questionOf } from './reading.ts';
import { sceneOf } from './scene.ts';
import { TABLE_OF } from './sight.ts';

const mutations = schema.getMutationType()?.getFields() ?? {};
const objects = Object.values(schema.getTypeMap()).filter(isObjectType);
const node = schema.getType('Node');

/** Names of which one side knows more than the other. */
function unlike(known: readonly string[], there: readonly string[]): string[] {
  return [
    ...there.filter((name) => !known.includes(name)).map((name) => `${name} is not tried`),
    ...known.filter((name) => !there.includes(name)).map((name) => `${name} is not in the schema`),
  ].sort();
}

export function missingMutations(): string[] {
  return unlike(Object.keys(MUTATIONS), Object.keys(mutations));
}

export function missingTypes(): string[] {
  const nodes = isInterfaceType(node) ? schema.getPossibleTypes(node).map(({ name }) => name) : [];
  return unlike(Object.keys(TABLE_OF), nodes);
}

/** Fields that lead to rows: to a type with a global id, or to something that holds some. Results of mutations aside. */
export function missingWays(): string[] {
  const leads = (type: GraphQLNamedType): boolean =>
    type === node ||
    (isObjectType(type) &&
      (type.getInterfaces().some((one) => one === node) ||
        'edges' in type.getFields() ||
        'node' in type.getFields()));
  const results = new Set([
    ...['Mutation', 'CreatedMemories', 'IssuedApiKey', 'RegisteredClient'],
    ...['ActionVerdict', 'ApprovalRequired'],
  ]);
  const ways = objects
    .filter(({ name }) => !results.has(name) && !name.startsWith('__'))
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter((field) => type === schema.getQueryType() || leads(getNamedType(field.type)))
        .map((field) => `${type.name}.${field.name}`),
    );
  return unlike([...read().filter((field) => ways.includes(field)), ...Object.keys(LEFT_OUT)], ways);
}

/** The fields that are read, as `Type.field`. */
function read(): string[] {
  const [world] = sampleWorlds(1, 1);
  const found = new Set<string>();
  const types = new TypeInfo(schema);
  if (world !== undefined) {
    const note = () => {
      found.add(`${types.getParentType()?.name}.${types.getFieldDef()?.name}`);
    };
    visit(parse(questionOf(world, 0).query), visitWithTypeInfo(types, { Field: note }));
  }
  return [...found];
}

/** Every id that the input of a mutation takes, however deep, must be given in some attempt. */
export function missingIds(): string[] {
  const given = new Set<string>();
  for (const world of sampleWorlds(1, 5)) {
    for (const asker of askersOf(world)) {
      const a = authorityOf(world, asker);
      for (const { field, input } of a === undefined ? [] : attemptsOf(sceneOf(world, asker, a))) {
        for (const path of pathsOf(input)) {
          given.add(`${field} ${path}`);
        }
      }
    }
  }
  const taken = Object.entries(mutations).flatMap(([field, { args }]) =>
    args.flatMap((arg) => idsIn(getNamedType(arg.type)).map((path) => `${field} ${path}`)),
  );
  return taken.filter((path) => !given.has(path)).map((path) => `${path} is not tried`);
}

function idsIn(type: GraphQLNamedType): string[] {
  return isInputObjectType(type)
    ? Object.values(type.getFields()).flatMap(({ name, type: inner }: GraphQLInputField) => {
        const named = getNamedType(inner);
        return named.name === 'ID' ? [name] : idsIn(named).map((path) => `${name}.${path}`);
      })
    : [];
}

/** The paths at which an input holds text. */
function pathsOf(input: unknown, at = ''): string[] {
  if (typeof input === 'string') {
    return [at];
  }
  return typeof input === 'object' && input !== null
    ? Object.entries(input).flatMap(([key, value]) =>
        pathsOf(value, Array.isArray(input) ? at : at === '' ? key : `${at}.${key}`),
      )
    : [];
}
