// What a selection asks of a row that is being written: columns, which the statement that writes it gives back, or more than that.

import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../context.ts';
import { tableOf } from '../db/direct/filter.ts';
import type { NodeName } from './global-id.ts';

/** The columns of a row that a selection asks for; undefined where it asks for more than columns. */
export function columnsAsked(
  context: Context,
  info: GraphQLResolveInfo,
  type: NodeName,
): string[] | undefined {
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
