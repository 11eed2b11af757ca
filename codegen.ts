// graphql-codegen: graphql/schema.graphql and graphql/operations -> generated/graphql, documents that carry the types of
// their variables and data. Used by the tests, and by anybody's client in the same way.
//
// The output runs in Node as it is (type stripping): documents are text, enums are types, imports name `.ts` files.

import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: 'graphql/schema.graphql',
  documents: 'graphql/operations/*.graphql',
  generates: {
    'generated/graphql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        enumType: 'string-literal',
        importExtension: '.ts',
        scalars: { ID: 'string', DateTime: 'string', JSONObject: 'Record<string, unknown>' },
        strictScalars: true,
        useTypeImports: true,
      },
    },
  },
};

export default config;
