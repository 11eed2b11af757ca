// Entries of the activity log as tests need them: complete ones that only a policy can refuse, and ids of another time.

import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { insertion } from '../policies/arrangement.ts';

/** A complete entry of scout's, as the present context could make it. */
export async function add(sql: Sql, row: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const { text, values } = insertion('activity_entries', {
    tenant_id: TENANTS.acme.id,
    id: newId(),
    owner_id: USERS.alice.id,
    agent_id: AGENTS.scout.id,
    service: 'tracker',
    action: 'issues.list',
    outcome: 'succeeded',
    chain: [DELEGATIONS.scout.id],
    ...row,
  });
  return sql.outcome(text, values);
}

/** An id as one that was made so many seconds ago would be. */
export const idOf = (secondsAgo: number) => {
  const hex = (Date.now() - secondsAgo * 1000).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${newId().slice(-12)}`;
};
