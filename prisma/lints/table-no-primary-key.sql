-- table-no-primary-key
-- A table has no primary key. Rows cannot be told apart, so an audit entry, a policy by id or an update cannot say which
-- one it means, and logical replication cannot follow changes. Add one, with the tenant column first where there is one.
-- level: info
-- like: splinter 0004
select c.oid::regclass::text as object, 'has no primary key' as detail
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where c.relkind in ('r', 'p')
   and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
   and not exists (select from pg_depend e
                    where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
