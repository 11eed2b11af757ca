// Puts the cast into a database, as the migrator and in one transaction: all of it on the first start, and on later
// ones only what a demo needs again, namely identities for a new issuer and live delegations in place of expired ones.
//
// What somebody changed in the demo stays changed: a memory that was deleted does not come back, and a delegation that
// was revoked is not made anew. Never run against an installation with tenants of its own.

import pg, { type Client } from 'pg';
import type { DataKeyRing } from '../crypto/keys.ts';
import { type DelegationId, newId } from '../ids.ts';
import { ACTORS, type ActorName, AGENTS, TENANTS, USERS, WORLDS } from './cast.ts';
import { DELEGATIONS, type DelegationName, type Grant } from './delegations.ts';
import { MEMORIES } from './memories.ts';
import { insertPlatform, renewRequest } from './platform.ts';
import { insert, type Keys, keysIn, madeBy, sealer } from './rows.ts';

/** The delegations that are in force after seeding; whoever revoked one in the demo does not find it here. */
export type LiveDelegations = ReadonlyMap<DelegationName, DelegationId>;

/** What there is after seeding that is not the same every time. */
export type Seeded = {
  readonly delegations: LiveDelegations;
  /** A request for approval that waits for Alice; undefined where Scout has no delegation to ask through. */
  readonly waiting: string | undefined;
};

/** Held while seeding, so that two starting servers do not renew the same delegation twice. */
const SEED_LOCK = 0x63617374;

/** Seconds that a delegation must still live to be left alone: a demo should not lose it in the first minutes. */
const WORTHWHILE = 600;

/**
 * Makes the cast exist. Idempotent.
 *
 * @param migratorUrl Connection of the migrator role, whom row security does not bind.
 * @param options.issuer The `iss` of the tokens with which the cast will come; their `sub` is the actor's name.
 * @param options.keys With which what is confidential is sealed.
 * @param options.revive Whether a delegation that was revoked is granted anew too, so that the story can be told again.
 */
export async function seedCast(
  migratorUrl: string,
  { issuer, keys, revive = false }: { issuer: string; keys: DataKeyRing; revive?: boolean },
): Promise<Seeded> {
  const client = new pg.Client({ connectionString: migratorUrl });
  await client.connect();
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [SEED_LOCK]);
    const { rows } = await client.query<{ now: Date }>('select now() as now');
    const clock = rows[0]?.now ?? new Date();
    const later = (seconds: number) => new Date(clock.getTime() + seconds * 1000);
    const first = await insertTenants(client);
    const sealing = keysIn(client, keys);
    if (first) {
      await insertPrincipals(client, sealing);
    }
    await insertIdentities(client, issuer);
    if (first) {
      await insertPast(client, later);
    }
    const live = await renewDelegations(client, later, revive);
    if (first) {
      await insertMemories(client, sealing);
      await insertPlatform(client, sealing, later);
    }
    const waiting = await renewRequest(client, sealing, later, live.get('scout'));
    await client.query('commit');
    return { delegations: live, waiting };
  } finally {
    // whatever was not committed ends with the connection
    await client.end();
  }
}

/** Whether they were new, and with them the whole cast. */
async function insertTenants(client: Client): Promise<boolean> {
  let inserted = 0;
  for (const [slug, { id, name }] of Object.entries(TENANTS)) {
    inserted += await insert(client, 'tenants', { tenant_id: id, id, slug, name });
  }
  return inserted > 0;
}

async function insertPrincipals(client: Client, keys: Keys): Promise<void> {
  for (const { id, tenant, ...user } of Object.values(USERS)) {
    const tenant_id = TENANTS[tenant].id;
    await insert(client, 'entities', { tenant_id, id, kind: 'user', owner_id: id });
    await insert(client, 'users', {
      tenant_id,
      id,
      owner_id: id,
      role: user.role,
      display_name: user.displayName,
      email: user.email,
      locale: user.locale,
      time_zone: user.timeZone,
    });
  }
  for (const { id, tenant, owner, ...agent } of Object.values(AGENTS)) {
    const key = { tenant_id: TENANTS[tenant].id, id, owner_id: USERS[owner].id };
    await insert(client, 'entities', { ...key, kind: 'agent' });
    await insert(client, 'agents', {
      ...key,
      parent_id: agent.parent === undefined ? null : AGENTS[agent.parent].id,
      name: agent.name,
      icon: agent.icon,
      description: agent.description,
      model: agent.model,
      settings: agent.settings,
      ...madeBy(owner),
    });
    if (agent.systemPrompt !== undefined) {
      const told = sealer(keys, 'agent_instructions', key, id);
      await insert(client, 'agent_instructions', {
        ...key,
        system_prompt: await told('system_prompt', agent.systemPrompt),
        private_instructions: await told('private_instructions', agent.privateInstructions ?? null),
      });
    }
  }
  for (const { id, tenant, owner, name, description, members } of Object.values(WORLDS)) {
    const tenant_id = TENANTS[tenant].id;
    const owner_id = USERS[owner].id;
    await insert(client, 'entities', { tenant_id, id, kind: 'world', owner_id });
    await insert(client, 'worlds', { tenant_id, id, owner_id, name, description, ...madeBy(owner) });
    for (const [who, member] of Object.entries(members)) {
      await insert(client, 'world_members', {
        tenant_id,
        id: member.id,
        world_id: id,
        owner_id,
        entity_id: ACTORS[who as ActorName].id,
        role: member.role,
        ...madeBy(owner),
      });
    }
  }
}

