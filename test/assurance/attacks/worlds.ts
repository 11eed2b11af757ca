// Worlds that cases start from besides the cast: twins, where another tenant holds every row of acme's under the very same
// ids, and rows that foreign keys or checks would forbid. What remains refused there is refused by the kernel alone.

import { TENANTS } from '../../../src/demo/cast.ts';
import type { Sql } from '../../kit/as.ts';

/** Copied in the order of their foreign keys; columns are the table's own. */
export const COPIED: Readonly<Record<string, string>> = {
  entities: 'id, kind, status, owner_id, ceiling',
  users: 'id, owner_id, role, display_name',
  agents: 'id, owner_id, parent_id, name, created_by, request_id',
  agent_instructions: 'id, owner_id, system_prompt, private_instructions',
  worlds: 'id, owner_id, name, created_by, request_id',
  world_members: 'id, world_id, owner_id, entity_id, role, created_by, request_id',
  delegations: `id, owner_id, delegator_id, delegate_id, parent_id, depth, redelegate, capabilities, world_id, not_before,
    expires_at, revoked_at, revoked_by, created_at, created_by, request_id`,
  credentials: `id, owner_id, entity_id, kind, label, hint, digest, public_key, capabilities, pinned_id, expires_at, revoked_at,
    revoked_by, last_used_at, created_at, created_by, request_id`,
  memories:
    'id, owner_id, agent_id, world_id, kind, shared, sensitive, content, tags, metadata, created_by, request_id',
  service_credentials: `id, owner_id, agent_id, service, label, kind, scopes, owner_only, origin, header, prefix, calls, expires_at,
    last_used_at, last_used_by, created_by, request_id`,
  service_secrets: 'id, owner_id, secret, secret_index',
  permissions: 'id, owner_id, agent_id, service, action, effect, note, created_by, request_id',
  approvals: `id, owner_id, agent_id, service, action, arguments, digest, reason, version, chain, expires_at, decision, note,
    decided_at, decided_by, redeemed_at, redemption_id, created_at, created_by, delegation_id, request_id`,
  activity_entries: `id, owner_id, agent_id, service, action, summary, outcome, duration_ms, approval_id, started_id, network, chain,
    created_at, created_by, delegation_id, request_id`,
  baselines:
    'id, owner_id, agent_id, since, frozen_at, learned, threshold, alerted_at, alert, created_by, request_id',
  access_receipts: `id, owner_id, agent_id, day, operation, kind, row_id, times, first_at, last_at, delegation_id, request_id`,
  'bailiwick.events': 'owner_id, world_id, shared, parties, kind, event, id, recorded_at',
  data_keys: 'id, owner_id, holder_id, tenant_key_id, version, wrapped, erasable, retired_at, destroyed_at',
};

/** Makes every row of acme's exist in globex too. */
export async function twins(sql: Sql): Promise<void> {
  // every reference holds there as it does here; checking each again takes most of the time
  await sql.rows('set local session_replication_role = replica');
  for (const [table, columns] of Object.entries(COPIED)) {
    // a digest is once in the installation
    const values =
      table === 'credentials' ? columns.replace('digest', `encode(sha256(digest::bytea), 'hex')`) : columns;
    const text = `insert into ${table} (tenant_id, ${columns}) select $1, ${values} from ${table} where tenant_id = $2`;
    await sql.rows(text, [TENANTS.globex.id, TENANTS.acme.id]);
  }
  await sql.rows('set local session_replication_role = origin');
}

/** A change that foreign keys would refuse, made with them switched off. */
export const unchecked =
  (text: string, ...values: unknown[]) =>
  async (sql: Sql): Promise<void> => {
    await sql.rows('set local session_replication_role = replica');
    await sql.rows(text, values);
    await sql.rows('set local session_replication_role = origin');
  };
