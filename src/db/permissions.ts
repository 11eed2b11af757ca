// The kernel's judgement on actions, and what becomes of approvals (prisma/policies/06-permissions.sql). Each takes its authority from
// the sealed context, never from an argument.

import { type ApprovalId, type DelegationId, type EntityId, newId, type PermissionId } from '../ids.ts';
import type { Transaction } from './client.ts';

export type Effect = 'allow' | 'ask' | 'deny';

/** What the rules of an owner say of an action. */
export type Verdict = {
  readonly effect: Effect;
  /** The rule that decided; null where none is about it, or where it is only supposed. */
  readonly ruleId: PermissionId | null;
  /** About whom in the chain it decided; null for an owner in person. */
  readonly agentId: EntityId | null;
  /** Changes with every rule about the action. */
  readonly version: string | null;
};

/** A rule that is not there yet; an effect of null takes away the one that is. */
export type Supposed = {
  readonly agentId: EntityId | null;
  readonly service: string;
  readonly action: string;
  readonly effect: Effect | null;
};

/** The verdict on an action of the present context; null where it may not read the rules. */
export async function authorize(db: Transaction, service: string, action: string): Promise<Verdict | null> {
  const [row] = await db.$queryRaw<{ verdict: Verdict | null }[]>`
    select bailiwick.authorize(${service}, ${action}) as verdict`;
  return row?.verdict ?? null;
}

/** Records the verdict on an action of the present context, with the request for approval that came of it. */
export async function noteVerdict(
  db: Transaction,
  service: string,
  action: string,
  approvalId: ApprovalId | null,
): Promise<void> {
  await db.$queryRaw`
    select bailiwick.note_verdict(${newId()}::uuid, ${service}, ${action}, ${approvalId}::uuid)::text as noted`;
}

/** The verdict on an action of an agent, perhaps with other rules than there are; null where that is not for the caller to know. */
export async function preview(
  db: Transaction,
  asked: {
    readonly agentId: EntityId;
    readonly delegationId: DelegationId | null;
    readonly service: string;
    readonly action: string;
    readonly instead: readonly Supposed[];
  },
): Promise<Verdict | null> {
  const [row] = await db.$queryRaw<{ verdict: Verdict | null }[]>`
    select bailiwick.preview(${asked.agentId}::uuid, ${asked.delegationId}::uuid, ${asked.service}, ${asked.action},
      ${JSON.stringify(asked.instead)}::jsonb) as verdict`;
  return row?.verdict ?? null;
}

/** The version of the rules under which an action can be asked for; null where it can not. */
export async function askedVersion(db: Transaction, service: string, action: string): Promise<string | null> {
  const [row] = await db.$queryRaw<{ version: string | null }[]>`
    select bailiwick.asked(${service}, ${action}) as version`;
  return row?.version ?? null;
}

/** Why a request was not decided on; `approval` where there is none. */
export type DecideProblem = 'approval' | 'decided' | 'expired' | 'digest' | 'changed';

/** Decides on a request whose arguments have this digest. Null when that is done. */
export async function decideApproval(
  db: Transaction,
  id: ApprovalId,
  { digest, decision, note }: { digest: string; decision: 'approved' | 'rejected'; note: string | null },
): Promise<DecideProblem | null> {
  const [row] = await db.$queryRaw<{ problem: DecideProblem | null }[]>`
    select bailiwick.decide_approval(${id}::uuid, ${digest}, ${decision}, ${note}) as problem`;
  return row?.problem ?? null;
}

/** Why an approval was not redeemed; `approval` where there is none. */
export type RedeemProblem =
  | 'approval'
  | 'digest'
  | 'chain'
  | 'redeemed'
  | 'rejected'
  | 'expired'
  | 'waiting'
  | 'changed';

/** Redeems an approval for an action. Null when that is done, once and for all. */
export async function redeemApproval(
  db: Transaction,
  id: ApprovalId,
  { service, action, digest }: { service: string; action: string; digest: string },
): Promise<RedeemProblem | null> {
  const [row] = await db.$queryRaw<{ problem: RedeemProblem | null }[]>`
    select bailiwick.redeem_approval(${id}::uuid, ${service}, ${action}, ${digest}) as problem`;
  return row?.problem ?? null;
}
