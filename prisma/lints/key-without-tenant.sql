-- key-without-tenant
-- A unique key of a tenant's table does not contain the tenant column. Uniqueness is checked past row security: whoever
-- inserts learns whether any other tenant has the value, and two tenants cannot both have it. Put the tenant column into the
-- key, first. Keys that are made by the database, by identity, sequence or uuid, are left out: nobody chooses their value.
-- level: warning
-- like: pgrls SEC035
select i.indexrelid::regclass::text as object,
       'is unique across tenants: (' || k.columns || ') of ' || c.oid::regclass as detail,
       case when con.oid is not null and not i.indisprimary
            then format('alter table %s drop constraint %I, add unique (%I, %s)', c.oid::regclass, con.conname, $2, k.columns)
            when not i.indisprimary and i.indpred is null and i.indexprs is null
            then format('create unique index on %s (%I, %s); drop index %s',
                        c.oid::regclass, $2, k.columns, i.indexrelid::regclass) end as repair
  from pg_index i
  join pg_class c on c.oid = i.indrelid and c.relkind in ('r', 'p')
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_attribute t on t.attrelid = c.oid and t.attname = $2 and not t.attisdropped
  left join pg_constraint con on con.conindid = i.indexrelid and con.contype in ('p', 'u'),
       lateral (select string_agg(pg_get_indexdef(i.indexrelid, s, true), ', ' order by s) as columns
                  from generate_series(1, i.indnkeyatts) s) k
 where i.indisunique and not i.indisexclusion
   and not t.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
   and coalesce(position($2 in pg_get_expr(i.indexprs, c.oid)), 0) = 0
   and exists (
     select from generate_series(0, i.indnkeyatts - 1) s
       left join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[s]
      where a.attnum is null
         or a.atttypid <> 'uuid'::regtype and a.attidentity = ''
            and not exists (select from pg_attrdef d where d.adrelid = c.oid and d.adnum = a.attnum
                                                       and pg_get_expr(d.adbin, d.adrelid) ~ '^nextval\('))
