// Every check of the posture, on a fault that it must find. A fault is made by the administrator inside a transaction, looked
// at from inside as the two roles, and rolled back, which is its repair: so nothing of it reaches another test, though
// roles belong to the whole server. What cannot be seen from inside a transaction is made and repaired for real.

import { createHash } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Queryable } from '../../src/db/posture/check.ts';
import { judgeVersion } from '../../src/db/posture/server.ts';
import { assertPosture, CHECKS, type Finding, inspectCatalog, inspectPosture } from '../../src/db/posture.ts';
import { PostureError } from '../../src/errors.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';

// What depends on the server that a run was given, and not on us.
const OF_THE_SERVER = new Set(['server-patch-level', 'server-log-parameters']);

let database: TestDatabase;
let admin: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  admin = new pg.Client(database.adminUrl);
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await database.drop();
});

type Roles = { migrator: string; runtime: string };
const ROLES: Roles = { migrator: 'bailiwick_migrator', runtime: 'bailiwick_runtime' };

/** Both roles on the administrator's one connection, one statement after the other. */
function inside({ migrator, runtime }: Roles): [Queryable, Queryable] {
  let last: Promise<unknown> = Promise.resolve();
  const as = (role: string): Queryable => ({
    query(text, values) {
      const answer = last.then(async () => {
        await admin.query(`set local session authorization ${role}`);
        return await admin.query(text, values);
      });
      last = answer;
      return answer;
    },
  });
  return [as(migrator), as(runtime)];
}

/** The findings in presence of a fault, by check and subject. */
async function findingsWith(fault: string, roles = ROLES): Promise<[check: string, subject: string][]> {
  await admin.query('begin');
  try {
    await admin.query(fault);
    return namesOf(await inspectCatalog(...inside(roles)));
  } finally {
    await admin.query('rollback');
  }
}

function namesOf(findings: readonly Finding[]): [check: string, subject: string][] {
  return findings
    .filter(({ check }) => !OF_THE_SERVER.has(check))
    .map(({ check, subject }) => [check, subject]);
}

const MIGRATOR = 'set local role bailiwick_migrator;';
const TABLE = `${MIGRATOR} create table public.pets (tenant_id uuid, id uuid, primary key (tenant_id, id));
  alter table public.pets enable row level security, force row level security;`;

