// The months of the activity log and of the audit, made ahead of time; and how long entries of the activity log are kept: the months that
// are dropped when everybody's limit has passed them, and what goes one by one where only some have passed it. Nothing here drops a month
// of the audit: it can be taken out, and is then the operator's.
//
// The migrator's work, at the start of a server and by `bailiwick activity` and `bailiwick audit`; no request comes here. What is in the
// entries is never looked at, only how old they are. The functions stand in prisma/policies/08-activity.sql.

import { type Client, DatabaseError, escapeIdentifier } from 'pg';

/** The tables that are cut into months by id. */
export const LOGS = ['activity_entries', 'audit_entries'] as const;
export type Log = (typeof LOGS)[number];

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
 * Makes the partitions that are missing. Costs two questions when none is, for both logs together.
 *
 * @returns how many were missing; none where the policies are of a time before there was a log.
 */
export async function ensurePartitions(
  client: Client,
  months = MONTHS_AHEAD,
  logs: readonly Log[] = LOGS,
): Promise<number> {
  const { rows } = await client.query<{ known: boolean; before: boolean }>(
    `select to_regprocedure('bailiwick.ensure_partitions(regclass, int)') is not null as known,
            to_regprocedure('bailiwick.ensure_activity_partitions(int)') is not null as before`,
  );
  if (rows[0]?.known !== true) {
    // policies that this tree is compared with, of a time when the audit had no months
    const sql = rows[0]?.before ? 'select bailiwick.ensure_activity_partitions($1) as made' : undefined;
    return sql === undefined ? 0 : madeBy(client, sql, [months]);
  }
  return await madeBy(
    client,
    'select coalesce(sum(bailiwick.ensure_partitions(log::regclass, $1)), 0)::int as made from unnest($2::text[]) log',
    [months, logs.map((log) => `public.${log}`)],
  );
}

async function madeBy(client: Client, sql: string, values: readonly unknown[]): Promise<number> {
  const { rows } = await client.query<{ made: number }>(sql, [...values]);
  return rows[0]?.made ?? 0;
}

// the first six bytes of a bound are its milliseconds
const BOUND = (word: 'FROM' | 'TO') => `
  to_timestamp(('x' || lpad(left(replace(
    (regexp_match(pg_get_expr(c.relpartbound, c.oid), '${word} \\(''([0-9a-f-]+)''\\)'))[1], '-', ''), 12), 16, '0'))::bit(64)::bigint / 1000.0)`;

/** Every partition of a log, the oldest first. */
export async function listPartitions(client: Client, log: Log): Promise<Partition[]> {
  const { rows } = await client.query<Partition>(
    `select c.relname as name, ${BOUND('FROM')} as "from", ${BOUND('TO')} as until,
            nullif(c.reltuples, -1)::float8 as rows, pg_total_relation_size(c.oid)::float8 as bytes
       from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = $1::regclass
      order by until nulls last`,
    [`public.${log}`],
  );
  return rows;
}

/** Why a month of the audit cannot be taken out. */
export type Kept = 'absent' | 'not over' | 'in use';

/**
 * Takes a month that is over out of the audit: it becomes a table by itself, under the same forced row security and open to nobody but its
 * owner. Whoever writes to the audit waits for that, for two seconds at most.
 *
 * @param month As YYYY-MM.
 * @returns the table, by its name in schema public; or why nothing was changed.
 */
export async function detachMonth(client: Client, month: string): Promise<{ table: string } | Kept> {
  await client.query('begin');
  try {
    await client.query("set local lock_timeout = '2s'");
    await client.query("select pg_advisory_xact_lock(hashtext('bailiwick.partitions'))");
    // entries of up to five minutes ago are still written (bailiwick.is_recent)
    const { rows } = await client.query<{ name: string; over: boolean }>(
      `select m.name, m.until <= bailiwick.id_at(statement_timestamp() - interval '5 minutes') as over
         from bailiwick.months_of('public.audit_entries') m where m.month = to_date($1, 'YYYY-MM')`,
      [month],
    );
    const found = rows[0];
    if (found === undefined || !found.over) {
      await client.query('rollback');
      return found === undefined ? 'absent' : 'not over';
    }
    await client.query(
      `alter table public.audit_entries detach partition public.${escapeIdentifier(found.name)}`,
    );
    await client.query('commit');
    return { table: found.name };
  } catch (error) {
    await client.query('rollback');
    if (error instanceof DatabaseError && error.code === '55P03') {
      return 'in use';
    }
    throw error;
  }
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
