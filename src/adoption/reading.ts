// Reads a declaration from its file, and says all that is wrong with it.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { type Adoption, DeclarationError } from './declaration.ts';

const name = z.string().min(1).max(63);
const hop = z.strictObject({ column: name, table: name, key: name.optional() });
const source = z.union([
  name,
  z.strictObject({ through: z.array(hop).min(1).max(8), column: name }),
  z.strictObject({ mapping: z.string().min(1), by: name }),
  z.strictObject({ constant: z.string().min(1) }),
]);
const sources = z.union([source, z.array(source).min(1).max(8)]);
const principals = { table: name, key: name.optional(), tenant: sources.optional() };
const owned = z.strictObject({ ...principals, owner: sources });
const kept = z.strictObject({
  kind: z.string().regex(/^[a-z]+(_[a-z]+)*$/, 'a kind is a word in lower case, as in memory:read'),
  owner: sources,
  tenant: sources.optional(),
  world: sources.optional(),
  encrypted: z.array(name).optional(),
  unplaced: z.union([z.literal('stop'), z.strictObject({ quarantine: z.string().min(1) })]).optional(),
});
const exempt = z.strictObject({ exempt: z.string().trim().min(10, 'say why, in ten characters or more') });
const adoption = z.strictObject({
  schema: name.optional(),
  tenants: z.union([
    z.strictObject({ table: name, key: name.optional() }),
    z.strictObject({ constant: z.string().min(1) }),
  ]),
  users: z.strictObject(principals),
  agents: owned.optional(),
  worlds: owned.optional(),
  roles: z.array(name).optional(),
  tables: z.record(name, z.union([kept, exempt])),
});

/**
 * Takes what a file exports for a declaration.
 *
 * @param from Its name, for the error.
 * @throws {DeclarationError} with a line for each thing that is wrong.
 */
export function declare(value: unknown, from: string): Adoption {
  const { success, data, error } = adoption.safeParse(value);
  if (!success) {
    throw new DeclarationError(`${from} declares what cannot be:\n${z.prettifyError(error)}`);
  }
  return data;
}

/**
 * The declaration in a file of TypeScript or JavaScript.
 *
 * @returns undefined where there is no such file.
 * @throws {DeclarationError} where it cannot be loaded, or declares what cannot be.
 */
export async function readDeclaration(path: string): Promise<Adoption | undefined> {
  const file = resolve(path);
  if (!existsSync(file)) {
    return undefined;
  }
  let loaded: { readonly default?: unknown };
  try {
    loaded = (await import(pathToFileURL(file).href)) as { default?: unknown };
  } catch (error) {
    throw new DeclarationError(`${path} cannot be loaded: ${(error as Error).message}`, { cause: error });
  }
  return declare(loaded.default, path);
}
