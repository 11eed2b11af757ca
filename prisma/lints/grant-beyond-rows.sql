-- grant-beyond-rows
-- REFERENCES, TRIGGER or MAINTAIN is granted on a table with row security, which filters none of them. References tell which
-- keys exist, a trigger runs its author's code with every writer's rights, and maintenance locks the table for everybody. They
-- usually come with "grant all". Revoke them.
-- level: warning
-- like: bailiwick
select c.oid::regclass::text as object,
       string_agg(distinct g.who, ', ') || ' has ' || string_agg(distinct g.privilege_type, ', ') as detail,
       format('revoke %s on %s from %s',
              lower(string_agg(distinct g.privilege_type || coalesce(' (' || quote_ident(g.name) || ')', ''), ', ')),
              c.oid::regclass, string_agg(distinct g.who, ', ')) as repair
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       lateral (
         select case a.grantee when 0 then 'PUBLIC' else a.grantee::regrole::text end as who, a.privilege_type, x.name
           from (select null::name, c.relacl
                 union all
                 select t.attname, t.attacl from pg_attribute t where t.attrelid = c.oid) x (name, acl),
                aclexplode(x.acl) a
          where a.grantee <> c.relowner and a.privilege_type in ('REFERENCES', 'TRIGGER', 'MAINTAIN')
       ) g
 where c.relkind in ('r', 'p') and c.relrowsecurity
 group by c.oid
