-- role-bypasses
-- A role that can log in to this database, and owns no tables in it, is not bound by row security: it is a superuser or has
-- BYPASSRLS. Used by an application, a dashboard or a backup script, it shows all tenants. Take the attribute away,
-- or the login. The first superuser of the server, which cannot lose the attribute, is left out.
-- level: warning
-- like: pgrls SEC016
select quote_ident(r.rolname) as object,
       'logs in and is not bound, as ' || case when r.rolsuper then 'superuser' else 'BYPASSRLS' end as detail,
       format('alter role %I %s', r.rolname, case when r.rolsuper then 'nosuperuser' else 'nobypassrls' end) as repair
  from pg_roles r
 where r.rolcanlogin and (r.rolsuper or r.rolbypassrls) and r.oid <> 10
   and has_database_privilege(r.oid, current_database(), 'connect')
   and not exists (select from pg_class c where c.relowner = r.oid and c.relkind in ('r', 'p') and c.oid >= 16384)
