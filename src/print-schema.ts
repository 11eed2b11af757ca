// The public contract as text: graphql/schema.graphql, from the code. Sorted, so that a change of the contract is a change
// of the lines it is about. Building the schema contacts nothing; only this file, the server and tests import it.

import { lexicographicSortSchema, printSchema } from 'graphql';
import { schema } from './schema.ts';

const HEADER = '# The public contract. Generated from src by `npm run generate`; not edited by hand.';

export function schemaText(): string {
  return `${HEADER}\n\n${printSchema(lexicographicSortSchema(schema))}\n`;
}
