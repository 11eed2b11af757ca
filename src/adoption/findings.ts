// What the shadow phase has seen, for people and for the step to strict: findings, each a table, verb, clause and statement, with how many rows,
// whose, when, and some keys; and what was accepted of them, by whom and why.

import type { Client } from 'pg';
import { SCHEMAS } from './names.ts';

const STATE = SCHEMAS.state;

/** Why a strict policy would not have let a row pass. */
export const CLAUSES: Readonly<Record<string, string>> = {
  context: 'no session was open',
  unowned: 'the row belongs to nobody',
  tenant: 'the row is another tenant’s',
  owner: 'the row is another owner’s',
  world: 'the row is in another world than the delegation allows',
  capability: 'the delegation or token does not allow it',
};

export type ShadowFinding = {
  /** Of table, verb, clause and statement: the same tomorrow. */
  readonly id: string;
  readonly table: string;
  readonly verb: string;
  readonly clause: string;
  readonly query: string;
  readonly statements: number;
  readonly rows: number;
  /** Who acted, by the adopter's key, and how many rows; `nobody` without a session. */
  readonly actors: Readonly<Record<string, number>>;
  readonly roles: readonly string[];
  readonly samples: readonly string[];
  readonly firstAt: Date;
  readonly lastAt: Date;
  /** Why it is as it should be; null where nobody said so. */
  readonly accepted: string | null;
};

/** @param since Only what was seen from then on. */
export async function readFindings(client: Client, since = new Date(0)): Promise<ShadowFinding[]> {
  const { rows } = await client.query<ShadowFinding>(
    `with seen as (
       select o.*, t.name as "table",
              coalesce((select i.subject from ${SCHEMAS.data}.identities i where i.entity_id::text = o.actor limit 1),
                       nullif(o.actor, ''), 'nobody') as subject
         from ${STATE}.observed o join ${STATE}.tables t on t.number = o.number
        where o.last_at >= $1
     ), by_actor as (
       select number, verb, clause, fingerprint, subject, sum(rows)::float8 as rows from seen group by 1, 2, 3, 4, 5
     ), actors as (
       select number, verb, clause, fingerprint, jsonb_object_agg(subject, rows) as actors from by_actor group by 1, 2, 3, 4
     ), keys as (
       select number, verb, clause, fingerprint, (array_agg(distinct k))[1:5] as samples
         from seen, unnest(samples) k group by 1, 2, 3, 4
     ), findings as (
       select "table", number, verb, clause, fingerprint, sum(statements)::float8 as statements, sum(rows)::float8 as rows,
              array_agg(distinct role) as roles, min(first_at) as first_at, max(last_at) as last_at
         from seen group by 1, 2, 3, 4, 5
     )
     select left(md5(concat_ws('|', f."table", f.verb, f.clause, f.fingerprint)), 8) as id, f."table", f.verb, f.clause,
            coalesce(q.text, 'a statement that is not known') as query, f.statements, f.rows, a.actors, f.roles,
            coalesce(k.samples, '{}') as samples, f.first_at as "firstAt", f.last_at as "lastAt", c.reason as accepted
       from findings f
       join actors a using (number, verb, clause, fingerprint)
       left join keys k using (number, verb, clause, fingerprint)
       left join ${STATE}.queries q using (fingerprint)
       left join ${STATE}.acceptances c using (number, verb, clause, fingerprint)
      order by f.rows desc, 1`,
    [since],
  );
  return rows;
}

export type Moment = { readonly at: Date; readonly rows: number; readonly statements: number };

/** How much was seen, minute by minute, oldest first; minutes without anything are left out. */
export async function readCourse(client: Client, since: Date): Promise<Moment[]> {
  const { rows } = await client.query<Moment>(
    `select bucket as at, sum(rows)::float8 as rows, sum(statements)::float8 as statements
       from ${STATE}.observed where bucket >= date_trunc('minute', $1::timestamptz) group by 1 order by 1`,
    [since],
  );
  return rows;
}

/** Since when each table is looked at without interruption; one that is missing lost what was seen when the server crashed. */
export async function readLooking(client: Client): Promise<ReadonlyMap<string, Date>> {
  const { rows } = await client.query<{ name: string; since: Date }>(
    `select t.name, l.since from ${STATE}.looking l join ${STATE}.tables t on t.number = l.number`,
  );
  return new Map(rows.map(({ name, since }) => [name, since]));
}

/** Begins to look anew, where what was seen was lost. */
export async function lookAnew(client: Client, names: readonly string[]): Promise<void> {
  await client.query(
    `insert into ${STATE}.looking (number) select number from ${STATE}.tables where name = any ($1) on conflict do nothing`,
    [names],
  );
}

/**
 * Says of findings that they are as they should be.
 *
 * @param id Left out: of all that nobody has accepted yet.
 * @returns how many.
 */
export async function accept(client: Client, reason: string, id?: string): Promise<number> {
  const { rowCount } = await client.query(
    `insert into ${STATE}.acceptances (number, verb, clause, fingerprint, reason)
     select distinct o.number, o.verb, o.clause, o.fingerprint, $1
       from ${STATE}.observed o join ${STATE}.tables t on t.number = o.number
      where $2::text is null or left(md5(concat_ws('|', t.name, o.verb, o.clause, o.fingerprint)), 8) = $2
     on conflict do nothing`,
    [reason, id ?? null],
  );
  return rowCount ?? 0;
}

/** Puts together what backends that are gone have seen: one row for each hour in the place of one for each minute and backend. */
export async function fold(client: Client): Promise<void> {
  await client.query(
    `with gone as (
       delete from ${STATE}.observed o
        where o.bucket < now() - interval '1 day' and not exists (select from pg_stat_activity a where a.pid = o.backend)
       returning *
     )
     insert into ${STATE}.observed as o (bucket, number, verb, clause, actor, role, fingerprint, backend, statements, rows, samples, first_at, last_at)
     select date_trunc('hour', bucket), number, verb, clause, actor, role, fingerprint, 0, sum(statements), sum(rows),
            string_to_array((array_agg(one))[1], E'\\t'), min(first_at), max(last_at)
       from (select g.*, array_to_string(g.samples, E'\\t') as one from gone g) g group by 1, 2, 3, 4, 5, 6, 7
     on conflict (number, verb, clause, actor, role, fingerprint, bucket, backend)
       do update set statements = o.statements + excluded.statements, rows = o.rows + excluded.rows, last_at = excluded.last_at`,
  );
  await client.query(
    `delete from ${STATE}.bells b where not exists (select from pg_stat_activity a where a.pid = b.backend)`,
  );
}
