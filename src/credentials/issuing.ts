// What making an API key and registering a client have in common: the terms on which one is made, the question to the kernel,
// the record of it, and reading back what was made. What is allowed is decided in prisma/policies/03-credentials.sql.

import type { GraphQLResolveInfo } from 'graphql';
import { z } from 'zod';
import { optionalIdOf } from '../api/global-id.ts';
import { recordChange } from '../api/problems.ts';
import { readByIds } from '../api/reading.ts';
import { text } from '../api/validation.ts';
import type { builder } from '../builder.ts';
import { SCOPES } from '../capabilities.ts';
import { type Context, rows, sessionOf } from '../context.ts';
import { type ClientMaterial, issueKey, type KeyMaterial } from '../db/keys.ts';
import { BailiwickError } from '../errors.ts';
import type { EntityId, KeyId } from '../ids.ts';
import { refuse } from './refusal.ts';

export const DAY_SECONDS = 86_400;
export const DEFAULT_LIFETIME = 90 * DAY_SECONDS;

export const after = (seconds: number) => new Date(Date.now() + seconds * 1000);

/** The fields of an input that say for whom a credential is, what it may allow and for how long. */
export function termFields(t: Parameters<Parameters<typeof builder.inputType>[1]['fields']>[0]) {
  return {
    label: t.string({ description: 'What it is for, for people to read.' }),
    holderId: t.id({
      required: false,
      description: 'The user or agent that it is to identify; left out: yourself.',
    }),
    capabilities: t.stringList({
      description: 'The most it may allow, as kind:verb; among those with which you are here.',
    }),
    delegationId: t.id({
      required: false,
      description: 'Bind it to this delegation of the agent: it then works under that one and nothing else.',
    }),
    lifetimeSeconds: t.int({
      defaultValue: DEFAULT_LIFETIME,
      description: 'How long it is to work, from now; a year at most.',
    }),
  };
}

export const lifetime = z
  .int()
  .min(60)
  .max(366 * DAY_SECONDS);

export const terms = z.object({
  label: text(200),
  capabilities: z
    .array(z.enum(SCOPES as [string, ...string[]], 'must be a capability such as memory:read'))
    .min(1)
    .max(64),
  lifetimeSeconds: lifetime,
});

type Terms = {
  readonly label: string;
  readonly capabilities: string[];
  readonly holderId?: string | null | undefined;
  readonly delegationId?: string | null | undefined;
  readonly lifetimeSeconds: number;
};

/** Whom a credential on these terms would identify. */
export function holderOf(context: Context, { holderId }: Terms): EntityId {
  return optionalIdOf(holderId, 'User', 'Agent') ?? sessionOf(context).actorId;
}

/** The events of making one, and what it is called there. */
export const KEY = { made: 'key.created', refused: 'key.create_refused', kind: 'key' } as const;
export const CLIENT = {
  made: 'client.registered',
  refused: 'client.register_refused',
  kind: 'client',
} as const;

/** Makes a credential, unless the kernel refuses; either leaves a record. */
export async function issue(
  context: Context,
  { made, refused, kind }: typeof KEY | typeof CLIENT,
  input: Terms,
  material: KeyMaterial | ClientMaterial,
): Promise<void> {
  const { label, capabilities } = input;
  const expiresAt = after(input.lifetimeSeconds);
  const entityId = holderOf(context, input);
  const pinnedId = optionalIdOf(input.delegationId, 'Delegation') as never;
  const proposed = { ...material, label, capabilities, entityId, pinnedId, expiresAt };
  const refusal = await issueKey(rows(context), proposed);
  if (refusal !== null) {
    return refuse(refused, { kind: 'entity', id: entityId }, refusal);
  }
  await recordChange(made, kind, material.id, {
    entityId,
    capabilities,
    expiresAt: expiresAt.toISOString(),
  });
}

/** The credential that was just made, as the selection below `credential` asks. */
export async function readMade(context: Context, info: GraphQLResolveInfo, id: KeyId): Promise<never> {
  const [row] = await readByIds(context, info, 'Credential', [id], ['credential']);
  if (row === undefined) {
    // what its maker cannot see could not be ended by them either
    throw new BailiwickError('FORBIDDEN');
  }
  return row as never;
}
