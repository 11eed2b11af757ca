// Fills the activity log of a scratch installation: a year of entries of fifty owners, one of whom has half of all. Made in SQL as the
// migrator, month by month, into partitions of the past that an installation of that age would have.
//
// Indexes and the foreign key are taken away meanwhile and made again at the end, which is many times faster and comes to the same.

import type { Client } from 'pg';
import { AGENTS, SEED_REQUEST, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';

/** Owners beside the big one. */
const SMALL = 49;
/** Agents of each small owner; of the big one, those of the cast. */
const EACH = 4;
export const MONTHS = 12;

/** What every tenth entry or so has in common, and what few have. */
export const COMMON = {
  service: 'tracker',
  action: 'issues.list',
  outcome: 'succeeded',
  agent: 'scout',
} as const;
export const RARE = {
  service: 'payroll',
  action: 'salaries.read',
  outcome: 'denied',
  agent: 'scribe',
} as const;

const acme = TENANTS.acme.id;

const PEOPLE = `
  create temporary table people as
  select n, gen_random_uuid() as owner_id from generate_series(1, ${SMALL}) n;
  insert into entities (tenant_id, id, kind, owner_id) select '${acme}', owner_id, 'user', owner_id from people;
  insert into users (tenant_id, id, owner_id, display_name) select '${acme}', owner_id, owner_id, 'Owner ' || n from people;
  create temporary table crew as
  select n as place, k, owner_id, gen_random_uuid() as agent_id from people, generate_series(0, ${EACH - 1}) k;
  insert into entities (tenant_id, id, kind, owner_id) select '${acme}', agent_id, 'agent', owner_id from crew;
  insert into agents (tenant_id, id, owner_id, name, created_by, request_id)
  select '${acme}', agent_id, owner_id, 'Agent ' || k, owner_id, '${SEED_REQUEST}' from crew;
  analyze crew;`;

/** Rows $1 to $2 of $3, in the order of time: the share that falls into one month. */
const ROWS = `
  insert into activity_entries (tenant_id, id, owner_id, agent_id, service, action, summary, outcome, duration_ms, chain,
    created_at, created_by, delegation_id, request_id)
  select '${acme}',
         (lpad(to_hex(at.ms), 12, '0') || '7' || substr(h.x, 1, 3) || '8' || substr(h.x, 4, 15))::uuid,
         coalesce(c.owner_id, '${USERS.alice.id}'), a.id,
         case when n % 9973 = 0 then '${RARE.service}' when n % 10 < 4 then '${COMMON.service}' else 'service-' || (n / 2) % 19 end,
         case when n % 9973 = 0 then '${RARE.action}' when n % 10 < 4 then '${COMMON.action}' else 'things.do' || (n / 2) % 29 end,
         'Entry ' || n || ' of the year, with what was asked for',
         case when n % 200 < 2 then '${RARE.outcome}' when n % 20 < 3 then 'failed' when n % 20 = 5 then 'started' else '${COMMON.outcome}' end,
         (n * 7919) % 2000, array['${DELEGATIONS.scout.id}'::uuid], to_timestamp(at.ms / 1000.0), a.id, '${DELEGATIONS.scout.id}',
         '${SEED_REQUEST}'
    from generate_series($1::bigint, $2::bigint) n
    cross join lateral (select md5(n::text) as x) h
    cross join lateral (select $4::bigint + (n * (($5::bigint - $4::bigint) / $3::numeric))::bigint as ms) at
    left join crew c on n % 2 = 1 and c.place = 1 + (n / 2) % ${SMALL} and c.k = (n / 100) % ${EACH}
    cross join lateral (select coalesce(c.agent_id,
      case when n % 10000 = 8 then '${AGENTS.scribe.id}' else '${AGENTS.scout.id}' end::uuid) as id) a`;

const INDEXES = `
  select replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') as make, i.indexrelid::regclass::text as name
    from pg_index i where i.indrelid = 'public.activity_entries'::regclass and not i.indisprimary`;
const KEYS = `
  select conname as name, pg_get_constraintdef(oid) as make from pg_constraint
   where conrelid = 'public.activity_entries'::regclass and contype = 'f'`;

type Made = { readonly name: string; readonly make: string };

/**
 * Fills so many rows, up to this moment.
 *
 * @param told Told how many are there.
 */
export async function fill(client: Client, rows: number, told: (done: number) => void): Promise<void> {
  await client.query(PEOPLE);
  await makePast(client);
  const { rows: indexes } = await client.query<Made>(INDEXES);
  const { rows: keys } = await client.query<Made>(KEYS);
  for (const { name } of keys) {
    await client.query(`alter table activity_entries drop constraint ${name}`);
  }
  for (const { name } of indexes) {
    await client.query(`drop index ${name}`);
  }
  const until = Date.now();
  const since = new Date(until);
  since.setUTCMonth(since.getUTCMonth() - MONTHS);
  const step = Math.ceil(rows / 40);
  for (let from = 0; from < rows; from += step) {
    const to = Math.min(from + step, rows) - 1;
    await client.query(ROWS, [from, to, rows, since.getTime(), until]);
    told(to + 1);
  }
  for (const { make } of indexes) {
    await client.query(make);
  }
  for (const { name, make } of keys) {
    await client.query(`alter table activity_entries add constraint ${name} ${make}`);
  }
  await client.query('vacuum (analyze, freeze) activity_entries');
}

/** The months before the present one, which a new installation has no use for. */
async function makePast(client: Client): Promise<void> {
  await client.query('drop table activity_entries_past');
  const month = (back: number) => {
    const now = new Date();
    return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1));
  };
  const at = async (moment: Date) => {
    const { rows } = await client.query<{ id: string }>('select bailiwick.id_at($1) as id', [moment]);
    return `'${rows[0]?.id}'`;
  };
  const make = async (name: string, from: string, to: string) => {
    await client.query(
      `create table ${name} partition of activity_entries for values from (${from}) to (${to})`,
    );
    await client.query(`alter table ${name} enable row level security, force row level security`);
    await client.query(`revoke all on ${name} from public, bailiwick_runtime, bailiwick_kernel`);
  };
  for (let back = MONTHS; back > 0; back -= 1) {
    const begin = month(back);
    const name = `activity_entries_${begin.toISOString().slice(0, 7).replace('-', '_')}`;
    await make(name, await at(begin), await at(month(back - 1)));
  }
  await make('activity_entries_past', 'minvalue', await at(month(MONTHS)));
}
