// A small world as plain data: tenants with people, agents, worlds, delegations and memories in every state that the
// tables allow, and the tokens with which they come. What random worlds (generate.ts) are made of, and what the model and the
// database are both asked about.
//
// Everything is named within its tenant: u0 is the first user, a1 the second agent, w0 a world, d2 a delegation, m0 a
// memory, p0 a membership. The same name is the same UUID in every tenant, so that nothing but the tenant tells twins apart.
// Knows no rule and no SQL.

import { DELEGABLE, SCOPES } from '../capabilities.ts';

export type Status = 'active' | 'suspended' | 'archived';

/** A user or an agent of the same tenant, by name. */
export type Principal = `u${number}` | `a${number}`;

export type User = { admin: boolean; status: Status; ceiling: readonly string[] | null };
export type Agent = {
  /** Index of a user. */
  owner: number;
  /** Index of an earlier agent of the same owner. */
  parent: number | null;
  status: Status;
  ceiling: readonly string[] | null;
  /** Whether it has instructions. */
  instructed: boolean;
};
export type Place = { owner: number; status: Status };
/** A user in a world; the owner's own membership is one of these too. */
export type Member = { place: number; user: number };
export type Delegation = {
  owner: number;
  delegator: Principal;
  /** Index of an agent of the owner's. */
  delegate: number;
  /** Index of an earlier delegation, whose delegate is the delegator. */
  parent: number | null;
  depth: number;
  redelegate: number;
  capabilities: readonly string[];
  place: number | null;
  /** Seconds from now; far enough from it for a test to end in between. */
  starts: number;
  ends: number;
  revoked: boolean;
};
export type Memory = { owner: Principal; agent: number | null; place: number | null };

export type Tenant = {
  status: Status;
  subdelegationSeconds: number;
  users: readonly User[];
  agents: readonly Agent[];
  places: readonly Place[];
  members: readonly Member[];
  delegations: readonly Delegation[];
  memories: readonly Memory[];
};

export type Token = { scopes: readonly string[]; expired: boolean };

export type World = {
  tenants: readonly Tenant[];
  /** Who comes with which: the n-th context of a world takes the n-th, from the start again when there are no more. */
  tokens: readonly Token[];
};

/** Somebody who asks: an actor, perhaps under a delegation, with a token. */
export type Asker = {
  readonly tenant: number;
  readonly actor: Principal;
  /** Index of a delegation of the tenant. */
  readonly delegation: number | null;
  /** The owner that the token names, where it names one. */
  readonly onBehalfOf: Principal | null;
  readonly token: Token;
};

export const KINDS = { u: 1, a: 2, w: 3, p: 4, d: 5, m: 6, t: 7 } as const;

/** The UUID of a name; the same in every tenant. Names beyond the world's own are of nobody. */
export function idOf(name: string): string {
  const kind = KINDS[name[0] as keyof typeof KINDS];
  return `0198a000-000${kind}-7000-8000-${name.slice(1).padStart(12, '0')}`;
}

/** The name of a UUID made by `idOf`. */
export function nameOf(id: string): string {
  const kind = Object.entries(KINDS).find(([, digit]) => id[12] === String(digit))?.[0];
  return kind !== undefined && id.startsWith('0198a000-') ? `${kind}${Number(id.slice(24))}` : id;
}

/** The UUID of a tenant by its index. */
export const tenantId = (index: number): string => idOf(`t${index}`);

/** The name that tokens give to a tenant. */
export const slugOf = (index: number): string => `tenant-${index}`;

/** Every principal of a tenant. */
export function principals({ users, agents }: Tenant): Principal[] {
  return [...users.map((_, n): Principal => `u${n}`), ...agents.map((_, n): Principal => `a${n}`)];
}

/**
 * Everybody who can ask in a world: each principal as itself, each delegate under its delegation, and those who try it
 * under a delegation that is not theirs or for an owner who is not its.
 */
export function askersOf({ tenants, tokens }: World): Asker[] {
  const found = tenants.flatMap((tenant, at) => {
    const all = principals(tenant);
    const asker = (
      actor: Principal,
      delegation: number | null = null,
      onBehalfOf: Principal | null = null,
    ) => ({
      tenant: at,
      actor,
      delegation,
      onBehalfOf,
    });
    return [
      ...all.map((actor) => asker(actor)),
      ...tenant.delegations.flatMap(({ delegate, owner }, n) => [
        asker(`a${delegate}`, n, n % 2 === 0 ? `u${owner}` : null),
        asker(all[(tenant.users.length + delegate + 1) % all.length] ?? 'u0', n),
        ...(n === 0 ? [asker(`a${delegate}`, n, `u${(owner + 1) % tenant.users.length}`)] : []),
      ]),
    ];
  });
  return found.map((asker, n) => ({
    ...asker,
    token: tokens[n % tokens.length] ?? { scopes: [], expired: false },
  }));
}

/** Words as they are, or that it is all there are. */
const listed = (words: readonly string[], all: readonly string[]) =>
  words.length === all.length && words.every((word) => all.includes(word)) ? 'everything' : words.join(' ');

/** A world as text, a line for each thing: what a counter-example looks like. */
export function describeWorld({ tenants }: World): string {
  const limit = (ceiling: readonly string[] | null) =>
    ceiling === null ? '' : ` ceiling [${ceiling.join(' ')}]`;
  const state = (status: Status) => (status === 'active' ? '' : ` ${status}`);
  return tenants
    .flatMap((tenant, t) => [
      `${slugOf(t)}${state(tenant.status)}, hops live ${tenant.subdelegationSeconds} s`,
      ...tenant.users.map(
        (u, n) => `  u${n} user${u.admin ? ' admin' : ''}${state(u.status)}${limit(u.ceiling)}`,
      ),
      ...tenant.agents.map(
        (a, n) =>
          `  a${n} agent of u${a.owner}${a.parent === null ? '' : ` below a${a.parent}`}${state(a.status)}${limit(a.ceiling)}${a.instructed ? ' instructed' : ''}`,
      ),
      ...tenant.places.map(
        (p, n) =>
          `  w${n} world of u${p.owner}${state(p.status)}, members ${
            tenant.members
              .filter(({ place }) => place === n)
              .map(({ user }) => `u${user}`)
              .join(' ') || 'none'
          }`,
      ),
      ...tenant.delegations.map(
        (d, n) =>
          `  d${n} ${d.delegator} -> a${d.delegate} for u${d.owner}${d.parent === null ? '' : ` below d${d.parent}`}${
            d.place === null ? '' : ` only w${d.place}`
          } [${listed(d.capabilities, DELEGABLE)}] passes on ${d.redelegate}, from ${d.starts} s to ${d.ends} s${d.revoked ? ', revoked' : ''}`,
      ),
      ...tenant.memories.map(
        (m, n) =>
          `  m${n} memory of ${m.owner}${m.agent === null ? '' : ` by a${m.agent}`}${m.place === null ? '' : ` in w${m.place}`}`,
      ),
    ])
    .join('\n');
}

/** An asker as text: `a1 under d0, for u0, in tenant-0`. */
export function describeAsker({ tenant, actor, delegation, onBehalfOf, token }: Asker): string {
  return [
    actor,
    ...(delegation === null ? [] : [`under d${delegation}`]),
    ...(onBehalfOf === null ? [] : [`for ${onBehalfOf}`]),
    `of ${slugOf(tenant)}`,
    ...(token.expired ? ['with an expired token'] : []),
    `scopes [${listed(token.scopes, SCOPES)}]`,
  ].join(', ');
}
