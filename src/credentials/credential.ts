// Credentials of all kinds: what one is to whoever asks, and how they are listed. Who sees which:
// prisma/policies/21-credentials.sql. An API key itself is nowhere here: it is shown once, by the mutation that makes it.

import type { Prisma } from '../../generated/prisma/client.ts';
import { Agent } from '../agents/agent.ts';
import { connectionOf, pageArguments } from '../api/connection.ts';
import { idOf, toGlobalId } from '../api/global-id.ts';
import { type PageArgs, paginate } from '../api/keyset.ts';
import { NodeInterface, registerNode } from '../api/node.ts';
import { readPage } from '../api/reading.ts';
import { OrderDirectionEnum } from '../api/status.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import type { KeyId } from '../ids.ts';
import { ownClientId } from './client-id.ts';

const CredentialKindEnum = builder.enumType('CredentialKind', {
  description: 'By what a credential shows who it is.',
  values: {
    API_KEY: { value: 'key', description: 'A secret that goes with every request, in the header X-API-Key.' },
    CLIENT: {
      value: 'client',
      description:
        'A key pair of its holder, with which a program signs to get tokens. Only the public half is here.',
    },
    SESSION: {
      value: 'session',
      description: 'A sign-in at the token service, which renews tokens until it ends.',
    },
  } as const,
});

type Kind = (typeof CredentialKindEnum)['$inferType'];

const CredentialFilter = builder.inputType('CredentialFilter', {
  description: 'Which credentials; every condition given must hold.',
  fields: (t) => ({
    holderId: t.id({ required: false, description: 'That identify this user or agent.' }),
    kinds: t.field({
      type: [CredentialKindEnum],
      required: false,
      description: 'Of one of these kinds; of an empty list there are none.',
    }),
    ended: t.boolean({
      required: false,
      description: 'Only those revoked or expired, or only those that are not.',
    }),
  }),
});

const credentialArguments = builder.args((t) => ({
  ...pageArguments,
  filter: t.field({ type: CredentialFilter, required: false, description: 'Which credentials.' }),
  direction: t.field({
    type: OrderDirectionEnum,
    defaultValue: 'desc',
    description: 'Which end first, by time of creation.',
  }),
}));

type CredentialArgs = PageArgs & {
  filter?: typeof CredentialFilter.$inferInput | null | undefined;
  direction: 'asc' | 'desc';
};

function credentialPage(context: Context, { filter, direction, ...args }: CredentialArgs) {
  const page = paginate(context, args, { connection: 'credentials', field: 'id', direction });
  const ended = { OR: [{ revokedAt: { not: null } }, { expiresAt: { lte: new Date() } }] };
  const conditions: Prisma.CredentialWhereInput[] = [
    ...(filter?.holderId ? [{ entityId: idOf(filter.holderId, 'User', 'Agent') }] : []),
    ...(filter?.kinds ? [{ kind: { in: [...new Set(filter.kinds)] } }] : []),
    ...(typeof filter?.ended === 'boolean' ? [filter.ended ? ended : { NOT: ended }] : []),
  ];
  return page.of(...conditions);
}

const CredentialStateEnum = builder.enumType('CredentialState', {
  description: 'Where a credential stands in its life.',
  values: {
    ACTIVE: { description: 'It is accepted.' },
    EXPIRED: { description: 'Past its expiry, or past the overlap with the key that replaced it.' },
    REVOKED: { description: 'Revoked, for good.' },
  } as const,
});

export const Credential = builder.prismaObject('Credential', {
  interfaces: [NodeInterface],
  description:
    'With what a user, a service or an agent proves who it is: an API key, a client or a session. Seen by its owner in person and by administrators.',
  fields: (t) => ({
    label: t.exposeString('label', { description: 'What it is for, in the words of whoever made it.' }),
    kind: t.field({
      type: CredentialKindEnum,
      description: 'By what it shows who it is.',
      // a check of the table allows no other
      resolve: ({ kind }) => kind as Kind,
    }),
    hint: t.exposeString('hint', {
      nullable: true,
      description: 'How the API key begins, to recognise it by; null for a client or a session.',
    }),
    publicKey: t.expose('publicKey', {
      type: 'JSONObject',
      nullable: true,
      description: 'The public half of the key with which the client signs, as a JWK; null but for clients.',
    }),
    clientId: t.string({
      nullable: true,
      description: 'Its name at the token service, <id>@<slug of the tenant>; null but for clients.',
      select: { id: true, kind: true },
      resolve: ({ id, kind }, _args, context) =>
        kind === 'client' ? ownClientId(context, id as KeyId) : null,
    }),
    holderId: t.id({
      description: 'Global id of the user or agent that it identifies.',
      // a user owns itself, an agent never does
      resolve: ({ entityId, ownerId }) => toGlobalId(entityId === ownerId ? 'User' : 'Agent', entityId),
    }),
    agent: t.field({
      type: Agent,
      nullable: true,
      description: 'The agent that it identifies; null for a user, and where the caller may not read agents.',
      select: (_args, _context, nested) => ({ entity: { select: { agent: nested() as never } } }),
      resolve: (key) => (key as unknown as { entity: { agent: null } | null }).entity?.agent ?? null,
    }),
    capabilities: t.exposeStringList('capabilities', {
      description: 'The most it allows, as kind:verb; it grants nothing by itself.',
    }),
    delegationId: t.id({
      nullable: true,
      description: 'Global id of the one delegation under which it works; null when it is bound to none.',
      resolve: ({ pinnedId }) => (pinnedId === null ? null : toGlobalId('Delegation', pinnedId)),
    }),
    replacesId: t.id({
      nullable: true,
      description: 'Global id of the API key that it took over from; null for a first one.',
      resolve: ({ replacesId }) => (replacesId === null ? null : toGlobalId('Credential', replacesId)),
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when.' }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null while it was not.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, known a minute or so later; null for never.',
    }),
    state: t.field({
      type: CredentialStateEnum,
      description: 'Where it stands now.',
      resolve: ({ revokedAt, expiresAt }) =>
        revokedAt !== null ? 'REVOKED' : expiresAt <= new Date() ? 'EXPIRED' : 'ACTIVE',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
  }),
});

const CredentialConnection = connectionOf(Credential, 'Credential');

builder.queryField('credentials', (t) =>
  t.field({
    type: CredentialConnection,
    description:
      "The caller's own credentials and those of its agents; for an administrator, all of the tenant. Nobody sees any under a delegation.",
    args: credentialArguments,
    resolve: (_root, args, context, info) =>
      readPage(context, info, 'Credential', credentialPage(context, args as CredentialArgs)),
  }),
);

registerNode('Credential');
