-- table-rls-unforced
-- Row security is enabled but not forced, so the table's owner is not bound by it. An application, a job or a definer
-- function that runs as the owner sees every tenant's rows, and tests that run as the owner prove nothing. Force it, and
-- give maintenance a role of its own.
-- level: warning
-- like: pgrls SEC002
select c.oid::regclass::text as object,
       'does not bind its owner, ' || c.relowner::regrole as detail,
       format('alter table %s force row level security', c.oid::regclass) as repair
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where c.relkind in ('r', 'p') and c.relrowsecurity and not c.relforcerowsecurity
   and not exists (select from pg_depend e
                    where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
