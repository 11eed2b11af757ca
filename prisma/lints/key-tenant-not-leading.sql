-- key-tenant-not-leading
-- A unique key contains the tenant column, but not first. One tenant's rows are then spread over the whole index: a scan
-- for one tenant reads all of them, its timing tells of the others' volume, and the table cannot be sharded by tenant. Put
-- the tenant column first.
-- level: info
-- like: bailiwick
select i.indexrelid::regclass::text as object,
       'has ' || $2 || ' in place ' || k.place || ' of ' || i.indnkeyatts as detail
  from pg_index i
  join pg_class c on c.oid = i.indrelid and c.relkind in ('r', 'p')
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_attribute t on t.attrelid = c.oid and t.attname = $2 and not t.attisdropped,
       lateral (select s + 1 as place from generate_series(1, i.indnkeyatts - 1) s where i.indkey[s] = t.attnum) k
 where i.indisunique
