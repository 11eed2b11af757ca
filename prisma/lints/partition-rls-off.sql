-- partition-rls-off
-- A partition, or a child by inheritance, has row security off while a table above it has it on, and it is granted by its
-- own name. Policies of the parent hold only for statements that name the parent, so the child shows every tenant's rows.
-- Revoke the grant, which statements on the parent do not need, or enable row security with policies on the child too.
-- level: error
-- like: pgrls SEC041, pgrls SEC043
with recursive above (child, parent) as (
  select inhrelid, inhparent from pg_inherits
  union
  select a.child, i.inhparent from above a join pg_inherits i on i.inhrelid = a.parent
)
select c.oid::regclass::text as object,
       'is granted to ' || string_agg(distinct g.who, ', ') || ' past the policies of '
         || string_agg(distinct up.oid::regclass::text, ', ') as detail,
       format('revoke all on %s from %s', c.oid::regclass, string_agg(distinct g.who, ', ')) as repair
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join above a on a.child = c.oid
  join pg_class up on up.oid = a.parent and up.relrowsecurity,
       lateral (select case x.grantee when 0 then 'PUBLIC' else x.grantee::regrole::text end as who
                  from (select a.grantee, a.privilege_type from aclexplode(c.relacl) a
                        union
                        select a.grantee, a.privilege_type from pg_attribute t, aclexplode(t.attacl) a
                         where t.attrelid = c.oid) x
                 where x.grantee <> c.relowner and x.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')) g
 where c.relkind in ('r', 'p', 'f') and not c.relrowsecurity
 group by c.oid