// Check, the subjects it is to name, and the fault. More than one check only where one fault is truly several.
const FAULTS: [check: string, subjects: string[], fault: string][] = [
  ['runtime-attributes', ['SUPERUSER'], 'alter role bailiwick_runtime superuser'],
  ['runtime-attributes', ['BYPASSRLS'], 'alter role bailiwick_runtime bypassrls'],
  ['runtime-attributes', ['CREATEDB', 'CREATEROLE'], 'alter role bailiwick_runtime createrole createdb'],
  ['runtime-attributes', ['REPLICATION'], 'alter role bailiwick_runtime replication'],
  ['runtime-membership', ['pg_read_all_data'], 'grant pg_read_all_data to bailiwick_runtime'],
  ['runtime-membership', ['bailiwick_kernel'], 'grant bailiwick_kernel to bailiwick_runtime'],
  [
    'runtime-membership',
    ['pg_read_all_stats', 'way'],
    'create role way in role pg_read_all_stats; grant way to bailiwick_runtime',
  ],
  [
    'runtime-owns',
    ['function public.f()'],
    'create function public.f() returns int language sql return 1; alter function public.f() owner to bailiwick_runtime',
  ],
  ['runtime-owns', ['schema mine'], 'create schema mine authorization bailiwick_runtime'],
  [
    'runtime-owns',
    ['large object 77'],
    'select lo_create(77); alter large object 77 owner to bailiwick_runtime',
  ],
  ['runtime-settings', ['row_security'], 'alter role bailiwick_runtime set row_security = off'],
  ['runtime-settings', ['search_path'], 'alter role bailiwick_runtime set search_path = mine'],
  [
    'runtime-settings',
    ['row_security'],
    `do $$ begin execute format('alter database %I set row_security = off', current_database()); end $$`,
  ],
  [
    'runtime-settings',
    ['bailiwick.context'],
    `do $$ begin execute format('alter database %I set bailiwick.context = %L', current_database(), 'x'); end $$`,
  ],
  ['kernel-attributes', ['LOGIN'], 'alter role bailiwick_kernel login'],
  ['kernel-attributes', ['SUPERUSER'], 'alter role bailiwick_kernel superuser'],
  ['kernel-attributes', ['BYPASSRLS'], 'alter role bailiwick_kernel bypassrls'],
  ['kernel-membership', ['pg_read_all_data'], 'grant pg_read_all_data to bailiwick_kernel'],
  ['kernel-owns', ['schema theirs'], 'create schema theirs authorization bailiwick_kernel'],
  [
    'kernel-owns',
    ['function public.f()'],
    'create function public.f() returns int language sql return 1; alter function public.f() owner to bailiwick_kernel',
  ],
  ['runtime-schema-create', ['public'], 'grant create on schema public to bailiwick_runtime'],
  ['runtime-schema-create', ['bailiwick'], 'grant create on schema bailiwick to public'],
  [
    'runtime-database',
    ['$database'],
    `do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$`,
  ],
  [
    'runtime-database',
    ['$database'],
    `do $$ begin execute format('grant create on database %I to bailiwick_runtime', current_database()); end $$`,
  ],
  ['runtime-database', ['postgres'], 'grant create on database postgres to public'],
  [
    'runtime-forbidden-privilege',
    ['public.memories'],
    'grant truncate on public.memories to bailiwick_runtime',
  ],
  [
    'runtime-forbidden-privilege',
    ['public.memories.id'],
    'grant references (id) on public.memories to public',
  ],
  [
    'runtime-forbidden-privilege',
    ['bailiwick.context_key'],
    'grant trigger on bailiwick.context_key to bailiwick_runtime',
  ],
  [
    'runtime-key-columns',
    ['public.memories.owner_id'],
    'grant update (owner_id) on public.memories to bailiwick_runtime',
  ],
  ['runtime-key-columns', ['public.agents'], 'grant update on public.agents to public'],
  [
    'runtime-kernel-tables',
    ['bailiwick.context_key'],
    'grant select on bailiwick.context_key to bailiwick_runtime',
  ],
  [
    'runtime-kernel-tables',
    ['bailiwick.policy_state.checksum'],
    'grant select (checksum) on bailiwick.policy_state to public',
  ],
  [
    'table-grants',
    ['bailiwick_runtime on public.users'],
    'grant update (email) on public.users to bailiwick_runtime',
  ],
  ['table-grants', ['PUBLIC on public.users'], 'grant select (email) on public.users to public'],
  [
    'table-grants',
    ['bailiwick_kernel on bailiwick.context_key'],
    'grant update on bailiwick.context_key to bailiwick_kernel',
  ],
  [
    'table-grants',
    ['bailiwick_runtime on public.memories'],
    'revoke delete on public.memories from bailiwick_runtime',
  ],
  [
    'table-grants',
    ['bailiwick_runtime on aside.notes'],
    'create schema aside; create table aside.notes (); grant select on aside.notes to bailiwick_runtime',
  ],
  [
    'table-grants',
    ['bailiwick_runtime on public.counter'],
    `${MIGRATOR} create sequence public.counter; grant usage on public.counter to bailiwick_runtime`,
  ],
  [
    'runtime-functions',
    ['bailiwick.sealed()'],
    'grant execute on function bailiwick.sealed() to bailiwick_runtime',
  ],
  [
    'runtime-functions',
    ['bailiwick.describe()'],
    'revoke execute on function bailiwick.describe() from bailiwick_runtime',
  ],
  [
    'runtime-system-functions',
    ['lo_create, pg_cancel_backend'],
    'grant execute on function pg_cancel_backend, lo_create to public',
  ],
  [
    'default-privileges',
    ['bailiwick_migrator'],
    'alter default privileges for role bailiwick_migrator grant execute on functions to public',
  ],
  [
    'default-privileges',
    ['bailiwick_kernel'],
    'alter default privileges for role bailiwick_kernel grant execute on functions to bailiwick_runtime',
  ],
  [
    'default-privileges',
    ['bailiwick_migrator'],
    'alter default privileges for role bailiwick_migrator in schema public grant select on tables to bailiwick_runtime',
  ],
  ['table-owner', ['public.memories'], 'alter table public.memories owner to postgres'],
  ['table-tenant', ['public.pets'], `${MIGRATOR} create table public.pets (id uuid primary key)`],
  ['table-rls', ['public.memories'], 'alter table public.memories disable row level security'],
  ['table-rls', ['public.memories'], 'alter table public.memories no force row level security'],
  ['table-rls', ['public.pets'], `${TABLE} alter table public.pets disable row level security`],
  [
    'table-key',
    ['public.pets'],
    `${TABLE} alter table public.pets drop constraint pets_pkey, add primary key (id, tenant_id)`,
  ],
  [
    'table-reference',
    ['public.pets.pets_agent_fkey'],
    `${MIGRATOR} create unique index on public.agents (id); reset role; ${TABLE}
    alter table public.pets add column agent uuid, add constraint pets_agent_fkey foreign key (agent) references public.agents (id)`,
  ],
  [
    'table-reference',
    ['public.pets.crossed'],
    `${TABLE} alter table public.pets add column other uuid,
    add constraint crossed foreign key (other, tenant_id) references public.pets (tenant_id, id)`,
  ],
  [
    'table-trigger',
    ['public.memories.meddle'],
    'create trigger meddle before update on public.memories for each row execute function suppress_redundant_updates_trigger()',
  ],
  [
    'table-rule',
    ['public.memories.quiet'],
    'create rule quiet as on delete to public.memories do also nothing',
  ],
  ['view-invoker', ['public.everything'], 'create view public.everything as select * from public.memories'],
  [
    'materialized-view',
    ['public.everything'],
    'create materialized view public.everything as select 1; grant select on public.everything to bailiwick_runtime',
  ],
  [
    'policy-declared',
    ['open on public.memories'],
    'create policy open on public.memories to bailiwick_runtime using (true)',
  ],
  [
    'policy-altered',
    ['select_own on public.memories'],
    'alter policy select_own on public.memories using (true)',
  ],
  [
    'function-declared',
    ['bailiwick.holds(bailiwick.context,text)'],
    `create or replace function bailiwick.holds(c bailiwick.context, capability text) returns boolean
    language plpgsql stable parallel restricted as $$ begin return true; end $$`,
  ],
  [
    'function-declared',
    ['bailiwick.back_door()'],
    'create function bailiwick.back_door() returns int language sql as $$ select 1 $$; revoke execute on function bailiwick.back_door() from public',
  ],
  [
    'function-declared',
    ['bailiwick.owner(text,text)'],
    'alter function bailiwick.owner(text, text) security invoker',
  ],
  ['function-declared', ['bailiwick.sealed()'], 'alter function bailiwick.sealed() parallel safe'],
  ['function-declared', ['bailiwick.sealed()'], 'alter function bailiwick.sealed() owner to postgres'],
  ['function-declared', ['bailiwick.tenant_id()'], 'alter function bailiwick.tenant_id() immutable'],
  [
    'definer-owner',
    ['bailiwick.owner(text,text)'],
    'alter function bailiwick.owner(text, text) owner to bailiwick_migrator',
  ],
  [
    'definer-search-path',
    ['bailiwick.owner(text,text)'],
    'alter function bailiwick.owner(text, text) set search_path = public, pg_catalog',
  ],
  [
    'definer-search-path',
    ['bailiwick.close(uuid)'],
    'alter function bailiwick.close(uuid) reset search_path',
  ],
  [
    'definer-parallel',
    ['bailiwick.owner(text,text)'],
    'alter function bailiwick.owner(text, text) parallel safe',
  ],
  [
    'function-public',
    ['bailiwick.open(text,text)'],
    'grant execute on function bailiwick.open(text, text) to public',
  ],
  [
    'definer-elsewhere',
    ['public.leak()'],
    `${MIGRATOR} create function public.leak() returns bigint language sql security definer
    as 'select count(*) from public.memories'; grant execute on function public.leak() to bailiwick_runtime`,
  ],
  ['server-publication', ['everything'], 'create publication everything for all tables'],
  ['server-publication', ['kernel'], 'create publication kernel for tables in schema bailiwick'],
  ['context-keys', ['seal'], "update bailiwick.context_key set active = false where purpose = 'seal'"],
  ['policy-checksum', ['policies'], "update bailiwick.policy_state set checksum = 'of other files'"],
];

