// Puts a world into a database, one statement per table, and the function with which attempts are made there. As the
// migrator, in a database that holds nothing else: every row of these tables goes first.
//
// The schema `assurance` that it makes lets the runtime role look at all rows, so it must never stand in a database of
// somebody's: scratch databases only.

import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { ARGUMENTS } from './actions.ts';
import {
  type Columns,
  CURRENT,
  done,
  granted,
  keyed,
  READ,
  requested,
  ruled,
  served,
  under,
  usual,
  wrapped,
} from './columns.ts';
import { SEALED, type SealedTable } from './moves.ts';
import { type Row, rowsOf, type TableName } from './rows.ts';
import { idOf, issuerOf, slugOf, type Tenant, tenantId, type World } from './world.ts';

/** The issuer of every token in such a world. */
export const ISSUER = 'https://assurance.test/';

/** How tokens of our own are called that were revoked. */
export const SPENT = 'spent';

/** What stands for keys and sealed values in a world. */
export type Sealing = {
  /** A tenant's key, wrapped. */
  tenantKey(tenant: number): string;
  /** The n-th data key of a tenant, wrapped. */
  dataKey(tenant: number, index: number): string;
  /** A value under the n-th data key of a tenant, for its place. */
  seal(tenant: number, index: number, place: SealedPlace, plain: string): string;
};
export type SealedPlace = {
  readonly table: SealedTable;
  readonly column: string;
  /** Names within the tenant. */
  readonly row: string;
  readonly owner: string;
};

const NAMED: Sealing = {
  tenantKey: () => 'x',
  dataKey: () => 'x',
  seal: (_, index) => under(idOf(`e${index}`)),
};

/** Stands for the question to bailiwick.grant_refusal about the delegation given. */
export const WHY_NOT = 'why not';

const ATTEMPTING = `
create schema assurance;
grant usage on schema assurance to bailiwick_runtime;

-- Whatever there is to see, for whoever asks: what a statement did is not told by who did it.
create function assurance.look(query text) returns text language plpgsql security definer
set search_path = public, pg_temp as $$
declare
  found text;
begin
  execute query into found;
  return found;
end $$;

-- Makes each attempt in a subtransaction that is undone, as whoever calls, and returns {value, refused} for each.
create function assurance.attempt(statements text[], arguments jsonb, looks text[]) returns jsonb language plpgsql as $$
declare
  answers jsonb[] := '{}';
  found text;
begin
  for i in 1..cardinality(statements) loop
    found := null;
    begin
      if statements[i] = '${WHY_NOT}' then
        -- asked most often by far, so planned once
        select bailiwick.grant_refusal(d.owner_id, d.delegator_id, d.delegate_id, d.parent_id, d.depth, d.redelegate,
          d.capabilities, d.world_id, d.not_before, d.expires_at)
          into found from jsonb_populate_record(null::public.delegations, arguments->(i - 1)) d;
      elsif looks[i] is null then
        execute statements[i] into found using arguments->(i - 1);
      else
        execute statements[i] using arguments->(i - 1);
        found := assurance.look(looks[i]);
      end if;
      raise exception using errcode = 'ZZ000';
    exception
      when sqlstate 'ZZ000' then
        answers := answers || jsonb_build_object('value', found, 'refused', null);
      when others then
        answers := answers || jsonb_build_object('value', null, 'refused', sqlstate);
    end;
  end loop;
  return to_jsonb(answers);
end $$;

grant execute on all functions in schema assurance to bailiwick_runtime;

insert into bailiwick.spent (mark, until) values (encode(sha256('token ${SPENT}'), 'hex'), 'infinity');`;

/** Prepares an empty database for worlds; once. */
export async function prepareForWorlds(migrator: Client): Promise<void> {
  await migrator.query(ATTEMPTING);
}

const REQUEST = '0198a000-0009-7000-8000-000000000000';
// Deleted, not truncated: for a handful of rows that is ten times faster.
const EMPTY = [
  'audit_entries',
  'access_receipts',
  'baselines',
  'activity_entries',
  'approvals',
  'permissions',
  'service_secrets',
  'service_credentials',
  'data_keys',
  'tenant_keys',
  'identities',
  'credentials',
  'issuers',
  'memories',
  'delegations',
  'world_members',
  'worlds',
]
  .concat(['agent_instructions', 'agents', 'users', 'entities', 'tenants'])
  .map((table) => `delete from ${table}`)
  .join('; ');

