// Making and replacing API keys; the schema gets clients and the end of credentials through here too. What is allowed is decided
// by the kernel (prisma/policies/03-credentials.sql); here keys are drawn, and shown once.

import './clients.ts';
import './ending.ts';
import { z } from 'zod';
import { idOf } from '../api/global-id.ts';
import { NotFound, recordChange, refuseAsNotFound } from '../api/problems.ts';
import { checked } from '../api/validation.ts';
import { makeApiKey } from '../auth/api-key.ts';
import { builder } from '../builder.ts';
import { rows } from '../context.ts';
import { type KeyMaterial, rotateKey } from '../db/keys.ts';
import { type KeyId, newId } from '../ids.ts';
import { Credential } from './credential.ts';
import {
  after,
  DAY_SECONDS,
  DEFAULT_LIFETIME,
  issue,
  KEY,
  lifetime,
  readMade,
  termFields,
  terms,
} from './issuing.ts';
import { CredentialRefused, refuse } from './refusal.ts';

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

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'A key to be made.',
  fields: termFields,
});

builder.mutationField('createApiKey', (t) =>
  t.field({
    type: IssuedApiKey,
    errors: { types: [CredentialRefused] },
    description:
      'Makes a key for yourself, an agent of yours, or as administrator for a service. In person only; it never allows more than what you are here with.',
    args: { input: t.arg({ type: CreateApiKeyInput, description: 'For whom, what for, until when.' }) },
    resolve: async (_root, { input }, context, info) => {
      checked(terms, input);
      const { key, ...material } = draw();
      await issue(context, KEY, input, material);
      return { key, row: await readMade(context, info, material.id) };
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
    errors: { types: [NotFound, CredentialRefused] },
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
        return refuseAsNotFound('key.rotate_refused', 'key', target);
      }
      if (refusal !== null) {
        return refuse('key.rotate_refused', { kind: 'key', id: target }, refusal);
      }
      await recordChange('key.rotated', 'key', target, { replacedBy: id, overlapSeconds });
      return { key, row: await readMade(context, info, id) };
    },
  }),
);