test('a healthy database has no finding but the age of its server', async () => {
  expect(namesOf(await inspectPosture(database))).toEqual([]);
  expect(namesOf(await assertPosture(database))).toEqual([]);
});

test.each(FAULTS)('%s finds %j', async (check, subjects, fault) => {
  const expected = subjects.map((subject) => [check, subject.replace('$database', database.name)]);
  expect(await findingsWith(fault)).toEqual(expected);
});

test('nothing is found any more when the faults are gone', async () => {
  expect(await findingsWith('select')).toEqual([]);
});

test('one fault that breaks several rules is reported under each', async () => {
  expect(await findingsWith('alter policy select_own on public.memories to public')).toEqual([
    ['table-policies', 'public.memories for SELECT'],
    ['policy-altered', 'select_own on public.memories'],
    ['policy-role', 'select_own on public.memories'],
  ]);
  expect(await findingsWith('drop policy select_own on public.memories')).toEqual([
    ['table-policies', 'public.memories for SELECT'],
    ['policy-declared', 'select_own on public.memories'],
  ]);
  expect(await findingsWith('alter table public.memories owner to bailiwick_runtime')).toEqual([
    ['runtime-owns', 'table public.memories'],
    ['table-grants', 'bailiwick_runtime on public.memories'],
    ['table-owner', 'public.memories'],
  ]);
});

