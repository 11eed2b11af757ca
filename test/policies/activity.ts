// Entries of the activity log, for the probe: one of each agent of the cast, and one of the twin of alice's scout in the other tenant.
//
// Makes rows and expects nothing. Those of the demo stand in src/demo/activity.ts.

import { AGENTS, type AgentName, id, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import type { Sql } from '../kit/as.ts';

const names = Object.keys(AGENTS) as AgentName[];

/** An entry of each agent of the cast. */
export const DONE = Object.fromEntries(
  names.map((name) => [name, id<string>(13, `d04e${AGENTS[name].id.slice(-7)}`)]),
) as Readonly<Record<AgentName, string>>;

/**
 * Lays out those entries, whatever the policies would say to it, where they are kept for as long as can be: their ids are of a made-up
 * time. The cast and the twins must be there.
 */
export async function arrangeActivity(sql: Sql): Promise<void> {
  await sql.rows('update tenants set activity_days = 3650');
  const twin = { name: 'scout', tenant: 'globex' } as const;
  for (const { name, tenant } of [...names.map((name) => ({ name, tenant: AGENTS[name].tenant })), twin]) {
    await sql.rows(
      `insert into activity_entries (tenant_id, id, owner_id, agent_id, service, action, outcome, network, chain, created_by, delegation_id, request_id)
       values ($1, $2, $3, $4, 'desk', 'files.write', 'succeeded', '{"host": "elsewhere.example.org"}', array[$5::uuid], $4, $5, $6)`,
      [
        ...[TENANTS[tenant].id, DONE[name], USERS[AGENTS[name].owner].id, AGENTS[name].id],
        ...[DELEGATIONS[name].id, id<string>(7, 'a44a96e')],
      ],
    );
  }
}
