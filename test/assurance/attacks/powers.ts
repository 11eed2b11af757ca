// Attacks with the powers of PostgreSQL that know no row security (P1, P3, P12, P15, P19 to P25, P34, P35, P38, P39): definitions,
// files, roles, other sessions. And a look through the catalog for whatever would step around the policies.

import { rows } from './attempted.ts';
import { open, type SqlAttack, step } from './stage.ts';

const ALIEN: Readonly<Record<string, string>> = {
  'switching the policies of a table off': 'alter table memories disable row level security',
  'taking a policy away': 'drop policy tenant_floor on memories',
  'adding a policy': 'create policy mine on memories using (true)',
  'emptying a table': 'truncate memories',
  'taking a table away': 'drop table memories',
  'making a table': 'create table mine (id uuid)',
  'making a view that runs as somebody else': 'create view mine as select * from memories',
  'making a schema': 'create schema mine',
  'making a type': 'create type mine as (id uuid)',
  'a trigger on a table':
    'create trigger mine before insert on memories for each row execute function suppress_redundant_updates_trigger()',
  'a rule on a table': 'create rule mine as on select to memories do instead select 1',
  'making a role': 'create role mine',
  'reading the passwords': 'table pg_authid',
  'reading a file of the server': `select pg_read_file('PG_VERSION')`,
  'listing files of the server': `select pg_ls_dir('.')`,
  'an extension': 'create extension dblink',
  'switching foreign keys off': 'set local session_replication_role = replica',
  'ending the sessions of other requests': 'select pg_terminate_backend(pg_backend_pid())',
  'cancelling what other requests do': 'select pg_cancel_backend(pg_backend_pid())',
  'a large object, which knows no policies': 'select lo_create(0)',
  'reading large objects': 'select lo_get(1)',
  'a notification made up in SQL': `select pg_notify('rumours', 'x')`,
  'locking a table that one cannot write, against everybody': 'lock table tenants in access exclusive mode',
  'a publication of all tables': 'create publication mine for all tables',
  'a replication slot': `select pg_create_logical_replication_slot('mine', 'pgoutput')`,
  'a way to other servers': 'create foreign data wrapper mine',
};

const LOGIN: Readonly<Record<string, string>> = {
  'becoming the kernel': 'set role bailiwick_kernel',
  'becoming the migrator': 'set role bailiwick_migrator',
  'becoming the administrator': 'set session authorization postgres',
  'taking the right to bypass row security': 'alter role bailiwick_runtime bypassrls',
  'taking the right of a superuser': 'alter role bailiwick_runtime superuser',
  'joining the migrator': 'grant bailiwick_migrator to bailiwick_runtime',
  'joining those who may read all': 'grant pg_read_all_data to bailiwick_runtime',
  'a password for the migrator': `alter role bailiwick_migrator password 'x'`,
  'a setting for the migrator': `alter role bailiwick_migrator set search_path = 'pg_temp'`,
};