async function insertIdentities(client: Client, issuer: string): Promise<void> {
  for (const [subject, { id, tenant }] of Object.entries(ACTORS)) {
    const tenant_id = TENANTS[tenant].id;
    await insert(client, 'identities', { tenant_id, id: newId(), entity_id: id, issuer, subject });
  }
}

/** The delegations that are past from the beginning. */
async function insertPast(client: Client, later: (seconds: number) => Date): Promise<void> {
  for (const grant of Object.values(DELEGATIONS)) {
    if (!isLive(grant)) {
      await insertDelegation(client, grant, grant.id, null, later);
    }
  }
}

async function renewDelegations(
  client: Client,
  later: (seconds: number) => Date,
  revive: boolean,
): Promise<LiveDelegations> {
  const live = new Map<DelegationName, DelegationId>();
  for (const [name, grant] of Object.entries(DELEGATIONS) as [DelegationName, Grant][]) {
    const parent = grant.parent === undefined ? null : live.get(grant.parent);
    // under a parent that was revoked in the demo nothing is renewed
    if (!isLive(grant) || parent === undefined) {
      continue;
    }
    const { rows } = await client.query<{ id: DelegationId; revoked: boolean; live: boolean }>(
      `select id, revoked_at is not null as revoked,
              revoked_at is null and expires_at > now() + make_interval(secs => $6) as live
         from delegations
        where tenant_id = $1 and delegator_id = $2 and delegate_id = $3 and purpose = $4
          and parent_id is not distinct from $5
        order by created_at desc, id desc limit 1`,
      [
        TENANTS[grant.tenant].id,
        ACTORS[grant.delegator].id,
        ACTORS[grant.delegate].id,
        grant.purpose,
        parent,
        WORTHWHILE,
      ],
    );
    const latest = rows[0];
    if (latest === undefined || !(latest.live || (latest.revoked && !revive))) {
      const id = (await isTaken(client, grant)) ? newId<DelegationId>() : grant.id;
      await insertDelegation(client, grant, id, parent, later);
      live.set(name, id);
    } else if (latest.live) {
      live.set(name, latest.id);
    }
  }
  return live;
}

function isLive({ expires, revoked }: Grant): boolean {
  return expires > 0 && revoked === undefined;
}

async function isTaken(client: Client, { id, tenant }: Grant): Promise<boolean> {
  const { rowCount } = await client.query('select from delegations where tenant_id = $1 and id = $2', [
    TENANTS[tenant].id,
    id,
  ]);
  return rowCount !== 0;
}

async function insertDelegation(
  client: Client,
  grant: Grant,
  id: DelegationId,
  parent: DelegationId | null,
  later: (seconds: number) => Date,
): Promise<void> {
  await insert(client, 'delegations', {
    tenant_id: TENANTS[grant.tenant].id,
    id,
    owner_id: ACTORS[grant.owner].id,
    delegator_id: ACTORS[grant.delegator].id,
    delegate_id: ACTORS[grant.delegate].id,
    parent_id: parent,
    depth: grant.depth,
    redelegate: grant.redelegate,
    capabilities: grant.capabilities,
    world_id: grant.world === undefined ? null : WORLDS[grant.world].id,
    purpose: grant.purpose,
    not_before: later(grant.made),
    created_at: later(grant.made),
    expires_at: later(grant.expires),
    revoked_at: grant.revoked === undefined ? null : later(grant.revoked),
    revoked_by: grant.revoked === undefined ? null : ACTORS[grant.owner].id,
    ...madeBy(grant.delegator, parent),
  });
}

async function insertMemories(client: Client, keys: Keys): Promise<void> {
  for (const { id, owner, by, world, kind, content, tags, sensitive = false } of MEMORIES) {
    const key = { tenant_id: TENANTS[ACTORS[owner].tenant].id, id, owner_id: ACTORS[owner].id };
    const sealed = sealer(keys, 'memories', key, key.owner_id);
    await insert(client, 'memories', {
      ...key,
      agent_id: by === undefined ? null : AGENTS[by].id,
      world_id: world === undefined ? null : WORLDS[world].id,
      kind,
      sensitive,
      content: sensitive ? await sealed('content', content) : content,
      metadata: sensitive ? JSON.stringify(await sealed('metadata', '{}')) : {},
      tags,
      ...(by === undefined ? madeBy(owner) : madeBy(by, DELEGATIONS[by].id)),
    });
  }
}
