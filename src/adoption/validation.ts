// Whether everything is as it should be: nothing lost, nothing changed, everybody's rows where the declaration says, and in the hands of
// those alone whom strict isolation gives them to. Each look is one snapshot, reads only, and is stored with what it found.
//
// Digests are of the adopter's own columns, summed up, so that order does not matter. How a row's text is made is PostgreSQL's.

import type { Client } from 'pg';
import { issueTicket, ticketKey } from '../db/ticket.ts';
import { newId, type RequestId } from '../ids.ts';
import { type Adopting, readTables, type TableState } from './installation.ts';
import { ADDED, literal, placeFunction, quoted, SCHEMAS } from './names.ts';
import { strictCondition } from './shadow.ts';

const STATE = SCHEMAS.state;
const NOBODY = '00000000-0000-0000-0000-000000000000';

export type Validated = {
  readonly table: string;
  readonly phase: string;
  readonly rows: number;
  readonly owners: number;
  /** The digest of everything in the table. */
  readonly digest: string;
  /** Rows that nobody owns. */
  readonly unowned: number;
  /** Rows that are not where the declaration says now, and the keys of some. */
  readonly misplaced: number;
  readonly samples: readonly string[];
  /** People whose view was compared: by the application's own filter, and by isolation; and of them those for whom it is not the same. */
  readonly compared: number;
  readonly different: readonly string[];
  /** Whether rows and contents are those of the look before; undefined where there was none. */
  readonly same: boolean | undefined;
  /** Owners who have other rows, or other things in them, than then; undefined where rows had no owners then or have none now. */
  readonly changedOwners: number | undefined;
  readonly sound: boolean;
};

type Group = {
  readonly tenant: string | null;
  readonly owner: string | null;
  readonly rows: number;
  readonly digest: string;
};
type Looked = Group & {
  readonly unowned: number;
  readonly misplaced: number;
  readonly samples: readonly string[] | null;
};

/**
 * Looks at tables in whatever phase they are; at those that are not adopted, only at what is in them.
 *
 * @param people How many of the owners of each table are compared, those with the most rows first.
 */
export async function validate(
  adopting: Adopting,
  { names, people, secret }: { names?: readonly string[] | undefined; people: number; secret: Uint8Array },
  looking: (table: string, done: number, total: number) => void = () => undefined,
): Promise<Validated[]> {
  const states = (await readTables(adopting.client)).filter(
    ({ name }) => names === undefined || names.includes(name),
  );
  const found: Validated[] = [];
  for (const [at, state] of states.entries()) {
    looking(state.name, at, states.length);
    found.push(await validateTable(adopting, state, people, secret));
  }
  looking('', states.length, states.length);
  return found;
}

async function validateTable(
  adopting: Adopting,
  state: TableState,
  people: number,
  secret: Uint8Array,
): Promise<Validated> {
  const owned = state.phase !== 'none';
  const looked = owned ? await lookByOwner(adopting, state) : await lookAtAll(adopting, state);
  const groups = looked.map(({ tenant, owner, rows, digest }) => ({ tenant, owner, rows, digest }));
  const largest = groups
    .filter(({ owner }) => owner !== null)
    .sort((a, b) => b.rows - a.rows)
    .slice(0, people);
  const role = state.phase === 'strict' ? await applicationOf(adopting) : undefined;
  const different: string[] = [];
  for (const group of largest) {
    const seen = await viewOf(adopting, state, group, secret, role);
    if (seen !== undefined && seen.isolated !== seen.filtered) {
      different.push(seen.subject);
    }
  }
  const sum = (what: 'rows' | 'unowned' | 'misplaced') => looked.reduce((all, one) => all + one[what], 0);
  const [rows, unowned, misplaced] = [sum('rows'), sum('unowned'), sum('misplaced')];
  const digest = String(groups.reduce((all, one) => all + BigInt(one.digest), 0n));
  const before = await lookBefore(adopting.client, state.name);
  const result: Validated = {
    table: state.name,
    phase: state.phase,
    rows,
    owners: owned ? groups.length : 0,
    digest,
    unowned,
    misplaced,
    samples: looked.flatMap(({ samples }) => samples ?? []).slice(0, 5),
    compared: largest.length,
    different,
    same: before === undefined ? undefined : before.rows === rows && before.digest === digest,
    changedOwners: owned ? await changedOwners(adopting.client, before?.id, groups) : undefined,
    sound: unowned === 0 && misplaced === 0 && different.length === 0,
  };
  await store(adopting.client, result, owned ? groups : []);
  return result;
}

/** By what the sources say now, and not by what stands in the columns; and where the two differ. One pass over the table. */
async function lookByOwner(adopting: Adopting, state: TableState): Promise<Looked[]> {
  const { client, expressions } = adopting;
  const key = state.key.map((column) => `t.${quoted(column)}::text`).join(` || ' ' || `);
  const elsewhere = `(p.tenant, p.owner) is distinct from (t.${ADDED.tenant}, t.${ADDED.owner})`;
  const { rows } = await client.query<Looked>(
    `select p.tenant, p.owner, count(*)::float8 as rows, coalesce(sum(${digestOf(adopting, state)}), 0)::text as digest,
            count(*) filter (where t.${ADDED.owner} is null or t.${ADDED.tenant} is null)::float8 as unowned,
            count(*) filter (where ${elsewhere})::float8 as misplaced, (array_agg(${key}) filter (where ${elsewhere}))[1:5] as samples
       from ${expressions.name(state.name)} t cross join lateral ${placeFunction(state.number)}(t) p group by 1, 2`,
  );
  return rows;
}

