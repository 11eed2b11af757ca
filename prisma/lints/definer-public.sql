-- definer-public
-- Everybody can call a SECURITY DEFINER function, because functions are executable by PUBLIC unless that is revoked. It lends
-- its owner's rights to roles that nobody thought of when it was written. Revoke that and grant it to who needs it.
-- level: warning
-- like: splinter 0028, splinter 0029
select p.oid::regprocedure::text as object,
       'lends the rights of ' || p.proowner::regrole || ' to everybody' as detail,
       format('revoke execute on %s %s from public', case p.prokind when 'p' then 'procedure' else 'function' end,
              p.oid::regprocedure) as repair
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace and n.nspname = any ($1)
  -- others are definer-bypass-public
  join pg_roles o on o.oid = p.proowner and not o.rolsuper and not o.rolbypassrls,
       aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
 where p.prosecdef and g.grantee = 0
   and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
   -- only who may use the schema, or can become somebody who may
   and exists (select from pg_roles l
                 join pg_roles r on not r.rolsuper and pg_has_role(l.oid, r.oid, 'member')
                where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
                  and has_schema_privilege(r.oid, n.oid, 'usage'))
   and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
