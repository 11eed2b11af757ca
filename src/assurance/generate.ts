// Random worlds, for fast-check: every state that the tables allow, likely ones more often than odd ones, small enough
// to be read when a counter-example is shrunk.
//
// References are drawn as plain numbers and settled afterwards, so that whatever is drawn is a world the tables accept:
// foreign keys and checks hold, and nothing else does. Delegations may allow more than their parent, be limited to another
// world, come in a circle, or name capabilities that do not exist: no grant would pass, but the evaluation must hold.

import fc from 'fast-check';
import { DELEGABLE, SCOPES } from '../capabilities.ts';
import { govern, governing, sealable } from './governing.ts';
import { share, sharing } from './sharing.ts';
import {
  type Agent,
  type DataKey,
  type Delegation,
  firstKeyOf,
  type Key,
  type Member,
  type Memory,
  type Place,
  type Principal,
  principals,
  type Service,
  type Status,
  type Tenant,
  type World,
} from './world.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

const status: fc.Arbitrary<Status> = fc.oneof(
  { arbitrary: fc.constant<Status>('active'), weight: 12 },
  { arbitrary: fc.constantFrom<Status>('suspended', 'archived'), weight: 1 },
);
const rarely = fc.nat(9).map((n) => n === 9);
const often = fc.nat(9).map((n) => n < 9);
const reference = fc.nat(11);
/** A reference, in so many of ten cases, or none. */
const perhaps = (tenths: number) =>
  fc.oneof({ arbitrary: fc.constant(null), weight: 10 - tenths }, { arbitrary: reference, weight: tenths });

const readsToo = (capabilities: readonly string[]) => [
  ...new Set(capabilities.flatMap((capability) => [`${capability.split(':')[0]}:read`, capability])),
];
const wellFormed = fc.subarray([...DELEGABLE], { minLength: 1 }).map(readsToo);
const capabilities = fc.oneof(
  { arbitrary: fc.constant<readonly string[]>(DELEGABLE), weight: 3 },
  { arbitrary: wellFormed, weight: 5 },
  { arbitrary: fc.subarray([...DELEGABLE, 'memory:fly', 'tenant:administer'], { minLength: 1 }), weight: 1 },
);
const ceiling = fc.oneof(
  { arbitrary: fc.constant(null), weight: 6 },
  { arbitrary: fc.subarray([...SCOPES]), weight: 1 },
);

/** Since when tokens count: mostly all do. */
const epoch = fc.nat(19).map((n) => (n === 19 ? HOUR : n === 18 ? -HOUR : null));

