// Scalars beyond GraphQL's own. Text that PostgreSQL cannot hold, and JSON that is a weapon, end here with a clear error.

import { GraphQLScalarType } from 'graphql';
import { DateTimeResolver, JSONObjectResolver } from 'graphql-scalars';
import { builder } from '../builder.ts';
import { BailiwickError } from '../errors.ts';

const MOST_DEPTH = 20;
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Refuses JSON that PostgreSQL cannot store (NUL) or that is nested deeper than anybody needs.
 *
 * @throws {BailiwickError} BAD_USER_INPUT, naming what is wrong and where.
 */
export function checkJson(value: unknown, path = '$', depth = 0): void {
  if (depth > MOST_DEPTH) {
    throw new BailiwickError(
      'BAD_USER_INPUT',
      `JSON is nested deeper than ${MOST_DEPTH} at ${path.slice(0, 80)}`,
    );
  }
  if (typeof value === 'string' && value.includes('\u0000')) {
    throw new BailiwickError(
      'BAD_USER_INPUT',
      `Text must not contain the NUL character (at ${path.slice(0, 80)})`,
    );
  }
  if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (FORBIDDEN_KEYS.has(key) || key.includes('\u0000')) {
        throw new BailiwickError(
          'BAD_USER_INPUT',
          `JSON key not allowed at ${path.slice(0, 80)}: ${JSON.stringify(key.slice(0, 40))}`,
        );
      }
      checkJson(item, `${path}.${key}`, depth + 1);
    }
  }
}

builder.addScalarType('DateTime', DateTimeResolver);
builder.addScalarType(
  'JSONObject',
  new GraphQLScalarType({
    ...JSONObjectResolver.toConfig(),
    // variables were checked when they arrived (request.ts)
    parseValue: (value) => asObject(() => JSONObjectResolver.parseValue(value)),
    parseLiteral: (node, variables) =>
      asObject(() => {
        const value = JSONObjectResolver.parseLiteral(node, variables);
        checkJson(value);
        return value;
      }),
  }),
);

/** The library quotes what it cannot take, which may be a private key that somebody has put where a public one belongs. */
function asObject<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    throw error instanceof BailiwickError
      ? error
      : new BailiwickError('BAD_USER_INPUT', 'This must be a JSON object');
  }
}
