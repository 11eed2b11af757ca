// What is usual for an agent, from the log of what it did, and how far something is from it. The kernel compares by the same function
// what is noted later (prisma/policies/29-baselines.sql).
//
// Everything is asked under the caller's own context: the log shows what the policies of its table let through.

import type { Network } from './activity.ts';
import type { Transaction } from './client.ts';

/** Where calls of an agent went, and how many of them. */
export type Usual = Network & { readonly times: number };

/** One thing about a call that is unusual. */
export type Deviation = {
  readonly dimension: 'host' | 'port' | 'method' | 'tls' | 'fingerprint';
  readonly value: string;
  /** Between 0 and 1. */
  readonly weight: number;
};

export type Deviated = { readonly score: number; readonly deviations: readonly Deviation[] };

/** A call that was compared: one of the log, or one that the caller has told of. */
export type Compared = Deviated & { readonly entryId: string | null; readonly network: Network };

/** Entries looked through, and different calls that a baseline holds. */
const MOST_ENTRIES = 10_000;
export const MOST_USUAL = 1000;

/** Calls that are compared at once. */
export const MOST_COMPARED = 500;

/** What is learned from an agent's newest entries from a time on and before another, the most frequent first. */
export async function learn(
  db: Transaction,
  agentId: string,
  since: Date,
  until: Date,
): Promise<readonly Usual[]> {
  const [row] = await db.$queryRaw<{ learned: Usual[] }[]>`
    with calls as (
      select a.network
        from public.activity_entries a
       where a.tenant_id = (select bailiwick.tenant_id()) and a.owner_id = (select bailiwick.owner('activity', 'read'))
         and a.agent_id = ${agentId}::uuid
         and a.id >= bailiwick.id_at(${since}::timestamptz) and a.id < bailiwick.id_at(${until}::timestamptz)
       order by a.id desc
       limit ${MOST_ENTRIES}::int
    ), kinds as (
      select c.network, count(*) as times from calls c where c.network is not null
       group by c.network order by times desc, c.network::text limit ${MOST_USUAL}::int
    )
    select coalesce(jsonb_agg(k.network || jsonb_build_object('times', k.times) order by k.times desc, k.network::text), '[]') as learned
      from kinds k`;
  return row?.learned ?? [];
}

/** How far calls are from what is usual, each, in the order given. */
export async function compare(
  db: Transaction,
  usual: readonly Usual[],
  calls: readonly Network[],
): Promise<readonly Compared[]> {
  return await db.$queryRaw<Compared[]>`
    select null as "entryId", c.network, (d.found->>'score')::float8 as score, d.found->'deviations' as deviations
      from jsonb_array_elements(${JSON.stringify(calls)}::jsonb) with ordinality c (network, place),
           lateral (select bailiwick.deviation(${JSON.stringify(usual)}::jsonb, c.network) as found) d
     order by c.place`;
}

/** The same for an agent's newest calls in the log from a time on, the newest first. */
export async function compareLogged(
  db: Transaction,
  usual: readonly Usual[],
  agentId: string,
  since: Date,
): Promise<readonly Compared[]> {
  return await db.$queryRaw<Compared[]>`
    with calls as (
      select a.id, a.network
        from public.activity_entries a
       where a.tenant_id = (select bailiwick.tenant_id()) and a.owner_id = (select bailiwick.owner('activity', 'read'))
         and a.agent_id = ${agentId}::uuid and a.id >= bailiwick.id_at(${since}::timestamptz) and a.network is not null
         -- nothing is written further ahead, and the months to come need not be looked into
         and a.id < bailiwick.id_at(statement_timestamp() + interval '5 minutes')
       order by a.id desc
       limit ${MOST_COMPARED}::int
    )
    select c.id::text as "entryId", c.network, (d.found->>'score')::float8 as score, d.found->'deviations' as deviations
      from calls c, lateral (select bailiwick.deviation(${JSON.stringify(usual)}::jsonb, c.network) as found) d
     order by c.id desc`;
}

/** Lets the kernel compare entries that the acting agent has just noted. */
export async function watch(db: Transaction, entries: readonly string[]): Promise<void> {
  await db.$queryRaw`select bailiwick.watch(${[...entries]}::uuid[])::text`;
}
