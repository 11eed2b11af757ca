// What can be wrong with an installation, as data: the check that must find it, the subjects it names, and the SQL that
// makes it, for an administrator inside a transaction. One file because it is one table, to be read and added to as such.

const MIGRATOR = 'set local role bailiwick_migrator;';
const TABLE = `${MIGRATOR} create table public.pets (tenant_id uuid, id uuid, primary key (tenant_id, id));
  alter table public.pets enable row level security, force row level security;`;

/** Drops the months of a log that are to come. */
const withoutMonths = (log: string) => `${MIGRATOR} do $$ declare month regclass; begin
       for month in select oid from pg_class where relkind = 'r' and relispartition and relname ~ '^${log}_[0-9]'
                       and relname > '${log}_' || to_char(now() + interval '1 month', 'YYYY_MM') loop
         execute format('drop table %s', month);
       end loop; end $$`;

/** `$database` in a subject stands for the name of the database. */
export const FAULTS: readonly [check: string, subjects: readonly string[], fault: string][] = [
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
  [
    'encrypted-column',
    ['memories.content'],
    `${MIGRATOR} alter table public.memories drop constraint memories_content_sealed`,
  ],
  [
    'encrypted-plain',
    ['memories.content'],
    `${MIGRATOR} alter table public.memories drop constraint memories_content_sealed;
     alter table public.memories add constraint memories_content_sealed check (starts_with(content, 'bwe1.')) not valid`,
  ],
  ['activity-months', ['public.activity_entries'], withoutMonths('activity_entries')],
  [
    'activity-other',
    ['public.activity_entries'],
    `${MIGRATOR} alter table public.activity_entries drop constraint activity_entries_tenant_id_agent_id_owner_id_fkey;
     insert into public.activity_entries (tenant_id, id, owner_id, agent_id, service, action, outcome, created_by, delegation_id, request_id)
     select u, u, u, u, 'mail', 'messages.send', 'failed', u, u, u
       from (select bailiwick.id_at(now() + interval '3 years')) x (u)`,
  ],
  ['audit-months', ['public.audit_entries'], withoutMonths('audit_entries')],
  [
    'audit-other',
    ['public.audit_entries'],
    `${MIGRATOR} alter table public.audit_entries drop constraint audit_entries_tenant_id_fkey;
     insert into public.audit_entries (tenant_id, id, event, actor_id, owner_id, request_id, policy_checksum)
     select u, u, 'memory.created', u, u, u, 'none' from (select bailiwick.id_at(now() + interval '3 years')) x (u)`,
  ],
  [
    'table-rls',
    ['public.activity_entries_past'],
    `${MIGRATOR} alter table public.activity_entries_past disable row level security`,
  ],
  ['server-publication', ['everything'], 'create publication everything for all tables'],
  ['server-publication', ['kernel'], 'create publication kernel for tables in schema bailiwick'],
  ['context-keys', ['seal'], "update bailiwick.context_key set active = false where purpose = 'seal'"],
  ['policy-checksum', ['policies'], "update bailiwick.policy_state set checksum = 'of other files'"],
  [
    'server-read-all-data',
    ['backup'],
    'create role backup login; grant pg_read_all_data to backup; create role sleeper nologin; grant pg_read_all_data to sleeper',
  ],
  [
    'server-read-all-data',
    ['reporter'],
    'create role readers; grant pg_read_all_data to readers; create role reporter login noinherit; grant readers to reporter',
  ],
];
