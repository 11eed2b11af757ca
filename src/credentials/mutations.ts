// Making, replacing and ending API keys, and ending everything with which somebody can prove who they are. What is allowed
// is decided by the kernel (prisma/policies/03-credentials.sql); here keys are drawn, and shown once.

import type { GraphQLResolveInfo } from 'graphql';
import { z } from 'zod';
import { idOf, optionalIdOf, toGlobalId } from '../api/global-id.ts';
import { NotFound, ProblemInterface, recordChange, refuseAsNotFound } from '../api/problems.ts';
import { readByIds } from '../api/reading.ts';
import { checked, text } from '../api/validation.ts';
import { makeApiKey } from '../auth/api-key.ts';
import { builder } from '../builder.ts';
import { SCOPES } from '../capabilities.ts';
import { type Context, rows, sessionOf } from '../context.ts';
import { recordAudit } from '../db/kernel.ts';
import {
  endCredentials,
  issueKey,
  type KeyMaterial,
  type RotationRefusal,
  revokeKey,
  rotateKey,
} from '../db/keys.ts';
import { BailiwickError } from '../errors.ts';
import { type KeyId, newId } from '../ids.ts';
import { Credential } from './credential.ts';

const DAY_SECONDS = 86_400;
const DEFAULT_LIFETIME = 90 * DAY_SECONDS;

const REASONS = {
  authority:
    'Keys are made in person, by a credential that may make them: never through a delegation, never by an agent.',
  entity:
    'A key can be made for yourself or an agent of yours that takes part; for a service by an administrator.',
  capabilities:
    'Some capability is unknown, not for such a holder, or not among those with which you are here.',
  delegation: 'There is no delegation in force that this agent holds under this id.',
  lifetime: 'It would end in the past, in more than a year, or later than the key with which it is made.',
  overlap: 'Both keys may work for seven days at most.',
} as const satisfies Record<Exclude<RotationRefusal, 'key'>, string>;

type Reason = keyof typeof REASONS;

/** Why a key was not made. */
export class ApiKeyRefused extends Error {
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(REASONS[reason]);
    this.name = 'ApiKeyRefused';
    this.reason = reason;
  }
}

const ApiKeyRefusedReason = builder.enumType('ApiKeyRefusedReason', {
  description: 'Which rule stands against a key.',
  values: Object.fromEntries(
    Object.entries(REASONS).map(([value, description]) => [value.toUpperCase(), { value, description }]),
  ),
});

builder.objectType(ApiKeyRefused, {
  name: 'ApiKeyRefused',
  interfaces: [ProblemInterface],
  description: 'The key was not made, because a rule stands against it.',
  fields: (t) => ({
    reason: t.field({
      type: ApiKeyRefusedReason,
      description: 'Which rule.',
      resolve: ({ reason }) => reason,
    }),
  }),
});

type Issued = { readonly key: string; readonly row: never };

const IssuedApiKey = builder.objectRef<Issued>('IssuedApiKey').implement({
  description: 'A new key. This answer is the only place where the key itself ever stands: keep it now.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'The key, for the header X-API-Key. It is not shown again.' }),
    credential: t.field({
      type: Credential,
      description: 'What is known of it from now on.',
      resolve: ({ row }) => row,
    }),
  }),
});

/** A new key, and what of it is kept. */
function draw(): KeyMaterial & { readonly key: string } {
  const { key, hint, hash } = makeApiKey();
  return { key, id: newId(), hint, digest: hash };
}

async function shown(context: Context, info: GraphQLResolveInfo, id: KeyId, key: string): Promise<Issued> {
  const [row] = await readByIds(context, info, 'Credential', [id], ['credential']);
  if (row === undefined) {
    // a key that its maker cannot see could not be ended by them either
    throw new BailiwickError('FORBIDDEN');
  }
  return { key, row: row as never };
}

async function refuse(
  context: Context,
  event: string,
  target: { kind: string; id: string },
  reason: Reason,
): Promise<never> {
  await recordAudit(rows(context), event, target, { reason });
  throw new ApiKeyRefused(reason);
}

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'A key to be made.',
  fields: (t) => ({
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
  }),
});

const lifetime = z
  .int()
  .min(60)
  .max(366 * DAY_SECONDS);

const creation = z.object({
  label: text(200),
  capabilities: z
    .array(z.enum(SCOPES as [string, ...string[]], 'must be a capability such as memory:read'))
    .min(1)
    .max(64),
  lifetimeSeconds: lifetime,
});

builder.mutationField('createApiKey', (t) =>
  t.field({
    type: IssuedApiKey,
    errors: { types: [ApiKeyRefused] },
    description:
      'Makes a key for yourself, an agent of yours, or as administrator for a service. In person only; it never allows more than what you are here with.',
    args: { input: t.arg({ type: CreateApiKeyInput, description: 'For whom, what for, until when.' }) },
    resolve: async (_root, { input }, context, info) => {
      const { label, capabilities, lifetimeSeconds } = checked(creation, input);
      const { key, ...material } = draw();
      const proposed = {
        ...material,
        label,
        capabilities,
        entityId: optionalIdOf(input.holderId, 'User', 'Agent') ?? sessionOf(context).actorId,
        pinnedId: optionalIdOf(input.delegationId, 'Delegation') as never,
        expiresAt: after(lifetimeSeconds),
      };
      const refusal = await issueKey(rows(context), proposed);
      if (refusal !== null) {
        return refuse(context, 'key.create_refused', { kind: 'entity', id: proposed.entityId }, refusal);
      }
      const { id, entityId, expiresAt } = proposed;
      await recordChange(context, 'key.created', 'key', id, {
        entityId,
        capabilities,
        expiresAt: expiresAt.toISOString(),
      });
      return shown(context, info, id, key);
    },
  }),
);

