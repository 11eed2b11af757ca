-- definer-bypass-public
-- Everybody can call a SECURITY DEFINER function that runs as a superuser or as a role with BYPASSRLS. What it reads and
-- writes is past all row security, for whoever can connect: functions are executable by PUBLIC unless that is revoked. Revoke
-- it, and give the function to an owner with narrow rights.
-- level: error
-- like: splinter 0028, splinter 0029, pgrls SEC042
select p.oid::regprocedure::text as object,
       'runs as ' || p.proowner::regrole || ', past row security, for everybody' as detail,
       format('revoke execute on %s %s from public', case p.prokind when 'p' then 'procedure' else 'function' end,
              p.oid::regprocedure) as repair
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace and n.nspname = any ($1)
  join pg_roles o on o.oid = p.proowner and (o.rolsuper or o.rolbypassrls),
       aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
 where p.prosecdef and g.grantee = 0
   -- nobody can call a trigger's function
   and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
   -- only who may use the schema, or can become somebody who may
   and exists (select from pg_roles l
                 join pg_roles r on not r.rolsuper and pg_has_role(l.oid, r.oid, 'member')
                where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
                  and has_schema_privilege(r.oid, n.oid, 'usage'))
   and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
