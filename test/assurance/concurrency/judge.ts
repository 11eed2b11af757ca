// What is in the database after the load, held against what clients were told: nothing half-written, nothing kept that was
// called lost, nothing lost that was called kept, nothing under another's name.
//
// Read by the migrator, whom row security does not bind. It knows no fault and forgives none: an operation whose outcome was
// open may be there or not, but whole.

import type { Client } from 'pg';
import { ROWS_PER_WRITE, type Write } from './load.ts';

export type Verdict = {
  /** Operations of which there is a part. */
  readonly half: string[];
  /** There, though the client was told that nothing was kept. */
  readonly ghosts: string[];
  /** Not there, though the client was told it was. */
  readonly missing: string[];
  /** Rows that say they are somebody else's. */
  readonly foreign: number;
  /** Changes of the fourth row that belong to no whole operation, or were overtaken by an older one. */
  readonly ledgers: string[];
  /** Operations of open outcome that are there, and that are not. */
  readonly open: { kept: number; lost: number };
  readonly whole: number;
};

type Found = { op: string; slug: string; rows: number; requests: number; created: number; updated: number };

/** What each operation left: its rows, and the audit entries of the request that wrote them. */
const FOUND = `
  with entries as (
    select tenant_id, request_id,
           count(*) filter (where event = 'memory.created' and jsonb_array_length(detail -> 'ids') = ${ROWS_PER_WRITE})::int as created,
           count(*) filter (where event = 'memory.updated')::int as updated
      from audit_entries where event in ('memory.created', 'memory.updated') group by 1, 2),
  written as (
    select tenant_id, (regexp_match(content, '^\\S+ owner (op-\\d+-\\d+) \\d$'))[1] as op, count(*)::int as rows,
           count(distinct request_id)::int as requests, max(request_id::text)::uuid as request_id
      from memories where content ~ '^\\S+ owner op-' group by 1, 2)
  select coalesce(w.op, 'request ' || e.request_id) as op, t.slug, coalesce(w.rows, 0) as rows,
         coalesce(w.requests, 0) as requests, coalesce(e.created, 0) as created, coalesce(e.updated, 0) as updated
    from written w full join entries e on e.tenant_id = w.tenant_id and e.request_id = w.request_id
    join tenants t on t.tenant_id = coalesce(w.tenant_id, e.tenant_id)
   where starts_with(t.slug, $1 || '-')`;
const FOREIGN = `
  select count(*)::int as n from memories m join tenants t on t.tenant_id = m.tenant_id
   where starts_with(t.slug, $1 || '-')
     and (split_part(m.content, ' ', 1) <> t.slug or m.owner_id <> md5(t.slug || ' owner')::uuid)`;
const LEDGERS = `
  select m.id::text as id, (regexp_match(m.content, ' ledger (op-\\d+-\\d+)$'))[1] as op
    from memories m join tenants t on t.tenant_id = m.tenant_id
   where starts_with(t.slug, $1 || '-') and m.content ~ ' ledger '`;

export async function judge(client: Client, kind: string, writes: readonly Write[]): Promise<Verdict> {
  const found = (await client.query<Found>(FOUND, [kind])).rows;
  const half = found.filter(
    ({ rows, requests, created, updated }) =>
      rows !== ROWS_PER_WRITE || requests !== 1 || created !== 1 || updated !== 1,
  );
  const whole = new Set(found.filter((one) => !half.includes(one)).map(({ op, slug }) => `${slug} ${op}`));
  const touched = new Set(found.map(({ op, slug }) => `${slug} ${op}`));
  const named = ({ slug, op }: Write) => `${slug} ${op}`;
  const of = (fate: Write['fate']) => writes.filter((write) => write.fate === fate).map(named);
  const { rows: foreign } = await client.query<{ n: number }>(FOREIGN, [kind]);
  const { rows: ledgers } = await client.query<{ id: string; op: string }>(LEDGERS, [kind]);
  return {
    half: half.map((one) => JSON.stringify(one)),
    ghosts: of('lost').filter((name) => touched.has(name)),
    missing: of('kept').filter((name) => !whole.has(name)),
    foreign: foreign[0]?.n ?? Number.NaN,
    ledgers: ledgers.filter((ledger) => !isRight(ledger, writes, whole)).map((one) => JSON.stringify(one)),
    open: {
      kept: of('unknown').filter((name) => whole.has(name)).length,
      lost: of('unknown').filter((name) => !whole.has(name)).length,
    },
    whole: whole.size,
  };
}

/** A ledger names a whole operation, and none that was answered before another changed it; what nobody waited for may be late. */
function isRight(
  ledger: { id: string; op: string },
  writes: readonly Write[],
  whole: ReadonlySet<string>,
): boolean {
  const its = writes.filter((write) => write.ledger === ledger.id);
  const at = its.findIndex(({ op }) => op === ledger.op);
  const lastKept = its.findLastIndex(({ fate }) => fate === 'kept');
  const write = its[at];
  return (
    write !== undefined &&
    whole.has(`${write.slug} ${write.op}`) &&
    (at >= lastKept || write.fate === 'unknown')
  );
}