const drawn = fc.record({
  status,
  subdelegationSeconds: fc.constantFrom(HOUR, 10 * 60),
  users: fc.array(fc.record({ admin: rarely, status, ceiling, service: rarely, epoch }), {
    minLength: 1,
    maxLength: 3,
  }),
  agents: fc.array(
    fc.record({ owner: reference, parent: perhaps(5), status, ceiling, instructed: fc.boolean(), epoch }),
    { maxLength: 4 },
  ),
  places: fc.array(fc.record({ owner: reference, status, ownerStays: often }), { maxLength: 2 }),
  members: fc.array(fc.record({ place: reference, user: reference }), { maxLength: 3 }),
  delegations: fc.array(
    fc.record({
      delegate: reference,
      parent: perhaps(7),
      redelegate: fc.nat(3),
      capabilities,
      place: perhaps(3),
      starts: fc.oneof(
        { arbitrary: fc.constant(-HOUR), weight: 9 },
        { arbitrary: fc.constant(HOUR), weight: 1 },
      ),
      lasts: fc.oneof(
        { arbitrary: fc.constantFrom(2 * HOUR, 5 * HOUR), weight: 9 },
        { arbitrary: fc.constant(HOUR / 2), weight: 1 },
      ),
      revoked: rarely,
    }),
    { maxLength: 5 },
  ),
  memories: fc.array(fc.record({ owner: reference, agent: perhaps(5), place: perhaps(4) }), { maxLength: 5 }),
  keys: fc.array(
    fc.record({
      kind: fc.constantFrom<Key['kind']>('key', 'key', 'client', 'session'),
      entity: reference,
      capabilities: fc.oneof(
        { arbitrary: fc.constant<readonly string[]>(SCOPES), weight: 5 },
        { arbitrary: fc.subarray([...SCOPES], { minLength: 1 }), weight: 2 },
        { arbitrary: fc.subarray([...SCOPES, 'memory:fly'], { minLength: 1 }), weight: 1 },
      ),
      pinned: perhaps(7),
      ends: fc.oneof(
        { arbitrary: fc.constantFrom(2 * HOUR, 200 * DAY), weight: 9 },
        { arbitrary: fc.constant(-HOUR / 2), weight: 1 },
      ),
      revoked: rarely,
    }),
    { maxLength: 3 },
  ),
  issuer: fc.constantFrom<Tenant['issuer']>(null, 'active', 'active', 'suspended'),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer Value> ? Value : never;

const token = fc.record({
  scopes: fc.oneof(
    { arbitrary: fc.constant<readonly string[]>(SCOPES), weight: 5 },
    { arbitrary: fc.subarray([...SCOPES]).map((some): readonly string[] => some), weight: 1 },
  ),
  expired: fc.nat(19).map((n) => n === 19),
});

const dataKey = fc.record({
  holder: reference,
  state: fc.constantFrom<DataKey['state']>('live', 'live', 'live', 'destroyed', 'retired'),
});
/** What is sealed in a tenant, and under which keys. */
const sealing = fc.record({
  keys: fc.array(dataKey, { maxLength: 6 }),
  sensitive: fc.array(fc.boolean(), { maxLength: 5 }),
});

/** The credentials for services that a tenant's people keep. */
const holding = fc.array(
  fc.record({
    owner: reference,
    agent: perhaps(4),
    ownerOnly: fc.boolean(),
    ends: fc.constantFrom(null, null, null, HOUR, -HOUR / 2),
  }),
  { maxLength: 3 },
);

/** Worlds of one or two tenants. */
export const worlds: fc.Arbitrary<World> = fc
  .record({
    tenants: fc.array(drawn.map(settle), { minLength: 1, maxLength: 2 }),
    tokens: fc.array(token, { minLength: 1, maxLength: 5 }),
    // last, so that what comes before stays the same for a seed
    sealed: fc.tuple(sealing, sealing),
    held: fc.tuple(holding, holding),
    governed: fc.tuple(governing, governing),
    shared: fc.tuple(sharing, sharing),
  })
  .map(({ tenants, tokens, sealed, held, governed, shared }) => ({
    tenants: tenants.map((tenant, at) => {
      const ruled = govern(hold(tenant, held[at] ?? []), governed[at] ?? { permissions: [], approvals: [] });
      const settled = sealable(seal(ruled, sealed[at] ?? { keys: [], sensitive: [] }));
      return share(settled, shared[at]);
    }),
    tokens,
  }));

/** The first worlds of a seed; always the same. */
export function sampleWorlds(seed: number, count: number): World[] {
  return fc.sample(worlds, { seed, numRuns: count });
}

type Holding = typeof holding extends fc.Arbitrary<infer Value> ? Value : never;

/** Gives a tenant's people their credentials for services, each for all agents of its owner or for one of them. */
function hold(tenant: Tenant, held: Holding): Tenant {
  const services = held.map(({ owner: drawnOwner, agent, ...rest }): Service => {
    // every second is of somebody for whom an agent acts
    const acted = tenant.delegations[drawnOwner % Math.max(tenant.delegations.length, 1)]?.owner;
    const owner = drawnOwner % 2 === 0 && acted !== undefined ? acted : drawnOwner % tenant.users.length;
    const theirs = tenant.agents.flatMap((one, n) => (one.owner === owner ? [n] : []));
    return { ...rest, owner, agent: agent === null ? null : (theirs[agent % theirs.length] ?? null) };
  });
  return { ...tenant, services };
}

type Sealing = typeof sealing extends fc.Arbitrary<infer Value> ? Value : never;

/** Gives a tenant its keys, and lets be sensitive what has one. */
function seal(tenant: Tenant, { keys, sensitive }: Sealing): Tenant {
  const all = principals(tenant);
  const owners = [
    ...tenant.memories.map(({ owner }) => owner),
    ...tenant.services.map(({ owner }): Principal => `u${owner}`),
    ...tenant.approvals.map(({ delegation }): Principal => `u${tenant.delegations[delegation]?.owner ?? 0}`),
  ];
  // every second key is of somebody who has something to seal
  const holders = keys.map(({ holder }, n): Principal => {
    const some = n % 2 === 0 && owners.length > 0 ? owners : all;
    return some[holder % some.length] ?? 'u0';
  });
  const dataKeys = keys.map(({ state }, n): DataKey => {
    const holder = holders[n] ?? 'u0';
    return { holder, version: holders.slice(0, n + 1).filter((one) => one === holder).length, state };
  });
  const keyed = { ...tenant, dataKeys };
  return {
    ...keyed,
    memories: tenant.memories.map((memory, n) => ({
      ...memory,
      sensitive: sensitive[n] === true && firstKeyOf(keyed, memory.owner) !== null,
    })),
  };
}

/** Makes a tenant of what was drawn: references are taken modulo what there is, and what cannot be is left out. */
function settle(draw: Drawn): Tenant {
  const agents = settleAgents(draw);
  const places = draw.places.map(
    ({ owner, status: state }): Place => ({ owner: owner % draw.users.length, status: state }),
  );
  const delegations = settleDelegations(draw, agents);
  const of = (index: number | null, length: number) =>
    index === null || length === 0 ? null : index % length;
  const principals = [
    ...draw.users.map((_, n) => `u${n}` as const),
    ...agents.map((_, n) => `a${n}` as const),
  ];
  return {
    status: draw.status,
    subdelegationSeconds: draw.subdelegationSeconds,
    users: draw.users.map((user) => ({ ...user, service: user.service && !user.admin })),
    agents,
    places,
    members: settleMembers(draw, places),
    delegations: delegations.map((one) => ({ ...one, place: of(one.place, places.length) })),
    memories: draw.memories.map((memory): Memory => {
      const owner: Principal = principals[memory.owner % principals.length] ?? 'u0';
      // an agent's note names an agent of its owner's
      const agent = of(memory.agent, agents.length);
      const fits = agent !== null && owner === `u${agents[agent]?.owner}`;
      const place = of(memory.place, places.length);
      return { owner, agent: fits ? agent : null, place, shared: false, sensitive: false };
    }),
    keys: draw.keys.map(({ entity, pinned, ...rest }): Key => {
      const holder: Principal = principals[entity % principals.length] ?? 'u0';
      const held = delegations.flatMap(({ delegate }, n) => (`a${delegate}` === holder ? [n] : []));
      return {
        ...rest,
        entity: holder,
        pinned: pinned === null || rest.kind === 'session' ? null : (held[pinned % held.length] ?? null),
      };
    }),
    dataKeys: [],
    services: [],
    permissions: [],
    approvals: [],
    baselines: [],
    receipts: [],
    issuer: draw.issuer,
  };
}

function settleAgents(draw: Drawn): Agent[] {
  const agents: Agent[] = [];
  for (const { owner, parent, ...rest } of draw.agents) {
    const mine = owner % draw.users.length;
    const above = parent === null || agents.length === 0 ? null : parent % agents.length;
    agents.push({
      ...rest,
      owner: mine,
      parent: above !== null && agents[above]?.owner === mine ? above : null,
    });
  }
  return agents;
}

function settleMembers(draw: Drawn, places: readonly Place[]): Member[] {
  const owners = places.flatMap(({ owner }, place) =>
    draw.places[place]?.ownerStays ? [{ place, user: owner, guest: false }] : [],
  );
  const others =
    places.length === 0
      ? []
      : draw.members.map(({ place, user }) => ({
          place: place % places.length,
          user: user % draw.users.length,
          guest: false,
        }));
  const isOwner = ({ place, user }: Member) => places[place]?.owner === user;
  const key = ({ place, user }: Member) => `${place} ${user}`;
  const guests = new Map(others.filter((member) => !isOwner(member)).map((member) => [key(member), member]));
  return [...owners, ...guests.values()];
}

function settleDelegations(draw: Drawn, agents: readonly Agent[]): Delegation[] {
  const settled: Delegation[] = [];
  for (const { delegate, parent, starts, lasts, ...rest } of draw.delegations) {
    const above = parent === null || settled.length === 0 ? undefined : settled[parent % settled.length];
    const hop = above !== undefined && above.depth < 4 ? above : undefined;
    const candidates = agents.flatMap(({ owner }, n) =>
      hop === undefined || (owner === hop.owner && n !== hop.delegate) ? [n] : [],
    );
    const chosen = candidates[delegate % candidates.length];
    const agent = chosen === undefined ? undefined : agents[chosen];
    if (chosen === undefined || agent === undefined) {
      continue;
    }
    const depth = (hop?.depth ?? 0) + 1;
    const reach = hop === undefined ? 3 * DAY : 24 * HOUR;
    settled.push({
      ...rest,
      owner: agent.owner,
      delegator: hop === undefined ? `u${agent.owner}` : `a${hop.delegate}`,
      delegate: chosen,
      parent: hop === undefined ? null : settled.indexOf(hop),
      depth,
      redelegate: Math.min(rest.redelegate, 4 - depth),
      starts,
      ends: Math.min(starts + lasts, reach),
    });
  }
  return settled;
}
