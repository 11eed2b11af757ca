// The vocabulary of rights: a capability is a kind of row and a verb, written kind:verb. Closed; there are no wildcards.
//
// The database decides with its own copy, bailiwick.delegable() and personal() in prisma/policies/01-delegation.sql; a test keeps the
// two equal. Imports nothing.

/** What an owner can hand to an agent. */
export const DELEGABLE = [
  'user:read',
  'user:update',
  'agent:read',
  'agent:create',
  'agent:update',
  'world:read',
  'world:create',
  'world:update',
  'member:read',
  'member:create',
  'member:update',
  'member:delete',
  'memory:read',
  'memory:create',
  'memory:update',
  'memory:delete',
  'credential:read',
  'credential:execute',
  'secret:read',
  'permission:read',
  'approval:read',
  'approval:create',
  'activity:read',
  'activity:create',
  'baseline:read',
  'delegation:read',
] as const;

/** What a token or key can allow its bearer in person, and nobody can hand on: granting and ending, keys, credentials, rules, approving, what is usual, receipts, administration. */
export const PERSONAL = [
  'delegation:create',
  'delegation:update',
  'key:read',
  'key:create',
  'key:update',
  'credential:create',
  'credential:update',
  'credential:delete',
  'permission:create',
  'permission:update',
  'permission:delete',
  'approval:update',
  'baseline:create',
  'baseline:update',
  'receipt:read',
  'tenant:administer',
] as const;

export type Capability = (typeof DELEGABLE)[number];
export type Scope = Capability | (typeof PERSONAL)[number];

/** Every scope there is. */
export const SCOPES: readonly Scope[] = [...DELEGABLE, ...PERSONAL];

const known: ReadonlySet<string> = new Set(DELEGABLE);

export function isCapability(text: string): text is Capability {
  return known.has(text);
}
