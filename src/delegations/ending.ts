// Shortening, revoking and renouncing delegations, and the kill switch. Who may end what is decided by the kernel's own
// functions (prisma/policies/02-granting.sql); here it is only asked and told. Nothing that has ended comes back.

import { idOf, toGlobalId } from '../api/global-id.ts';
import { NotFound, recordChange, refuseAsNotFound } from '../api/problems.ts';
import { builder } from '../builder.ts';
import { type Context, rows, sessionOf } from '../context.ts';
import { narrowDelegation, revokeAgent, revokeDelegation } from '../db/kernel.ts';
import { BailiwickError } from '../errors.ts';
import type { DelegationId } from '../ids.ts';
import { Delegation, readDelegation } from './delegation.ts';

const NarrowDelegationInput = builder.inputType('NarrowDelegationInput', {
  description: 'An earlier end of a delegation.',
  fields: (t) => ({
    id: t.id({ description: 'The delegation.' }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'The new end; a later one than it has changes nothing.',
    }),
  }),
});

builder.mutationField('narrowDelegation', (t) =>
  t.field({
    type: Delegation,
    errors: { types: [NotFound] },
    description:
      'Ends a delegation earlier than agreed, and with it every hop below. To allow fewer things, grant anew and revoke.',
    args: { input: t.arg({ type: NarrowDelegationInput, description: 'Which, and when.' }) },
    resolve: async (_root, { input }, context, info) => {
      const id = idOf<DelegationId>(input.id, 'Delegation');
      if (input.expiresAt.getTime() <= Date.now()) {
        throw new BailiwickError(
          'BAD_USER_INPUT',
          'input.expiresAt must not be in the past: to end it now, revoke it',
        );
      }
      const ends = await narrowDelegation(rows(context), id, input.expiresAt);
      if (ends === null) {
        return refuseAsNotFound('delegation.narrow_refused', 'delegation', id);
      }
      await recordChange('delegation.narrowed', 'delegation', id, { expiresAt: ends.toISOString() });
      return readDelegation(context, id, info);
    },
  }),
);

const RevokeDelegationInput = builder.inputType('RevokeDelegationInput', {
  description: 'A delegation that is to end now.',
  fields: (t) => ({ id: t.id({ description: 'The delegation.' }) }),
});

const RenounceDelegationInput = builder.inputType('RenounceDelegationInput', {
  description: 'A delegation that its holder gives up.',
  fields: (t) => ({ id: t.id({ description: 'The delegation.' }) }),
});

const RevokedDelegation = builder
  .objectRef<{ id: DelegationId; revokedAt: Date }>('RevokedDelegation')
  .implement({
    description:
      'A delegation that has ended, for good. Who renounces it may lose sight of it at once, so this is all there is.',
    fields: (t) => ({
      delegationId: t.id({
        description: 'Global id of the delegation.',
        resolve: ({ id }) => toGlobalId('Delegation', id),
      }),
      revokedAt: t.field({
        type: 'DateTime',
        description: 'When it ended: now, or when it was first revoked.',
        resolve: ({ revokedAt }) => revokedAt,
      }),
    }),
  });

async function end(context: Context, globalId: string, event: 'revoked' | 'renounced') {
  const id = idOf<DelegationId>(globalId, 'Delegation');
  const held =
    (await rows(context).delegation.count({ where: { id, delegateId: sessionOf(context).actorId } })) > 0;
  const revokedAt = held === (event === 'renounced') ? await revokeDelegation(rows(context), id) : null;
  if (revokedAt === null) {
    return refuseAsNotFound(`delegation.${event}_refused`, 'delegation', id);
  }
  return { id, revokedAt };
}

builder.mutationField('revokeDelegation', (t) =>
  t.field({
    type: RevokedDelegation,
    errors: { types: [NotFound] },
    description:
      'Ends a delegation and every hop below it, from the very next statement on. By its owner, or anybody above it.',
    args: { input: t.arg({ type: RevokeDelegationInput, description: 'Which delegation.' }) },
    resolve: async (_root, { input }, context) => {
      const ended = await end(context, input.id, 'revoked');
      await recordChange('delegation.revoked', 'delegation', ended.id);
      return ended;
    },
  }),
);

builder.mutationField('renounceDelegation', (t) =>
  t.field({
    type: RevokedDelegation,
    errors: { types: [NotFound] },
    description: 'Gives up a delegation that the calling agent holds.',
    args: { input: t.arg({ type: RenounceDelegationInput, description: 'Which delegation.' }) },
    resolve: async (_root, { input }, context) => {
      const session = sessionOf(context);
      if (session.chain.at(-1) === idOf(input.id, 'Delegation')) {
        // it would end the authority of this very transaction, and with it the record of having done so
        throw new BailiwickError(
          'BAD_USER_INPUT',
          'input.id: renounce a delegation as yourself, not while acting under it',
        );
      }
      const ended = await end(context, input.id, 'renounced');
      await recordChange('delegation.renounced', 'delegation', ended.id);
      return ended;
    },
  }),
);

const RevokeAgentInput = builder.inputType('RevokeAgentInput', {
  description: 'The agent that is to be stopped.',
  fields: (t) => ({ agentId: t.id({ description: 'An agent of yours.' }) }),
});

const StoppedAgent = builder.objectRef<{ id: string; revoked: DelegationId[] }>('StoppedAgent').implement({
  description: 'An agent that can no longer act for anybody.',
  fields: (t) => ({
    agentId: t.exposeID('id', { description: 'Global id of the agent.' }),
    revokedIds: t.idList({
      description: 'Global ids of the delegations that ended by this; every hop below them ended too.',
      resolve: ({ revoked }) => revoked.map((id) => toGlobalId('Delegation', id)),
    }),
  }),
});

builder.mutationField('revokeAgent', (t) =>
  t.field({
    type: StoppedAgent,
    errors: { types: [NotFound] },
    description:
      'The kill switch: ends everything an agent holds, its API keys, clients and sessions too. By its owner in person, or an administrator of the tenant.',
    args: { input: t.arg({ type: RevokeAgentInput, description: 'Which agent.' }) },
    resolve: async (_root, { input }, context) => {
      const id = idOf(input.agentId, 'Agent');
      const revoked = await revokeAgent(rows(context), id);
      if (revoked === null) {
        return refuseAsNotFound('agent.revoke_refused', 'agent', id);
      }
      await recordChange('agent.revoked', 'agent', id, { revoked });
      return { id: input.agentId, revoked };
    },
  }),
);
