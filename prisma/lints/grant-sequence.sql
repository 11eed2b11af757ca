-- grant-sequence
-- A sequence is granted for reading or setting. Its value tells how many rows all tenants make together and when; setting it
-- back makes everybody's inserts fail. An identity column needs no grant on its sequence, and nextval needs USAGE only.
-- level: info
-- like: bailiwick
select c.oid::regclass::text as object,
       string_agg(distinct case g.grantee when 0 then 'PUBLIC' else g.grantee::regrole::text end, ', ')
         || ' has ' || string_agg(distinct g.privilege_type, ', ') as detail,
       format('revoke %s on sequence %s from %s', lower(string_agg(distinct g.privilege_type, ', ')), c.oid::regclass,
              string_agg(distinct case g.grantee when 0 then 'PUBLIC' else g.grantee::regrole::text end, ', ')) as repair
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       aclexplode(c.relacl) g
 where c.relkind = 'S' and g.grantee <> c.relowner and g.privilege_type in ('SELECT', 'UPDATE')
 group by c.oid
