-- table-verb-without-policy
-- A role may address a table with a verb for which no permissive policy is written. INSERT fails, but SELECT, UPDATE and
-- DELETE quietly touch nothing, which looks like an empty table. Write the policy, or revoke the grant that says more than
-- is meant.
-- level: info
-- like: pgrls SEC022
select c.oid::regclass || ' for ' || g.privilege_type || ' by ' || g.grantee::regrole as object,
       'is granted, but no permissive policy says which rows' as detail,
       format('revoke %s on %s from %s', lower(g.privilege_type), c.oid::regclass, g.grantee::regrole) as repair
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       lateral (select a.grantee, a.privilege_type from aclexplode(c.relacl) a
                union
                select a.grantee, a.privilege_type from pg_attribute t, aclexplode(t.attacl) a
                 where t.attrelid = c.oid) g
  join pg_roles r on r.oid = g.grantee
 where c.relkind in ('r', 'p') and c.relrowsecurity and g.grantee <> c.relowner
   and g.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
   and not r.rolsuper and not r.rolbypassrls
   -- without any, that is table-no-policies or table-only-restrictive
   and exists (select from pg_policy p where p.polrelid = c.oid and p.polpermissive)
   and not exists (
     select from pg_policy p, unnest(p.polroles) named
      where p.polrelid = c.oid and p.polpermissive
        and p.polcmd in ('*', case g.privilege_type when 'SELECT' then 'r' when 'INSERT' then 'a'
                                                    when 'UPDATE' then 'w' else 'd' end)
        and (named = 0 or pg_has_role(g.grantee, named, 'member')))
