// The calls that may be made with a credential: what one looks like, and what becomes of it with the parameters of a use.
//
// The owner says method and path; whoever uses it fills in what stands in braces, and can neither leave the path nor the origin.

import { z } from 'zod';
import { BailiwickError } from '../errors.ts';
import { actionName } from '../permissions/names.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type Method = (typeof METHODS)[number];

// RFC 3986 section 3.3: what a segment may hold, without escapes, and names in braces
const SEGMENT = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|\{[a-z][A-Za-z0-9_]{0,31}\})*$/;
const NAMES = /\{([a-z][A-Za-z0-9_]{0,31})\}/g;

const isDots = (segment: string): boolean => segment === '.' || segment === '..';

const path = z
  .string()
  .max(500, 'must have at most 500 characters')
  .refine(
    (text) =>
      text.startsWith('/') &&
      text
        .slice(1)
        .split('/')
        .every((segment) => SEGMENT.test(segment) && !isDots(segment)),
    'must be a path such as /repos/{owner}/issues, without a query, escapes or dots for segments',
  );

/** A call that may be made. */
export const namedCall = z.strictObject({
  name: actionName,
  method: z.enum(METHODS),
  path,
});

/** The calls of a credential. */
export const namedCalls = z
  .array(namedCall)
  .max(50, 'must be at most 50')
  .refine(
    (calls) => new Set(calls.map(({ name }) => name)).size === calls.length,
    'must have names of their own',
  );

export type NamedCall = z.infer<typeof namedCall>;

type Scalar = string | number | boolean;

/** What a use gives for a call. */
export type Arguments = {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
};

/**
 * The address of a call.
 *
 * @throws {BailiwickError} BAD_USER_INPUT where parameters are missing, left over or of no use in a path, or the query holds
 *   anything but text, numbers, truth values and lists of them.
 */
export function addressOf(
  origin: string,
  call: Pick<NamedCall, 'path'>,
  { parameters, query }: Arguments,
): URL {
  const wanted = new Set([...call.path.matchAll(NAMES)].map(([, name]) => name as string));
  const extra = Object.keys(parameters).find((name) => !wanted.has(name));
  if (extra !== undefined) {
    throw new BailiwickError('BAD_USER_INPUT', `input.parameters.${clip(extra)} is none of this call's`);
  }
  const filled = call.path.replace(NAMES, (_, name: string) =>
    encode(`parameters.${name}`, parameters[name]),
  );
  if (filled.split('/').some(isDots)) {
    throw new BailiwickError('BAD_USER_INPUT', 'input.parameters must not make a segment of dots');
  }
  const url = new URL(origin);
  url.pathname = filled;
  if (url.origin !== origin || url.pathname !== filled) {
    throw new TypeError('a path was read otherwise than it was written');
  }
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) {
      url.searchParams.append(name, String(scalar(`query.${clip(name)}`, one)));
    }
  }
  return url;
}

function encode(at: string, value: unknown): string {
  const text = String(scalar(at, value));
  if (text === '') {
    throw new BailiwickError('BAD_USER_INPUT', `input.${at} must not be empty`);
  }
  return encodeURIComponent(text);
}

function scalar(at: string, value: unknown): Scalar {
  if (typeof value === 'string' ? !value.isWellFormed() : !['number', 'boolean'].includes(typeof value)) {
    throw new BailiwickError('BAD_USER_INPUT', `input.${at} must be text, a number, true or false`);
  }
  return value as Scalar;
}

const clip = (name: string): string => JSON.stringify(name.slice(0, 40)).slice(1, -1);
