-- table-no-tenant
-- A table refers to a tenant's table but has no tenant column of its own. Its policies must join to know whose a row is,
-- and its foreign key is checked past row security, so a row can be hung under another tenant's parent, and trying tells
-- which parents exist. Give it the tenant column, and the foreign key with it.
-- level: warning
-- like: pgrls SEC047
select c.oid::regclass::text as object,
       'refers to ' || string_agg(distinct up.oid::regclass::text, ', ') || ' and has no column ' || $2 as detail
  from pg_constraint f
  join pg_class c on c.oid = f.conrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_class up on up.oid = f.confrelid
  join pg_attribute t on t.attrelid = up.oid and t.attname = $2 and not t.attisdropped
 where f.contype = 'f' and f.conparentid = 0
   and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = $2 and not a.attisdropped)
   -- the table of tenants itself may be referred to by its tenant column alone
   and f.confkey <> array[t.attnum]
 group by c.oid