test('a runtime URL that logs in as somebody else is refused', async () => {
  const found = await findingsWith('select', { ...ROLES, runtime: 'bailiwick_migrator' });
  expect(found).toEqual([['runtime-identity', 'bailiwick_migrator']]);
});

test('URLs that lead to two databases are refused', async () => {
  const other = await createTestDatabase();
  try {
    const found = await inspectPosture({ migratorUrl: database.migratorUrl, runtimeUrl: other.runtimeUrl });
    expect(namesOf(found)).toEqual([['one-database', 'DATABASE_URL']]);
  } finally {
    await other.drop();
  }
});

test('a server that logs bind parameters is warned of', async () => {
  await admin.query('begin; set local log_parameter_max_length = 100');
  const findings = await inspectCatalog(...inside(ROLES));
  await admin.query('rollback');
  expect(findings.filter(({ subject }) => subject === 'log_parameter_max_length')).toEqual([
    {
      check: 'server-log-parameters',
      level: 'warn',
      subject: 'log_parameter_max_length',
      message: 'log_parameter_max_length is 100B: the log can come to hold tickets and rows; set it to 0',
    },
  ]);
});

test('a database without policies is one finding', async () => {
  expect(await findingsWith('drop table bailiwick.policy_state')).toEqual([['installation', 'database']]);
});

test.each([
  [140020, 'refuse'],
  [150019, 'warn'],
  [150020, undefined],
  [160016, undefined],
  [170011, 'warn'],
  [180004, 'warn'],
  [180007, undefined],
  [190000, undefined],
])('server version %i', (version, level) => {
  expect(judgeVersion(version)?.level).toBe(level);
});

test.each([
  ['refuse', 'pending', "delete from _prisma_migrations where migration_name like '%_foundation'"],
  [
    'refuse',
    'edited',
    `update _prisma_migrations set checksum = '${createHash('sha256').digest('hex')}' where migration_name like '%_foundation'`,
  ],
  [
    'refuse',
    'failed',
    "update _prisma_migrations set finished_at = null where migration_name like '%_foundation'",
  ],
  [
    'warn',
    'unknown',
    `insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at)
     values ('x', 'x', '99990101000000_later', now(), now())`,
  ],
])('%s: a history with a migration that is %s', async (level, _how, fault) => {
  await admin.query('create table kept as table _prisma_migrations; alter table kept set schema bailiwick');
  try {
    await admin.query(fault);
    const found = (await inspectPosture(database)).filter(({ check }) => check === 'migrations');
    expect(found.map((finding) => finding.level)).toEqual([level]);
  } finally {
    await admin.query(
      'truncate _prisma_migrations; insert into _prisma_migrations table bailiwick.kept; drop table bailiwick.kept',
    );
  }
});

test('a refusal names every fault and what to do', async () => {
  await admin.query(
    'alter table public.memories no force row level security; grant truncate on public.agents to bailiwick_runtime',
  );
  const refusal = await assertPosture(database).catch((error: unknown) => error);
  await admin.query(
    'alter table public.memories force row level security; revoke truncate on public.agents from bailiwick_runtime',
  );
  expect(refusal).toBeInstanceOf(PostureError);
  expect((refusal as PostureError).findings).toEqual([
    'runtime-forbidden-privilege: bailiwick_runtime has TRUNCATE on public.agents, which row security does not filter: revoke it',
    'table-rls: row security is not forced on public.memories: alter table public.memories enable row level security, force row level security',
  ]);
  expect(namesOf(await inspectPosture(database))).toEqual([]);
});

test('every check is tried on a fault', () => {
  const elsewhere = ['runtime-identity', 'table-policies', 'policy-role', 'server-log-parameters'];
  const tried = new Set([...FAULTS.map(([check]) => check), ...elsewhere]);
  expect(CHECKS.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
});

test('the whole inspection takes less than 150 milliseconds', async () => {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const start = performance.now();
    await inspectPosture(database);
    times.push(performance.now() - start);
  }
  expect(Math.min(...times)).toBeLessThan(150);
});
