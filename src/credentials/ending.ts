// Ending one credential, of whatever kind, and ending everything with which somebody can prove who they are. Who may is decided
// by the kernel's own functions (prisma/policies/03-credentials.sql); here it is only asked and told. Nothing that has ended
// comes back.

import { idOf, toGlobalId } from '../api/global-id.ts';
import { NotFound, recordChange, refuseAsNotFound } from '../api/problems.ts';
import { builder } from '../builder.ts';
import { rows } from '../context.ts';
import { endCredentials, revokeKey } from '../db/keys.ts';
import type { KeyId } from '../ids.ts';

const RevokeCredentialInput = builder.inputType('RevokeCredentialInput', {
  description: 'A credential that is to end now.',
  fields: (t) => ({ id: t.id({ description: 'The API key, client or session.' }) }),
});

const RevokedCredential = builder.objectRef<{ id: KeyId; revokedAt: Date }>('RevokedCredential').implement({
  description: 'A credential that has ended, for good.',
  fields: (t) => ({
    credentialId: t.id({
      description: 'Global id of the credential.',
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
      'Ends an API key, a client or a session: from the next request on nobody gets in with it, nor with a token that it was good for. By its owner, or an administrator.',
    args: { input: t.arg({ type: RevokeCredentialInput, description: 'Which credential.' }) },
    resolve: async (_root, { input }, context) => {
      const id = idOf<KeyId>(input.id, 'Credential');
      const revokedAt = await revokeKey(rows(context), id);
      if (revokedAt === null) {
        return refuseAsNotFound('credential.revoke_refused', 'credential', id);
      }
      await recordChange('credential.revoked', 'credential', id);
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
        description:
          'Tokens issued until then and API keys, clients and sessions made until then are refused.',
        resolve: ({ endedAt }) => endedAt,
      }),
    }),
  });

builder.mutationField('endCredentials', (t) =>
  t.field({
    type: EndedCredentials,
    errors: { types: [NotFound] },
    description:
      'Ends every API key, client and session of a user or agent and every token issued to them until now, this one included. Delegations stay.',
    args: { input: t.arg({ type: EndCredentialsInput, description: 'Whose.' }) },
    resolve: async (_root, { input }, context) => {
      const id = idOf(input.holderId, 'User', 'Agent');
      const endedAt = await endCredentials(rows(context), id);
      if (endedAt === null) {
        return refuseAsNotFound('credentials.end_refused', 'entity', id);
      }
      await recordChange('credentials.ended', 'entity', id);
      return { holderId: input.holderId, endedAt };
    },
  }),
);
