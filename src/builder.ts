// The Pothos builder: plugins and their settings. It defines no type of the domain, and imports nothing that uses it.

import SchemaBuilder from '@pothos/core';
import ErrorsPlugin from '@pothos/plugin-errors';
import PrismaPlugin from '@pothos/plugin-prisma';
import type PrismaTypes from '../generated/pothos.ts';
import { getDatamodel } from '../generated/pothos.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';
import { type Context, rowsTogether } from './context.ts';

const capitalised = (name: string) => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** What the builder knows of types, for those who make generic ones. */
export type PothosTypes = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer Types> ? Types : never;

export const builder = new SchemaBuilder<{
  Context: Context;
  PrismaTypes: PrismaTypes;
  DefaultFieldNullability: false;
  DefaultInputFieldRequiredness: true;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    JSONObject: { Input: Record<string, unknown>; Output: unknown };
  };
}>({
  plugins: [ErrorsPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  defaultInputFieldRequiredness: true,
  // an expected outcome stands beside the result itself: union CreateAgentResult = Agent | NotFound
  errors: {
    directResult: true,
    defaultUnionOptions: {
      name: ({ fieldName }) => `${capitalised(fieldName)}Result`,
      description: 'What came of it: the result, or an outcome to be expected.',
    },
  },
  prisma: {
    client: (context) => rowsTogether(context) as unknown as PrismaClient,
    dmmf: getDatamodel(),
    exposeDescriptions: false,
  },
});

builder.queryType({
  description: 'What can be read. Every answer holds only rows that the caller may know of.',
});
builder.mutationType({
  description:
    'What can be changed. All fields of one operation share a transaction: an error in one undoes all, an outcome does not.',
});
builder.subscriptionType({
  description:
    'What can be listened to, as a stream of server-sent events. Every event is read anew under the authority that the listener then has.',
});
