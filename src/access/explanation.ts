// explainAccess: whether the caller may do something with a row, by which clauses, and what of its authority is missing. What is said
// comes from the policies themselves (prisma/policies/85-explaining.sql); nothing is decided or worded here.
//
// It is no way to find rows: hidden and absent ones give the same answer, to the last character.

import { fromGlobalId, toGlobalId } from '../api/global-id.ts';
import { builder } from '../builder.ts';
import { rows } from '../context.ts';
import {
  type Clause,
  type Explanation,
  explainAccess,
  isExplicable,
  type Missing,
  type Requirement,
} from '../db/explain.ts';
import { BailiwickError } from '../errors.ts';

const AccessVerbEnum = builder.enumType('AccessVerb', {
  description:
    'What would be done with a row itself; what the kernel does with one, such as revoking, is none of these.',
  values: {
    READ: { value: 'read', description: 'To see it.' },
    UPDATE: { value: 'update', description: 'To change what it holds.' },
    DELETE: { value: 'delete', description: 'To remove it.' },
  } as const,
});

const AccessMeansEnum = builder.enumType('AccessMeans', {
  description: 'In which capacity a capability is asked for.',
  values: {
    OWNER: { value: 'owner', description: 'As the owner of the row, or for them through a chain.' },
    IN_PERSON: { value: 'direct_owner', description: 'As the owner of the row, and through no chain.' },
    MEMBER: { value: 'worlds', description: 'As a member of a world, or for one through a chain.' },
    SHARED_WITH: {
      value: 'shared_worlds',
      description: 'As a member of a world, or for one through a chain that names it.',
    },
    PARTY: { value: 'party', description: 'As who granted or holds it, whatever chain there is.' },
    ADMINISTRATOR: { value: 'administered_tenant', description: 'As an administrator, through no chain.' },
  } as const,
});

const MissingPlaceEnum = builder.enumType('MissingPlace', {
  description: 'Where a capability is lost.',
  values: {
    EXPIRY: { value: 'expiry', description: 'The credential has expired.' },
    SCOPE: { value: 'scope', description: 'The credential is not for that.' },
    STANDING: { value: 'standing', description: 'Somebody in the chain, or the tenant, is not active.' },
    CEILING: { value: 'ceiling', description: 'Somebody in the chain may never do that.' },
    DELEGATION: {
      value: 'delegation',
      description: 'A hop is not in force or not for that; without an id, an agent as itself may not.',
    },
    WORLD: {
      value: 'world',
      description:
        'The chain is limited to a world in which this does not stand, or of which the owner is no member; without an id, it is done only through a chain that names a world.',
    },
    PERSON: { value: 'person', description: 'It is never done through a chain.' },
    ROLE: { value: 'role', description: 'The caller is no administrator.' },
  } as const,
});

const TYPE_OF_KIND = {
  user: 'User',
  agent: 'Agent',
  world: 'World',
  delegation: 'Delegation',
  tenant: 'Tenant',
} as const;

const MissingObject = builder.objectRef<Missing>('MissingAuthority').implement({
  description: 'One reason why a capability is not held.',
  fields: (t) => ({
    where: t.field({
      type: MissingPlaceEnum,
      description: 'Which kind of reason.',
      resolve: ({ where }) => where,
    }),
    id: t.id({
      nullable: true,
      description:
        'Global id of the delegation, world, user, agent or tenant concerned; null where there is none, or it is not for the caller to know.',
      resolve: ({ kind, id }) => (kind === null || id === null ? null : toGlobalId(TYPE_OF_KIND[kind], id)),
    }),
  }),
});

type CarryingHop = Requirement['hops'][number];

const CarryingHopObject = builder.objectRef<CarryingHop>('CarryingHop').implement({
  description: 'One delegation of the chain, as regards a capability.',
  fields: (t) => ({
    delegationId: t.id({
      description: 'Global id of the delegation.',
      resolve: ({ id }) => toGlobalId('Delegation', id),
    }),
    carries: t.exposeBoolean('carries', { description: 'Whether it is in force and names the capability.' }),
  }),
});

const RequirementObject = builder.objectRef<Requirement>('AccessRequirement').implement({
  description: 'A capability that some clause asks for, and how the caller stands to it.',
  fields: (t) => ({
    capability: t.exposeString('capability', { description: 'As kind:verb.' }),
    means: t.field({
      type: AccessMeansEnum,
      description: 'In which capacity.',
      resolve: ({ means }) => means,
    }),
    held: t.exposeBoolean('held', {
      description: 'Whether the caller has it now; exactly when nothing is missing.',
    }),
    hops: t.field({
      type: [CarryingHopObject],
      extensions: { rows: 4 },
      description: "The delegations acted through, the owner's first; empty in person.",
      resolve: ({ hops }) => [...hops],
    }),
    missing: t.field({
      type: [MissingObject],
      description: 'Every reason why it is not held.',
      resolve: ({ missing }) => [...missing],
    }),
  }),
});

const ClauseObject = builder.objectRef<Clause>('AccessClause').implement({
  description: 'One policy of the database that is asked about the row.',
  fields: (t) => ({
    policy: t.exposeString('policy', { description: 'What it is called in prisma/policies.' }),
    sentence: t.exposeString('sentence', { description: 'What it says, in words.' }),
    restrictive: t.exposeBoolean('restrictive', {
      description: 'Whether it must hold beside the others; of those that are not, one is enough.',
    }),
    holds: t.exposeBoolean('holds', { description: 'Whether it holds for this row and this caller.' }),
    capabilities: t.stringList({
      description: 'The capabilities that it asks for; how the caller stands to them, requirements tell.',
      resolve: ({ capabilities }) => capabilities.map(({ capability }) => capability),
    }),
  }),
});

const ExplanationObject = builder.objectRef<Explanation>('AccessExplanation').implement({
  description: 'Whether something may be done with a row, and why.',
  fields: (t) => ({
    known: t.exposeBoolean('known', {
      description:
        'Whether there is such a row that the caller may know of. What is hidden and what is absent give one answer.',
    }),
    allowed: t.exposeBoolean('allowed', {
      description:
        'Whether the caller may do it now. What a changed row must satisfy is judged when it is changed.',
    }),
    granted: t.exposeBoolean('granted', {
      description: 'Whether this is ever done to rows of this type; otherwise only the kernel touches them.',
    }),
    clauses: t.field({
      type: [ClauseObject],
      description:
        'What the policies say of the row: those of which one is enough, then those that must all hold.',
      resolve: ({ clauses }) => [...clauses],
    }),
    requirements: t.field({
      type: [RequirementObject],
      description:
        'What the policies for this type ask of a caller, whichever row it is: this is told of rows out of sight too.',
      resolve: ({ requirements }) => [...requirements],
    }),
  }),
});

builder.queryField('explainAccess', (t) =>
  t.field({
    type: ExplanationObject,
    description: 'Whether the caller may do something with a row, by which policies, and what is missing.',
    args: {
      id: t.arg.id({ description: 'The row.' }),
      verb: t.arg({ type: AccessVerbEnum, description: 'What would be done.' }),
    },
    resolve: async (_root, { id: globalId, verb }, context) => {
      const { type, id } = fromGlobalId(globalId);
      if (!isExplicable(type)) {
        throw new BailiwickError('BAD_USER_INPUT', `There are no rows of the type ${type}`);
      }
      return await explainAccess(rows(context), { type, id, verb });
    },
  }),
);
