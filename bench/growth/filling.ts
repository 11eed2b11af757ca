// What the databases of the growth suite hold. In the first, beside the demo: owners with few and with many memories in one table; agents that
// hold few and many delegations; a chain of four; worlds with few and many members. In each of the others, a number of tenants alike.
//
// Made in SQL as a superuser, from numbers, so that every run has the same. What is written is right by construction, so foreign keys are not
// checked meanwhile, and the indexes of memories are made again at the end; both come to the same, and are several times faster.

import type { Client } from 'pg';
import { SEED_REQUEST, TENANTS } from '../../src/demo/cast.ts';
import { DEVELOPMENT_ISSUER } from '../../src/development.ts';
import { idOf, sqlId } from '../comparison/filling.ts';
import { DEPTHS, type Sizes } from './sizes.ts';

const acme = TENANTS.acme.id;
/** Agents of each owner, who keep the memories. */
const AGENTS = 20;
/** Memories of each tenant; and of whoever delegates or shares. */
export const EACH_TENANT = 25;
const EACH_OWNER = 1000;
/** Numbers of things of one size, which are told apart by its place among the sizes. */
const SPAN = 1_000_000;

/** The id of somebody in the first database, by the name in their tokens. */
const personOf = (subject: string) => idOf(`person ${subject}`, 0);
export const rowsOwner = (size: number) => `rows-${size}`;
export const holder = (size: number) => `holder-${size}`;
export const link = (depth: number) => `link-${depth}`;
const host = (size: number) => `host-${size}`;
export const member = (size: number) => `member-${size}`;
export const tenantSlug = (n: number) => `tenant-${n}`;
/** In every tenant of the others. */
export const TENANT = { user: 'somebody', agent: 'helper' } as const;

export const delegationIn = (place: number, n: number) => idOf('held', place * SPAN + n);
export const hop = (depth: number) => idOf('hop', depth);
export const worldOf = (size: number) => idOf('gathering', size);
export const tenantDelegation = (n: number) => idOf('delegation', n);
/** The kind of the memory in the middle of an owner's. */
export const MIDDLE = 'middle';

const CAPABILITIES = `array['memory:read', 'agent:read', 'world:read', 'member:read', 'delegation:read']`;
const TIMES = `now() - interval '1 minute', now() + interval '20 hours'`;
const CONTENT = `'Memory ' || k || ' about the ' || (array['budget','garden','meeting','invoice','travel','recipe','deadline','contract','idea',
  'birthday'])[1 + k % 10] || ' of ' || md5(k::text)`;

/** Users and agents with a name in tokens; an agent has an owner. */
async function people(client: Client, subjects: readonly string[], owner?: string): Promise<void> {
  const kind = owner === undefined ? 'user' : 'agent';
  const ids = subjects.map(personOf);
  const owners = ids.map((id) => owner ?? id);
  await client.query(
    `insert into entities (tenant_id, id, kind, owner_id)
     select $1, p.id, $2, p.owner_id from unnest($3::uuid[], $4::uuid[]) p (id, owner_id)`,
    [acme, kind, ids, owners],
  );
  await client.query(
    kind === 'user'
      ? `insert into users (tenant_id, id, owner_id, display_name)
         select $1, p.id, p.owner_id, p.name from unnest($2::uuid[], $3::uuid[], $4::text[]) p (id, owner_id, name)`
      : `insert into agents (tenant_id, id, owner_id, name, created_by, request_id)
         select $1, p.id, p.owner_id, p.name, p.owner_id, '${SEED_REQUEST}' from unnest($2::uuid[], $3::uuid[], $4::text[]) p (id, owner_id, name)`,
    [acme, ids, owners, subjects],
  );
  await client.query(
    `insert into identities (tenant_id, id, entity_id, issuer, subject)
     select $1, gen_random_uuid(), p.id, $2, p.name from unnest($3::uuid[], $4::text[]) p (id, name)`,
    [acme, DEVELOPMENT_ISSUER, ids, subjects],
  );
}

/** Whose memories are filled in; place: their number among all of these. */
type Keeper = {
  readonly place: number;
  readonly size: number;
  readonly ownerId: string;
  /** Where all of them are shared. */
  readonly worldId?: string | undefined;
};

/** Agents of an owner, by their numbers: place * 100 + 1 to AGENTS. */
const KEEPERS = `
  with made as (select place * 100 + n as n, owner_id from unnest($2::int[], $3::uuid[]) o (place, owner_id), generate_series(1, ${AGENTS}) n),
       entity as (insert into entities (tenant_id, id, kind, owner_id) select $1, ${sqlId('keeper', 'n')}, 'agent', owner_id from made)
  insert into agents (tenant_id, id, owner_id, name, created_by, request_id)
  select $1, ${sqlId('keeper', 'n')}, owner_id, 'Agent ' || n % 100, owner_id, '${SEED_REQUEST}' from made`;

