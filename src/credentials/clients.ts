// Registering clients: keys of a holder's own with which a program signs for it at the token service (RFC 7523). Only the public
// half is ever here. What is allowed is decided by the kernel (prisma/policies/03-credentials.sql), which keys are fit for it in
// public-key.ts; tokens are not made here.

import { checked } from '../api/validation.ts';
import { builder } from '../builder.ts';
import { type KeyId, newId } from '../ids.ts';
import { ownClientId } from './client-id.ts';
import { Credential } from './credential.ts';
import { CLIENT, holderOf, issue, readMade, termFields, terms } from './issuing.ts';
import { publicKeyOf } from './public-key.ts';
import { CredentialRefused, refuse } from './refusal.ts';

const RegisterClientInput = builder.inputType('RegisterClientInput', {
  description: 'A client to be registered.',
  fields: (t) => ({
    ...termFields(t),
    publicKey: t.field({
      type: 'JSONObject',
      description:
        'The public half of its key as a JWK: EC on P-256, or RSA of 2048 to 4096 bits with the exponent 65537. Keep the private half to yourself.',
    }),
  }),
});

const RegisteredClient = builder.objectRef<{ id: KeyId; row: never }>('RegisteredClient').implement({
  description: 'A new client. Whoever holds the private half of its key can get tokens as it.',
  fields: (t) => ({
    clientId: t.string({
      description: 'Its name at the token service: issuer and subject of what it signs there.',
      resolve: ({ id }, _args, context) => ownClientId(context, id),
    }),
    credential: t.field({
      type: Credential,
      description: 'What is known of it from now on.',
      resolve: ({ row }) => row,
    }),
  }),
});

builder.mutationField('registerClient', (t) =>
  t.field({
    type: RegisteredClient,
    errors: { types: [CredentialRefused] },
    description:
      'Registers a key of your own, with which a program signs for you, an agent of yours, or as administrator for a service. In person only; it never allows more than what you are here with.',
    args: {
      input: t.arg({ type: RegisterClientInput, description: 'For whom, what for, with which key.' }),
    },
    resolve: async (_root, { input }, context, info) => {
      checked(terms, input);
      const publicKey = publicKeyOf(input.publicKey);
      if (publicKey === undefined) {
        const target = { kind: 'entity', id: holderOf(context, input) };
        return refuse(CLIENT.refused, target, 'public_key');
      }
      const id = newId<KeyId>();
      await issue(context, CLIENT, input, { id, publicKey });
      return { id, row: await readMade(context, info, id) };
    },
  }),
);
