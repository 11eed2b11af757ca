// The months of the activity log, and how long its entries are kept: the partitions, made ahead of time and dropped when everybody's
// limit has passed them, and what goes one by one where only some have passed it.
//
// The migrator's work, at the start of a server and by `bailiwick activity`; no request comes here. What is in the entries is never
// looked at, only how old they are. The functions stand in prisma/policies/08-activity.sql.

import type { Client } from 'pg';

/** How many months ahead there are partitions for. */
export const MONTHS_AHEAD = 12;

export type Partition = {
  readonly name: string;
  /** From this moment on; null for whatever is older than the end, and for what no month has been made for. */
  readonly from: Date | null;
  /** Before this moment. */
  readonly until: Date | null;
  /** As many as PostgreSQL last knew of; null where it never counted. */
  readonly rows: number | null;
  readonly bytes: number;
};

/**
 * Makes the partitions that are missing. Costs one question when none is.
 *
 * @returns how many were missing; none where the policies are of a time before there was a log.
 */
export async function ensurePartitions(client: Client, months = MONTHS_AHEAD): Promise<number> {
  const { rows } = await client.query<{ known: boolean }>(
    `select to_regprocedure('bailiwick.ensure_activity_partitions(int)') is not null as known`,
  );
  if (rows[0]?.known !== true) {
    return 0;
  }
  const made = await client.query<{ made: number }>(
    'select bailiwick.ensure_activity_partitions($1) as made',
    [months],
  );
  return made.rows[0]?.made ?? 0;
}

// the first six bytes of a bound are its milliseconds
const BOUND = (word: 'FROM' | 'TO') => `
  to_timestamp(('x' || lpad(left(replace(
    (regexp_match(pg_get_expr(c.relpartbound, c.oid), '${word} \\(''([0-9a-f-]+)''\\)'))[1], '-', ''), 12), 16, '0'))::bit(64)::bigint / 1000.0)`;

/** Every partition, the oldest first. */
export async function listPartitions(client: Client): Promise<Partition[]> {
  const { rows } = await client.query<Partition>(
    `select c.relname as name, ${BOUND('FROM')} as "from", ${BOUND('TO')} as until,
            nullif(c.reltuples, -1)::float8 as rows, pg_total_relation_size(c.oid)::float8 as bytes
       from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'public.activity_entries'::regclass
      order by until nulls last`,
  );
  return rows;
}

/** Drops the months that are past every tenant's limit, and returns their names. */
export async function dropExpired(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ names: string[] }>(
    'select bailiwick.drop_activity_partitions() as names',
  );
  return rows[0]?.names ?? [];
}

/** How many entries are past their tenant's limit. */
export async function countExpired(client: Client): Promise<number> {
  const { rows } = await client.query<{ expired: number }>(
    `select coalesce(sum(x.expired), 0)::float8 as expired
       from tenants t, lateral (
         select count(*) as expired from activity_entries a
          where a.tenant_id = t.tenant_id
            and a.id < bailiwick.id_at(statement_timestamp() - make_interval(days => t.activity_days))) x`,
  );
  return rows[0]?.expired ?? 0;
}

/** Throws away at most so many entries that are past their tenant's limit, and returns how many. */
export async function expireBatch(client: Client, batch: number): Promise<number> {
  const { rows } = await client.query<{ gone: number }>('select bailiwick.expire($1) as gone', [batch]);
  return rows[0]?.gone ?? 0;
}

/** Sets for how many days a tenant's entries are kept. False where there is no such tenant. */
export async function setRetention(client: Client, tenant: string, days: number): Promise<boolean> {
  const { rowCount } = await client.query('update tenants set activity_days = $2 where slug = $1', [
    tenant,
    days,
  ]);
  return rowCount === 1;
}

/** Sets that one in so many operations of a tenant's agents leaves receipts. False where there is no such tenant. */
export async function setReceipts(client: Client, tenant: string, every: number): Promise<boolean> {
  const { rowCount } = await client.query('update tenants set receipt_every = $2 where slug = $1', [
    tenant,
    every,
  ]);
  return rowCount === 1;
}