// the kth of the largest owner, and with it one of each other owner whose turn it is: all lie among each other, as if written over the same time
const MEMORIES = `
  insert into memories (tenant_id, id, owner_id, agent_id, world_id, shared, kind, content, tags, created_at, updated_at, created_by, request_id)
  select $1, ${sqlId('memory', '(k * 32 + o.place)')}, o.owner_id, ${sqlId('keeper', `(o.place * 100 + 1 + k / o.every % ${AGENTS})`)},
         o.world_id, o.world_id is not null,
         case when k = o.every * o.size / 2 then '${MIDDLE}' when k / o.every % 3 = 0 then 'fact' else 'note' end,
         ${CONTENT}, array['tag' || k % 7], now() - make_interval(secs => ($6::bigint - k)), now() - make_interval(secs => ($6::bigint - k)),
         o.owner_id, '${SEED_REQUEST}'
    from generate_series($2::bigint, $3::bigint) k
    join (select p.place, p.owner_id, p.size, $6::bigint / p.size as every, p.world_id
            from unnest($4::int[], $5::uuid[], $7::bigint[], $8::uuid[]) p (place, owner_id, size, world_id)) o on k % o.every = 0`;

async function memories(
  client: Client,
  keepers: readonly Keeper[],
  told: (line: string) => void,
): Promise<void> {
  const places = keepers.map(({ place }) => place);
  const owners = keepers.map(({ ownerId }) => ownerId);
  const all = keepers.map(({ size }) => size);
  const worlds = keepers.map(({ worldId }) => worldId ?? null);
  const most = Math.max(...all);
  await client.query(KEEPERS, [acme, places, owners]);
  const step = Math.ceil(most / 20);
  for (let from = 1; from <= most; from += step) {
    const to = Math.min(most, from + step - 1);
    await client.query(MEMORIES, [acme, from, to, places, owners, most, all, worlds]);
    told(`${to} of ${most} memories of the largest owner`);
  }
}

const HELD = `
  insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, depth, redelegate, capabilities, purpose, not_before, expires_at,
    created_by, request_id)
  select $1, ${sqlId('held', `($4::int * ${SPAN} + n)`)}, $2, $2, $3, 1, 0, ${CAPABILITIES}, 'growth', ${TIMES}, $2, '${SEED_REQUEST}'
    from generate_series(1, $5::int) n`;
const HOP = `
  insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, parent_id, depth, redelegate, capabilities, purpose, not_before,
    expires_at, created_by, request_id)
  values ($1, $2, $3, $4, $5, $6, $7, ${DEPTHS.length} - $7, ${CAPABILITIES}, 'growth', ${TIMES}, $4, '${SEED_REQUEST}')`;

const WORLD = `
  with entity as (insert into entities (tenant_id, id, kind, owner_id) values ($1, $2, 'world', $3)),
       world as (insert into worlds (tenant_id, id, owner_id, name, created_by, request_id)
                 values ($1, $2, $3, 'Gathering of ' || $5::int, $3, '${SEED_REQUEST}'))
  insert into world_members (tenant_id, id, world_id, owner_id, entity_id, role, created_by, request_id)
  select $1, ${sqlId('membership', `($6::int * ${SPAN} + n)`)}, $2, $3,
         -- the owner first, whoever asks last, and between them who takes part in every world that is large enough
         case n when 1 then $3::uuid when $5 then $4::uuid else ${sqlId('fellow', 'n')} end,
         case n when 1 then 'owner' else 'member' end, $3, '${SEED_REQUEST}'
    from generate_series(1, $5) n`;
const FELLOWS = `
  with entity as (insert into entities (tenant_id, id, kind, owner_id)
                  select $1, ${sqlId('fellow', 'n')}, 'user', ${sqlId('fellow', 'n')} from generate_series(2, $2::int) n)
  insert into users (tenant_id, id, owner_id, display_name)
  select $1, ${sqlId('fellow', 'n')}, ${sqlId('fellow', 'n')}, 'Fellow ' || n from generate_series(2, $2) n`;

/** Fills the first database. @param told Told what is there. */
export async function fillGrowth(client: Client, sizes: Sizes, told: (line: string) => void): Promise<void> {
  await loading(client, async () => {
    const owners = [...sizes.rows.map(rowsOwner), 'delegator', ...sizes.members.map(host)];
    await people(client, [...owners, ...sizes.members.map(member)]);
    const delegator = personOf('delegator');
    await people(client, [...sizes.delegations.map(holder), ...DEPTHS.map(link)], delegator);
    for (const [place, size] of sizes.delegations.entries()) {
      await client.query(HELD, [acme, delegator, personOf(holder(size)), place, size]);
    }
    for (const depth of DEPTHS) {
      const above = depth === 1 ? undefined : personOf(link(depth - 1));
      await client.query(HOP, [
        acme,
        hop(depth),
        delegator,
        above ?? delegator,
        personOf(link(depth)),
        depth === 1 ? null : hop(depth - 1),
        depth,
      ]);
    }
    await client.query(FELLOWS, [acme, Math.max(...sizes.members)]);
    for (const [place, size] of sizes.members.entries()) {
      await client.query(WORLD, [
        acme,
        worldOf(size),
        personOf(host(size)),
        personOf(member(size)),
        size,
        place,
      ]);
    }
    const worlds = new Map(sizes.members.map((size) => [host(size), worldOf(size)]));
    const keepers = owners.map((subject, place) => ({
      place,
      size: sizes.rows[place] ?? EACH_OWNER,
      ownerId: personOf(subject),
      worldId: worlds.get(subject),
    }));
    await memories(client, keepers, told);
  });
}

