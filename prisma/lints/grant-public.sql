-- grant-public
-- A privilege on a table, view or sequence is granted to PUBLIC. That is every role there is and will be: the one
-- for reports, the one of an extension, the one that somebody makes tomorrow. Grant it to the roles that need it.
-- level: warning
-- like: bailiwick
select c.oid::regclass::text as object,
       'everybody has ' || string_agg(distinct g.privilege_type, ', ') as detail,
       format('revoke all on %s%s from public', case c.relkind when 'S' then 'sequence ' else '' end, c.oid::regclass) as repair
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       lateral (select a.grantee, a.privilege_type from aclexplode(c.relacl) a
                union
                select a.grantee, a.privilege_type from pg_attribute t, aclexplode(t.attacl) a where t.attrelid = c.oid) g
 where g.grantee = 0
   and not exists (select from pg_depend e
                    where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
 group by c.oid
