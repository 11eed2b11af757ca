// A small world as plain data: tenants with people, agents, worlds, delegations, memories, credentials and keys in every state that
// the tables allow, and the tokens with which they come. What random worlds (generate.ts) are made of, and what the model and the
// database are both asked about.
//
// Everything is named within its tenant: u0 is the first user, a1 the second agent, w0 a world, d2 a delegation, m0 a
// memory, p0 a membership, k0 a credential, i0 the issuer that the tenant itself trusts, e0 a data key and r0 the tenant's key that
// wraps it, s0 a credential for a service of a third party, l0 a rule about actions (the law), q0 a request for approval, y0 an
// entry of the activity log, b0 a baseline and c0 a receipt (a copy is kept). The same name is the same UUID in every tenant, so that nothing but the tenant tells twins apart.
// Knows no rule and no SQL.

export type Status = 'active' | 'suspended' | 'archived';

/** A user or an agent of the same tenant, by name. */
export type Principal = `u${number}` | `a${number}`;

type Proven = {
  /** Seconds from now since when tokens count; in the future, none does. Null: all do. */
  epoch: number | null;
};
export type User = Proven & {
  admin: boolean;
  /** A program that has nobody; never an administrator. */
  service: boolean;
  status: Status;
  ceiling: readonly string[] | null;
};
export type Agent = Proven & {
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
/** A user in a world; the owner's own membership is one of these too, and never a guest's. */
export type Member = { place: number; user: number; guest: boolean };
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
/** A credential of a principal's: an API key, a client that signs, or a session. */
export type Key = {
  kind: 'key' | 'client' | 'session';
  entity: Principal;
  capabilities: readonly string[];
  /** Index of a delegation that it holds, under which it works and nothing else; a session has none. */
  pinned: number | null;
  /** Seconds from now. */
  ends: number;
  revoked: boolean;
};
export type Memory = {
  owner: Principal;
  agent: number | null;
  place: number | null;
  /** With the members of its world; never what is sensitive. */
  shared: boolean;
  /** Sealed under the first key of its owner, who has one. */
  sensitive: boolean;
};
/** A wrapped key with which the values of its holder are sealed. */
export type DataKey = {
  holder: Principal;
  /** Counted from 1 for each holder. */
  version: number;
  /** Destroyed, or replaced by another and still good for what is under it. */
  state: 'live' | 'destroyed' | 'retired';
};
/** A credential of a person's for a service of a third party. Its secret is sealed under the first key of the owner; without one it has none. */
export type Service = {
  /** Index of a user. */
  owner: number;
  /** Index of an agent of the owner's, for which alone it is; null: for all of them. */
  agent: number | null;
  /** Whether no agent reads the secret. */
  ownerOnly: boolean;
  /** Seconds from now; null: never. */
  ends: number | null;
};
export type Effect = 'allow' | 'ask' | 'deny';
/** What a person says of actions of agents outside. */
export type Permission = {
  /** Index of a user. */
  owner: number;
  /** Index of an agent of the owner's; null: all of them. */
  agent: number | null;
  /** One, or `*` for all. */
  service: string;
  /** One, those that begin with what stands before `.*`, or `*` for all. */
  action: string;
  effect: Effect;
};
/** What an agent has asked of its owner. The arguments are sealed under the first key of the owner, who has one. */
export type Approval = {
  /** Index of the delegation through which it asked. */
  delegation: number;
  /** Which action, by its index (actions.ts). */
  about: number;
  /** Whether the rules are still those under which it asked. */
  current: boolean;
  /** Seconds from now. */
  ends: number;
  decision: 'approved' | 'rejected' | null;
  redeemed: boolean;
};
/** What is usual for an agent: nothing, so that every call is far from it. */
export type Baseline = {
  /** Index of an agent; one for each. */
  agent: number;
  frozen: boolean;
  /** Whether its owner lets pass even what is that far. */
  lenient: boolean;
};
/** That an agent has read something of somebody's, perhaps of another person than its owner. */
export type Receipt = {
  /** Index of an agent. */
  agent: number;
  owner: Principal;
};

export type Tenant = {
  status: Status;
  subdelegationSeconds: number;
  users: readonly User[];
  agents: readonly Agent[];
  places: readonly Place[];
  members: readonly Member[];
  delegations: readonly Delegation[];
  memories: readonly Memory[];
  keys: readonly Key[];
  dataKeys: readonly DataKey[];
  services: readonly Service[];
  permissions: readonly Permission[];
  approvals: readonly Approval[];
  baselines: readonly Baseline[];
  receipts: readonly Receipt[];
  /** The state of the issuer that the tenant itself trusts, where it has one. */
  issuer: 'active' | 'suspended' | null;
};

export type Token = { scopes: readonly string[]; expired: boolean };

export type World = {
  tenants: readonly Tenant[];
  /** Who comes with which: the n-th context of a world takes the n-th, from the start again when there are no more. */
  tokens: readonly Token[];
};

/** By what somebody shows who they are, if not by a token of the installation's issuer. */
export type Credential =
  /** An API key of the tenant's, by its index. */
  | { readonly key: number }
  /** A token of our own that was issued on a client or session, by its index; and whether that token was revoked. */
  | { readonly issued: number; readonly spent: boolean }
  /** A token that the issuer of this tenant, by its index, has signed. */
  | { readonly issuer: number }
  /** Nobody: the server itself. */
  | { readonly service: 'identity' };

/** Somebody who asks: an actor, perhaps under a delegation, with a token or something else. */
export type Asker = {
  readonly tenant: number;
  readonly actor: Principal;
  /** Index of a delegation of the tenant. */
  readonly delegation: number | null;
  /** The owner that the token names, where it names one. */
  readonly onBehalfOf: Principal | null;
  readonly token: Token;
  readonly by?: Credential;
};

export const KINDS = {
  u: 1,
  a: 2,
  w: 3,
  p: 4,
  d: 5,
  m: 6,
  t: 7,
  k: 8,
  i: 'a',
  e: 'b',
  r: 'c',
  s: 'd',
  l: 'e',
  q: 'f',
  y: 0,
  b: 10,
  c: 11,
} as const;

/** The UUID of a name; the same in every tenant. Names beyond the world's own are of nobody. */
export function idOf(name: string): string {
  const kind = KINDS[name[0] as keyof typeof KINDS];
  return `0198a000-${String(kind).padStart(4, '0')}-7000-8000-${name.slice(1).padStart(12, '0')}`;
}

/** The name of a UUID made by `idOf`. */
export function nameOf(id: string): string {
  const kind = Object.entries(KINDS).find(
    ([, digits]) => id.slice(9, 13) === String(digits).padStart(4, '0'),
  )?.[0];
  return kind !== undefined && id.startsWith('0198a000-') ? `${kind}${Number(id.slice(24))}` : id;
}

/** The UUID of a tenant by its index. */
export const tenantId = (index: number): string => idOf(`t${index}`);

/** The name that tokens give to a tenant. */
export const slugOf = (index: number): string => `tenant-${index}`;

/** The name of the issuer that a tenant itself trusts. */
export const issuerOf = (index: number): string => `https://login.${slugOf(index)}.test/`;

/** Index of the key under which what a holder has was sealed; none where it has no key. */
export function firstKeyOf({ dataKeys }: Tenant, holder: Principal): number | null {
  const first = dataKeys.findIndex((key) => key.holder === holder);
  return first < 0 ? null : first;
}

/** Every principal of a tenant. */
export function principals({ users, agents }: Tenant): Principal[] {
  return [...users.map((_, n): Principal => `u${n}`), ...agents.map((_, n): Principal => `a${n}`)];
}
