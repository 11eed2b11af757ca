-- Three roles, and who may become whom. Run by an administrator, connected to the database that is to be Bailiwick's;
-- running it again changes nothing. Passwords are not here: src/db/roles.ts sets them.
--
--   bailiwick_migrator   owns the database and its tables and is not subject to row security. Migrations, policies and
--                        the command line run as this role, never a request. It may create databases, because schemas
--                        are compared in one that is thrown away, and it may become the kernel.
--   bailiwick_runtime    runs every request. It owns nothing, is a member of nothing, and sees only what the policies show.
--   bailiwick_kernel     owns the functions that check a context, and nobody logs in as it. Row security holds for it too:
--                        what it may read is said in policies of its own.
--
-- So the migrator can become the kernel; the runtime can become nobody. An administrator who is no superuser becomes a
-- member of the migrator, because PostgreSQL lets nobody else hand a database over to it.
--
-- What a managed service refuses to take away is reported as a warning and does not stop the rest.

do $$
declare
  wanted record;
  attributes text;
begin
  for wanted in
    select * from (values
      -- role                  login  inherit bypassrls createdb
      ('bailiwick_migrator',   true,  true,   true,     true ),
      ('bailiwick_runtime',    true,  false,  false,    false),
      ('bailiwick_kernel',     false, false,  false,    false)
    ) as role (name, login, inherit, bypassrls, createdb)
  loop
    attributes := concat_ws(' ',
      case when wanted.login then 'login' else 'nologin' end,
      case when wanted.inherit then 'inherit' else 'noinherit' end,
      case when wanted.bypassrls then 'bypassrls' else 'nobypassrls' end,
      case when wanted.createdb then 'createdb' else 'nocreatedb' end);
    if not exists (select from pg_roles where rolname = wanted.name) then
      execute format('create role %I %s', wanted.name, attributes);
    elsif not exists (
      select from pg_roles
       where rolname = wanted.name and (rolcanlogin, rolinherit, rolbypassrls, rolcreatedb)
             = (wanted.login, wanted.inherit, wanted.bypassrls, wanted.createdb))
    then
      execute format('alter role %I %s', wanted.name, attributes);
    end if;
    if exists (
      select from pg_roles where rolname = wanted.name and (rolsuper or rolcreaterole or rolreplication))
    then
      execute format('alter role %I nosuperuser nocreaterole noreplication', wanted.name);
    end if;
  end loop;
end $$;

-- Memberships: the one that there is, and none for the runtime, whoever gave it one.
do $$
declare
  granted name;
begin
  if not exists (
    select from pg_auth_members
     where roleid = 'bailiwick_kernel'::regrole and member = 'bailiwick_migrator'::regrole)
  then
    grant bailiwick_kernel to bailiwick_migrator;
  end if;
  for granted in
    select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.roleid
     where m.member = 'bailiwick_runtime'::regrole
  loop
    execute format('revoke %I from bailiwick_runtime', granted);
  end loop;
end $$;

-- Limits that hold even if the server forgets its own, which are tighter. A role may change its own settings and so could
-- SQL injected into a request; whatever else is found here is taken back.
do $$
declare
  floor constant text[] := '{statement_timeout=30s,idle_in_transaction_session_timeout=30s,lock_timeout=5s}';
  setting text;
begin
  if (select array_agg(s.setdatabase || ' ' || array_to_string(s.setconfig, ' ')) from pg_db_role_setting s
       where s.setrole = 'bailiwick_runtime'::regrole) is distinct from array['0 ' || array_to_string(floor, ' ')]
  then
    execute format('alter role bailiwick_runtime in database %I reset all', current_database());
    alter role bailiwick_runtime reset all;
    foreach setting in array floor loop
      execute format('alter role bailiwick_runtime set %I = %L', split_part(setting, '=', 1), split_part(setting, '=', 2));
    end loop;
  end if;
end $$;

-- The database belongs to the migrator; others may do nothing in it but what is granted here and in the policies.
do $$
begin
  if not (select rolsuper from pg_roles where rolname = current_user)
     and not pg_has_role(current_user, 'bailiwick_migrator', 'usage')
  then
    execute format('grant bailiwick_migrator to %I', current_user);
  end if;
  if (select datdba from pg_database where datname = current_database()) <> 'bailiwick_migrator'::regrole then
    execute format('alter database %I owner to bailiwick_migrator', current_database());
  end if;
  execute format('revoke all on database %I from public, bailiwick_runtime, bailiwick_kernel', current_database());
  execute format('grant connect on database %I to bailiwick_migrator, bailiwick_runtime', current_database());
end $$;
revoke all on schema public from public;
revoke create on schema public from bailiwick_runtime, bailiwick_kernel;

-- Powers over more than rows that PostgreSQL gives to everybody: to end the sessions of one's own role, hence of all other
-- requests; to keep large objects, which know no row security; to send notifications under a name made up in SQL.
do $$
declare
  power regprocedure;
  kept text;
begin
  perform set_config('client_min_messages', 'error', true);
  for power in
    select oid::regprocedure from pg_proc
     where pronamespace = 'pg_catalog'::regnamespace
       and (proname in ('pg_cancel_backend', 'pg_terminate_backend', 'pg_notify', 'loread', 'lowrite')
            or proname like 'lo\_%')
       and has_function_privilege('bailiwick_runtime', oid, 'execute')
  loop
    begin
      execute format('revoke execute on function %s from public', power);
    exception when insufficient_privilege then
      null;
    end;
  end loop;
  perform set_config('client_min_messages', 'notice', true);
  select string_agg(distinct proname, ', ' order by proname) into kept from pg_proc
   where pronamespace = 'pg_catalog'::regnamespace
     and (proname in ('pg_cancel_backend', 'pg_terminate_backend', 'pg_notify', 'loread', 'lowrite')
          or proname like 'lo\_%')
     and has_function_privilege('bailiwick_runtime', oid, 'execute');
  if kept is not null then
    raise warning 'bailiwick_runtime can still call %: only a superuser can take that away', kept;
  end if;
end $$;
