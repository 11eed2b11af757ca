// What a client may put into a field, said once in zod and answered with one clear BAD_USER_INPUT that names every place.
// PostgreSQL keeps constraints of its own (prisma/migrations); these exist to tell the client which input is at fault.

import { z } from 'zod';
import { BailiwickError } from '../errors.ts';

/** Text of limited length without NUL, which PostgreSQL cannot hold. Empty text is refused unless `min` is 0. */
export function text(max: number, min = 1) {
  return z
    .string()
    .min(min, min === 1 ? 'must not be empty' : `must have at least ${min} characters`)
    .max(max, `must have at most ${max} characters`)
    .refine((value) => !value.includes('\u0000'), 'must not contain the NUL character');
}

/**
 * Checks an input object, or an argument.
 *
 * @param name What the client calls it; `input` unless given.
 * @returns the input with undefined and null removed where the schema says optional.
 * @throws {BailiwickError} BAD_USER_INPUT with the path and the fault of every wrong field.
 */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  name = 'input',
): z.infer<Schema> {
  const result = schema.safeParse(input);
  if (!result.success) {
    const faults = result.error.issues.map(({ path, message }) => `${[name, ...path].join('.')} ${message}`);
    throw new BailiwickError('BAD_USER_INPUT', faults.join('; '));
  }
  return result.data;
}

/** The entries of an input that were given: undefined leaves a column as it is, null empties it. */
export function given<Input extends Record<string, unknown>>(input: Input): Partial<Input> {
  return Object.fromEntries(
    Object.entries(input).filter(([, value]) => value !== undefined),
  ) as Partial<Input>;
}

/** An input in which null means the same as leaving a field out. */
export function dropNulls<Input extends object>(input: Input): Partial<Input> {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null)) as Partial<Input>;
}

/** Prisma's condition for text that contains this, in any case. Prisma itself would take % and _ for wildcards. */
export function containing(part: string) {
  return { contains: part.replace(/[\\%_]/g, '\\$&'), mode: 'insensitive' as const };
}
