// JSON that a token may consist of: no duplicate member, nothing before or after, nothing that two readers read differently.

import { expect, test } from 'vitest';
import { parseStrictJson } from '../../src/auth/strict-json.ts';

const parse = (text: string) => parseStrictJson(Buffer.from(text));

test.each([
  ['two members with one name', '{"a":1,"a":1}'],
  ['two members with one name, apart', '{"a":1,"b":{"a":2},"a":3}'],
  ['two members with one name, and a list between them', '{"a":1,"b":[],"a":2}'],
  ['two members with one name, one of them escaped', '{"iss":1,"\\u0069ss":2}'],
  ['two members with one name in a nested object', '{"x":[{"a":1,"a":2}]}'],
  ['two members with one name and space before the colon', '{"a" :1,"a"\n:2}'],
  ['two members called __proto__', '{"__proto__":1,"__proto__":2}'],
  ['two members whose name holds a quote', '{"a\\"":1,"a\\"":2}'],
  ['two members with an empty name', '{"":1,"":2}'],
  ['something after the document', '{"a":1}{}'],
  ['a byte order mark', '\uFEFF{}'],
  ['a trailing comma', '{"a":1,}'],
  ['nothing', ''],
])('%s is refused', (_, text) => {
  expect(() => parse(text)).toThrow(SyntaxError);
});

test('bytes that are not UTF-8 are refused', () => {
  expect(() => parseStrictJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow(TypeError);
});

test.each([
  ['one name in different objects', '{"a":{"a":1},"b":[{"a":2},{"a":3}]}'],
  ['one name in an object and later around it', '{"a":{"b":1},"b":2}'],
  ['a value that reads like a name', '{"a":"a","b":["a","a"]}'],
  ['a value that reads like an object', '{"a":"{\\"a\\":1}","b":"\\\\"}'],
  ['names that differ in case', '{"a":1,"A":2}'],
  ['what is no object', '[1,"x",null]'],
])('%s is read as JSON.parse reads it', (_, text) => {
  expect(parse(text)).toEqual(JSON.parse(text));
});

test('nesting as deep as a key set allows is read without exhausting the stack', () => {
  const deep = 32 * 1024;
  expect(parse(`${'['.repeat(deep)}${']'.repeat(deep)}`)).toBeInstanceOf(Array);
});