const TENANTS_SQL = `
  insert into tenants (tenant_id, id, slug, name)
    select ${sqlId('tenant', 'n')}, ${sqlId('tenant', 'n')}, 'tenant-' || n, 'Tenant ' || n from generate_series(1, $1::int) n;
  insert into entities (tenant_id, id, kind, owner_id)
    select ${sqlId('tenant', 'n')}, ${sqlId('user', 'n')}, 'user', ${sqlId('user', 'n')} from generate_series(1, $1::int) n;
  insert into users (tenant_id, id, owner_id, display_name)
    select ${sqlId('tenant', 'n')}, ${sqlId('user', 'n')}, ${sqlId('user', 'n')}, 'Somebody' from generate_series(1, $1::int) n;
  insert into entities (tenant_id, id, kind, owner_id)
    select ${sqlId('tenant', 'n')}, ${sqlId('agent', 'n')}, 'agent', ${sqlId('user', 'n')} from generate_series(1, $1::int) n;
  insert into agents (tenant_id, id, owner_id, name, created_by, request_id)
    select ${sqlId('tenant', 'n')}, ${sqlId('agent', 'n')}, ${sqlId('user', 'n')}, 'Helper', ${sqlId('user', 'n')}, '${SEED_REQUEST}'
      from generate_series(1, $1::int) n;
  insert into identities (tenant_id, id, entity_id, issuer, subject)
    select ${sqlId('tenant', 'n')}, gen_random_uuid(), ${sqlId('user', 'n')}, '${DEVELOPMENT_ISSUER}', '${TENANT.user}' from generate_series(1, $1::int) n;
  insert into identities (tenant_id, id, entity_id, issuer, subject)
    select ${sqlId('tenant', 'n')}, gen_random_uuid(), ${sqlId('agent', 'n')}, '${DEVELOPMENT_ISSUER}', '${TENANT.agent}' from generate_series(1, $1::int) n;
  insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, depth, redelegate, capabilities, purpose, not_before, expires_at,
      created_by, request_id)
    select ${sqlId('tenant', 'n')}, ${sqlId('delegation', 'n')}, ${sqlId('user', 'n')}, ${sqlId('user', 'n')}, ${sqlId('agent', 'n')}, 1, 0,
           ${CAPABILITIES}, 'growth', ${TIMES}, ${sqlId('user', 'n')}, '${SEED_REQUEST}' from generate_series(1, $1::int) n`;
// one of every tenant, and then the next of every tenant: those of one lie far apart
const TENANT_MEMORIES = `
  insert into memories (tenant_id, id, owner_id, agent_id, content, tags, created_at, updated_at, created_by, request_id)
  select ${sqlId('tenant', 'n')}, ${sqlId('memory', `($2::bigint * ${SPAN} + n)`)}, ${sqlId('user', 'n')}, ${sqlId('agent', 'n')},
         ${CONTENT}, array['tag' || k % 7], now() - make_interval(hours => (${EACH_TENANT} - $2::int)), now(), ${sqlId('user', 'n')}, '${SEED_REQUEST}'
    from generate_series(1, $1::int) n cross join lateral (select n + $2::bigint as k) x`;

/** Fills a database with so many tenants, of one user, one agent and a few memories each. */
export async function fillTenants(
  client: Client,
  tenants: number,
  told: (line: string) => void,
): Promise<void> {
  await loading(client, async () => {
    for (const statement of TENANTS_SQL.split(';')) {
      await client.query(statement, [tenants]);
    }
    for (let round = 1; round <= EACH_TENANT; round += 1) {
      await client.query(TENANT_MEMORIES, [tenants, round]);
    }
    told(`${tenants} tenants`);
  });
}

type Made = { readonly name: string; readonly make: string };

/** Does it without foreign keys and without the further indexes of memories; then makes these, and statistics. */
async function loading(client: Client, work: () => Promise<void>): Promise<void> {
  await client.query(
    `set session_replication_role = replica; set synchronous_commit = off; set maintenance_work_mem = '512MB'`,
  );
  const { rows: indexes } = await client.query<Made>(
    `select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as make
       from pg_index i where i.indrelid = 'public.memories'::regclass and not i.indisprimary`,
  );
  for (const { name } of indexes) {
    await client.query(`drop index ${name}`);
  }
  await work();
  for (const { make } of indexes) {
    await client.query(make);
  }
  await client.query('vacuum analyze');
  await client.query('checkpoint');
}
