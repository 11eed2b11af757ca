// What the cast has of an agent platform: credentials for services, rules about actions, requests
// for approval, and a log of what was done.

import type { Client } from 'pg';
import { approvalDigest } from '../approvals/digest.ts';
import { type ApprovalId, type DelegationId, newId } from '../ids.ts';
import { ACTIVITY, entryId } from './activity.ts';
import { AGENTS, id, TENANTS, USERS } from './cast.ts';
import { DELEGATIONS } from './delegations.ts';
import { MEMORIES } from './memories.ts';
import { APPROVALS, type Asked, PERMISSIONS } from './permissions.ts';
import { insert, type Keys, madeBy, sealer } from './rows.ts';
import { SERVICES } from './services.ts';

/** Puts it there, for a cast whose delegations are there. */
export async function insertPlatform(client: Client, keys: Keys, later: Later): Promise<void> {
  await insertServices(client, keys);
  await insertPermissions(client);
  await insertApprovals(client, keys, later);
  await insertActivity(client, later);
  await insertWatched(client, later);
}

/** What bob has had learned about his agent, and what it has read of his. */
async function insertWatched(client: Client, later: Later): Promise<void> {
  const { owner, tenant } = AGENTS.bobot;
  const of = { tenant_id: TENANTS[tenant].id, owner_id: USERS[owner].id, agent_id: AGENTS.bobot.id };
  const { created_by, request_id } = madeBy(owner);
  await insert(client, 'baselines', {
    ...of,
    id: id(15, '5eedba5e'),
    since: later(0),
    created_by,
    request_id,
  });
  const read = MEMORIES.find((memory) => memory.owner === owner);
  await insert(client, 'access_receipts', {
    ...of,
    id: id(16, '5eed4ead'),
    day: later(0).toISOString().slice(0, 10),
    operation: 'memories viewer',
    kind: 'Memory',
    row_id: read?.id,
    times: 1,
    first_at: later(0),
    last_at: later(0),
    delegation_id: DELEGATIONS.bobot.id,
    request_id,
  });
}

async function insertServices(client: Client, keys: Keys): Promise<void> {
  for (const { id, owner, agent, secret, ownerOnly, calls, ...said } of Object.values(SERVICES)) {
    const tenant_id = TENANTS[USERS[owner].tenant].id;
    const key = { tenant_id, id, owner_id: USERS[owner].id };
    const { created_by, request_id } = madeBy(owner);
    await insert(client, 'service_credentials', {
      ...key,
      ...said,
      agent_id: agent === undefined ? null : AGENTS[agent].id,
      owner_only: ownerOnly,
      calls: JSON.stringify(calls),
      created_by,
      request_id,
    });
    await insert(client, 'service_secrets', {
      ...key,
      secret: await sealer(keys, 'service_secrets', key, key.owner_id)('secret', secret),
      secret_index: await keys(tenant_id).blindIndex(['service_secrets', 'secret'], secret, true),
    });
  }
}

async function insertPermissions(client: Client): Promise<void> {
  for (const { owner, agent, ...rule } of PERMISSIONS) {
    const { created_by, request_id } = madeBy(owner);
    await insert(client, 'permissions', {
      tenant_id: TENANTS[USERS[owner].tenant].id,
      owner_id: USERS[owner].id,
      agent_id: agent === undefined ? null : AGENTS[agent].id,
      ...rule,
      created_by,
      request_id,
    });
  }
}

type Later = (seconds: number) => Date;

async function insertApprovals(client: Client, keys: Keys, later: Later): Promise<void> {
  for (const asked of APPROVALS) {
    await insertApproval(client, keys, later, asked, DELEGATIONS[asked.agent].id);
  }
}

async function insertApproval(
  client: Client,
  keys: Keys,
  later: Later,
  { owner, agent, made, expires, decision, arguments: given, ...asked }: Asked,
  delegation: DelegationId,
): Promise<void> {
  const agentId = AGENTS[agent].id;
  const key = { tenant_id: TENANTS[USERS[owner].tenant].id, id: asked.id, owner_id: USERS[owner].id };
  const { rows } = await client.query<{ version: string }>(
    'select (bailiwick.judge($1, $2, array[$3::uuid], $4, $5, null)).version',
    [key.tenant_id, key.owner_id, agentId, asked.service, asked.action],
  );
  const sealed = await sealer(keys, 'approvals', key, key.owner_id)('arguments', JSON.stringify(given));
  await insert(client, 'approvals', {
    ...key,
    ...asked,
    agent_id: agentId,
    arguments: JSON.stringify(sealed),
    digest: approvalDigest({ service: asked.service, action: asked.action, arguments: given }),
    version: rows[0]?.version,
    chain: [delegation],
    created_at: later(made),
    expires_at: later(expires),
    ...(decision === undefined
      ? {}
      : {
          decision: decision.word,
          note: decision.note,
          decided_at: later(decision.at),
          decided_by: key.owner_id,
        }),
    ...madeBy(agent, delegation),
  });
}

/** A request of Scout's that waits for Alice, as its delegation now is: the one that is there, or the first one anew. */
export async function renewRequest(
  client: Client,
  keys: Keys,
  later: Later,
  delegation: DelegationId | undefined,
): Promise<string | undefined> {
  const first = APPROVALS.find(({ agent, decision }) => agent === 'scout' && decision === undefined);
  if (first === undefined || delegation === undefined) {
    return undefined;
  }
  const { rows } = await client.query<{ id: string }>(
    `select id from approvals
      where tenant_id = $1 and owner_id = $2 and agent_id = $3 and chain = array[$4::uuid] and service = $5 and action = $6
        and decision is null and expires_at > now() + interval '10 minutes'
      order by id desc limit 1`,
    [
      TENANTS[USERS[first.owner].tenant].id,
      USERS[first.owner].id,
      AGENTS[first.agent].id,
      delegation,
      first.service,
      first.action,
    ],
  );
  const id = rows[0]?.id ?? newId<ApprovalId>();
  if (rows.length === 0) {
    await insertApproval(client, keys, later, { ...first, id }, delegation);
  }
  return id;
}

async function insertActivity(client: Client, later: (seconds: number) => Date): Promise<void> {
  for (const { last, owner, agent, chain, durationMs, started, network, made, ...said } of ACTIVITY) {
    const begun = ACTIVITY.find((other) => other.last === started);
    const delegations = chain.map((name) => DELEGATIONS[name].id);
    await insert(client, 'activity_entries', {
      tenant_id: TENANTS[USERS[owner].tenant].id,
      id: entryId(later(made), last),
      owner_id: USERS[owner].id,
      agent_id: AGENTS[agent].id,
      ...said,
      duration_ms: durationMs ?? null,
      started_id: begun === undefined ? null : entryId(later(begun.made), begun.last),
      network: network ?? null,
      chain: delegations,
      created_at: later(made),
      ...madeBy(agent, delegations.at(-1)),
    });
  }
}
