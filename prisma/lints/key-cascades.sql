-- key-cascades
-- A foreign key deletes or changes rows of a table with row security, when somebody who may delete or change the parent
-- does so. The system does it past the child's policies, so rows go that the person could not even see, and no policy for
-- delete is asked. Restrict, and delete the children in so many words.
-- level: warning
-- like: bailiwick
select c.oid::regclass || '.' || f.conname as object,
       'changes ' || c.oid::regclass || ' past its policies: '
         || substring(pg_get_constraintdef(f.oid) from 'ON (?:UPDATE|DELETE).*$') as detail,
       format('alter table %1$s drop constraint %2$I, add constraint %2$I %3$s', c.oid::regclass, f.conname,
              regexp_replace(pg_get_constraintdef(f.oid), ' ON (UPDATE|DELETE) (CASCADE|SET (NULL|DEFAULT)( \([^)]*\))?)',
                             '', 'g')) as repair
  from pg_constraint f
  join pg_class c on c.oid = f.conrelid and c.relrowsecurity
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_class up on up.oid = f.confrelid
 where f.contype = 'f' and f.conparentid = 0
   and exists (
     select from (select a.grantee, a.privilege_type from aclexplode(up.relacl) a
                  union
                  select a.grantee, a.privilege_type from pg_attribute t, aclexplode(t.attacl) a
                   where t.attrelid = up.oid and t.attnum = any (f.confkey)) g
      where g.grantee <> up.relowner
        and (g.privilege_type = 'DELETE' and f.confdeltype in ('c', 'n', 'd')
             or g.privilege_type = 'UPDATE' and f.confupdtype in ('c', 'n', 'd')))
