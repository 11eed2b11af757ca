// Keeping, changing, replacing, deleting and reading credentials for services. Who may: prisma/policies/24-service-credentials.sql and
// 25-service-secrets.sql. Calls are in calling.ts.
//
// A secret comes in here and leaves by one door, which is a mutation so that it leaves a trace. Where a credential leads never
// changes: whoever could move it would get the secret sent wherever they like.

import './calling.ts';
import { z } from 'zod';
import { namedAgent } from '../agents/named.ts';
import { idOf } from '../api/global-id.ts';
import { NotFound, recordChange, refuseAsNotFound } from '../api/problems.ts';
import { readWritten } from '../api/reading.ts';
import { checked, dropNulls, given, text } from '../api/validation.ts';
import { builder } from '../builder.ts';
import { rows } from '../context.ts';
import { BailiwickError } from '../errors.ts';
import { newId, type ServiceId } from '../ids.ts';
import { serviceName } from '../permissions/names.ts';
import { namedCalls } from './call.ts';
import { HttpMethodEnum, ServiceCredential, ServiceCredentialKindEnum } from './credential.ts';

const KIND = 'service_credential';

// what HTTP itself needs, and what this server says of the body (RFC 9110 section 7.6.1)
const NOT_FOR_SECRETS = new Set([
  ...['connection', 'content-length', 'content-type', 'expect', 'host', 'keep-alive', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'accept', 'accept-encoding', 'user-agent'],
]);

/** Visible characters, because a secret goes into a header. */
const secret = z
  .string()
  .regex(/^[\x21-\x7e]{8,8000}$/, 'must be 8 to 8000 visible ASCII characters without spaces');

const shape = {
  label: text(200),
  scopes: z.array(text(200)).max(100, 'must be at most 100').optional(),
  ownerOnly: z.boolean().optional(),
  calls: namedCalls.optional(),
  expiresAt: z.date().nullish(),
};

const creation = z.object({
  ...shape,
  service: serviceName,
  kind: z.string(),
  origin: z.string().refine((value) => {
    const url = URL.parse(value);
    return url !== null && url.origin === value && /^https?:$/.test(url.protocol) && value.length <= 300;
  }, 'must be an origin such as https://api.github.com: no path, no user, no slash at the end'),
  header: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'must be the name of a header in lower case')
    .refine((name) => !NOT_FOR_SECRETS.has(name), 'must be a header that may hold a secret'),
  prefix: z.string().regex(/^[ -~]{0,32}$/, 'must have at most 32 visible characters'),
  secret,
});

const ServiceCallInput = builder.inputType('ServiceCallInput', {
  description: 'A call that may be made with a credential.',
  fields: (t) => ({
    name: t.string({ description: 'What it is to be asked for by, such as issues.create.' }),
    method: t.field({ type: HttpMethodEnum, description: 'What it does.' }),
    path: t.string({
      description: 'Where, such as /repos/{owner}/issues: whoever calls fills in what stands in braces.',
    }),
  }),
});

const CreateServiceCredentialInput = builder.inputType('CreateServiceCredentialInput', {
  description: 'A credential to be kept.',
  fields: (t) => ({
    service: t.string({ description: 'For which service: a lower-case name such as github.' }),
    label: t.string({ description: 'What it is for; at most 200 characters.' }),
    kind: t.field({ type: ServiceCredentialKindEnum, description: 'What sort of secret it is.' }),
    secret: t.string({
      description: 'The secret. It is encrypted, and sent to the origin and nowhere else.',
    }),
    origin: t.string({ description: 'Where the service is, such as https://api.github.com. Never changes.' }),
    header: t.string({
      defaultValue: 'authorization',
      description: 'The header in which the secret is sent, in lower case. Never changes.',
    }),
    prefix: t.string({
      defaultValue: 'Bearer ',
      description: 'What precedes the secret in that header. Never changes.',
    }),
    calls: t.field({
      type: [ServiceCallInput],
      required: false,
      description: 'The calls that may be made with it, at most 50; left out: none.',
    }),
    scopes: t.stringList({ required: false, description: 'What the service lets its bearer do.' }),
    ownerOnly: t.boolean({
      required: false,
      description: 'Whether no agent ever reads the secret, whatever its delegation says. Left out: yes.',
    }),
    agentId: t.id({
      required: false,
      description: 'The one agent of yours that is to see it; left out: all whose delegation lets them.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      required: false,
      description: 'When the service stops to accept it.',
    }),
  }),
});

