// A Prisma generator: which fields are encrypted, read from the `/// @encrypted` lines of schema.prisma, as a TypeScript module.
//
//   /// @encrypted                    sealed for the row's owner
//   /// @encrypted for(id)            sealed for the entity that another field names
//   /// @encrypted when(sensitive)    only in rows in which this flag is set
//   /// @encrypted index(valueIndex)  found by equality through a blind index, kept in another field
//
// Plain JavaScript, because Prisma runs it at installation. Whatever is declared and cannot be done fails the generation.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import helper from '@prisma/generator-helper';

const WORDS = { for: 'String', when: 'Boolean', index: 'String' };

helper.generatorHandler({
  onManifest: () => ({ defaultOutput: './generated/encrypted.ts', prettyName: 'Encrypted fields' }),
  async onGenerate({ dmmf, generator }) {
    const fields = dmmf.datamodel.models.flatMap((model) =>
      model.fields.flatMap((field) => {
        const declared = /^@encrypted\b(.*)$/m.exec(field.documentation ?? '');
        return declared === null ? [] : [describe(model, field, declared[1])];
      }),
    );
    mkdirSync(dirname(generator.output.value), { recursive: true });
    writeFileSync(
      generator.output.value,
      [
        '// Which fields are encrypted. Made by bin/encrypted-fields.js of the `/// @encrypted` lines of schema.prisma.\n\n',
        "import type { EncryptedField } from '../src/crypto/declared.ts';\n\n",
        `export const ENCRYPTED: readonly EncryptedField[] = ${JSON.stringify(fields, null, 2)};\n`,
      ].join(''),
    );
  },
});

function describe(model, field, options) {
  const at = `${model.name}.${field.name}`;
  const refuse = (why) => {
    throw new Error(`${at}: ${why}`);
  };
  if (!['String', 'Json'].includes(field.type) || field.isList) {
    refuse('only a String or a Json can be encrypted');
  }
  const named = { for: undefined, when: undefined, index: undefined };
  const rest = options.replace(/\s*\b(for|when|index)\((\w+)\)/g, (_, word, name) => {
    const other = model.fields.find((candidate) => candidate.name === name);
    if (other === undefined || other.type !== WORDS[word] || other.isList) {
      refuse(`${word}(${name}) must name a ${WORDS[word]} of the model`);
    }
    named[word] = other;
    return '';
  });
  if (rest.trim() !== '') {
    refuse(`does not understand "${rest.trim()}"`);
  }
  for (const needed of ['id', 'tenantId', 'ownerId']) {
    if (!model.fields.some(({ name, isRequired }) => name === needed && isRequired)) {
      refuse(`the model needs ${needed}, to which the value is bound`);
    }
  }
  const nameOf = (one) => one && { field: one.name, column: one.dbName ?? one.name };
  return {
    model: model.name,
    table: model.dbName ?? model.name,
    ...nameOf(field),
    json: field.type === 'Json',
    default: typeof field.default === 'string' ? field.default : undefined,
    holder: nameOf(named.for ?? model.fields.find(({ name }) => name === 'ownerId')),
    when: nameOf(named.when),
    index: nameOf(named.index),
  };
}
