// The use of a credential for a service, as the kernel's function offers it (prisma/policies/07-services.sql). It takes its authority
// from the sealed context, never from an argument. What it hands out is opened here, for the server and for nobody who asked.

import { type ApprovalId, newId, type ServiceId } from '../ids.ts';
import type { Transaction } from './client.ts';
import type { RedeemProblem } from './permissions.ts';

/** Why a credential may not be used: `credential` where there is none, `gone` where its secret or the key of that is no more. */
export type UseRefusal = 'credential' | 'authority' | 'expired' | 'call' | 'gone' | 'denied';

/** Why no call is made: a refusal, `ask` where the owner is to be asked first, or what is wrong with the approval that was given. */
export type NotUsed = UseRefusal | 'ask' | { readonly problem: RedeemProblem };

/** An approval that is to be redeemed with the use, and the digest of what is about to be done. */
export type Redemption = { readonly id: ApprovalId; readonly digest: string | null };

/** What a call needs that is to be made with a credential. */
export type Use = {
  readonly service: string;
  readonly origin: string;
  readonly header: string;
  readonly prefix: string;
  readonly secret: string;
  readonly call: { readonly name: string; readonly method: string; readonly path: string };
  /** The entry of the activity log that says that the call was begun; null for an owner in person, who is not in it. */
  readonly startedId: string | null;
};

type Handed = Omit<Use, 'secret'> & { readonly envelope: string; readonly ownerId: string };

type Answer =
  | Handed
  | { readonly refusal: UseRefusal | 'ask' }
  | { readonly refusal: 'redeem'; readonly problem: RedeemProblem };

/**
 * Has a credential used for one of its calls, and records that.
 *
 * @param redemption Where the owner was asked and has approved.
 * @throws {BailiwickError} INTERNAL where the secret does not open.
 */
export async function useService(
  db: Transaction,
  id: ServiceId,
  call: string,
  redemption?: Redemption,
): Promise<Use | NotUsed> {
  const [row] = await db.$queryRaw<{ used: Answer }[]>`
    select bailiwick.use_service(${id}::uuid, ${call}, ${newId()}::uuid, ${redemption?.id ?? null}::uuid,
      ${redemption?.digest ?? null}) as used`;
  if (row === undefined) {
    throw new TypeError('use_service() answered nothing');
  }
  const { used } = row;
  if ('refusal' in used) {
    return used.refusal === 'redeem' ? { problem: used.problem } : used.refusal;
  }
  const { envelope, ownerId, ...use } = used;
  const [opened] = await db.$opened('ServiceSecret', [{ id, owner_id: ownerId, secret: envelope }]);
  const secret = opened?.secret ?? null;
  return secret === null ? 'gone' : { ...use, secret };
}
