// Granting and passing on; what ends a delegation stands in ending.ts. What may be granted is decided by
// bailiwick.grant_refusal (prisma/policies/02-granting.sql); here it is only asked and told.

import type { GraphQLResolveInfo } from 'graphql';
import { z } from 'zod';
import { idOf, optionalIdOf } from '../api/global-id.ts';
import { recordChange, refusalOf, refuseFor } from '../api/problems.ts';
import { checked, text } from '../api/validation.ts';
import { builder } from '../builder.ts';
import { isCapability } from '../capabilities.ts';
import { type Context, rows, sessionOf } from '../context.ts';
import { type GrantRefusal, grantRefusal } from '../db/kernel.ts';
import { BailiwickError } from '../errors.ts';
import { type DelegationId, newId } from '../ids.ts';
import { Delegation, readDelegation } from './delegation.ts';

const REASONS = {
  authority:
    'You may not grant this: a person grants its own authority in person, an agent passes on the delegation it acts under.',
  redelegate: 'The delegation above leaves fewer further hops, or none.',
  capabilities: 'Some capability is unknown, lacks reading of its kind, or is not in the delegation above.',
  world: 'The delegation above is limited to another world, or the owner is not a member of this one.',
  lifetime:
    'It would end in the past, later than the delegation above, or later than is allowed at this depth.',
  cycle: 'An agent cannot hold two hops of one chain.',
  delegate: 'There is no such agent of the owner that takes part.',
} as const satisfies Record<GrantRefusal, string>;

/** Why a delegation was not granted. */
const DelegationRefused = refusalOf(
  'DelegationRefused',
  {
    refusal: 'The delegation was not granted, because a rule stands against it.',
    reason: 'Which rule stands against a delegation.',
  },
  REASONS,
);

const terms = z.object({
  capabilities: z
    .array(z.string().refine(isCapability, 'must be a capability such as memory:read'))
    .min(1)
    .max(64),
  redelegate: z.int().min(0).max(3),
  purpose: text(1000).nullish(),
});

function termFields(t: Parameters<Parameters<typeof builder.inputType>[1]['fields']>[0]) {
  return {
    delegateId: t.id({ description: 'The agent that is to hold it; one of the owner.' }),
    capabilities: t.stringList({
      description: 'What it allows, as kind:verb; whoever may write a kind must be able to read it.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      required: false,
      description: 'Until when; give this or lifetimeSeconds.',
    }),
    lifetimeSeconds: t.int({
      required: false,
      description:
        'How long from now; give this or expiresAt. At most 90 days at the root, an hour further down unless the tenant says otherwise.',
    }),
    notBefore: t.field({ type: 'DateTime', required: false, description: 'From when; left out: at once.' }),
    redelegate: t.int({ defaultValue: 0, description: 'How many further hops its delegate may add.' }),
    worldId: t.id({
      required: false,
      description: 'Limit it to this world, of which the owner is a member.',
    }),
    purpose: t.string({ required: false, description: 'Why, for people to read.' }),
  };
}

const GrantDelegationInput = builder.inputType('GrantDelegationInput', {
  description: "A delegation of one's own authority; at most 90 days.",
  fields: (t) => termFields(t),
});

const RedelegateInput = builder.inputType('RedelegateInput', {
  description: 'A further hop below the delegation under which the caller acts; it can only allow less.',
  fields: (t) => termFields(t),
});

type Terms = typeof GrantDelegationInput.$inferInput;

function endOf({ expiresAt, lifetimeSeconds }: Terms): Date {
  if (expiresAt && typeof lifetimeSeconds !== 'number') {
    return expiresAt;
  }
  if (!expiresAt && typeof lifetimeSeconds === 'number' && lifetimeSeconds > 0) {
    return new Date(Date.now() + lifetimeSeconds * 1000);
  }
  throw new BailiwickError('BAD_USER_INPUT', 'input: give either expiresAt or a lifetimeSeconds above zero');
}

function refuse(reason: GrantRefusal, delegateId: string, capabilities: string[]): Promise<never> {
  const target = { kind: 'agent', id: delegateId };
  return refuseFor('delegation.grant_refused', target, new DelegationRefused(reason), {
    capabilities,
  });
}

async function grant(
  context: Context,
  input: Terms,
  above: { id: DelegationId; depth: number } | null,
  info: GraphQLResolveInfo,
) {
  const { actorId, ownerId } = sessionOf(context);
  const { capabilities, redelegate, purpose } = checked(terms, input);
  const proposed = {
    ownerId,
    delegatorId: actorId,
    delegateId: idOf(input.delegateId, 'Agent'),
    parentId: above?.id ?? null,
    depth: (above?.depth ?? 0) + 1,
    redelegate,
    capabilities,
    worldId: optionalIdOf(input.worldId, 'World'),
    notBefore: input.notBefore ?? new Date(),
    expiresAt: endOf(input),
  };
  const refusal = await grantRefusal(rows(context), proposed);
  if (refusal !== null) {
    return refuse(refusal, proposed.delegateId, capabilities);
  }
  const id = newId<DelegationId>();
  await rows(context).delegation.create({
    data: { id, ...proposed, purpose: purpose ?? null } as never,
    select: { id: true },
  });
  await recordChange('delegation.granted', 'delegation', id, {
    delegateId: proposed.delegateId,
    capabilities,
    expiresAt: proposed.expiresAt.toISOString(),
  });
  return readDelegation(context, id, info);
}

builder.mutationField('grantDelegation', (t) =>
  t.field({
    type: Delegation,
    errors: { types: [DelegationRefused] },
    description: 'Lets an agent of yours act for you. Only in person: never through a delegation.',
    args: { input: t.arg({ type: GrantDelegationInput, description: 'To whom, what, and until when.' }) },
    resolve: (_root, { input }, context, info) => grant(context, input, null, info),
  }),
);

builder.mutationField('redelegate', (t) =>
  t.field({
    type: Delegation,
    errors: { types: [DelegationRefused] },
    description:
      'Passes on part of the delegation under which the calling agent acts to another agent of the same owner.',
    args: { input: t.arg({ type: RedelegateInput, description: 'To whom, what, and until when.' }) },
    resolve: async (_root, { input }, context, info) => {
      const { chain } = sessionOf(context);
      const id = chain.at(-1) as DelegationId | undefined;
      if (id === undefined) {
        return refuse('authority', idOf(input.delegateId, 'Agent'), input.capabilities);
      }
      return grant(context, input, { id, depth: chain.length }, info);
    },
  }),
);
