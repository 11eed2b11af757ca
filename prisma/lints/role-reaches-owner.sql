-- role-reaches-owner
-- A role that can log in is, or can become, the owner of tables whose row security is not forced. The owner is not bound by it,
-- so the role sees every tenant although it has no attribute that says so. Force row security on the tables, or revoke the
-- membership.
-- level: error
-- like: pgrls SEC048
select quote_ident(l.rolname) as object,
       'is or can become the owner of ' || string_agg(distinct c.oid::regclass::text, ', ')
         || ', which does not bind it' as detail,
       string_agg(distinct format('alter table %s force row level security', c.oid::regclass), '; ') as repair
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_roles l on l.rolcanlogin and not l.rolsuper and not l.rolbypassrls and pg_has_role(l.oid, c.relowner, 'member')
 where c.relkind in ('r', 'p') and c.relrowsecurity and not c.relforcerowsecurity
   and has_database_privilege(l.oid, current_database(), 'connect')
 group by l.oid, l.rolname
