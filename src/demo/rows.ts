// What seeding is made of: a row, who made it, and the values in it that are sealed.

import type { Client } from 'pg';
import type { DataKeyRing, SessionKeys } from '../crypto/keys.ts';
import { operatorKeyTable, sealFor } from '../db/operator-keys.ts';
import type { DelegationId } from '../ids.ts';
import { ACTORS, type ActorName, SEED_REQUEST } from './cast.ts';

type Row = Readonly<Record<string, unknown>>;

export type Keys = (tenantId: string) => SessionKeys;

/** The keys of each tenant, as one transaction has them. */
export function keysIn(client: Client, keys: DataKeyRing): Keys {
  const sessions = new Map<string, SessionKeys>();
  return (tenantId) => {
    const session = sessions.get(tenantId) ?? keys.forSession(tenantId, operatorKeyTable(client, tenantId));
    sessions.set(tenantId, session);
    return session;
  };
}

/** Seals the values of one row for its holder. */
export function sealer(
  keys: Keys,
  table: string,
  { tenant_id, owner_id, id }: { tenant_id: string; owner_id: string; id: string },
  holderId: string,
): (column: string, plain: string | null) => Promise<string | null> {
  const row = { tenantId: tenant_id, ownerId: owner_id, rowId: id, holderId };
  return (column, plain) => sealFor(keys(tenant_id), { table, column }, row, plain);
}

/** Provenance, which a request would take from its context. */
export function madeBy(actor: ActorName, delegation: DelegationId | null = null): Row {
  return { created_by: ACTORS[actor].id, delegation_id: delegation, request_id: SEED_REQUEST };
}

/** Inserts a row unless its key is taken. Names of tables and columns are this file's own, values are parameters. */
export async function insert(client: Client, table: string, row: Row): Promise<number> {
  const columns = Object.keys(row);
  const { rowCount } = await client.query(
    `insert into public.${table} (${columns.join(', ')})
     values (${columns.map((_, index) => `$${index + 1}`).join(', ')}) on conflict do nothing`,
    Object.values(row),
  );
  return rowCount ?? 0;
}
