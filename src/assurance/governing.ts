// Random rules about actions and random requests for approval, for a tenant whose people, agents and delegations are there.
//
// Rules of every shape, more of them about everything, so that they meet; requests in every state, also such as no kernel would have
// let in: what was asked for under a dead chain, or where the rules never said so. The evaluation must hold all the same.

import fc from 'fast-check';
import { ACTIONS, NAMED_ACTIONS, NAMED_SERVICES } from './actions.ts';
import { type Approval, type Effect, firstKeyOf, type Permission, type Tenant } from './world.ts';

const HOUR = 3600;
const reference = fc.nat(11);

/** What a tenant's people say of actions, and what agents have asked. */
export const governing = fc.record({
  permissions: fc.array(
    fc.record({
      owner: reference,
      agent: fc.oneof({ arbitrary: fc.constant(null), weight: 6 }, { arbitrary: reference, weight: 4 }),
      service: fc.constantFrom(...NAMED_SERVICES),
      action: fc.constantFrom(...NAMED_ACTIONS),
      effect: fc.constantFrom<Effect>('allow', 'ask', 'deny'),
    }),
    { maxLength: 6 },
  ),
  approvals: fc.array(
    fc.record({
      delegation: reference,
      about: fc.constantFrom(0, 0, 0, 1),
      current: fc.nat(4).map((n) => n < 4),
      ends: fc.constantFrom(HOUR, HOUR, HOUR, -HOUR / 2),
      decision: fc.constantFrom<Approval['decision']>('approved', 'approved', 'rejected', null),
      redeemed: fc.nat(3).map((n) => n === 3),
    }),
    { maxLength: 5 },
  ),
});
type Governing = typeof governing extends fc.Arbitrary<infer Value> ? Value : never;

/** Gives a tenant's people their rules, one about the same; and its agents what they have asked for, through what they hold. */
export function govern(tenant: Tenant, { permissions, approvals }: Governing): Tenant {
  const { users, agents, delegations } = tenant;
  const ruled = permissions.map(({ owner: drawn, agent, ...rest }): Permission => {
    // every second is of somebody for whom an agent acts
    const acted = delegations[drawn % Math.max(delegations.length, 1)]?.owner;
    const owner = drawn % 2 === 0 && acted !== undefined ? acted : drawn % users.length;
    const theirs = agents.flatMap((one, n) => (one.owner === owner ? [n] : []));
    return { ...rest, owner, agent: agent === null ? null : (theirs[agent % theirs.length] ?? null) };
  });
  const about = ({ owner, agent, service, action }: Permission) => `${owner} ${agent} ${service} ${action}`;
  return {
    ...tenant,
    permissions: [...new Map(ruled.map((one) => [about(one), one])).values()].slice(0, 4),
    approvals:
      delegations.length === 0
        ? []
        : approvals.map(({ delegation, about: action, redeemed, ...rest }) => ({
            ...rest,
            delegation: delegation % delegations.length,
            about: action % ACTIONS.length,
            redeemed: redeemed && rest.decision === 'approved',
          })),
  };
}

/** Without the requests to owners who have no key: there is none whose arguments are not sealed. */
export function sealable(tenant: Tenant): Tenant {
  const owner = ({ delegation }: Approval) => `u${tenant.delegations[delegation]?.owner ?? 0}` as const;
  return {
    ...tenant,
    approvals: tenant.approvals.filter((approval) => firstKeyOf(tenant, owner(approval)) !== null),
  };
}
