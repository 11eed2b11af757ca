// Credentials for services of third parties: what one is to whoever may see it, and how they are listed. Who sees which:
// prisma/policies/24-service-credentials.sql. The secret is nowhere here.

import type { Prisma } from '../../generated/prisma/client.ts';
import { connectionOf, pageArguments } from '../api/connection.ts';
import { idOf, toGlobalId } from '../api/global-id.ts';
import { type PageArgs, paginate } from '../api/keyset.ts';
import { NodeInterface, registerNode } from '../api/node.ts';
import { readPage } from '../api/reading.ts';
import { OrderDirectionEnum } from '../api/status.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { type NamedCall, namedCalls } from './call.ts';

export const ServiceCredentialKindEnum = builder.enumType('ServiceCredentialKind', {
  description: 'What sort of secret a service has given out.',
  values: {
    API_KEY: { value: 'api_key', description: 'A key of an account or of a program.' },
    PERSONAL_ACCESS_TOKEN: { value: 'personal_access_token', description: 'A token that a person has made.' },
    OAUTH_TOKEN: {
      value: 'oauth_token',
      description: 'A token that a person has granted to a program (OAuth).',
    },
  } as const,
});

export const HttpMethodEnum = builder.enumType('HttpMethod', {
  description: 'What a call does (RFC 9110 section 9).',
  values: {
    GET: { description: 'Reads.' },
    POST: { description: 'Has the service do or make something.' },
    PUT: { description: 'Replaces.' },
    PATCH: { description: 'Changes.' },
    DELETE: { description: 'Removes.' },
  } as const,
});

export const ServiceCall = builder.objectRef<NamedCall>('ServiceCall').implement({
  description: 'A call that may be made with a credential.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What it is asked for by, such as issues.create.' }),
    method: t.field({
      type: HttpMethodEnum,
      description: 'What it does.',
      resolve: ({ method }) => method,
    }),
    path: t.exposeString('path', {
      description:
        'Where, at the origin of the credential; what stands in braces is filled in by whoever calls.',
    }),
  }),
});

/** Days before its end from which a credential says that it is about to expire. */
export const WARNING_DAYS = 14;
const soon = (): Date => new Date(Date.now() + WARNING_DAYS * 86_400_000);

const ServiceCredentialStateEnum = builder.enumType('ServiceCredentialState', {
  description: 'Where a credential for a service stands in its life.',
  values: {
    ACTIVE: { description: 'It can be used.' },
    EXPIRING: { description: `It can be used, and ends within ${WARNING_DAYS} days: time for a new secret.` },
    EXPIRED: { description: 'Past its end; no call is made with it until it has a new secret.' },
  } as const,
});

const ServiceCredentialFilter = builder.inputType('ServiceCredentialFilter', {
  description: 'Which credentials; every condition given must hold.',
  fields: (t) => ({
    service: t.string({ required: false, description: 'For this service.' }),
    agentId: t.id({ required: false, description: 'For this agent alone.' }),
    expiresBefore: t.field({
      type: 'DateTime',
      required: false,
      description: 'That end before this time; those without an end do not.',
    }),
    holding: t.string({
      required: false,
      description:
        'Whose secret is exactly this, such as one that has leaked; only among those whose secret the caller may read.',
    }),
  }),
});

const credentialArguments = builder.args((t) => ({
  ...pageArguments,
  filter: t.field({ type: ServiceCredentialFilter, required: false, description: 'Which credentials.' }),
  direction: t.field({
    type: OrderDirectionEnum,
    defaultValue: 'desc',
    description: 'Which end first, by time of creation.',
  }),
}));

type CredentialArgs = PageArgs & {
  filter?: typeof ServiceCredentialFilter.$inferInput | null | undefined;
  direction: 'asc' | 'desc';
};

function credentialPage(context: Context, { filter, direction, ...args }: CredentialArgs) {
  const page = paginate(context, args, { connection: 'serviceCredentials', field: 'id', direction });
  const conditions: Prisma.ServiceCredentialWhereInput[] = [
    ...(filter?.service ? [{ service: filter.service }] : []),
    ...(filter?.agentId ? [{ agentId: idOf(filter.agentId, 'Agent') }] : []),
    ...(filter?.expiresBefore ? [{ expiresAt: { lt: filter.expiresBefore } }] : []),
    ...(filter?.holding ? [{ secret: { is: { secret: filter.holding } } }] : []),
  ];
  return page.of(...conditions);
}

export const ServiceCredential = builder.prismaObject('ServiceCredential', {
  interfaces: [NodeInterface],
  description:
    'A credential for a service of a third party: what it is for and where it may go, never the secret. Seen by its owner, and by agents that may read credentials.',
  fields: (t) => ({
    service: t.exposeString('service', { description: 'For which service, such as github.' }),
    label: t.exposeString('label', { description: 'What it is for, in the words of its owner.' }),
    kind: t.field({
      type: ServiceCredentialKindEnum,
      description: 'What sort of secret it is.',
      // a check of the table allows no other
      resolve: ({ kind }) => kind as (typeof ServiceCredentialKindEnum)['$inferType'],
    }),
    scopes: t.exposeStringList('scopes', {
      description: 'What the service lets its bearer do, in its own words.',
    }),
    ownerOnly: t.exposeBoolean('ownerOnly', {
      description: 'Whether no agent ever reads the secret, whatever its delegation says.',
    }),
    origin: t.exposeString('origin', { description: 'The only place that the secret is sent to.' }),
    header: t.exposeString('header', { description: 'The header in which it goes there.' }),
    calls: t.field({
      type: [ServiceCall],
      description: 'The calls that may be made with it.',
      extensions: { rows: 50 },
      // only what this schema lets in is written there
      resolve: ({ calls }) => namedCalls.parse(calls),
    }),
    agent: t.relation('agent', {
      nullable: true,
      description:
        'The one agent that sees it beside its owner; null for all, and where the caller may not read agents.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the service stops to accept it, as far as its owner knows; null for never.',
    }),
    state: t.field({
      type: ServiceCredentialStateEnum,
      description: 'Where it stands now.',
      resolve: ({ expiresAt }) =>
        expiresAt === null || expiresAt > soon() ? 'ACTIVE' : expiresAt > new Date() ? 'EXPIRING' : 'EXPIRED',
    }),
    rotatedAt: t.expose('rotatedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it last got a new secret; null for never.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a call was last made with it; null for never.',
    }),
    lastUsedById: t.id({
      nullable: true,
      description: 'Global id of the user or agent for whom; null for never.',
      resolve: ({ lastUsedBy, ownerId }) =>
        lastUsedBy === null ? null : toGlobalId(lastUsedBy === ownerId ? 'User' : 'Agent', lastUsedBy),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was put here.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
  }),
});

const ServiceCredentialConnection = connectionOf(ServiceCredential, 'ServiceCredential');

builder.queryField('serviceCredentials', (t) =>
  t.field({
    type: ServiceCredentialConnection,
    description:
      "The owner's credentials for services, as far as the caller may know of them; never a secret.",
    args: credentialArguments,
    resolve: (_root, args, context, info) =>
      readPage(context, info, 'ServiceCredential', credentialPage(context, args as CredentialArgs)),
  }),
);

registerNode('ServiceCredential');
