// What a lint must not find: on top of the sound schema, something that looks like its fault and is none. Each is there for
// a condition of the lint that nothing else holds.

import { AS_OWNER, NO_FLOOR, PETS, PINNED } from './sound.ts';

const policy = (rest: string): string => `create policy p on scratch.docs ${rest}`;
/** Definer functions of a superuser's that everybody, or the application, may execute. */
const definer = (returns: string): string =>
  `create function scratch.f() returns ${returns} language plpgsql security definer ${PINNED} as $$ begin end $$;`;
const NOT_FOR_ALL = 'revoke execute on function scratch.f() from public;';

export const INNOCENT: readonly (readonly [lint: string, sql: string])[] = [
  // nobody can call them
  ['definer-bypass-public', definer('trigger')],
  ['definer-bypass-public', `${definer('void')} revoke usage on schema scratch from $app`],
  ['definer-public', `${AS_OWNER} ${definer('trigger')} grant execute on function scratch.f() to public`],
  [
    'definer-public',
    `${AS_OWNER} ${definer('void')} grant execute on function scratch.f() to public; revoke usage on schema scratch from $app`,
  ],
  ['definer-bypass', `${definer('trigger')} ${NOT_FOR_ALL} grant execute on function scratch.f() to $app`],
  ['definer-bypass', `${definer('void')} ${NOT_FOR_ALL} grant execute on function scratch.f() to $owner`],
  // another lint's
  ['definer-bypass', `${definer('void')} grant execute on function scratch.f() to $app`],
  [
    'definer-search-path-shadow',
    `${AS_OWNER} create function scratch.f() returns void language plpgsql security definer
      set search_path = scratch, pg_temp as $$ begin end $$`,
  ],
  [
    'definer-search-path-shadow',
    `create function scratch.f() returns void language plpgsql security definer set search_path = '' as $$ begin end $$`,
  ],
  [
    'definer-search-path-shadow',
    // who may create is the function's owner, or may become it
    `create function scratch.f() returns void language plpgsql security definer set search_path = scratch, pg_temp as $$ begin end $$;
      alter function scratch.f() owner to $app; grant create on schema scratch to $app; create role $app_2 in role $app`,
  ],
  [
    'foreign-table-granted',
    `create foreign data wrapper $app; create server $app foreign data wrapper $app;
      create foreign table scratch.far (id int) server $app; grant select on scratch.far to $owner`,
  ],
  ...[
    'create table scratch.keys (id int, public_key bytea); grant select on scratch.keys to $app',
    'create table scratch.keys (id int, material bytea); grant insert on scratch.keys to $app',
    'create table scratch.keys (id int, material bytea); grant select on scratch.keys to $owner',
  ].map((sql) => ['grant-keys', sql] as const),
  ...[
    'create table scratch.a (id int, tokens_used int); grant select on scratch.a to $app',
    'create table scratch.a (id int, password text); grant insert on scratch.a to $app',
    'create table scratch.a (id int, password text); grant select on scratch.a to $owner',
    'alter table scratch.docs add column password text',
  ].map((sql) => ['grant-secret-column', sql] as const),
  ['grant-tenant-update', 'create role $app_2; grant update on scratch.docs to $app_2'],
  [
    'index-duplicate',
    'create index a on scratch.docs (lower(title)); create index b on scratch.docs (upper(title))',
  ],
  [
    'index-duplicate',
    'create index a on scratch.docs (n) where n > 1; create index b on scratch.docs (n) where n > 2',
  ],
  // two constraints: neither can be dropped as an index
  [
    'index-duplicate',
    'alter table scratch.docs add unique (tenant_id, n), add constraint again unique (tenant_id, n)',
  ],
  [
    'key-crosses-tenants',
    `create table scratch.tenants (id uuid primary key, tenant_id uuid);
      alter table scratch.docs add foreign key (tenant_id) references scratch.tenants (id)`,
  ],
  ['key-without-tenant', 'create unique index on scratch.docs ((tenant_id::text || title))'],
  [
    'key-without-tenant',
    'create table scratch.a (id bigserial primary key, u uuid unique, tenant_id uuid not null)',
  ],
  ['policy-anonymous-write', `create role anonymous; ${policy('to anonymous using (false)')}`],
  [
    'policy-check-drops-tenant',
    NO_FLOOR + policy('to $app using (owner_id = (select scratch.person())) with check (n = 1)'),
  ],
  [
    'policy-check-drops-tenant',
    NO_FLOOR + policy('to $app using (tenant_id = (select scratch.tenant())) with check (false)'),
  ],
  [
    'policy-check-drops-tenant',
    policy('to $app using (tenant_id = (select scratch.tenant())) with check (n = 1)'),
  ],
  // the floor holds it
  ['policy-check-true', policy('to $app using (n = 1) with check (true)')],
  // the other lint's
  ['policy-check-true', NO_FLOOR + policy('to $app using (true) with check (true)')],
  ['policy-true', policy('to $app using (true)')],
  [
    'policy-duplicate',
    'create policy select_own_2 on scratch.docs for select to $owner using (owner_id = (select scratch.person()))',
  ],
  [
    'policy-reads-unprotected',
    `create table scratch.m (id uuid primary key); create role $app_2; grant insert on scratch.m to $app_2; ${policy('using (id in (select m.id from scratch.m m))')}`,
  ],
  [
    'publication-rows',
    'create table scratch.countries (code text primary key); create publication p for table scratch.countries',
  ],
  ['publication-rows', `create publication p for table scratch.docs where (n = 1)`],
  [
    'publication-keys',
    'create table scratch.keys (id int, public_key bytea); create publication p for table scratch.keys',
  ],
  [
    'table-no-tenant',
    `alter table scratch.docs add constraint u unique (tenant_id);
    create table scratch.plans (id int primary key, whose uuid references scratch.docs (tenant_id))`,
  ],
  // other lints'
  ['table-rls-off', 'alter table scratch.docs disable row level security'],
  ['table-rls-off', `${AS_OWNER} create table scratch.old_docs () inherits (scratch.docs)`],
  ['table-verb-without-policy', 'grant truncate on scratch.docs to $app'],
  ['table-verb-without-policy', 'alter role $app bypassrls; grant delete on scratch.docs to $app'],
  ['table-verb-without-policy', `${PETS} grant select on scratch.pets to $app`],
  [
    'view-leaky-filter',
    'create view scratch.v as select * from scratch.docs; grant select on scratch.v to $app',
  ],
  ['view-leaky-filter', 'create view scratch.v as select * from scratch.docs where n = 1'],
  [
    'view-leaky-filter',
    'create view scratch.v as select 1 as one from generate_series(1, 2) g where g = 1; grant select on scratch.v to $app',
  ],
  ['view-owner-rights', 'create view scratch.v with (security_invoker = yes) as select * from scratch.docs'],
  // somebody who cannot connect
  ['role-bypasses', 'alter role $app bypassrls'],
  ['role-reaches-bypass', 'alter role $owner bypassrls; grant $owner to $app'],
  ['role-reaches-owner', 'alter table scratch.docs no force row level security; grant $owner to $app'],
  [
    'policy-bare-call',
    policy('to $app using (scratch.person() = owner_id) with check (n = abs(n))').replace(
      'scratch.person()',
      '(select scratch.person())',
    ),
  ],
  [
    'policy-bare-call',
    policy('to $app using (id = any ((select array[scratch.person()])::uuid[]) and lower(title) = title)'),
  ],
  [
    'policy-context-null',
    policy('to $app using (title is null or lower(title) is null or tenant_id = (select scratch.tenant()))'),
  ],
  [
    'policy-or-true',
    policy("to $app using ((n = 1) is true or title = ' or true' or (n > 1) = true or n < 0)"),
  ],
  ['key-unindexed', 'drop index scratch.notes_doc; create index on scratch.notes (doc_id, tenant_id)'],
];
