// viewer: who is asking, for whom, through what, until when, and what that allows right now.
//
// Everything comes from the kernel in one statement (bailiwick.describe), because a caller may always know its own
// authority, even where it may not see the rows it consists of. It decides nothing.

import { queryFromInfo } from '@pothos/plugin-prisma';
import type { Prisma } from '../../generated/prisma/client.ts';
import { toGlobalId } from '../api/global-id.ts';
import { StatusEnum } from '../api/status.ts';
import { builder } from '../builder.ts';
import { rows, sessionOf } from '../context.ts';
import { type Authority, describe, type Hop, type Principal } from '../db/kernel.ts';
import { Tenant } from '../tenants/tenant.ts';

const TYPE_OF_KIND = { user: 'User', agent: 'Agent', world: 'World' } as const;

const PrincipalKindEnum = builder.enumType('PrincipalKind', {
  description: 'What can act or own.',
  values: {
    USER: { value: 'user', description: 'A person.' },
    AGENT: { value: 'agent', description: 'An AI agent.' },
    WORLD: { value: 'world', description: 'A shared environment.' },
  } as const,
});

const PrincipalObject = builder.objectRef<Principal>('Principal').implement({
  description:
    'Somebody who acts or for whom is acted. Its row may be out of sight; its identity here is not.',
  fields: (t) => ({
    id: t.id({
      description: 'Global id of the user or agent.',
      resolve: ({ id, kind }) => toGlobalId(TYPE_OF_KIND[kind], id),
    }),
    kind: t.field({ type: PrincipalKindEnum, description: 'What it is.', resolve: ({ kind }) => kind }),
    status: t.field({
      type: StatusEnum,
      description: 'Whether it takes part.',
      resolve: ({ status }) => status,
    }),
  }),
});

/** One delegation of a chain, for whoever may know of the chain. */
export const HopObject = builder.objectRef<Hop>('Hop').implement({
  description: 'One delegation of a chain from an owner to an agent.',
  fields: (t) => ({
    delegationId: t.id({
      description: 'Global id of the delegation.',
      resolve: ({ id }) => toGlobalId('Delegation', id),
    }),
    depth: t.exposeInt('depth', { description: "Place in the chain; 1 is the owner's own delegation." }),
    delegateId: t.id({
      description: 'Global id of the agent that holds it.',
      resolve: ({ delegateId }) => toGlobalId('Agent', delegateId),
    }),
    capabilities: t.stringList({
      description: 'What this hop allows, as kind:verb.',
      resolve: ({ capabilities }) => [...capabilities],
    }),
    worldId: t.id({
      nullable: true,
      description: 'Global id of the one world it is limited to; null when it is not.',
      resolve: ({ worldId }) => (worldId === null ? null : toGlobalId('World', worldId)),
    }),
    redelegate: t.exposeInt('redelegate', { description: 'How many further hops may follow.' }),
    notBefore: t.field({
      type: 'DateTime',
      description: 'From when.',
      resolve: ({ notBefore }) => new Date(notBefore),
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'Until when.',
      resolve: ({ expiresAt }) => new Date(expiresAt),
    }),
    revokedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null while it was not.',
      resolve: ({ revokedAt }) => (revokedAt === null ? null : new Date(revokedAt)),
    }),
  }),
});

const Viewer = builder.objectRef<Authority>('Viewer').implement({
  description: 'The authority of this request.',
  fields: (t) => ({
    requestId: t.exposeString('requestId', {
      description: 'Id of this request, in every log line and audit entry of it.',
    }),
    tenant: t.field({
      type: Tenant,
      description: 'The tenant, from the token.',
      resolve: (_viewer, _args, context, info) =>
        rows(context).tenant.findFirstOrThrow({
          ...queryFromInfo({ context, info }),
          where: {},
        } as Prisma.TenantFindFirstArgs) as never,
    }),
    actor: t.field({ type: PrincipalObject, description: 'Who acts.', resolve: ({ actor }) => actor }),
    owner: t.field({
      type: PrincipalObject,
      description: 'Whose rows: the actor, or the owner for whom it acts.',
      resolve: ({ owner }) => owner,
    }),
    live: t.exposeBoolean('live', {
      description: 'Whether the chain is in force: false once any part of it has ended.',
    }),
    administrator: t.exposeBoolean('administrator', {
      description: "Whether the caller is here as its tenant's administrator.",
    }),
    capabilities: t.stringList({
      description: 'What can be done right now, as kind:verb: token, ceilings and every hop intersected.',
      resolve: ({ capabilities }) => [...capabilities],
    }),
    chain: t.field({
      type: [HopObject],
      description: "The delegations acted through, the owner's first; empty in person.",
      resolve: ({ chain }) => [...chain],
    }),
    tokenExpiresAt: t.field({
      type: 'DateTime',
      description: 'When the token ends.',
      resolve: ({ tokenExpiresAt }) => new Date(tokenExpiresAt),
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    description: 'Who is asking, for whom, through what, until when.',
    resolve: (_root, _args, context) => describe(sessionOf(context).db),
  }),
);
