// The public contract: graphql/schema.graphql is what the code prints, says something about everything in it, and can be
// built without touching anything.

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  Kind,
  parse,
  validate,
} from 'graphql';
import { expect, test } from 'vitest';
import { checkLimits } from '../src/api/limits.ts';
import { schemaText } from '../src/print-schema.ts';
import { schema } from '../src/schema.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

type Element = { readonly at: string; readonly description: string | null | undefined };

/** Everything that can be described, by its coordinate. */
function elements(): Element[] {
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
  );
  return types.flatMap((type): Element[] => [
    { at: type.name, description: type.description },
    ...(isObjectType(type) || isInterfaceType(type)
      ? Object.values(type.getFields()).flatMap((field) => [
          { at: `${type.name}.${field.name}`, description: field.description },
          ...field.args.map(({ name, description }) => ({
            at: `${type.name}.${field.name}(${name}:)`,
            description,
          })),
        ])
      : []),
    ...(isInputObjectType(type)
      ? Object.values(type.getFields()).map(({ name, description }) => ({
          at: `${type.name}.${name}`,
          description,
        }))
      : []),
    ...(isEnumType(type)
      ? type.getValues().map(({ name, description }) => ({ at: `${type.name}.${name}`, description }))
      : []),
  ]);
}

const FILLERS = new Set('a an the of to in on by for with and or is it its this that which'.split(' '));

/** What a description adds to the words of the name it stands at. */
function added({ at, description }: Element): string[] {
  const words = (text: string) =>
    text
      .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .filter((word) => word !== '')
      .map((word) => word.replace(/(ies|s|ed)$/, ''));
  const said = new Set(words(/(\w+)\W*$/.exec(at)?.[1] ?? ''));
  return words(description ?? '').filter((word) => !said.has(word) && !FILLERS.has(word));
}

test('graphql/schema.graphql is what the code says: run `npm run generate` and read the difference', async () => {
  const checkedIn = await readFile(`${root}graphql/schema.graphql`, 'utf8');
  expect(
    checkedIn,
    'graphql/schema.graphql is out of date: run `npm run generate` and read the difference',
  ).toBe(schemaText());
});

test('everything is described', () => {
  expect(
    elements()
      .filter(({ description }) => !description)
      .map(({ at }) => at),
  ).toEqual([]);
});

test('descriptions are sentences, and no two spaces or lines are in them', () => {
  const odd = elements().filter(
    ({ description }) => !/^[A-Z"].*[.]$/s.test(description ?? '') || /\s\s|\n/.test(description ?? ''),
  );
  expect(odd.map(({ at, description }) => `${at}: ${description}`)).toEqual([]);
});

test('no description merely repeats the name of what it describes', () => {
  expect(
    elements()
      .filter((element) => added(element).length === 0)
      .map(({ at, description }) => `${at}: ${description}`),
  ).toEqual([]);
});

test('the operations checked in are valid, within the limits, and leave out no query and no mutation', async () => {
  const folder = `${root}graphql/operations/`;
  const texts = await Promise.all(
    (await readdir(folder)).map((file) => readFile(`${folder}${file}`, 'utf8')),
  );
  const document = parse(texts.join('\n'));
  expect(validate(schema, document)).toEqual([]);
  const operations = document.definitions.filter(
    (definition) => definition.kind === Kind.OPERATION_DEFINITION,
  );
  for (const operation of operations) {
    checkLimits(schema, document, operation, { first: 100 });
  }
  const asked = operations.flatMap(({ selectionSet }) =>
    selectionSet.selections.flatMap((node) => (node.kind === Kind.FIELD ? [node.name.value] : [])),
  );
  const fields = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
    Object.keys(type?.getFields() ?? {}),
  );
  expect(fields.filter((field) => !asked.includes(field))).toEqual([]);
});

test('building the schema writes nothing, connects to nothing, starts nothing and leaves nothing open', async () => {
  const probe = `
    import net from 'node:net';
    import dns from 'node:dns';
    const refuse = () => { throw new Error('the network was used'); };
    net.Socket.prototype.connect = refuse;
    dns.lookup = refuse;
    const { schema } = await import('./src/schema.ts');
    // whoever looks at the standard streams opens a pipe here
    const open = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap');
    if (open.length > 0) {
      throw new Error(open.join());
    }
    process.exitCode = schema.getQueryType() ? 0 : 1;`;
  // reading the sources is all it may do
  const args = ['--permission', `--allow-fs-read=${root}*`, '--input-type=module', '--eval', probe];
  const { stderr } = await promisify(execFile)(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env.PATH },
  });
  expect(stderr.replaceAll(/^\(.*\n?/gm, '')).toBe('');
});
