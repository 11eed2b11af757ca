// Crypto-shredding: destroying keys so that what they sealed is gone, in the database and in every backup of it.
//
// The wrapped keys are emptied in one transaction with the entry in the audit log; then the erasure secrets outside the database
// are forgotten, without which a wrapped key from a backup does not open either. In that order: whatever fails in between leaves
// keys that the database has given up already, and is repeated. Irreversible, and not asked twice here: the command does that.

import type pg from 'pg';
import { eraseHolder, eraseTenant, type Roots } from '../../crypto/hierarchy.ts';
import { newId } from '../../ids.ts';

type Client = Pick<pg.Client, 'query'>;

/** Whose keys are destroyed: a tenant's, with everybody's in it, or those of one owner and its agents, or of one agent. */
export type Victim = { readonly tenantId: string; readonly ownerId: string | null };

export type Shredded = {
  /** Keys that were destroyed now; 0 when they had been before. */
  readonly keys: number;
  /** Holders whose erasure secrets were forgotten, or a whole tenant's as 1. */
  readonly secrets: number;
  /** Whether backups of the database are covered: every key needed a secret that is outside it. */
  readonly backups: boolean;
};

/** Who the operator is in the audit log: nobody of the installation. */
const OPERATOR = '00000000-0000-0000-0000-000000000000';

export async function shred(client: Client, roots: Roots, { tenantId, ownerId }: Victim): Promise<Shredded> {
  await client.query('begin');
  try {
    const { rows: holders } = await client.query<{ id: string; erasable: boolean }>(
      `select k.holder_id as id, bool_and(k.erasable) as erasable
         from public.data_keys k where k.tenant_id = $1 and ($2::uuid is null or $2 in (k.owner_id, k.holder_id)) group by k.holder_id`,
      [tenantId, ownerId],
    );
    const keys = await empty(client, { tenantId, ownerId });
    const backups =
      holders.length > 0 && holders.every(({ erasable }) => erasable) && roots.erasure !== undefined;
    await record(client, { tenantId, ownerId }, { keys, holders: holders.length, backups });
    await client.query('commit');
    let secrets = 0;
    if (ownerId === null) {
      secrets = (await eraseTenant(roots, tenantId)) ? 1 : 0;
    } else {
      for (const { id } of holders) {
        secrets += (await eraseHolder(roots, tenantId, id)) ? 1 : 0;
      }
    }
    return { keys, secrets, backups };
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function empty(client: Client, { tenantId, ownerId }: Victim): Promise<number> {
  const { rowCount: dataKeys } = await client.query(
    `update public.data_keys set wrapped = null, destroyed_at = clock_timestamp(), retired_at = coalesce(retired_at, clock_timestamp())
      where tenant_id = $1 and ($2::uuid is null or $2 in (owner_id, holder_id)) and destroyed_at is null`,
    [tenantId, ownerId],
  );
  if (ownerId !== null) {
    return dataKeys ?? 0;
  }
  const { rowCount: tenantKeys } = await client.query(
    'update public.tenant_keys set wrapped = null, destroyed_at = clock_timestamp() where tenant_id = $1 and destroyed_at is null',
    [tenantId],
  );
  return (dataKeys ?? 0) + (tenantKeys ?? 0);
}

async function record(
  client: Client,
  { tenantId, ownerId }: Victim,
  detail: Record<string, unknown>,
): Promise<void> {
  await client.query(
    `insert into public.audit_entries
       (tenant_id, id, event, actor_id, owner_id, chain, request_id, target_kind, target_id, detail, policy_checksum)
     select $1, $2, 'key.destroyed', $3, coalesce($4::uuid, $3), '{}', $5, $6, coalesce($4::uuid, $1), $7, s.checksum
       from bailiwick.policy_state s`,
    [
      tenantId,
      newId(),
      OPERATOR,
      ownerId,
      newId(),
      ownerId === null ? 'tenant' : 'owner',
      JSON.stringify(detail),
    ],
  );
}
