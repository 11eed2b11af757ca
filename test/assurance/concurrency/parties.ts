// Parties for races, made in bulk as the migrator: each race gets a tenant of its own, with an owner, its agents, a chain of
// delegations from the owner down to the last agent, and two memories; if asked for, also a world that somebody else owns.
//
// A race ends something for good, so nothing is used twice, and no race waits for another's locks. Every id follows from the
// tenant's slug. Nothing here knows what is allowed.

import { createHash } from 'node:crypto';
import type { DelegationId, EntityId, MemoryId, TenantId } from '../../../src/ids.ts';
import { ISSUER } from '../../kit/as.ts';
import { asAdmin, type TestDatabase } from '../../kit/database.ts';

export type Make = {
  /** How long the chain is, and so how many agents there are: agent1 to agent4. */
  readonly depth: number;
  /** Whether the chain is limited to a world, owned by `host`, of which `owner` is a member. */
  readonly world?: boolean;
  /** Whose tokens name its members. */
  readonly issuer?: string;
};

/** How many memories the owner of a party has. */
export const MEMORIES = 2;

/** Ids of one party; the subjects of its tokens are called as they are here. */
export type Party = {
  readonly slug: string;
  readonly tenantId: TenantId;
  /** owner, host (the tenant's administrator, and owner of the world), agent1 to agent4, world */
  entity(name: string): EntityId;
  /** From the owner down, counted from 1. */
  delegation(depth: number): DelegationId;
  memory(n: number): MemoryId;
};

export function partyOf(kind: string, n: number): Party {
  const slug = `${kind}-${n}`;
  const id = (name: string) => uuidOf(`${slug} ${name}`);
  return {
    slug,
    tenantId: id('tenant') as TenantId,
    entity: (name) => id(name) as EntityId,
    delegation: (depth) => id(`delegation${depth}`) as DelegationId,
    memory: (which) => id(`memory${which}`) as MemoryId,
  };
}