const RotateApiKeyInput = builder.inputType('RotateApiKeyInput', {
  description: 'A key to be replaced.',
  fields: (t) => ({
    id: t.id({ description: 'The key.' }),
    overlapSeconds: t.int({
      defaultValue: DAY_SECONDS,
      description: 'How long both are to work; 0 ends the old one at once, a week is the most.',
    }),
    lifetimeSeconds: t.int({
      defaultValue: DEFAULT_LIFETIME,
      description: 'How long the new one is to work, from now; a year at most.',
    }),
  }),
});

const rotation = z.object({
  overlapSeconds: z
    .int()
    .min(0)
    .max(31 * DAY_SECONDS),
  lifetimeSeconds: lifetime,
});

builder.mutationField('rotateApiKey', (t) =>
  t.field({
    type: IssuedApiKey,
    errors: { types: [NotFound, ApiKeyRefused] },
    description:
      'Makes a key that takes over from another: the same holder, capabilities and delegation. Both work for a while.',
    args: { input: t.arg({ type: RotateApiKeyInput, description: 'Which, and for how long both work.' }) },
    resolve: async (_root, { input }, context, info) => {
      const target = idOf<KeyId>(input.id, 'Credential');
      const { overlapSeconds, lifetimeSeconds } = checked(rotation, input);
      const { key, ...material } = draw();
      const { id } = material;
      const next = { ...material, expiresAt: after(lifetimeSeconds), overlapSeconds };
      const refusal = await rotateKey(rows(context), target, next);
      if (refusal === 'key') {
        return refuseAsNotFound(context, 'key.rotate_refused', 'key', target);
      }
      if (refusal !== null) {
        return refuse(context, 'key.rotate_refused', { kind: 'key', id: target }, refusal);
      }
      await recordChange(context, 'key.rotated', 'key', target, { replacedBy: id, overlapSeconds });
      return shown(context, info, id, key);
    },
  }),
);

const RevokeCredentialInput = builder.inputType('RevokeCredentialInput', {
  description: 'A key that is to end now.',
  fields: (t) => ({ id: t.id({ description: 'The key.' }) }),
});

const RevokedCredential = builder.objectRef<{ id: KeyId; revokedAt: Date }>('RevokedCredential').implement({
  description: 'A key that has ended, for good.',
  fields: (t) => ({
    credentialId: t.id({
      description: 'Global id of the key.',
      resolve: ({ id }) => toGlobalId('Credential', id),
    }),
    revokedAt: t.field({
      type: 'DateTime',
      description: 'When it ended: now, or when it was first revoked.',
      resolve: ({ revokedAt }) => revokedAt,
    }),
  }),
});

builder.mutationField('revokeCredential', (t) =>
  t.field({
    type: RevokedCredential,
    errors: { types: [NotFound] },
    description:
      'Ends a key: from the next request on nobody gets in with it. By its owner, or an administrator.',
    args: { input: t.arg({ type: RevokeCredentialInput, description: 'Which key.' }) },
    resolve: async (_root, { input }, context) => {
      const id = idOf<KeyId>(input.id, 'Credential');
      const revokedAt = await revokeKey(rows(context), id);
      if (revokedAt === null) {
        return refuseAsNotFound(context, 'key.revoke_refused', 'key', id);
      }
      await recordChange(context, 'key.revoked', 'key', id);
      return { id, revokedAt };
    },
  }),
);

const EndCredentialsInput = builder.inputType('EndCredentialsInput', {
  description: 'Whose credentials are to end.',
  fields: (t) => ({
    holderId: t.id({
      description: 'Yourself, an agent of yours, or as administrator anybody of the tenant.',
    }),
  }),
});

const EndedCredentials = builder
  .objectRef<{ holderId: string; endedAt: Date }>('EndedCredentials')
  .implement({
    description: 'Nothing issued until then proves any more who they are.',
    fields: (t) => ({
      holderId: t.exposeID('holderId', { description: 'Global id of the user or agent.' }),
      endedAt: t.field({
        type: 'DateTime',
        description: 'Tokens issued until then and keys made until then are refused.',
        resolve: ({ endedAt }) => endedAt,
      }),
    }),
  });

builder.mutationField('endCredentials', (t) =>
  t.field({
    type: EndedCredentials,
    errors: { types: [NotFound] },
    description:
      'Ends every key of a user or agent and every token issued to them until now, this one included. Delegations stay.',
    args: { input: t.arg({ type: EndCredentialsInput, description: 'Whose.' }) },
    resolve: async (_root, { input }, context) => {
      const id = idOf(input.holderId, 'User', 'Agent');
      const endedAt = await endCredentials(rows(context), id);
      if (endedAt === null) {
        return refuseAsNotFound(context, 'credentials.end_refused', 'entity', id);
      }
      await recordChange(context, 'credentials.ended', 'entity', id);
      return { holderId: input.holderId, endedAt };
    },
  }),
);

const after = (seconds: number) => new Date(Date.now() + seconds * 1000);
