// What the lints about functions, views, grants, roles and publications must find, and the repair where the lint prints none.

import { AS_OWNER, type Fault, PETS, PINNED } from './sound.ts';

const F = 'scratch.f()';
const definer = (rest: string, body = 'begin end'): string =>
  `create function scratch.f() returns void language plpgsql security definer ${rest} as $$ ${body} $$;`;
const CONNECT = `do $$ begin execute format('grant connect on database %I to $app', current_database()); end $$;`;
const KEYS = 'create table scratch.signing_keys (id int primary key, material bytea);';

export const RIGHT_FAULTS: readonly Fault[] = [
  { lint: 'definer-search-path-open', object: F, fault: definer('') },
  ...['pg_catalog', 'pg_temp, pg_catalog', '"$user", pg_temp'].map((path) => ({
    lint: 'definer-search-path-shadow',
    object: F,
    fault: definer(`set search_path = ${path}`),
  })),
  {
    lint: 'definer-search-path-shadow',
    object: F,
    fault: `grant create on schema scratch to $app; ${definer('set search_path = scratch, pg_catalog, pg_temp')}`,
  },
  { lint: 'definer-bypass-public', object: F, fault: definer(PINNED) },
  {
    lint: 'definer-public',
    object: F,
    fault: `${AS_OWNER} ${definer(PINNED)} grant execute on function scratch.f() to public`,
  },
  {
    lint: 'definer-bypass',
    object: F,
    fault: `${definer(PINNED)} revoke execute on function scratch.f() from public; grant execute on function scratch.f() to $app`,
    repair: 'alter function scratch.f() owner to $owner',
  },
  ...[
    "begin execute 'drop ' || current_user; end",
    "begin execute format('select %s', current_user); end",
  ].map((body) => ({
    lint: 'definer-dynamic-sql',
    object: F,
    fault: definer(PINNED, body),
    repair: definer(
      PINNED,
      "begin execute format('select %I', current_user) using 'x' || current_user; end",
    ).replace('create', 'create or replace'),
  })),
  {
    lint: 'function-leakproof',
    object: 'scratch.tenant()',
    fault: 'alter function scratch.tenant() leakproof',
  },
  {
    lint: 'function-immutable',
    object: 'scratch.tenant()',
    fault: 'alter function scratch.tenant() immutable',
  },
  {
    lint: 'function-immutable',
    object: F,
    fault:
      'create function scratch.f() returns bigint language sql immutable as $$ select count(*) from scratch.docs $$',
    repair:
      "create or replace function scratch.f() returns bigint language sql immutable as $$ select extract(day from interval '1d')::int from unnest('{1}'::int[]) -- from scratch.docs\n$$",
  },
  {
    lint: 'function-parallel-safe',
    object: F,
    fault:
      'create function scratch.f() returns int language sql stable parallel safe as $$ select pg_backend_pid() $$',
  },
  {
    lint: 'function-parallel-safe',
    object: F,
    fault:
      'create function scratch.f() returns int language sql stable parallel safe return pg_backend_pid()',
  },
  {
    lint: 'view-owner-rights',
    object: 'scratch.v',
    fault: 'create view scratch.v as select * from scratch.docs',
  },
  {
    lint: 'view-owner-rights',
    object: 'scratch.above',
    // a view of the reader's rights, read by one of its owner's
    fault: `create view scratch.v with (security_invoker) as select * from scratch.docs;
      create view scratch.above as select title from scratch.v`,
  },
  {
    lint: 'view-leaky-filter',
    object: 'scratch.v',
    fault:
      'create view scratch.v as select * from scratch.docs where n = 1; grant select (n) on scratch.v to $app',
  },
  {
    lint: 'view-calls-definer',
    object: 'scratch.v',
    fault: `create function scratch.f() returns setof scratch.docs language sql security definer ${PINNED} as $$ table scratch.docs $$;
      create view scratch.v with (security_invoker) as select * from scratch.f()`,
  },
  {
    lint: 'matview-granted',
    object: 'scratch.m',
    fault: `create view scratch.v as select title from scratch.docs; create materialized view scratch.m as table scratch.v;
      grant select on scratch.m to $app`,
  },
  {
    lint: 'foreign-table-granted',
    object: 'scratch.far',
    fault: `create foreign data wrapper $app; create server $app foreign data wrapper $app;
      create foreign table scratch.far (id int) server $app; grant select on scratch.far to $app`,
  },
  { lint: 'grant-truncate', object: 'scratch.docs', fault: 'grant truncate on scratch.docs to $app, public' },
  {
    lint: 'grant-beyond-rows',
    object: 'scratch.docs',
    fault: 'grant trigger on scratch.docs to $app; grant references (title) on scratch.docs to $app',
  },
  {
    lint: 'grant-sequence',
    object: 'scratch.counter',
    fault: 'create sequence scratch.counter; grant all on sequence scratch.counter to $app',
  },
  { lint: 'grant-public', object: 'scratch.docs', fault: 'grant select on scratch.docs to public' },
  {
    lint: 'grant-public',
    object: 'scratch.docs',
    fault: 'grant update (title) on scratch.docs to public',
    repair: 'revoke update (title) on scratch.docs from public',
  },
  {
    lint: 'grant-secret-column',
    object: 'scratch.accounts.password_hash',
    fault:
      'create table scratch.accounts (id int primary key, password_hash text); grant select on scratch.accounts to $app',
    repair: 'revoke select on scratch.accounts from $app; grant select (id) on scratch.accounts to $app',
  },
  {
    lint: 'grant-keys',
    object: 'scratch.signing_keys.material',
    fault: `${KEYS} grant select on scratch.signing_keys to $app`,
  },
  {
    lint: 'grant-keys',
    object: 'scratch.signing_keys.material',
    fault: `${KEYS} grant select (material) on scratch.signing_keys to public`,
    repair: 'revoke select (material) on scratch.signing_keys from public',
  },
  {
    lint: 'grant-tenant-update',
    object: 'scratch.docs.tenant_id',
    fault: 'grant update on scratch.docs to $app',
    repair: 'revoke update on scratch.docs from $app; grant update (title) on scratch.docs to $app',
  },
  {
    lint: 'default-privileges-public',
    object: 'new tables of $owner in schema scratch',
    fault:
      'alter default privileges for role $owner in schema scratch grant select, insert on tables to public',
  },
  {
    lint: 'default-privileges-public',
    object: 'new sequences of $owner',
    fault: `alter default privileges for role $owner grant usage on sequences to public;
      alter default privileges for role $owner grant select on tables to public`,
  },
  {
    lint: 'default-privileges-functions',
    object: '$owner',
    fault: `${AS_OWNER} ${definer(PINNED)} alter default privileges grant execute on functions to public`,
  },
  { lint: 'schema-create', object: 'scratch', fault: 'grant create on schema scratch to public' },
  { lint: 'role-bypasses', object: '$app', fault: `${CONNECT} alter role $app bypassrls` },
  { lint: 'role-bypasses', object: '$app', fault: 'alter role $app superuser' },
  {
    lint: 'role-reaches-bypass',
    object: '$app',
    // through another one
    fault: `${CONNECT} create role $app_2 bypassrls; grant $app_2 to $owner; grant $owner to $app`,
    repair: 'revoke $owner from $app',
  },
  {
    lint: 'role-reaches-bypass',
    object: '$app',
    fault: `${CONNECT} alter role $owner bypassrls; grant $owner to $app`,
  },
  {
    lint: 'role-reaches-owner',
    object: '$app',
    fault: `${CONNECT} alter table scratch.docs no force row level security; grant $owner to $app`,
  },
  {
    lint: 'role-settings',
    object: 'role $app: row_security',
    fault: 'alter role $app set row_security = off',
  },
  {
    lint: 'role-settings',
    object: 'every role: app.tenant',
    fault: `create policy p on scratch.docs using (title = (select current_setting('app.tenant', true)));
      do $$ begin execute format('alter database %I set app.tenant = %L', current_database(), '7'); end $$`,
  },
  {
    lint: 'publication-rows',
    object: 'scratch.docs in p',
    fault: 'create publication p for table scratch.docs',
  },
  {
    lint: 'publication-rows',
    object: 'scratch.pets in p',
    fault: `${PETS} reset role; create publication p for all tables`,
    repair: 'drop publication p',
  },
  {
    lint: 'publication-keys',
    object: 'scratch.signing_keys in p',
    fault: `${KEYS} create publication p for table scratch.signing_keys`,
  },
  {
    lint: 'publication-keys',
    object: 'scratch.signing_keys in p',
    fault: `${KEYS} create publication p for tables in schema scratch`,
    repair: 'alter publication p set table scratch.signing_keys (id)',
  },
  {
    lint: 'extension-in-public',
    object: 'pg_trgm',
    fault: 'create extension pg_trgm schema public',
    repair: 'alter extension pg_trgm set schema scratch',
    schemas: ['public', 'scratch'],
  },
];