/** As `md5(text)::uuid` in PostgreSQL. */
function uuidOf(text: string): string {
  const hex = createHash('md5').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const ID = (name: string) => `md5(p.slug || ' ${name}')::uuid`;
const PARTIES = `(select $1 || '-' || n as slug from generate_series(0, $2::int - 1) n) p`;

/** Statements about all parties of a kind: $1 is its name, $2 how many; some take the depth, or the issuer, as $3. */
const AGENTS = `select p.slug, a, md5(p.slug || ' agent' || a)::uuid as id, ${ID('owner')} as owner_id, ${ID('tenant')} as tenant_id
  from ${PARTIES}, generate_series(1, $3::int) a`;
const TENANTS = `insert into tenants (tenant_id, id, slug, name)
  select ${ID('tenant')}, ${ID('tenant')}, p.slug, p.slug from ${PARTIES}`;
const USERS = `insert into entities (tenant_id, id, kind, owner_id)
  select ${ID('tenant')}, md5(p.slug || ' ' || u)::uuid, 'user', md5(p.slug || ' ' || u)::uuid
    from ${PARTIES}, unnest(array['owner', 'host']) u`;
const USER_ROWS = `insert into users (tenant_id, id, owner_id, display_name, role)
  select ${ID('tenant')}, md5(p.slug || ' ' || u)::uuid, md5(p.slug || ' ' || u)::uuid, u,
         case u when 'host' then 'admin' else 'member' end
    from ${PARTIES}, unnest(array['owner', 'host']) u`;
const AGENT_ENTITIES = `insert into entities (tenant_id, id, kind, owner_id)
  select tenant_id, id, 'agent', owner_id from (${AGENTS}) a`;
const AGENT_ROWS = `insert into agents (tenant_id, id, owner_id, name, created_by, request_id)
  select tenant_id, id, owner_id, 'agent', owner_id, gen_random_uuid() from (${AGENTS}) a`;
const IDENTITIES = `insert into identities (tenant_id, id, entity_id, issuer, subject)
  select e.tenant_id, gen_random_uuid(), e.id, $3, s.subject
    from ${PARTIES}, unnest(array['owner', 'host', 'agent1', 'agent2', 'agent3', 'agent4']) s(subject), entities e
   where e.tenant_id = ${ID('tenant')} and e.id = md5(p.slug || ' ' || s.subject)::uuid`;
const WORLD_ENTITIES = `insert into entities (tenant_id, id, kind, owner_id)
  select ${ID('tenant')}, ${ID('world')}, 'world', ${ID('host')} from ${PARTIES}`;
const WORLDS = `insert into worlds (tenant_id, id, owner_id, name, created_by, request_id)
  select ${ID('tenant')}, ${ID('world')}, ${ID('host')}, 'world', ${ID('host')}, gen_random_uuid() from ${PARTIES}`;
const MEMBERS = `insert into world_members (tenant_id, id, world_id, owner_id, entity_id, role, created_by, request_id)
  select ${ID('tenant')}, gen_random_uuid(), ${ID('world')}, ${ID('host')}, md5(p.slug || ' ' || m)::uuid,
         case m when 'host' then 'owner' else 'member' end, ${ID('host')}, gen_random_uuid()
    from ${PARTIES}, unnest(array['owner', 'host']) m`;
const DELEGATIONS = `insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, parent_id, depth, redelegate,
         capabilities, world_id, expires_at, created_by, request_id)
  select ${ID('tenant')}, md5(p.slug || ' delegation' || d)::uuid, ${ID('owner')},
         md5(p.slug || ' ' || case d when 1 then 'owner' else 'agent' || d - 1 end)::uuid, md5(p.slug || ' agent' || d)::uuid,
         case when d > 1 then md5(p.slug || ' delegation' || d - 1)::uuid end, d, 4 - d,
         array['memory:read', 'memory:create', 'memory:update', 'credential:read', 'credential:execute', 'approval:read', 'approval:create'],
         case when $4 then ${ID('world')} end, now() + interval '1 hour', ${ID('owner')}, gen_random_uuid()
    from ${PARTIES}, generate_series($3::int, $3::int) d`;
const MEMORY_ROWS = `insert into memories (tenant_id, id, owner_id, world_id, content, created_by, request_id)
  select ${ID('tenant')}, md5(p.slug || ' memory' || m)::uuid, ${ID('owner')}, case when $3 then ${ID('world')} end,
         p.slug || ' owner remembers ' || m, ${ID('owner')}, gen_random_uuid()
    from ${PARTIES}, generate_series(1, ${MEMORIES}) m`;

/** Its agents may have the service called that races are about (office.ts); about everything else the owner is asked. */
const RULES = `insert into permissions (tenant_id, id, owner_id, service, action, effect, created_by, request_id)
  select ${ID('tenant')}, gen_random_uuid(), ${ID('owner')}, 'raced', '*', 'allow', ${ID('owner')}, gen_random_uuid() from ${PARTIES}`;

/** Makes parties 0 to count - 1 of a kind. */
export async function makeParties(
  on: Pick<TestDatabase, 'migratorUrl'>,
  kind: string,
  count: number,
  { depth, world = false, issuer = ISSUER }: Make,
): Promise<void> {
  await asAdmin(on.migratorUrl, async (client) => {
    const all = (text: string, ...more: unknown[]) => client.query(text, [kind, count, ...more]);
    await client.query('begin');
    await all(TENANTS);
    await all(USERS);
    await all(USER_ROWS);
    await all(AGENT_ENTITIES, depth);
    await all(AGENT_ROWS, depth);
    await all(IDENTITIES, issuer);
    if (world) {
      await all(WORLD_ENTITIES);
      await all(WORLDS);
      await all(MEMBERS);
    }
    for (let hop = 1; hop <= depth; hop += 1) {
      await all(DELEGATIONS, hop, world);
    }
    await all(MEMORY_ROWS, world);
    await all(RULES);
    await client.query('commit');
    // without statistics the kernel's generic plans would scan what has just become large
    await client.query('analyze');
  });
}
