// What is shared in the worlds of a tenant, and who is only a guest there; what is usual for its agents, and what they have read.
//
// Shared also by whoever has left the world meanwhile or was a guest all along, and read by agents of others: no policy would have let
// that begin, or it has ended since. The evaluation must hold all the same.

import fc from 'fast-check';
import { type Baseline, type Member, type Memory, principals, type Receipt, type Tenant } from './world.ts';

const reference = fc.nat(11);

/** Last of what is drawn of a tenant. */
export const sharing = fc.record({
  guests: fc.array(fc.boolean(), { minLength: 4, maxLength: 7 }),
  joining: fc.array(fc.record({ place: reference, user: reference }), { maxLength: 3 }),
  sent: fc.array(fc.record({ delegation: fc.nat(7), place: reference }), { maxLength: 2 }),
  shared: fc.array(
    fc.nat(2).map((n) => n > 0),
    { maxLength: 5 },
  ),
  baselines: fc.array(
    fc.record({
      agent: reference,
      frozen: fc.nat(3).map((n) => n > 0),
      lenient: fc.nat(5).map((n) => n === 5),
    }),
    { minLength: 2, maxLength: 5 },
  ),
  receipts: fc.array(fc.record({ agent: reference, owner: reference }), { maxLength: 3 }),
});
type Sharing = typeof sharing extends fc.Arbitrary<infer Value> ? Value : never;

/** Lets be guests who do not own the world, and be shared what stands in one and is not sensitive; and gives agents the rest. */
export function share(tenant: Tenant, drawn: Sharing | undefined): Tenant {
  const { agents, delegations, places, users } = tenant;
  const all = principals(tenant);
  const any = <Drawn>(some: readonly Drawn[] = []) => (agents.length === 0 ? [] : some);
  // first of those who act
  const baselines = any(drawn?.baselines).map(
    ({ agent, ...rest }, n): Baseline => ({
      ...rest,
      agent: delegations[n]?.delegate ?? agent % agents.length,
    }),
  );
  const joining = (places.length === 0 ? [] : (drawn?.joining ?? [])).map(
    ({ place, user }): Member => ({ place: place % places.length, user: user % users.length, guest: false }),
  );
  const members = [...tenant.members, ...joining].filter(
    ({ place, user }, n, list) => list.findIndex((one) => one.place === place && one.user === user) === n,
  );
  const placed = tenant.memories.map((memory, n): Memory => {
    const shared = drawn?.shared[n] === true && places.length > 0 && !memory.sensitive;
    // what is shared stands somewhere
    return { ...memory, shared, place: shared ? (memory.place ?? n % places.length) : memory.place };
  });
  const sent = new Map((drawn?.sent ?? []).map(({ delegation, place }) => [delegation, place]));
  return {
    ...tenant,
    members: members.map((member, n) => ({
      ...member,
      guest: drawn?.guests[n] === true && places[member.place]?.owner !== member.user,
    })),
    memories: placed,
    // an agent hears of what others share only where it is sent
    delegations: delegations.map((one, n) => {
      const place = sent.get(n);
      return place === undefined || places.length === 0 || one.place !== null
        ? one
        : { ...one, place: place % places.length };
    }),
    // one for each agent
    baselines: [...new Map(baselines.map((one) => [one.agent, one])).values()],
    receipts: any(drawn?.receipts).map(
      ({ agent, owner }): Receipt => ({
        agent: agent % agents.length,
        owner: all[owner % all.length] ?? 'u0',
      }),
    ),
  };
}
