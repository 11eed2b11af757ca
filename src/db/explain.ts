// What the kernel says about access (prisma/policies/85-explaining.sql): why something is allowed or what is missing, and what an
// agent can do. Each takes its authority from the sealed context, never from an argument, and tells of nothing that is hidden from it.

import type { DelegationId, EntityId } from '../ids.ts';
import type { Transaction } from './client.ts';
import type { Hop } from './kernel.ts';
import { delegateOf, type ModelName } from './models.ts';

/** The types whose rows can be asked about, each with its table: a closed list, so that no table is named by a client. */
const TABLES = {
  AccessReceipt: 'access_receipts',
  ActivityEntry: 'activity_entries',
  Agent: 'agents',
  Approval: 'approvals',
  Baseline: 'baselines',
  Credential: 'credentials',
  Delegation: 'delegations',
  Memory: 'memories',
  Permission: 'permissions',
  ServiceCredential: 'service_credentials',
  Tenant: 'tenants',
  User: 'users',
  World: 'worlds',
  WorldMember: 'world_members',
} as const satisfies Partial<Record<ModelName, string>>;

export type Explicable = keyof typeof TABLES;

export const isExplicable = (type: string): type is Explicable => Object.hasOwn(TABLES, type);

export type AccessVerb = 'read' | 'update' | 'delete';

/** How a policy asks for a capability: the kernel function that it calls. */
export type Means = 'owner' | 'direct_owner' | 'worlds' | 'shared_worlds' | 'party' | 'administered_tenant';

/** One condition that fails. */
export type Missing = {
  readonly where: 'expiry' | 'scope' | 'standing' | 'ceiling' | 'delegation' | 'world' | 'person' | 'role';
  readonly kind: 'user' | 'agent' | 'world' | 'delegation' | 'tenant' | null;
  /** Whose, or which; null where there is nothing to name or it is not for the caller to know. */
  readonly id: string | null;
};

/** Why the context has a capability or not, in the way in which a policy asks for it. */
export type Requirement = {
  readonly means: Means;
  readonly capability: string;
  readonly held: boolean;
  readonly hops: readonly { readonly id: DelegationId; readonly carries: boolean }[];
  readonly missing: readonly Missing[];
};

export type Clause = {
  readonly policy: string;
  readonly sentence: string;
  readonly restrictive: boolean;
  readonly holds: boolean;
  readonly capabilities: readonly Pick<Requirement, 'means' | 'capability'>[];
};

export type Explanation = {
  readonly known: boolean;
  readonly allowed: boolean;
  readonly granted: boolean;
  readonly clauses: readonly Clause[];
  readonly requirements: readonly Requirement[];
};

/**
 * Whether the context may do something with a row, and by which clauses of which policies. Whatever it may not know of is answered like
 * what does not exist, and with as many statements: what is said then depends on the type, the verb and the context alone.
 */
export async function explainAccess(
  db: Transaction,
  { type, id, verb }: { readonly type: Explicable; readonly id: string; readonly verb: AccessVerb },
): Promise<Explanation> {
  const reader = (db as unknown as Record<string, { count(args: object): Promise<number> }>)[
    delegateOf(type)
  ];
  const seen = await reader?.count({ where: { id } });
  const [row] = await db.$queryRaw<{ said: Explanation }[]>`
    select bailiwick.explain(${TABLES[type]}, ${id}::uuid, ${verb}) as said`;
  if (row === undefined) {
    throw new TypeError('explain() answered nothing');
  }
  // both layers must show it
  return seen === 1 ? row.said : { ...row.said, known: false, allowed: false, clauses: [] };
}

/** Why a delegation is not in force, and which hop of its chain that comes from. */
export type Ending = {
  readonly reason: 'revoked' | 'expired' | 'pending' | 'suspended' | 'world';
  readonly id: DelegationId;
};

/** What an agent can do through one delegation that it holds. Times are ISO 8601. */
export type EffectivePermission = {
  readonly id: DelegationId;
  readonly ownerId: EntityId;
  /** The owner's own delegation first. */
  readonly chain: readonly Hop[];
  /** What is left after every hop and every ceiling; nothing where it is not in force. */
  readonly capabilities: readonly string[];
  readonly worldId: EntityId | null;
  readonly redelegate: number;
  readonly until: string;
  readonly ended: readonly Ending[];
};

/** What an agent can do, those in force first and then the newest. Null for an agent that is not the caller's, or not there. */
export async function effectivePermissions(
  db: Transaction,
  agent: EntityId,
  { ended, most }: { readonly ended: boolean; readonly most: number },
): Promise<readonly EffectivePermission[] | null> {
  const [row] = await db.$queryRaw<{ effective: EffectivePermission[] | null }[]>`
    select bailiwick.effective(${agent}::uuid, ${ended}::boolean, ${most}::int) as effective`;
  return row?.effective ?? null;
}