async function lookAtAll(adopting: Adopting, state: TableState): Promise<Looked[]> {
  const { rows } = await adopting.client.query<Looked>(
    `select null as tenant, null as owner, count(*)::float8 as rows, coalesce(sum(${digestOf(adopting, state)}), 0)::text as digest,
            0::float8 as unowned, 0::float8 as misplaced, null as samples
       from ${adopting.expressions.name(state.name)} t`,
  );
  return rows;
}

/** What stands in a row, in 64 bits: the adopter's own columns alone. */
function digestOf({ expressions }: Adopting, { name }: TableState): string {
  const columns = expressions
    .table(name)
    .columns.filter((column) => !Object.values(ADDED).some((added) => added === column.name))
    .map((column) => `t.${quoted(column.name)}`);
  return `hashtextextended(row(${columns.join(', ')})::text, 0)::numeric`;
}

/**
 * What one person sees, both ways, in one moment: rows that are theirs by the sources, and rows that isolation shows them.
 *
 * @param role As whom isolation is asked; left out, only its condition is.
 * @returns undefined where nobody can be there as this person, because they are gone.
 */
async function viewOf(
  adopting: Adopting,
  state: TableState,
  { owner }: Group,
  secret: Uint8Array,
  role: string | undefined,
) {
  const { client, expressions } = adopting;
  const { rows } = await client.query<{ subject: string }>(
    `select i.subject from ${SCHEMAS.data}.identities i where i.entity_id = $1 and i.subject like 'user:%'`,
    [owner],
  );
  const subject = rows[0]?.subject;
  if (subject === undefined) {
    return undefined;
  }
  const table = expressions.name(state.name);
  const digest = `count(*) || ' ' || coalesce(sum(${digestOf(adopting, state)}), 0) as view`;
  const requestId = newId<RequestId>();
  const view = async (sql: string, values: unknown[] = []) =>
    (await client.query<{ view: string }>(sql, values)).rows[0]?.view;
  // one snapshot would need an isolation level that no context has: what is written in between is told from a difference by a second look
  for (let look = 1; ; look += 1) {
    await client.query('begin');
    try {
      const filtered = await view(
        `select ${digest} from ${table} t cross join lateral ${placeFunction(state.number)}(t) p
          where t.${ADDED.owner} = $1 and p.owner = $1`,
        [owner],
      );
      await client.query('select bailiwick.open($1, $2)', [
        ...issueTicket({ kind: 'adopted', subject, requestId }, ticketKey(secret)),
      ]);
      if (role !== undefined) {
        await client.query(`set local role ${quoted(role)}`);
      }
      const isolated = await view(
        `select ${digest} from ${table} t${role === undefined ? ` where ${strictCondition(state.kept, 'read')}` : ''}`,
      );
      if (isolated === filtered || look === 3) {
        return { subject, filtered, isolated };
      }
    } finally {
      await client.query('rollback');
    }
  }
}

/** The role of the application's that whoever validates may take on: for it the policies hold themselves, and not only what they say. */
async function applicationOf({ client, adoption }: Adopting): Promise<string | undefined> {
  const { rows } = await client.query<{ role: string }>(
    `select r as role from unnest($1::text[]) r
      where pg_has_role(current_user, r, case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end) limit 1`,
    [adoption.roles ?? []],
  );
  return rows[0]?.role;
}

type Before = { readonly id: string; readonly rows: number; readonly digest: string };

async function lookBefore(client: Client, table: string): Promise<Before | undefined> {
  const { rows } = await client.query<Before>(
    `select id::text, (result->>'rows')::float8 as rows, result->>'digest' as digest
       from ${STATE}.validations v where v."table" = $1 order by v.id desc limit 1`,
    [table],
  );
  return rows[0];
}

async function changedOwners(
  client: Client,
  before: string | undefined,
  groups: readonly Group[],
): Promise<number | undefined> {
  const { rows } = await client.query<{ known: boolean; changed: number }>(
    `select exists (select from ${STATE}.digests where validation = $1) as known, count(*)::float8 as changed
       from (select * from ${STATE}.digests where validation = $1) b
       full join jsonb_to_recordset($2) as a (tenant uuid, owner uuid, rows bigint, digest numeric)
         on coalesce(a.tenant, '${NOBODY}') = coalesce(b.tenant, '${NOBODY}') and coalesce(a.owner, '${NOBODY}') = coalesce(b.owner, '${NOBODY}')
      where (a.rows, a.digest) is distinct from (b.rows, b.digest)`,
    [before ?? null, JSON.stringify(groups)],
  );
  return rows[0]?.known ? rows[0].changed : undefined;
}

async function store(client: Client, result: Validated, groups: readonly Group[]): Promise<void> {
  await client.query(
    `with looked as (
       insert into ${STATE}.validations ("table", phase, sound, result) values ($1, $2, $3, $4) returning id)
     insert into ${STATE}.digests (validation, tenant, owner, rows, digest)
     select looked.id, g.tenant, g.owner, g.rows, g.digest
       from looked, jsonb_to_recordset($5) as g (tenant uuid, owner uuid, rows bigint, digest numeric)`,
    [result.table, result.phase, result.sound, JSON.stringify(result), JSON.stringify(groups)],
  );
  await client.query(
    `delete from ${STATE}.digests where validation in (
       select id from ${STATE}.validations where "table" = ${literal(result.table)} order by id desc offset 2)`,
  );
}
