// effectivePermissions: what an agent can do, for whom, until when and through which delegations. Worked out by the kernel
// (prisma/policies/85-explaining.sql) from the same rows as every decision; for the agent's owner in person, and for the agent itself.

import { idOf, toGlobalId } from '../api/global-id.ts';
import { builder } from '../builder.ts';
import { rows } from '../context.ts';
import { type EffectivePermission, type Ending, effectivePermissions } from '../db/explain.ts';
import { BailiwickError } from '../errors.ts';
import { HopObject } from '../viewer/viewer.ts';

/** Delegations in one answer. */
const MOST = 100;

const EndReasonEnum = builder.enumType('DelegationEndReason', {
  description: 'Why a delegation is not in force.',
  values: {
    REVOKED: { value: 'revoked', description: 'A hop was revoked.' },
    EXPIRED: { value: 'expired', description: 'A hop is past its expiry.' },
    PENDING: { value: 'pending', description: 'A hop is not in force yet.' },
    SUSPENDED: {
      value: 'suspended',
      description: 'The agent of a hop is not active.',
    },
    WORLD: {
      value: 'world',
      description:
        'Two hops are limited to different worlds, or the owner is not a member of that world any more.',
    },
  } as const,
});

const EndingObject = builder.objectRef<Ending>('DelegationEnding').implement({
  description: 'One reason why a delegation is not in force.',
  fields: (t) => ({
    reason: t.field({
      type: EndReasonEnum,
      description: 'Which kind of reason.',
      resolve: ({ reason }) => reason,
    }),
    delegationId: t.id({
      description: 'Global id of the hop that it comes from.',
      resolve: ({ id }) => toGlobalId('Delegation', id),
    }),
  }),
});

const EffectivePermissionObject = builder.objectRef<EffectivePermission>('EffectivePermission').implement({
  description: 'What an agent can do through one delegation that it holds.',
  fields: (t) => ({
    delegationId: t.id({
      description: 'Global id of the delegation, which the agent names to act under it.',
      resolve: ({ id }) => toGlobalId('Delegation', id),
    }),
    ownerId: t.id({
      description: 'Global id of the user for whom it acts.',
      resolve: ({ ownerId }) => toGlobalId('User', ownerId),
    }),
    capabilities: t.stringList({
      description:
        'What is left, as kind:verb, after every hop, every ceiling and what the owner may do; a token may still be for less.',
      resolve: ({ capabilities }) => [...capabilities],
    }),
    worldId: t.id({
      nullable: true,
      description: 'Global id of the one world that it reaches; null when it is not limited to one.',
      resolve: ({ worldId }) => (worldId === null ? null : toGlobalId('World', worldId)),
    }),
    until: t.field({
      type: 'DateTime',
      description: 'The earliest end of any of its hops.',
      resolve: ({ until }) => new Date(until),
    }),
    redelegate: t.exposeInt('redelegate', { description: 'How many further hops the agent may add.' }),
    chain: t.field({
      type: [HopObject],
      extensions: { rows: 4 },
      description: "From the owner's own delegation to this one.",
      resolve: ({ chain }) => [...chain],
    }),
    ended: t.field({
      type: [EndingObject],
      extensions: { rows: 4 },
      description: 'Why it is not in force; empty exactly where it is.',
      resolve: ({ ended }) => [...ended],
    }),
  }),
});

builder.queryField('effectivePermissions', (t) =>
  t.field({
    type: [EffectivePermissionObject],
    nullable: { list: true, items: false },
    extensions: { rows: MOST },
    description: `What an agent can do through each delegation that it holds, those in force first and then the newest; at most ${MOST}. For its owner in person, and for the agent itself; null for any other agent, as for one that does not exist. What an agent may do as itself is not in it.`,
    args: {
      agentId: t.arg.id({ description: "One of the caller's agents, or the caller itself." }),
      includeEnded: t.arg.boolean({
        defaultValue: false,
        description: 'Whether what is not in force is listed too, with the reasons.',
      }),
    },
    resolve: async (_root, { agentId, includeEnded }, context) => {
      const options = { ended: includeEnded, most: MOST + 1 };
      const found = await effectivePermissions(rows(context), idOf(agentId, 'Agent'), options);
      // what is in force is never cut short: it would read as if the agent could do no more
      if (found !== null && found.filter(({ ended }) => ended.length === 0).length > MOST) {
        throw new BailiwickError(
          'LIMIT_EXCEEDED',
          `More than ${MOST} delegations are in force; list them by page`,
        );
      }
      return found?.slice(0, MOST) ?? null;
    },
  }),
);
