// A Prisma generator: what tables and columns the models of schema.prisma have in the database, and by which columns they are joined, as a
// TypeScript module. Prisma's client knows it and does not tell.
//
// Plain JavaScript, because Prisma runs it at installation.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import helper from '@prisma/generator-helper';

helper.generatorHandler({
  onManifest: () => ({ defaultOutput: './generated/tables.ts', prettyName: 'Tables' }),
  async onGenerate({ dmmf, generator }) {
    const { models } = dmmf.datamodel;
    const tables = Object.fromEntries(models.map((model) => [model.name, describe(model, models)]));
    mkdirSync(dirname(generator.output.value), { recursive: true });
    writeFileSync(
      generator.output.value,
      [
        '// The tables of the models. Made by bin/tables.js of schema.prisma.\n\n',
        "import type { Table } from '../src/db/direct/table.ts';\n\n",
        `export const TABLES: Readonly<Record<string, Table>> = ${JSON.stringify(tables, null, 2)};\n`,
      ].join(''),
    );
  },
});

function describe(model, models) {
  const columnOf = (one, name) => {
    const field = one.fields.find((candidate) => candidate.name === name);
    return field.dbName ?? field.name;
  };
  const columns = model.fields
    .filter(({ kind }) => kind === 'scalar')
    .map((field) => [
      field.name,
      {
        column: field.dbName ?? field.name,
        type: field.nativeType?.[0] ?? field.type,
        list: field.isList,
        now: field.isUpdatedAt,
      },
    ]);
  const relations = model.fields
    .filter(({ kind }) => kind === 'object')
    .map((field) => {
      const other = models.find(({ name }) => name === field.type);
      const back = other.fields.find(
        (candidate) => candidate.relationName === field.relationName && candidate !== field,
      );
      const mine = field.relationFromFields.length > 0;
      const [from, to] = mine
        ? [field.relationFromFields, field.relationToFields]
        : [back.relationToFields, back.relationFromFields];
      const on = from.map((name, at) => [columnOf(model, name), columnOf(other, to[at])]);
      return [field.name, { model: field.type, list: field.isList, on }];
    });
  return {
    table: model.dbName ?? model.name,
    columns: Object.fromEntries(columns),
    relations: Object.fromEntries(relations),
  };
}