const RIGHTS: Readonly<Record<string, readonly [rule: string, text: string, expect: string]>> = {
  'a role that bypasses or owns anything': [
    'P1',
    `select count(*)::int from pg_roles r where rolname in ('bailiwick_runtime', 'bailiwick_kernel') and (rolsuper or rolbypassrls or rolcreaterole or rolreplication
       or rolname = 'bailiwick_runtime' and (exists (select from pg_class where relowner = r.oid) or exists (select from pg_proc where proowner = r.oid) or exists (select from pg_auth_members where member = r.oid)))`,
    '0',
  ],
  'a table without row security, or not forced': [
    'P1 P2 P20',
    `select count(*)::int from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> '_prisma_migrations'
       and not (relrowsecurity and relforcerowsecurity and (relispartition or exists (select from pg_policy where polrelid = c.oid)))`,
    '0',
  ],
  'a table that is granted without its tenant floor': [
    'P28 P29',
    `select coalesce(string_agg(relname, ',' order by relname), '') from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
       and has_any_column_privilege('bailiwick_runtime', c.oid, 'select') and not exists (select from pg_policy where polrelid = c.oid and polname = 'tenant_floor' and not polpermissive and polcmd = '*')`,
    'issuers,tenants',
  ],
  'a privilege that knows no row security': [
    'P3',
    `select count(*)::int from pg_class c, unnest(array['truncate', 'references', 'trigger']) p where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and has_table_privilege('bailiwick_runtime', c.oid, p)`,
    '0',
  ],
  'a foreign key without the tenant, or one that acts on its own': [
    'P4 P5',
    `select count(*)::int from pg_constraint k where contype = 'f' and connamespace = 'public'::regnamespace
       and (confdeltype <> 'r' or not exists (select from pg_attribute a where a.attrelid = k.conrelid and a.attname = 'tenant_id' and a.attnum = any (k.conkey)))`,
    '0',
  ],
  'a unique key that crosses tenants': [
    'P6 P7',
    `select coalesce(string_agg(indexrelid::regclass::text, ',' order by indexrelid::regclass::text), '') from pg_index i join pg_class c on c.oid = i.indrelid where c.relnamespace = 'public'::regnamespace and indisunique
       and c.relname <> '_prisma_migrations' and not exists (select from pg_attribute a where a.attrelid = i.indrelid and a.attname = 'tenant_id' and a.attnum = i.indkey[0])`,
    'credentials_digest_key,issuers_issuer_key,tenants_slug_key',
  ],
  'a policy that asks for the role': [
    'P12',
    `select count(*)::int from pg_policies where schemaname = 'public' and coalesce(qual, '') || coalesce(with_check, '') ~ 'current_user|session_user|current_role'`,
    '0',
  ],
  'a view, a partition or a trigger that steps around the policies': [
    'P15 P19 P21 P22 P34',
    // a partition that is reached through its table alone, and shows nothing even by itself, is none
    `select (select count(*) from pg_class c where relnamespace in ('public'::regnamespace, 'bailiwick'::regnamespace)
               and (relkind in ('v', 'm', 'f') or relkind in ('r', 'p') and relispartition and (
                 not (relrowsecurity and relforcerowsecurity) or exists (select from pg_policy where polrelid = c.oid)
                 or exists (select from aclexplode(relacl) where grantee <> relowner)
                 or exists (select from pg_attribute, aclexplode(attacl) where attrelid = c.oid and grantee <> relowner))))::int
       + (select count(*) from pg_trigger t join pg_class c on c.oid = tgrelid where c.relnamespace = 'public'::regnamespace and not tgisinternal)::int`,
    '0',
  ],
  'a sequence that tells how much there is': [
    'P23',
    `select count(*)::int from pg_class where relnamespace in ('public'::regnamespace, 'bailiwick'::regnamespace) and case when relkind = 'S' then has_sequence_privilege('bailiwick_runtime', oid, 'usage, select') end`,
    '0',
  ],
  'a function with the kernel’s rights and a search path of the caller’s': [
    'P24 P33 S6',
    `select count(*)::int from pg_proc p where pronamespace = 'bailiwick'::regnamespace and prosecdef and not (proowner = 'bailiwick_kernel'::regrole and 'search_path=pg_catalog, pg_temp' = any (proconfig))`,
    '0',
  ],
  'a function for everybody': [
    'P39',
    `select count(*)::int from pg_proc p, aclexplode(proacl) a where pronamespace in ('public'::regnamespace, 'bailiwick'::regnamespace) and a.grantee = 0`,
    '0',
  ],
  'a function that reads the context and is sent to another process': [
    'S6',
    `select string_agg(proname, ',' order by proname) from pg_proc where pronamespace = 'bailiwick'::regnamespace and proparallel = 's'`,
    'by_itself,delegable,deviation,id_at,is_recent,mac,mark_of_token,new_id,personal,proof_id,refuse,stands_in_world,verify,well_formed',
  ],
  'a policy that calls the kernel on every row': [
    'S7',
    `select coalesce(string_agg(tablename || '.' || policyname, ',' order by tablename || '.' || policyname), '') from pg_policies where schemaname = 'public'
       and regexp_replace(coalesce(qual, '') || coalesce(with_check, ''), '\\( ?SELECT bailiwick\\.', '', 'g') ~ 'bailiwick\\.'`,
    // these look at the new row itself: a grant, a request, an approval that is named, and values that are sealed
    [
      'activity_entries.insert_redeemed',
      ...['agent_instructions.insert_sealed', 'agent_instructions.update_sealed'],
      ...['approvals.insert_asked', 'approvals.insert_sealed'],
      'delegations.insert_granted',
      ...['memories.insert_sealed', 'memories.update_sealed'],
      ...['service_secrets.insert_sealed', 'service_secrets.update_sealed'],
    ].join(),
  ],
  'a publication that carries rows out': ['P35 S13', 'select count(*)::int from pg_publication', '0'],
};

export const POWERS: readonly SqlAttack[] = [
  {
    ...rows,
    name: 'trying letting oneself do everything',
    gain: 'the database itself',
    rule: 'P1 P3',
    // PostgreSQL answers with a warning that nothing was granted
    steps: [
      open('alice'),
      step('grant all on memories to bailiwick_runtime', 'null'),
      step('truncate memories', '42501'),
      step(`update memories set owner_id = owner_id`, '42501'),
    ],
  },
  ...Object.entries(ALIEN).map(
    ([what, text]): SqlAttack => ({
      ...rows,
      name: `trying ${what}`,
      gain: 'the database itself',
      rule: 'P1 P3 P19 P25 P35 P38',
      steps: [open('alice'), step(text, '42501')],
    }),
  ),
  ...Object.entries(LOGIN).map(
    ([what, text]): SqlAttack => ({
      ...rows,
      name: `trying ${what}, with the server’s own login`,
      gain: 'the database itself',
      rule: 'P1 P12',
      login: true,
      steps: [step(text, '42501')],
    }),
  ),
  ...Object.entries(RIGHTS).map(
    ([what, [rule, text, expect]]): SqlAttack => ({
      ...rows,
      name: `looking for ${what}`,
      gain: 'a way around every policy',
      rule,
      steps: [{ ...step(text, expect), aside: true }],
    }),
  ),
];