const REFUSED = 'service_credential.refused';

/** The second of two changes that only make sense together: undoes the first where it reaches nothing. */
async function whole(change: PromiseLike<{ readonly count: number }>): Promise<void> {
  if ((await change).count === 0) {
    throw new BailiwickError('FORBIDDEN');
  }
}

builder.mutationField('createServiceCredential', (t) =>
  t.field({
    type: ServiceCredential,
    errors: { types: [NotFound] },
    description: 'Keeps a credential for a service. In person only.',
    args: { input: t.arg({ type: CreateServiceCredentialInput, description: 'The credential.' }) },
    resolve: async (_root, { input }, context, info) => {
      const { secret: value, ...said } = checked(creation, dropNulls(input));
      const agentId = await namedAgent(context, input.agentId, REFUSED);
      const id = newId<ServiceId>();
      await rows(context).serviceCredential.createMany({ data: { id, agentId, ...given(said) } as never });
      await rows(context).serviceSecret.createMany({ data: { id, secret: value } as never });
      await recordChange('service_credential.created', KIND, id, { service: said.service, agentId });
      return await readWritten(context, info, 'ServiceCredential', id);
    },
  }),
);

const UpdateServiceCredentialInput = builder.inputType('UpdateServiceCredentialInput', {
  description: 'What to change; a field left out stays. Where a credential leads never changes.',
  fields: (t) => ({
    id: t.id({ description: 'The credential.' }),
    label: t.string({ required: false, description: 'What it is for.' }),
    calls: t.field({
      type: [ServiceCallInput],
      required: false,
      description: 'The calls that may be made with it, replaced as a whole.',
    }),
    scopes: t.stringList({
      required: false,
      description: 'What it lets its bearer do, replaced as a whole.',
    }),
    ownerOnly: t.boolean({ required: false, description: 'Whether no agent ever reads the secret.' }),
    agentId: t.id({ required: false, description: 'The one agent that is to see it; null for all.' }),
    expiresAt: t.field({
      type: 'DateTime',
      required: false,
      description: 'When the service stops to accept it; null for never.',
    }),
  }),
});

builder.mutationField('updateServiceCredential', (t) =>
  t.field({
    type: ServiceCredential,
    errors: { types: [NotFound] },
    description: 'Changes what is known of a credential. In person only.',
    args: { input: t.arg({ type: UpdateServiceCredentialInput, description: 'What to change.' }) },
    resolve: async (_root, { input }, context, info) => {
      const id = idOf<ServiceId>(input.id, 'ServiceCredential');
      const { agentId, expiresAt, ...rest } = input;
      const data = {
        ...given(
          checked(z.object({ ...shape, label: shape.label.optional() }), { ...dropNulls(rest), expiresAt }),
        ),
        ...(agentId === undefined ? {} : { agentId: await namedAgent(context, agentId, REFUSED) }),
      };
      const { count } = await rows(context).serviceCredential.updateMany({
        where: { id },
        data: data as never,
      });
      if (count === 0) {
        return refuseAsNotFound('service_credential.update_refused', KIND, id);
      }
      await recordChange('service_credential.updated', KIND, id, { fields: Object.keys(data) });
      return await readWritten(context, info, 'ServiceCredential', id);
    },
  }),
);

const RotateServiceCredentialInput = builder.inputType('RotateServiceCredentialInput', {
  description: 'A new secret for a credential.',
  fields: (t) => ({
    id: t.id({ description: 'The credential.' }),
    secret: t.string({ description: 'The new secret; the old one is gone.' }),
    expiresAt: t.field({
      type: 'DateTime',
      required: false,
      description: 'When the service stops to accept the new one; left out or null: never.',
    }),
  }),
});

