-- definer-bypass
-- A role that can log in may call a SECURITY DEFINER function which runs as a superuser or as a role with BYPASSRLS. A mistake
-- in the function, or one argument that is believed, shows every tenant's rows: no policy stands behind it. Give the function
-- to an owner without these attributes, with policies of its own.
-- level: warning
-- like: pgrls SEC014
select p.oid::regprocedure::text as object,
       'runs as ' || p.proowner::regrole || ', past row security, for '
         || string_agg(g.grantee::regrole::text, ', ') as detail
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace and n.nspname = any ($1)
  join pg_roles o on o.oid = p.proowner and (o.rolsuper or o.rolbypassrls),
       aclexplode(p.proacl) g
 where p.prosecdef and g.grantee not in (0, p.proowner)
   and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
   and exists (select from pg_roles l where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
                                        and pg_has_role(l.oid, g.grantee, 'member'))
   -- that is definer-bypass-public
   and not exists (select from aclexplode(p.proacl) a where a.grantee = 0)
   and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
 group by p.oid
