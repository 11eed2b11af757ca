// The kernel's functions, as TypeScript sees them. Each is one statement inside the session's transaction and takes its
// authority from the sealed context, never from an argument (prisma/policies/00-session.sql, 01-delegation.sql, 02-granting.sql).

import type { DelegationId, EntityId, RequestId, TenantId } from '../ids.ts';
import { newId } from '../ids.ts';
import type { Transaction } from './client.ts';
import { ask } from './direct/asking.ts';

export type PrincipalKind = 'user' | 'agent' | 'world';
export type Status = 'active' | 'suspended' | 'archived';
export type Principal = { readonly id: EntityId; readonly kind: PrincipalKind; readonly status: Status };

/** One delegation of the present chain, as its delegate may know it. Times are ISO 8601. */
export type Hop = {
  readonly id: DelegationId;
  readonly depth: number;
  readonly delegatorId: EntityId;
  readonly delegateId: EntityId;
  readonly capabilities: readonly string[];
  readonly worldId: EntityId | null;
  readonly redelegate: number;
  readonly notBefore: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
};

/** Everything a caller may know of its own authority. */
export type Authority = {
  readonly requestId: RequestId;
  readonly tenantId: TenantId;
  readonly actor: Principal;
  readonly owner: Principal;
  readonly worldId: EntityId | null;
  readonly tokenExpiresAt: string;
  /** Whether the chain is in force at all. */
  readonly live: boolean;
  readonly administrator: boolean;
  /** What can be done right now: scopes, ceilings and every hop intersected. */
  readonly capabilities: readonly string[];
  readonly chain: readonly Hop[];
};

export async function describe(db: Transaction): Promise<Authority> {
  const [row] = await db.$queryRaw<{ authority: Authority }[]>`select bailiwick.describe() as authority`;
  if (row === undefined) {
    throw new TypeError('describe() answered nothing');
  }
  return row.authority;
}

/** Why a delegation may not be granted; the words are bailiwick.grant_refusal's. */
export type GrantRefusal =
  | 'authority'
  | 'redelegate'
  | 'capabilities'
  | 'world'
  | 'lifetime'
  | 'cycle'
  | 'delegate';

export type ProposedDelegation = {
  readonly ownerId: EntityId;
  readonly delegatorId: EntityId;
  readonly delegateId: EntityId;
  readonly parentId: DelegationId | null;
  readonly depth: number;
  readonly redelegate: number;
  readonly capabilities: string[];
  readonly worldId: EntityId | null;
  readonly notBefore: Date;
  readonly expiresAt: Date;
};

/** The reason why the context may not grant this, or null when it may. */
export async function grantRefusal(
  db: Transaction,
  proposed: ProposedDelegation,
): Promise<GrantRefusal | null> {
  const [row] = await db.$queryRaw<{ refusal: GrantRefusal | null }[]>`
    select bailiwick.grant_refusal(
      ${proposed.ownerId}::uuid, ${proposed.delegatorId}::uuid, ${proposed.delegateId}::uuid, ${proposed.parentId}::uuid,
      ${proposed.depth}::int, ${proposed.redelegate}::int, ${proposed.capabilities}::text[], ${proposed.worldId}::uuid,
      ${proposed.notBefore}::timestamptz, ${proposed.expiresAt}::timestamptz) as refusal`;
  return row?.refusal ?? null;
}

/** Ends a delegation for good. Null when there is none that the caller may end. */
export async function revokeDelegation(db: Transaction, id: DelegationId): Promise<Date | null> {
  const [row] = await db.$queryRaw<
    { ended: Date | null }[]
  >`select bailiwick.revoke_delegation(${id}::uuid) as ended`;
  return row?.ended ?? null;
}

/** Moves a delegation's expiry earlier. Null when there is none that the caller may end; else the expiry now in force. */
export async function narrowDelegation(db: Transaction, id: DelegationId, until: Date): Promise<Date | null> {
  const [row] = await db.$queryRaw<{ ends: Date | null }[]>`
    select bailiwick.narrow_delegation(${id}::uuid, ${until}::timestamptz) as ends`;
  return row?.ends ?? null;
}

/** Ends everything an agent holds; the ids of what was not revoked before. Null when the caller may not stop this agent. */
export async function revokeAgent(db: Transaction, agent: EntityId): Promise<DelegationId[] | null> {
  const [row] = await db.$queryRaw<
    { ended: DelegationId[] | null }[]
  >`select bailiwick.revoke_agent(${agent}::uuid) as ended`;
  return row?.ended ?? null;
}

/** Records one event of the present context in the transaction of the change; its failure fails the change. */
export async function recordAudit(
  event: string,
  target: { readonly kind: string; readonly id: string | null },
  detail: Record<string, unknown>,
): Promise<void> {
  await ask({
    text: 'select bailiwick.audit($1::uuid, $2, $3, $4::uuid, $5::jsonb)',
    values: [newId(), event, target.kind, target.id, JSON.stringify(detail)],
  });
}
