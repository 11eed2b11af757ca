// The operations that clients of the product have, as texts that can be sent: graphql/operations, each with the fragments
// it needs. A change in them changes what the database is asked, and is judged with the rest.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  visit,
} from 'graphql';

const FOLDER = fileURLToPath(new URL('../../../graphql/operations/', import.meta.url));

const DEFINITIONS = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.graphql'))
  .flatMap((name) => parse(readFileSync(`${FOLDER}${name}`, 'utf8')).definitions);

const FRAGMENTS = new Map(
  DEFINITIONS.filter((d): d is FragmentDefinitionNode => d.kind === Kind.FRAGMENT_DEFINITION).map((d) => [
    d.name.value,
    d,
  ]),
);

/** By name. */
export const OPERATIONS: ReadonlyMap<string, OperationDefinitionNode> = new Map(
  DEFINITIONS.filter((d): d is OperationDefinitionNode => d.kind === Kind.OPERATION_DEFINITION).map((d) => [
    d.name?.value ?? '',
    d,
  ]),
);

/** The text of an operation of the product. */
export function documentOf(name: string): string {
  return print(complete(operationOf(name)));
}

/**
 * A mutation of the product with a second field behind it that always fails before it reaches the database: so the first
 * is carried out in full and then undone, and the rows are the same for whoever comes next.
 */
export function undone(name: string): string {
  const failing = parse(
    'mutation { undo: updateWorldMember(input: { id: "no global id", role: GUEST }) { __typename } }',
  ).definitions[0] as OperationDefinitionNode;
  const operation = operationOf(name);
  const selections = [...operation.selectionSet.selections, ...failing.selectionSet.selections];
  return print(complete({ ...operation, selectionSet: { kind: Kind.SELECTION_SET, selections } }));
}

/** The fields of Query or Mutation that a text asks for. */
export function rootFields(text: string): string[] {
  return parse(text).definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION
      ? definition.selectionSet.selections.flatMap((node) =>
          node.kind === Kind.FIELD && node.alias?.value !== 'undo' ? [node.name.value] : [],
        )
      : [],
  );
}

function operationOf(name: string): OperationDefinitionNode {
  const operation = OPERATIONS.get(name);
  if (operation === undefined) {
    throw new TypeError(`graphql/operations has no operation ${name}`);
  }
  return operation;
}

function complete(operation: OperationDefinitionNode): DocumentNode {
  const needed = new Map<string, FragmentDefinitionNode>();
  const collect = (within: OperationDefinitionNode | FragmentDefinitionNode): void => {
    visit(within, {
      FragmentSpread({ name }) {
        const fragment = FRAGMENTS.get(name.value);
        if (fragment !== undefined && !needed.has(name.value)) {
          needed.set(name.value, fragment);
          collect(fragment);
        }
      },
    });
  };
  collect(operation);
  return { kind: Kind.DOCUMENT, definitions: [operation, ...needed.values()] };
}
