// Receipts of what agents have read, for the tests of policies and for the probe: one of each agent of the cast about a memory of its
// owner's, one of bobot's about what alice shares, twins in the other tenant, and some that are past their time there or here.
//
// Makes rows and expects nothing.

import { AGENTS, type AgentName, id, TENANTS, USERS, type UserName } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import type { EntityId, TenantId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { SHARED } from './sharing.ts';

const names = Object.keys(AGENTS) as AgentName[];
const acme = TENANTS.acme.id;
const globex = TENANTS.globex.id;
const memoryOf = (who: UserName) => MEMORIES.find(({ owner }) => owner === who)?.id ?? '';

/** A receipt of each agent of the cast. */
export const RECEIPTS = Object.fromEntries(
  names.map((name) => [name, id<string>(16, `4ead${AGENTS[name].id.slice(-7)}`)]),
) as Readonly<Record<AgentName, string>>;

/** What bobot has read of alice's. */
export const OF_BOBOT = id<string>(16, '54a4ed');
/** By tenant, some of long ago: one in each that is recent in the other, under one id. */
const LONG_AGO = { [acme]: id<string>(16, '01dacce'), [globex]: id<string>(16, '01d610be') };

type Receipt = {
  readonly tenant?: TenantId;
  readonly id: string;
  readonly owner: EntityId;
  readonly agent: EntityId;
  readonly row: string;
  /** How many days ago. */
  readonly ago?: number;
};

/** Keeps a receipt, whatever the policies would say to it. */
export async function keepReceipt(
  sql: Sql,
  { tenant = acme, id: key, owner, agent, row, ago = 0 }: Receipt,
): Promise<void> {
  await sql.rows(
    `insert into access_receipts (tenant_id, id, owner_id, agent_id, day, operation, kind, row_id, times, first_at, last_at,
       delegation_id, request_id)
     values ($1, $2, $3, $4, (now() at time zone 'UTC')::date - $5::int, 'memories', 'Memory', $6, 1, now(), now(), $7, $8)`,
    [tenant, key, owner, agent, ago, row, DELEGATIONS.scout.id, id<string>(7, 'a44a96e')],
  );
}

const alice = { owner: USERS.alice.id, agent: AGENTS.scout.id, row: SHARED['alice garden'] };

/** Lays out those of the cast. */
export async function arrangeReceipts(sql: Sql): Promise<void> {
  for (const name of names) {
    const { owner, tenant, id: agent } = AGENTS[name];
    const of = { tenant: TENANTS[tenant].id, owner: USERS[owner].id, agent, row: memoryOf(owner) };
    await keepReceipt(sql, { ...of, id: RECEIPTS[name] });
  }
  await keepReceipt(sql, { ...alice, id: OF_BOBOT, agent: AGENTS.bobot.id });
}

/** That of alice's twin, and those of long ago. The twins must be there. */
export async function arrangeReceiptTwins(sql: Sql): Promise<void> {
  await keepReceipt(sql, { ...alice, tenant: globex, id: RECEIPTS.scout });
  for (const [n, tenant] of [acme, globex].entries()) {
    for (const [m, old] of [acme, globex].entries()) {
      const row = id<string>(6, `01d${m}`);
      await keepReceipt(sql, { ...alice, tenant, id: LONG_AGO[old] ?? '', row, ago: n === m ? 5000 : 0 });
    }
  }
}
