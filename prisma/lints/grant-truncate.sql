-- grant-truncate
-- TRUNCATE is granted on a table with row security, which does not filter it. One statement empties the table for every
-- tenant. It usually comes with "grant all". Revoke it.
-- level: error
-- like: bailiwick
select c.oid::regclass::text as object,
       string_agg(case g.grantee when 0 then 'PUBLIC' else g.grantee::regrole::text end, ', ')
         || ' may empty it, past row security' as detail,
       format('revoke truncate on %s from %s', c.oid::regclass,
              string_agg(case g.grantee when 0 then 'PUBLIC' else g.grantee::regrole::text end, ', ')) as repair
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       aclexplode(c.relacl) g
 where c.relkind in ('r', 'p') and c.relrowsecurity
   and g.privilege_type = 'TRUNCATE' and g.grantee <> c.relowner
 group by c.oid