builder.mutationField('rotateServiceCredential', (t) =>
  t.field({
    type: ServiceCredential,
    errors: { types: [NotFound] },
    description:
      'Replaces the secret of a credential. In person only, and for who may read it: needs credential:update and secret:read.',
    args: { input: t.arg({ type: RotateServiceCredentialInput, description: 'Which, and by what.' }) },
    resolve: async (_root, { input }, context, info) => {
      const id = idOf<ServiceId>(input.id, 'ServiceCredential');
      const { secret: value } = checked(z.object({ secret }), input);
      // both are asked for before anything is sealed: whoever may do neither leaves nothing behind
      const there = await rows(context).serviceSecret.count({ where: { id } });
      const { count } =
        there === 0
          ? { count: 0 }
          : await rows(context).serviceCredential.updateMany({
              where: { id },
              data: { rotatedAt: new Date(), expiresAt: input.expiresAt ?? null },
            });
      if (count === 0) {
        return refuseAsNotFound('service_credential.rotate_refused', KIND, id);
      }
      await whole(rows(context).serviceSecret.updateMany({ where: { id }, data: { secret: value } }));
      await recordChange('service_credential.rotated', KIND, id);
      return await readWritten(context, info, 'ServiceCredential', id);
    },
  }),
);

const ServiceCredentialInput = builder.inputType('ServiceCredentialInput', {
  description: 'Which credential is meant.',
  fields: (t) => ({ id: t.id({ description: 'Its global id.' }) }),
});

const DeletedServiceCredential = builder.objectRef<{ id: string }>('DeletedServiceCredential').implement({
  description: 'A credential that is gone, with its secret.',
  fields: (t) => ({ deletedId: t.exposeID('id', { description: 'Global id of the credential that was.' }) }),
});

builder.mutationField('deleteServiceCredential', (t) =>
  t.field({
    type: DeletedServiceCredential,
    errors: { types: [NotFound] },
    description:
      'Deletes a credential and its secret for good. In person only, and for who may read it: needs credential:delete and secret:read.',
    args: { input: t.arg({ type: ServiceCredentialInput, description: 'Which credential.' }) },
    resolve: async (_root, { input }, context) => {
      const id = idOf<ServiceId>(input.id, 'ServiceCredential');
      const { count } = await rows(context).serviceSecret.deleteMany({ where: { id } });
      if (count === 0) {
        return refuseAsNotFound('service_credential.delete_refused', KIND, id);
      }
      await whole(rows(context).serviceCredential.deleteMany({ where: { id } }));
      await recordChange('service_credential.deleted', KIND, id);
      return { id: input.id };
    },
  }),
);

const RevealedSecret = builder.objectRef<{ secret: string | null }>('RevealedSecret').implement({
  description: 'A secret, in clear.',
  fields: (t) => ({
    secret: t.exposeString('secret', {
      nullable: true,
      description: 'The secret; null where the key that it was encrypted with was destroyed.',
    }),
  }),
});

builder.mutationField('revealServiceSecret', (t) =>
  t.field({
    type: RevealedSecret,
    errors: { types: [NotFound] },
    description:
      "Shows the secret of a credential: to its owner in person; to an agent that may read secrets, unless it is the owner's alone. Leaves a trace, and therefore is a mutation.",
    args: { input: t.arg({ type: ServiceCredentialInput, description: 'Which credential.' }) },
    resolve: async (_root, { input }, context) => {
      const id = idOf<ServiceId>(input.id, 'ServiceCredential');
      const [row] = await rows(context).serviceSecret.findMany({ where: { id }, select: { secret: true } });
      if (row === undefined) {
        return refuseAsNotFound('service_credential.reveal_refused', KIND, id);
      }
      await recordChange('service_credential.revealed', KIND, id);
      return row;
    },
  }),
);
