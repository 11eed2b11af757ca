// API keys and the end of credentials, as the kernel's functions offer them (prisma/policies/03-credentials.sql). Each takes its
// authority from the sealed context, never from an argument, and none ever sees a key: only its digest.

import type { DelegationId, EntityId, KeyId, TenantId } from '../ids.ts';
import type { Transaction } from './client.ts';

/** Why a key may not be made; the words are bailiwick.key_refusal's. */
export type KeyRefusal = 'authority' | 'entity' | 'capabilities' | 'delegation' | 'lifetime';
/** Why a key may not be replaced: `key` where there is none to replace. */
export type RotationRefusal = KeyRefusal | 'key' | 'overlap';

/** What of an API key the database keeps. */
export type KeyMaterial = { readonly id: KeyId; readonly hint: string; readonly digest: string };

/** What it keeps of a client, which signs with a key that it alone has. */
export type ClientMaterial = { readonly id: KeyId; readonly publicKey: JsonWebKey };

export type ProposedKey = (KeyMaterial | ClientMaterial) & {
  readonly entityId: EntityId;
  readonly label: string;
  readonly capabilities: string[];
  readonly pinnedId: DelegationId | null;
  readonly expiresAt: Date;
};

/** Makes a key or a client, or says why not. */
export async function issueKey(db: Transaction, key: ProposedKey): Promise<KeyRefusal | null> {
  const { hint, digest, publicKey } = { hint: null, digest: null, publicKey: undefined, ...key };
  const [row] = await db.$queryRaw<{ refusal: KeyRefusal | null }[]>`
    select bailiwick.issue_key(
      ${key.id}::uuid, ${key.entityId}::uuid, ${key.label}, ${hint}, ${digest}, ${key.capabilities}::text[],
      ${key.pinnedId}::uuid, ${key.expiresAt}::timestamptz,
      ${publicKey === undefined ? null : JSON.stringify(publicKey)}::jsonb) as refusal`;
  return row?.refusal ?? null;
}

/** Replaces a key by a new one; both work for the overlap, in seconds. */
export async function rotateKey(
  db: Transaction,
  target: KeyId,
  next: KeyMaterial & { readonly expiresAt: Date; readonly overlapSeconds: number },
): Promise<RotationRefusal | null> {
  const [row] = await db.$queryRaw<{ refusal: RotationRefusal | null }[]>`
    select bailiwick.rotate_key(
      ${target}::uuid, ${next.id}::uuid, ${next.hint}, ${next.digest}, ${next.expiresAt}::timestamptz,
      make_interval(secs => ${next.overlapSeconds}::int)) as refusal`;
  return row?.refusal ?? null;
}

/** Ends a key for good. Null when there is none that the caller may end. */
export async function revokeKey(db: Transaction, id: KeyId): Promise<Date | null> {
  const [row] = await db.$queryRaw<
    { ended: Date | null }[]
  >`select bailiwick.revoke_key(${id}::uuid) as ended`;
  return row?.ended ?? null;
}

/** Ends every key and every token of an entity. Null when there is none that the caller answers for. */
export async function endCredentials(db: Transaction, entity: EntityId): Promise<Date | null> {
  const [row] = await db.$queryRaw<
    { ended: Date | null }[]
  >`select bailiwick.end_credentials(${entity}::uuid) as ended`;
  return row?.ended ?? null;
}

/** A use of a key, to be noted. */
export type KeyUse = { readonly tenant: TenantId; readonly id: KeyId; readonly at: Date };

/** Notes when keys were last used; as the identity service only. */
export async function noteKeyUses(
  db: Pick<Transaction, '$queryRaw'>,
  uses: readonly KeyUse[],
): Promise<void> {
  await db.$queryRaw`select bailiwick.keys_used(${JSON.stringify(uses)}::jsonb)::int as told`;
}
