-- policy-reads-unprotected
-- A policy decides by the rows of another table that somebody besides its owner may write and that has row security off.
-- Whoever adds a row there, as a member or an administrator, gives itself the rows here. Protect the other table like this one.
-- level: warning
-- like: pgrls SEC025
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'decides by ' || o.oid::regclass || ', which '
         || string_agg(distinct case g.grantee when 0 then 'PUBLIC' else g.grantee::regrole::text end, ', ')
         || ' may write without row security' as detail,
       format('alter table %s enable row level security, force row level security', o.oid::regclass) as repair
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
  join pg_class o on o.oid = d.refobjid and o.oid <> c.oid and o.relkind in ('r', 'p') and not o.relrowsecurity,
       lateral (select a.grantee, a.privilege_type from aclexplode(o.relacl) a
                union
                select a.grantee, a.privilege_type from pg_attribute t, aclexplode(t.attacl) a
                 where t.attrelid = o.oid) g
 where g.grantee <> o.relowner and g.privilege_type in ('INSERT', 'UPDATE', 'DELETE')
   and (g.grantee = 0
        or exists (select from pg_roles l where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
                                            and pg_has_role(l.oid, g.grantee, 'member')))
 group by p.oid, p.polname, c.oid, o.oid
