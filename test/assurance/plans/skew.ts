// Many rows, unevenly owned: two tenants, two dozen owners, and one of them with half of everything. Plans are judged on
// this, because on a handful of rows every plan is a good one, and on even rows no estimate is ever wrong.
//
// Made in bulk as the migrator, next to the cast, whose Alice becomes the big owner and whose Bob one of the small ones.
// The same on every run: ids count upwards as real ones do, so that the newest row is the last of its index.

import { setTimeout as sleep } from 'node:timers/promises';
import { TABLES as READ } from '../../../src/assurance/rows.ts';
import { AGENTS, SEED_REQUEST, TENANTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { APPROVALS } from '../../../src/demo/permissions.ts';
import type { Sql } from '../../kit/as.ts';

/** Owners beside the big one. */
const SMALL = 23;

/** Rows of each small owner; the big one has as many as all of them together. */
const EACH = {
  ...{ agents: 40, worlds: 12, delegations: 60, memories: 400, keys: 12, services: 24 },
  ...{ permissions: 30, approvals: 60, entries: 400, receipts: 400 },
} as const;
type Table = keyof typeof EACH;

/** Rows made here. */
const total = (table: Table) => EACH[table] * SMALL * 2;

/** The id of the n-th row of a kind, in the form of version 7 with n standing for the time. */
const KEY = `
  create function pg_temp.key(kind text, n bigint) returns uuid language sql immutable as
    $$ select ('019b' || lpad(to_hex(n), 8, '0') || '7' || kind || '8' || lpad(to_hex(n), 15, '0'))::uuid $$`;

/** The number of the j-th row of an owner: every even row is the big owner's. */
const ROW = `
  create function pg_temp.row(owner bigint, j bigint) returns bigint language sql immutable as
    $$ select case when owner = 0 then 2 * j else 2 * (owner - 1 + ${SMALL} * j) + 1 end $$`;

/** What is taken from the cast. */
const GIVEN = `
  create temporary table given as
  select ${[
    ['big', USERS.alice.id],
    ['bob', USERS.bob.id],
    ['request', SEED_REQUEST],
    ['scout', AGENTS.scout.id],
    ['bobot', AGENTS.bobot.id],
    ['parent', DELEGATIONS.scout.id],
    ['garden', WORLDS.garden.id],
    ['acme', TENANTS.acme.id],
    ['globex', TENANTS.globex.id],
  ]
    .map(([name, id]) => `'${id}'::uuid as ${name}`)
    .join(', ')}`;

const PEOPLE = `
  create temporary table people as
  select n, case when n % 2 = 0 then acme else globex end as tenant_id, pg_temp.key('0a1', n) as id
    from given, generate_series(1, 2000) n`;

/** The rows of a table with their owners, n counting the rows, o the owners and j the rows of one owner. */
const owned = (table: Table) => `
  (select n, o, j, tenant_id, id as owner, request, scout, parent, case when id in (big, bob) then garden end as garden, acme
     from given, owners, generate_series(0, ${EACH[table]} * case when o = 0 then ${SMALL} else 1 end - 1) j,
          pg_temp.row(o, j) n
    order by n) r`;
/** One of the owner's rows of another table. */
const one = (kind: string, table: Table, which: string) =>
  `pg_temp.key('${kind}', pg_temp.row(o, (${which}) % (${EACH[table]} * case when o = 0 then ${SMALL} else 1 end)))`;

/** What is alike in all credentials: the n-th of all, the j-th of its owner. A quarter are clients, an eighth sessions. */
const KEY_COLUMNS =
  'label, kind, hint, digest, public_key, capabilities, created_at, expires_at, revoked_at, revoked_by, created_by, request_id';
const kind = `('{key,key,client,client,session,key,key,key}'::text[])[1 + j % 8]`;
const keyColumns = (owner: string) => `
  'Key ' || n, ${kind}, case when ${kind} = 'key' then 'bwk_Skew' end,
  case when ${kind} = 'key' then md5(n || 'of' || j) || md5(${owner}::text) end,
  case when ${kind} = 'client' then '{"kty": "EC"}'::jsonb end, '{memory:read}', now() - interval '90 days',
  now() + make_interval(days => (case when j % 3 = 2 then -1 else 200 end)::int),
  case when j % 5 = 1 then now() end, case when j % 5 = 1 then ${owner} end, ${owner}, request`;

/** A value under a key; for a database that is all there is to an envelope. */
const under = (key: string): string => `'bwe1.' || replace(${key}::text, '-', '') || '.x'`;
const dataKeys = (from: string, version = 2): string => `
  insert into data_keys (tenant_id, id, owner_id, holder_id, tenant_key_id, version, erasable, destroyed_at)
  select r.tenant_id, r.id, r.owner, r.holder, t.id, ${version}, false, now()
    from ${from} join tenant_keys t on t.tenant_id = r.tenant_id and t.purpose = 'wrap'`;

const STATEMENTS: readonly string[] = [
  KEY,
  ROW,
  GIVEN,
  PEOPLE,
  // tenants and people who own nothing, so that no table is small enough to be read whole
  `insert into tenants (tenant_id, id, slug, name)
   select pg_temp.key('0a0', n), pg_temp.key('0a0', n), 'tenant-' || n, 'Tenant ' || n from generate_series(1, 1000) n`,
  `insert into entities (tenant_id, id, kind, owner_id) select tenant_id, id, 'user', id from people`,
  `insert into users (tenant_id, id, owner_id, display_name, role)
   select tenant_id, id, id, 'Person ' || n, case when n % 50 < 2 then 'service' else 'member' end from people`,
  `insert into identities (tenant_id, id, entity_id, issuer, subject)
   select tenant_id, pg_temp.key('0a8', n), id, 'https://elsewhere.test/', 'person ' || n from people`,
  // what is in the tenants beside, so that a look-up of a few entities among all of them is one
  `insert into entities (tenant_id, id, kind, owner_id)
   select tenant_id, pg_temp.key('0a9', 8 * n + k), 'world', id from people, generate_series(0, 7) k`,
  // the big owner is number 0
  `create temporary table owners as
   select row_number() over (order by id <> big, id) - 1 as o, tenant_id, id from users, given
    order by id <> big, id limit ${SMALL + 1}`,
  `insert into entities (tenant_id, id, kind, owner_id, status)
   select tenant_id, pg_temp.key('0a2', n), 'agent', owner, case when j % 10 = 9 then 'archived' else 'active' end
     from ${owned('agents')}`,
  `insert into agents (tenant_id, id, owner_id, parent_id, name, created_by, request_id)
   select tenant_id, pg_temp.key('0a2', n), owner, case when j > 8 then ${one('0a2', 'agents', 'j % 8')} end,
          'Agent ' || md5(n::text), owner, request from ${owned('agents')}`,
  // wrapped keys in every tenant, and of everybody: destroyed, because nobody here can wrap one, so that what is under them is gone
  // and no fault
  `insert into tenant_keys (tenant_id, id, purpose, version, erasable, destroyed_at)
   select tenant_id, pg_temp.key('0ac', row_number() over (order by tenant_id)), 'wrap', 1, false, now()
     from tenants where tenant_id not in (select k.tenant_id from tenant_keys k)`,
  dataKeys(`(select tenant_id, id as owner, id as holder, pg_temp.key('0ad', n) as id from people) r`),
  dataKeys(`(select tenant_id, id as owner, id as holder, pg_temp.key('0ae', o) as id from owners) r`, 3),
  dataKeys(`(select tenant_id, owner, pg_temp.key('0a2', n) as holder, pg_temp.key('0af', n) as id from ${owned('agents')}
              where j % 10 in (0, 1, 2, 9)) r`),
  `insert into agent_instructions (tenant_id, id, owner_id, system_prompt)
   select tenant_id, pg_temp.key('0a2', n), owner, case when j % 10 in (0, 1, 2, 9) then ${under("pg_temp.key('0af', n)")} end
     from ${owned('agents')}`,
  `insert into entities (tenant_id, id, kind, owner_id)
   select tenant_id, pg_temp.key('0a3', n), 'world', owner from ${owned('worlds')}`,
  `insert into worlds (tenant_id, id, owner_id, name, created_by, request_id)
   select tenant_id, pg_temp.key('0a3', n), owner, 'World ' || md5(n::text), owner, request from ${owned('worlds')}`,
  // the owner, another owner of the tenant, and three people who own nothing
  `insert into world_members (tenant_id, id, world_id, owner_id, entity_id, role, created_by, request_id)
   select tenant_id, pg_temp.key('0a4', 8 * n + place), pg_temp.key('0a3', n), owner, entity,
          case when entity = owner then 'owner' else 'member' end, owner, request
     from ${owned('worlds')}
     cross join lateral (
       select owner as entity, 0 as place
       union all
       (select p.id, 1 from owners p where p.tenant_id = r.tenant_id and p.id <> owner order by (p.o * 7 + r.n / 2) % 23 limit 1)
       union all
       select p.id, 1 + k from generate_series(1, 3) k
         join people p on p.n = ${SMALL} * 2 + (r.n * 6 + k * 2) % 1900 + case when r.tenant_id = acme then 0 else 1 end) m`,
  `insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, capabilities, world_id, created_at, not_before,
     expires_at, revoked_at, revoked_by, created_by, request_id)
   select tenant_id, pg_temp.key('0a5', n), owner, owner,
          case when o = 0 and j % 4 = 0 then scout else ${one('0a2', 'agents', 'j')} end, '{memory:read}',
          case when j % 3 = 0 then ${one('0a3', 'worlds', 'j')} end, now() - interval '40 days', now() - interval '40 days',
          now() + make_interval(days => (j % 60 - 20)::int, secs => n), case when j % 5 = 1 then now() end,
          case when j % 5 = 1 then owner end, owner, request
     from ${owned('delegations')}`,
  `insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, parent_id, depth, capabilities, expires_at,
     created_by, request_id)
   select tenant_id, pg_temp.key('0b5', n), owner, scout, ${one('0a2', 'agents', 'j')}, parent, 2, '{memory:read}',
          now() + interval '1 hour', owner, request
     from ${owned('delegations')} where o = 0 and j < 300`,
  // one in ten of an owner's is shared in a world of theirs, and of those who are in the garden one in ten there
  `insert into memories (tenant_id, id, owner_id, agent_id, world_id, shared, kind, sensitive, content, metadata, tags, created_at,
     updated_at, created_by, request_id)
   select tenant_id, pg_temp.key('0a6', n), owner,
          case when j % 3 > 0 then ${one('0a2', 'agents', 'j')} end,
          case j % 5 when 2 then garden when 3 then ${one('0a3', 'worlds', 'j / 3')} end,
          j % 10 = 2 and garden is not null or j % 10 = 3,
          (array['note', 'fact', 'preference'])[1 + j % 3], j % 50 = 41,
          case when j % 50 = 41 then ${under("pg_temp.key('0ae', o)")} else 'Number ' || n || case when j % 5 = 0 then ' harvest' else ' weather' end
            || case when j % 250 = 0 then ' zeppelin' else '' end end,
          case when j % 50 = 41 then to_jsonb(${under("pg_temp.key('0ae', o)")}) else '{}' end,
          case when j % 25 = 0 then '{rare}'::text[] else '{common}' end,
          now() - make_interval(mins => (${total('memories')} - n)::int),
          now() - make_interval(mins => (n * 7919 % ${total('memories')})::int), owner, request
     from ${owned('memories')}`,
  // one in three is for a single agent, one in four has an end
  `insert into service_credentials (tenant_id, id, owner_id, agent_id, service, label, kind, scopes, owner_only, origin, calls,
     expires_at, created_by, request_id)
   select tenant_id, pg_temp.key('0ba', n), owner, case when j % 3 = 0 then ${one('0a2', 'agents', 'j')} end, 'service-' || j % 7,
          'Number ' || n, 'api_key', '{}', j % 2 = 0, 'https://service-' || j % 7 || '.invalid',
          '[{"name": "list", "method": "GET", "path": "/"}]', case when j % 4 = 0 then now() + make_interval(days => (j % 60 - 20)::int) end,
          owner, request
     from ${owned('services')}`,
  `insert into service_secrets (tenant_id, id, owner_id, secret, secret_index)
   select tenant_id, pg_temp.key('0ba', n), owner, ${under("pg_temp.key('0ae', o)")}, md5(n::text) from ${owned('services')}`,
  // two in three are about one agent, of the big owner one in ten about Scout; they name other actions than anybody here asks about
  `insert into permissions (tenant_id, id, owner_id, agent_id, service, action, effect, note, created_by, request_id)
   select tenant_id, pg_temp.key('0bb', n), owner,
          case when j % 3 = 0 then null when o = 0 and j % 10 = 1 then scout else ${one('0a2', 'agents', 'j')} end,
          'service-' || j % 7, 'things.n' || n || case when j % 4 = 0 then '.*' else '' end,
          (array['allow', 'ask', 'deny'])[1 + j % 3], 'Number ' || n, owner, request
     from ${owned('permissions')}`,
  // asked through roots, of the big owner every fourth by Scout; one in five waits, most past their end, and none of Scout's
  `insert into approvals (tenant_id, id, owner_id, agent_id, service, action, arguments, digest, reason, version, chain, created_at,
     expires_at, decision, decided_at, decided_by, redeemed_at, redemption_id, created_by, delegation_id, request_id)
   select d.tenant_id, pg_temp.key('0bc', n), d.owner_id, d.delegate_id, 'service-' || j % 7, 'things.change',
          to_jsonb(${under("pg_temp.key('0ae', o)")}), md5(n::text) || md5(n::text), 'Number ' || n, 'past', array[d.id],
          now() - interval '1 day', now() + make_interval(hours => (case when j % 20 = 10 then 20 else -1 end)::int),
          case when j % 5 > 0 then (array['approved', 'rejected'])[1 + j % 2] end, case when j % 5 > 0 then now() end,
          case when j % 5 > 0 then d.owner_id end, case when j % 10 = 2 then now() end, case when j % 10 = 2 then request end,
          d.delegate_id, d.id, request
     from ${owned('approvals')} join delegations d on d.tenant_id = r.tenant_id and d.id = pg_temp.key('0a5', n)`,
  // one every eight minutes, so that some months are full; of the big owner every fourth by Scout; one in ten failed
  `insert into activity_entries (tenant_id, id, owner_id, agent_id, service, action, summary, outcome, duration_ms, chain, created_at,
     created_by, delegation_id, request_id)
   select d.tenant_id,
          (left(bailiwick.id_at(r.made)::text, 14) || '70bd-8' || lpad(to_hex(n), 15, '0'))::uuid, d.owner_id, d.delegate_id,
          'service-' || j % 7, (array['things.find', 'things.change', 'things.send'])[1 + j % 3], 'Number ' || n,
          case when j % 10 = 3 then 'failed' else 'succeeded' end, j % 900, array[d.id], r.made, d.delegate_id, d.id, request
     from (select *, now() - make_interval(mins => (8 * (${total('entries')} - n))::int) as made from ${owned('entries')}) r
     join delegations d on d.tenant_id = r.tenant_id and d.id = pg_temp.key('0a5', pg_temp.row(o, j % (${EACH.delegations} * case when o = 0 then ${SMALL} else 1 end)))`,
  // the younger half of them went somewhere, to a few hosts
  `update activity_entries set network = jsonb_build_object('host', 'host-' || duration_ms % 20 || '.invalid', 'port', 443)
    where duration_ms % 2 = 0`,
  // of every agent that is below another; half of them frozen, with little in it
  `insert into baselines (tenant_id, id, owner_id, agent_id, since, frozen_at, learned, created_by, request_id)
   select tenant_id, pg_temp.key('0bd', n), owner, pg_temp.key('0a2', n), now() - interval '30 days',
          case when j % 2 = 0 then now() - interval '1 day' end,
          case when j % 2 = 0 then '[{"host": "host-2.invalid", "port": 443, "times": 7}]' else '[]' end::jsonb, owner, request
     from ${owned('agents')} where j > 8`,
  // and of two of the cast, which learn, whatever they did before
  `insert into baselines (tenant_id, id, owner_id, agent_id, since, created_by, request_id)
   select acme, scout, big, scout, now() - interval '30 days', big, request from given
   union all
   select acme, bobot, bob, bobot, now() - interval '30 days', bob, request from given
   on conflict (tenant_id, agent_id, owner_id) do update set since = excluded.since, frozen_at = null, learned = '[]'`,
  // forty a day, half of them of memories; of the big owner every fourth by Scout
  `insert into access_receipts (tenant_id, id, owner_id, agent_id, day, operation, kind, row_id, times, first_at, last_at,
     delegation_id, request_id)
   select tenant_id, pg_temp.key('0be', n), owner,
          case when o = 0 and j % 4 = 0 then scout else ${one('0a2', 'agents', 'j')} end,
          current_date - ((${total('receipts')} - n) / 960)::int, (array['memories', 'node'])[1 + j % 2],
          (array['Memory', 'Agent', 'Memory', 'World'])[1 + j % 4], ${one('0a6', 'memories', 'j')}, 1 + j % 9, now(), now(),
          ${one('0a5', 'delegations', 'j')}, request
     from ${owned('receipts')}`,
  // of the cast, one that can be redeemed
  `update approvals set decision = 'approved', decided_at = now(), decided_by = owner_id where id = '${APPROVALS[0]?.id}'`,
  // half of an owner's credentials are its own and half its agents', Scout's bound to a delegation; one in five is revoked, and of
  // the others one in three has expired
  `insert into credentials (tenant_id, id, owner_id, entity_id, ${KEY_COLUMNS}, pinned_id)
   select tenant_id, pg_temp.key('0aa', 16 * n), owner,
          case when j % 2 = 0 then owner when o = 0 and j % 12 = 1 then scout else ${one('0a2', 'agents', 'j')} end,
          ${keyColumns('owner')}, case when o = 0 and j % 12 = 1 then parent end
     from ${owned('keys')}`,
  // and four of everybody else's, made in between, so that a tenant has thousands
  `insert into credentials (tenant_id, id, owner_id, entity_id, ${KEY_COLUMNS})
   select tenant_id, pg_temp.key('0ab', n), id, id, ${keyColumns('id')}
     from given, (select tenant_id, id, people.n + 2000 * j as n, j from people, generate_series(0, 3) j order by 3) r`,
];

const TABLES = [...READ, 'identities'];
/** Where their rows are: of a table that has parts, there. */
const STORED = `
  select c.oid::regclass::text as table from pg_class c left join pg_inherits i on i.inhrelid = c.oid
   where c.relkind = 'r' and coalesce(i.inhparent, c.oid) = any ($1::text[]::regclass[])`;

/** Those with pages that are not known as visible to everybody. */
const HIDDEN = `
  select oid::regclass::text as table from pg_class where oid = any ($1::text[]::regclass[]) and relallvisible < relpages`;
/** Times that are waited, and how long each. */
const PATIENCE = 30;
const BETWEEN_MS = 500;

/** Makes the rows exist and the planner know of them. As the migrator, in a database that has the cast. */
export async function makeSkew({ client }: Sql): Promise<void> {
  await client.query('begin');
  for (const statement of STATEMENTS) {
    await client.query(statement);
  }
  // nothing may change what the planner knows in the middle of a test
  const { rows } = await client.query<{ table: string }>(STORED, [TABLES]);
  for (const { table } of rows) {
    await client.query(`alter table ${table} set (autovacuum_enabled = false)`);
  }
  await client.query('commit');
  // vacuumed too, or else what an index alone can answer would depend on who came by before; and again while somebody's snapshot, such
  // as that of an analysis which the server began by itself, keeps pages from being known as visible to all
  const stored = rows.map(({ table }) => table);
  for (let patience = PATIENCE; ; patience -= 1) {
    await client.query(`vacuum (analyze, index_cleanup on) ${TABLES.join(', ')}`);
    const hidden = await client.query<{ table: string }>(HIDDEN, [stored]);
    if (hidden.rows.length === 0) {
      return;
    }
    if (patience === 0) {
      throw new Error(`not visible to all: ${hidden.rows.map(({ table }) => table).join(', ')}`);
    }
    await sleep(BETWEEN_MS);
  }
}