/** Requests that are still good were made under the rules that are there now; as far as these policies know of any. */
const VERSIONS = `
do $$
begin
  if to_regproc('bailiwick.judge') is not null then
    update public.approvals a set version = (bailiwick.judge(a.tenant_id, a.owner_id, array(
             select d.delegate_id from public.delegations d
              where d.tenant_id = a.tenant_id and d.id = any (a.chain) order by d.depth), a.service, a.action, null)).version
     where a.version = '${CURRENT}';
  end if;
end $$`;

/** Replaces whatever there is by a world. */
export async function loadWorld(migrator: Client, world: World, sealing = NAMED): Promise<void> {
  const columns = columnsOf(world, sealing);
  await migrator.query('begin');
  await migrator.query(EMPTY);
  for (const [table, rows] of Object.entries(columns)) {
    const [first] = rows;
    if (first !== undefined) {
      const names = Object.keys(first).join(', ');
      await migrator.query(
        `insert into ${table} (${names}) select ${names} from jsonb_populate_recordset(null::${table}, $1)`,
        [JSON.stringify(rows)],
      );
    }
  }
  await migrator.query(VERSIONS);
  await migrator.query('commit');
}

const isSealed = (table: TableName): table is SealedTable => SEALED.some((one) => one === table);

/** What the database knows of a key instead of the key. */
export const digestOf = (tenant: number, key: number): string =>
  createHash('sha256')
    .update(`${slugOf(tenant)} k${key}`)
    .digest('hex');

