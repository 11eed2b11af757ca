-- view-calls-definer
-- A view calls a SECURITY DEFINER function that runs as a superuser or as a role with BYPASSRLS. What the function returns is
-- past all policies, security_invoker or not, and the view's name says nothing of it. Make the function security invoker, or
-- give it to an owner whom policies bind.
-- level: warning
-- like: pgrls VIEW004
select c.oid::regclass::text as object,
       'calls ' || string_agg(distinct p.oid::regprocedure || ' as ' || p.proowner::regrole, ', ') as detail,
       string_agg(distinct format('alter function %s security invoker', p.oid::regprocedure), '; ') as repair
  from pg_rewrite r
  join pg_class c on c.oid = r.ev_class and c.relkind in ('v', 'm')
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_proc'::regclass
  join pg_proc p on p.oid = d.refobjid and p.prosecdef
  join pg_roles o on o.oid = p.proowner and (o.rolsuper or o.rolbypassrls)
 where not exists (select from pg_depend e
                    where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
 group by c.oid
