// A row that is written and given back by one statement, where the selection asks for columns and nothing more, and nothing in it is to be
// sealed. Who finds that it is not so writes through Prisma and reads it back (reading.ts).

import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../context.ts';
import { tableOf } from '../db/direct/filter.ts';
import { insertDirectly, updateDirectly } from '../db/direct/writing.ts';
import type { NodeName } from './global-id.ts';

/** The columns of a row that a selection asks for; undefined where it asks for more than columns. */
function columnsAsked(context: Context, info: GraphQLResolveInfo, type: NodeName): string[] | undefined {
  const { select, include } = queryFromInfo({ context, info, typeName: type }) as Asked;
  const { columns } = tableOf(type);
  if (Object.values(include ?? {}).some(Boolean)) {
    return undefined;
  }
  if (select === undefined) {
    return Object.keys(columns);
  }
  const asked = Object.entries(select).filter(([, wanted]) => wanted !== false && wanted !== undefined);
  return asked.every(([name, wanted]) => wanted === true && columns[name] !== undefined)
    ? [...new Set(['id', ...asked.map(([name]) => name)])]
    : undefined;
}

type Asked = { readonly select?: Record<string, unknown>; readonly include?: Record<string, unknown> };

/**
 * Writes a new row in which nothing is to be sealed.
 *
 * @returns what is asked of it, on its way when this returns; undefined where one statement cannot say that, and then nothing was sent.
 */
export function insertAsked(
  context: Context,
  info: GraphQLResolveInfo,
  type: NodeName,
  data: Record<string, unknown>,
): Promise<object> | undefined {
  const columns = columnsAsked(context, info, type);
  return columns && insertDirectly(type, data, columns);
}

/**
 * Changes the one row that meets a condition, by which nothing in it becomes sealed or open.
 *
 * @returns what is asked of it; undefined where one statement cannot say that, or there is no such row, or something in it is sealed.
 */
export async function updateAsked(
  context: Context,
  info: GraphQLResolveInfo,
  type: NodeName,
  where: Record<string, unknown>,
  data: Record<string, unknown>,
): Promise<object | undefined> {
  const columns = columnsAsked(context, info, type);
  return columns && (await updateDirectly(type, where, data, columns));
}
