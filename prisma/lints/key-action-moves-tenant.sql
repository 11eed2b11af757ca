-- key-action-moves-tenant
-- A foreign key's action sets the tenant column to null or to its default, or changes it with the parent's. Deleting or
-- renumbering the parent then takes rows out of their tenant, done by the system and past row security: nobody owns them, or
-- somebody else does. Restrict, or list only the other columns: "on delete set null (parent_id)".
-- level: error
-- like: bailiwick
select c.oid::regclass || '.' || f.conname as object,
       'takes rows out of their tenant: ' || pg_get_constraintdef(f.oid) as detail,
       format('alter table %1$s drop constraint %2$I, add constraint %2$I %3$s',
              c.oid::regclass, f.conname,
              regexp_replace(pg_get_constraintdef(f.oid), ' ON (UPDATE|DELETE) (CASCADE|SET (NULL|DEFAULT))', '', 'g')) as repair
  from pg_constraint f
  join pg_class c on c.oid = f.conrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_attribute t on t.attrelid = c.oid and t.attname = $2 and t.attnum = any (f.conkey)
 where f.contype = 'f' and f.conparentid = 0
   and (f.confdeltype in ('n', 'd') and t.attnum = any (coalesce(f.confdelsetcols, f.conkey)) or f.confupdtype in ('n', 'd')
        -- only between rows: that a tenant's own id changes with the tenant is no move
        or f.confupdtype = 'c' and cardinality(f.conkey) > 1)
