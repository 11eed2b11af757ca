// The use of a credential for a service, as the kernel's function offers it (prisma/policies/06-services.sql). It takes its authority
// from the sealed context, never from an argument. What it hands out is opened here, for the server and for nobody who asked.

import { newId, type ServiceId } from '../ids.ts';
import type { Transaction } from './client.ts';

/** Why a credential may not be used: `credential` where there is none, `gone` where its secret or the key of that is no more. */
export type UseRefusal = 'credential' | 'authority' | 'expired' | 'call' | 'gone';

/** What a call needs that is to be made with a credential. */
export type Use = {
  readonly service: string;
  readonly origin: string;
  readonly header: string;
  readonly prefix: string;
  readonly secret: string;
  readonly call: { readonly name: string; readonly method: string; readonly path: string };
};

type Handed = Omit<Use, 'secret'> & { readonly envelope: string; readonly ownerId: string };

/**
 * Has a credential used for one of its calls, and records that.
 *
 * @throws {BailiwickError} INTERNAL where the secret does not open.
 */
export async function useService(db: Transaction, id: ServiceId, call: string): Promise<Use | UseRefusal> {
  const [row] = await db.$queryRaw<{ used: Handed | { readonly refusal: UseRefusal } }[]>`
    select bailiwick.use_service(${id}::uuid, ${call}, ${newId()}::uuid) as used`;
  if (row === undefined) {
    throw new TypeError('use_service() answered nothing');
  }
  if ('refusal' in row.used) {
    return row.used.refusal;
  }
  const { envelope, ownerId, ...use } = row.used;
  const [opened] = await db.$opened('ServiceSecret', [{ id, owner_id: ownerId, secret: envelope }]);
  const secret = opened?.secret ?? null;
  return secret === null ? 'gone' : { ...use, secret };
}
