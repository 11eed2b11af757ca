// Values of columns, as PostgreSQL writes them, in the JSON of an answer: the same text that the scalar of the schema would come to.

import { type GraphQLOutputType, isEnumType, isListType, isNonNullType, isScalarType } from 'graphql';
import pg from 'pg';
import { NotDirect } from '../../db/direct/filter.ts';
import type { Column } from '../../db/direct/table.ts';

/** From what PostgreSQL writes to JSON. */
export type Writer = (text: string) => string;

const arrayOf = pg.types.getTypeParser(1009 as never) as (text: string) => unknown;

const quoted: Writer = (text) => JSON.stringify(text);

/** By the name of the scalar: from which types of columns it is written, and how. */
const SCALARS: Readonly<Record<string, readonly [columns: readonly string[], write: Writer]>> = {
  String: [['String', 'Uuid'], quoted],
  Boolean: [['Boolean'], (text) => (text === 't' ? 'true' : 'false')],
  Int: [['Int', 'SmallInt', 'Integer'], (text) => text],
  DateTime: [['Timestamptz'], (text) => `"${isoOf(text)}"`],
  JSONObject: [['JsonB'], jsonObject],
};

/** @throws {NotDirect} where a column is not what is written of that type here. */
export function writerOf(type: GraphQLOutputType, { type: column, list }: Column): Writer {
  const named = isNonNullType(type) ? type.ofType : type;
  if (isListType(named)) {
    const item = isNonNullType(named.ofType) ? named.ofType.ofType : undefined;
    if (list && isScalarType(item) && item.name === 'String' && column === 'String') {
      return (text) => JSON.stringify(arrayOf(text));
    }
  } else if (isEnumType(named) && column === 'String' && !list) {
    const names = new Map(named.getValues().map(({ name, value }) => [value as string, `"${name}"`]));
    return (text) => names.get(text) ?? refuse(`${text} is no ${named.name}`);
  } else if (isScalarType(named) && !list) {
    const [columns, write] = SCALARS[named.name] ?? [];
    if (columns?.includes(column) && write !== undefined) {
      return write;
    }
  }
  throw new NotDirect(`${String(type)} of a column ${column}`);
}

/** ISO 8601 in UTC with milliseconds, as a Date would write itself. */
export function isoOf(text: string): string {
  // 2026-11-22 21:14:35.53+00, which most servers write
  if (text.length >= 22 && text.length <= 26 && text.endsWith('+00') && text[10] === ' ') {
    const fraction = text.slice(20, -3);
    return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction.padEnd(3, '0')}Z`;
  }
  const date = pg.types.getTypeParser(1184 as never)(text) as unknown;
  return date instanceof Date ? date.toISOString() : refuse(`${text} is no time`);
}

function jsonObject(text: string): string {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? JSON.stringify(value)
    : refuse('no JSON object');
}

function refuse(why: string): never {
  throw new NotDirect(why);
}
