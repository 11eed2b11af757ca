// What the database of the comparison holds: the demo, and beside it many owners, of whom one, alice, has a quarter of all memories. She has
// twenty worlds and twenty agents of her own for the nested pages, and a chain of four delegations.
//
// Made in SQL as the migrator, from numbers, so that every run has the same.

import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { SEED_REQUEST, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DEVELOPMENT_ISSUER } from '../../src/development.ts';

const acme = TENANTS.acme.id;
const alice = USERS.alice.id;
/** Owners beside alice. */
const OWNERS = 200;
export const WORLDS = 20;
export const CHAIN = 4;

/** The id of the nth thing of a kind, in the order of their numbers. */
export const idOf = (kind: string, n: number): string => {
  const hash = createHash('md5').update(`${kind}${n}`).digest('hex');
  const order = n.toString(16).padStart(8, '0');
  return `01900000-${order.slice(0, 4)}-7${hash.slice(0, 3)}-8${hash.slice(3, 6)}-${order.slice(4)}${hash.slice(6, 14)}`;
};
/** The same in SQL; `n` is an expression. */
export const sqlId = (kind: string, n: string) =>
  `('01900000-' || substr(lpad(to_hex(${n}), 8, '0'), 1, 4) || '-7' || substr(md5('${kind}' || ${n}), 1, 3) || '-8' || substr(md5('${kind}' || ${n}), 4, 3)
    || '-' || substr(lpad(to_hex(${n}), 8, '0'), 5) || substr(md5('${kind}' || ${n}), 7, 8))::uuid`;

const MADE = `'${alice}'::uuid, '${SEED_REQUEST}'::uuid`;

const PEOPLE = `
  insert into entities (tenant_id, id, kind, owner_id) select '${acme}', ${sqlId('owner', 'n')}, 'user', ${sqlId('owner', 'n')} from generate_series(1, ${OWNERS}) n;
  insert into users (tenant_id, id, owner_id, display_name) select '${acme}', ${sqlId('owner', 'n')}, ${sqlId('owner', 'n')}, 'Owner ' || n from generate_series(1, ${OWNERS}) n;
  insert into entities (tenant_id, id, kind, owner_id) select '${acme}', ${sqlId('agent', 'n')}, 'agent', '${alice}' from generate_series(1, ${WORLDS}) n;
  insert into agents (tenant_id, id, owner_id, name, created_by, request_id)
    select '${acme}', ${sqlId('agent', 'n')}, '${alice}', 'Agent ' || n, ${MADE} from generate_series(1, ${WORLDS}) n;
  insert into entities (tenant_id, id, kind, owner_id) select '${acme}', ${sqlId('world', 'n')}, 'world', '${alice}' from generate_series(1, ${WORLDS}) n;
  insert into worlds (tenant_id, id, owner_id, name, updated_at, created_by, request_id)
    select '${acme}', ${sqlId('world', 'n')}, '${alice}', 'World ' || n, now(), ${MADE} from generate_series(1, ${WORLDS}) n;
  insert into world_members (tenant_id, id, world_id, owner_id, entity_id, role, created_by, request_id)
    select '${acme}', gen_random_uuid(), ${sqlId('world', 'n')}, '${alice}', '${alice}', 'owner', ${MADE} from generate_series(1, ${WORLDS}) n;
  insert into identities (tenant_id, id, entity_id, issuer, subject)
    select '${acme}', gen_random_uuid(), ${sqlId('agent', 'n')}, '${DEVELOPMENT_ISSUER}', 'agent' || n from generate_series(1, ${CHAIN}) n;`;

/** A chain of delegations: alice's first agent is sent by her, each further one by the one before. */
const DELEGATIONS = `
  insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, parent_id, depth, redelegate, capabilities, purpose, not_before,
      expires_at, created_by, request_id)
    select '${acme}', ${sqlId('delegation', 'n')}, '${alice}', case when n = 1 then '${alice}'::uuid else ${sqlId('agent', '(n - 1)')} end,
           ${sqlId('agent', 'n')}, case when n > 1 then ${sqlId('delegation', '(n - 1)')} end, n, ${CHAIN} - n,
           array['memory:read', 'memory:create', 'memory:update', 'agent:read', 'world:read', 'member:read'], 'comparison', now() - interval '1 minute',
           now() + interval '20 hours', case when n = 1 then '${alice}'::uuid else ${sqlId('agent', '(n - 1)')} end, '${SEED_REQUEST}'
      from generate_series(1, ${CHAIN}) n`;

const WORDS = `(array['budget','garden','meeting','invoice','travel','recipe','deadline','contract','idea','birthday'])`;
const MEMORIES = `
  insert into memories (tenant_id, id, owner_id, agent_id, world_id, kind, content, tags, created_at, updated_at, created_by, request_id)
    select '${acme}', ${sqlId('memory', 'n')}, case when n % 4 = 0 then '${alice}'::uuid else ${sqlId('owner', `(1 + n % ${OWNERS})`)} end,
           case when n % 4 = 0 then ${sqlId('agent', `(1 + (n / 4) % ${WORLDS})`)} end,
           case when n % 4 = 0 then ${sqlId('world', `(1 + (n / 80) % ${WORLDS})`)} end,
           case when n % 12 = 0 then 'fact' else 'note' end,
           'Memory ' || n || ' about the ' || ${WORDS}[1 + n % 10] || ' and the ' || ${WORDS}[1 + (n / 10) % 10] || ' of ' || md5(n::text),
           array['tag' || n % 7], now() - make_interval(secs => ($2::bigint - n)), now() - make_interval(secs => ($2::bigint - n)), ${MADE}
      from generate_series($1::bigint, $2::bigint) n`;

/** For the peer, which makes a search of a function. */
const SEARCH = `
  create schema bench; grant usage on schema bench to bailiwick_runtime;
  create function bench.search_memories(words text, most int) returns setof public.memories language sql stable as $$
    select m.* from public.memories m
     where m.tenant_id = (select bailiwick.tenant_id()) and m.owner_id = (select bailiwick.owner('memory', 'read'))
       and m.search @@ websearch_to_tsquery('english', words)
     order by ts_rank_cd(m.search, websearch_to_tsquery('english', words)) desc, m.id desc limit most $$`;

/** Fills the database. @param told Told how many memories are there. */
export async function fill(client: Client, memories: number, told: (done: number) => void): Promise<void> {
  await client.query(PEOPLE);
  // the peer would show envelopes where we show what is in them
  await client.query('delete from memories where sensitive');
  await client.query(DELEGATIONS);
  for (let from = 1; from <= memories; from += 50_000) {
    const to = Math.min(memories, from + 49_999);
    await client.query(MEMORIES.replaceAll('$2::bigint - n', `${memories}::bigint - n`), [from, to]);
    told(to);
  }
  await client.query(SEARCH);
  await client.query('vacuum analyze');
}

/** Numbers of memories that are alice's. */
export const alices = (memories: number, n: number): number => 4 * (1 + (n % Math.floor(memories / 4)));
