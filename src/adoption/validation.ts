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
  /** Owners who have other rows, or other things in them, than at the look before; undefined where there was none. */
  readonly changedSince: number | undefined;
  readonly sound: boolean;
};

type Group = {
  readonly tenant: string | null;
  readonly owner: string | null;
  readonly rows: number;
  readonly digest: string;
};

/** @param people How many of the owners of each table are compared, those with the most rows first. */
export async function validate(
  adopting: Adopting,
  { names, people, secret }: { names?: readonly string[] | undefined; people: number; secret: Uint8Array },
  looking: (table: string, done: number, total: number) => void = () => undefined,
): Promise<Validated[]> {
  const { client } = adopting;
  const states = (await readTables(client)).filter(
    ({ name, phase }) => phase !== 'none' && (names === undefined || names.includes(name)),
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
  const { client, expressions } = adopting;
  const table = expressions.name(state.name);
  await client.query('begin isolation level repeatable read read only');
  let groups: Group[];
  let about: { unowned: number; misplaced: number; samples: string[] } | undefined;
  try {
    const key = state.key.map((column) => `t.${quoted(column)}::text`).join(` || ' ' || `);
    // by what the sources say now, not by what stands in the columns
    const { rows } = await client.query<Group>(
      `select p.tenant, p.owner, count(*)::float8 as rows, sum(${digestOf(adopting, state)})::text as digest
         from ${table} t cross join lateral ${placeFunction(state.number)}(t) p group by 1, 2`,
    );
    groups = rows;
    const looked = await client.query<{ unowned: number; misplaced: number; samples: string[] }>(
      `select (select count(*) from ${table} t where t.${ADDED.owner} is null or t.${ADDED.tenant} is null)::float8 as unowned,
              count(*)::float8 as misplaced, coalesce((array_agg(key))[1:5], '{}') as samples
         from (select ${key} as key from ${table} t cross join lateral ${placeFunction(state.number)}(t) p
                where (p.tenant, p.owner) is distinct from (t.${ADDED.tenant}, t.${ADDED.owner})) m`,
    );
    about = looked.rows[0];
  } finally {
    await client.query('rollback');
  }
  const largest = groups
    .filter(({ owner }) => owner !== null)
    .sort((a, b) => b.rows - a.rows)
    .slice(0, people);
  const different: string[] = [];
  for (const group of largest) {
    const seen = await viewOf(adopting, state, group, secret);
    if (seen !== undefined && seen.isolated !== seen.filtered) {
      different.push(seen.subject);
    }
  }
  const { unowned = 0, misplaced = 0, samples = [] } = about ?? {};
  const result = {
    table: state.name,
    phase: state.phase,
    rows: groups.reduce((sum, one) => sum + one.rows, 0),
    owners: groups.length,
    digest: String(groups.reduce((sum, one) => sum + BigInt(one.digest), 0n)),
    unowned,
    misplaced,
    samples,
    compared: largest.length,
    different,
    changedSince: await changedSince(client, state.name, groups),
    sound: unowned === 0 && misplaced === 0 && different.length === 0,
  };
  await store(client, result, groups);
  return result;
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
 * @returns undefined where nobody can be there as this person, because they are gone.
 */
async function viewOf(adopting: Adopting, state: TableState, { owner }: Group, secret: Uint8Array) {
  const { client, expressions, adoption } = adopting;
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
      const [role] = adoption.roles ?? [];
      if (state.phase === 'strict' && role !== undefined) {
        await client.query(`set local role ${quoted(role)}`);
      }
      const isolated = await view(
        `select ${digest} from ${table} t${
          state.phase === 'strict' && role !== undefined
            ? ''
            : ` where ${strictCondition(state.kept, 'read')}`
        }`,
      );
      if (isolated === filtered || look === 3) {
        return { subject, filtered, isolated };
      }
    } finally {
      await client.query('rollback');
    }
  }
}

async function changedSince(
  client: Client,
  table: string,
  groups: readonly Group[],
): Promise<number | undefined> {
  const { rows } = await client.query<{ id: string }>(
    `select id::text from ${STATE}.validations where "table" = $1 order by id desc limit 1`,
    [table],
  );
  const before = rows[0]?.id;
  if (before === undefined) {
    return undefined;
  }
  const { rows: changed } = await client.query<{ count: number }>(
    `select count(*)::float8 as count
       from (select * from ${STATE}.digests where validation = $1) b
       full join jsonb_to_recordset($2) as a (tenant uuid, owner uuid, rows bigint, digest numeric)
         on coalesce(a.tenant, '${NOBODY}') = coalesce(b.tenant, '${NOBODY}') and coalesce(a.owner, '${NOBODY}') = coalesce(b.owner, '${NOBODY}')
      where (a.rows, a.digest) is distinct from (b.rows, b.digest)`,
    [before, JSON.stringify(groups)],
  );
  return changed[0]?.count ?? 0;
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