/** The rows of each table, in the order in which foreign keys want them. */
function columnsOf(world: World, sealing: Sealing): Record<TableName | 'identities', Columns[]> {
  const now = Date.now();
  const rows = rowsOf(world);
  const of = (table: TableName, make: (row: Row, tenant: Tenant, index: number) => Columns): Columns[] =>
    rows
      .filter((row) => row.table === table)
      .flatMap((row) => {
        const tenant = world.tenants[row.tenant];
        const key = { tenant_id: tenantId(row.tenant), id: idOf(row.name) };
        return tenant === undefined ? [] : [{ ...key, ...make(row, tenant, Number(row.name.slice(1))) }];
      });
  const since = (epoch: number | null) =>
    epoch === null ? null : new Date(now + epoch * 1000).toISOString();
  const owned = ({ owner }: Row) => ({ owner_id: owner === null ? null : idOf(owner) });
  const made = { created_by: idOf('u0'), request_id: REQUEST, delegation_id: null };
  const placed = ({ place }: Row) => ({
    world_id: place === null || place === undefined ? null : idOf(`w${place}`),
  });
  const sealed = ({ table, tenant, name, owner, sealed: key }: Row, column: string, plain: string) =>
    typeof key === 'number' && isSealed(table)
      ? sealing.seal(tenant, key, { table, column, row: name, owner: owner ?? '' }, plain)
      : null;
  const { created_by, request_id } = made;
  return {
    tenants: of('tenants', (row, { status, subdelegationSeconds }) => ({
      slug: slugOf(row.tenant),
      name: slugOf(row.tenant),
      status,
      subdelegation_seconds: subdelegationSeconds,
    })),
    entities: of('entities', (row, tenant, index) => ({
      ...owned(row),
      kind: row.kind,
      status: row.status,
      ceiling:
        { user: tenant.users, agent: tenant.agents, world: [] }[row.kind ?? 'world'][index]?.ceiling ?? null,
      credential_epoch: since(
        { user: tenant.users, agent: tenant.agents, world: [] }[row.kind ?? 'world'][index]?.epoch ?? null,
      ),
    })),
    users: of('users', (row, { users }, index) => ({
      ...owned(row),
      role: users[index]?.admin ? 'admin' : users[index]?.service ? 'service' : 'member',
      display_name: `${row.name} of ${slugOf(row.tenant)}`,
    })),
    agents: of('agents', (row, { agents }, index) => {
      const parent = agents[index]?.parent;
      return {
        ...owned(row),
        ...made,
        parent_id: parent === null || parent === undefined ? null : idOf(`a${parent}`),
        name: `${row.name} of ${slugOf(row.tenant)}`,
        settings: {},
      };
    }),
    agent_instructions: of('agent_instructions', (row) => ({
      ...owned(row),
      system_prompt: sealed(row, 'system_prompt', 'Be brief.'),
    })),
    worlds: of('worlds', (row) => ({ ...owned(row), ...made, name: `${row.name} of ${slugOf(row.tenant)}` })),
    world_members: of('world_members', (row) => ({
      ...owned(row),
      ...placed(row),
      ...made,
      entity_id: idOf(`u${row.user}`),
      role: row.owner === `u${row.user}` ? 'owner' : row.guest ? 'guest' : 'member',
    })),
    delegations: of('delegations', (row) => ({
      ...owned(row),
      ...made,
      ...(row.delegation === undefined ? {} : granted(row.delegation, now)),
    })),
    memories: of('memories', (row, { memories }, index) => {
      const { agent, sensitive = false } = memories[index] ?? {};
      return {
        ...owned(row),
        ...placed(row),
        ...made,
        agent_id: agent === null || agent === undefined ? null : idOf(`a${agent}`),
        kind: 'note',
        shared: row.shared,
        sensitive,
        content:
          sealed(row, 'content', `${row.name} of ${slugOf(row.tenant)}`) ??
          `${row.name} of ${slugOf(row.tenant)}`,
        tags: [],
        metadata: sealed(row, 'metadata', '{}') ?? {},
      };
    }),
    issuers: of('issuers', ({ tenant }, { issuer }) => ({
      issuer: issuerOf(tenant),
      settings: {},
      status: issuer,
    })),
    credentials: of('credentials', (row, _, index) => ({
      ...owned(row),
      ...(row.key === undefined ? {} : keyed(row.key, now)),
      digest: row.key?.kind === 'key' ? digestOf(row.tenant, index) : null,
      ...{ created_by, request_id },
    })),
    tenant_keys: of('tenant_keys', ({ tenant }) => ({
      ...{ purpose: 'wrap', version: 1, wrapped: sealing.tenantKey(tenant), erasable: false },
      created_at: since(-86_400),
    })),
    data_keys: of('data_keys', (row, _, index) => ({
      ...owned(row),
      ...(row.dataKey === undefined
        ? {}
        : wrapped(row.dataKey, since, () => sealing.dataKey(row.tenant, index))),
    })),
    service_credentials: of('service_credentials', (row) => ({
      ...owned(row),
      ...(row.service === undefined ? {} : served(row.service, since)),
      ...{ created_by, request_id },
    })),
    service_secrets: of('service_secrets', (row) => ({
      ...owned(row),
      secret: sealed(row, 'secret', `${row.name} of ${slugOf(row.tenant)}`),
      secret_index: row.name,
    })),
    permissions: of('permissions', (row) => ({
      ...owned(row),
      ...(row.permission === undefined ? {} : ruled(row.permission)),
      ...{ created_by, request_id },
    })),
    approvals: of('approvals', (row, tenant) => ({
      ...owned(row),
      arguments: sealed(row, 'arguments', JSON.stringify(ARGUMENTS)),
      ...(row.approval === undefined ? {} : requested(row.approval, tenant, since)),
      request_id,
    })),
    activity_entries: of('activity_entries', (row, tenant) => ({
      ...owned(row),
      ...(row.approval === undefined ? {} : done(row.approval, tenant)),
      request_id,
    })),
    baselines: of('baselines', (row) => ({
      ...owned(row),
      ...(row.baseline === undefined ? {} : usual(row.baseline, since)),
      ...{ created_by, request_id },
    })),
    access_receipts: of('access_receipts', (row, _, index) => ({
      ...owned(row),
      ...(row.receipt === undefined ? {} : { agent_id: idOf(`a${row.receipt.agent}`), ...READ }),
      ...{ row_id: idOf(`m${index}`), delegation_id: idOf('d0'), first_at: since(-60), last_at: since(-60) },
      request_id,
    })),
    // under the name of every issuer: whether it is trusted, and by which tenant, is another question
    identities: rows
      .filter(({ table, kind }) => table === 'entities' && kind !== 'world')
      .flatMap(({ tenant, name }) =>
        [ISSUER, ...world.tenants.map((_, index) => issuerOf(index))].map((issuer, n) => ({
          tenant_id: tenantId(tenant),
          id: idOf(name).replace('0198a000', `0198a00${n}`),
          entity_id: idOf(name),
          issuer,
          subject: name,
        })),
      ),
  };
}
