-- tenant-nullable
-- The tenant column may be null. A row without a tenant is hidden from all by "=", and shown to all by the first policy
-- that is written with "is not distinct from", "coalesce" or "or ... is null"; a composite foreign key with a null in it is
-- not checked at all. Fill the column, then forbid null.
-- level: warning
-- like: pgrls SEC030
select c.oid::regclass || '.' || a.attname as object,
       'may be null, so a row may belong to no tenant' as detail,
       format('alter table %s alter column %I set not null', c.oid::regclass, a.attname) as repair
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_attribute a on a.attrelid = c.oid and a.attname = $2 and not a.attisdropped and not a.attnotnull
 where c.relkind in ('r', 'p') and a.attinhcount = 0
   and not exists (select from pg_depend e
                    where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
