-- key-unindexed
-- No index begins with the columns of a foreign key. Deleting or changing a parent row then reads the whole child table
-- under a lock, and every join along the reference does too: one tenant's deletion slows all of them. Add an index.
-- level: info
-- like: splinter 0001
select c.oid::regclass || '.' || f.conname as object,
       'has no index that begins with (' || k.columns || ')' as detail,
       format('create index on %s (%s)', c.oid::regclass, k.columns) as repair
  from pg_constraint f
  join pg_class c on c.oid = f.conrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       lateral (select string_agg(quote_ident(a.attname), ', ' order by k.place) as columns
                  from unnest(f.conkey) with ordinality k (number, place)
                  join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number) k
 where f.contype = 'f' and f.conparentid = 0
   and not exists (
     select from pg_index i
      where i.indrelid = c.oid and i.indisvalid and i.indpred is null
        -- the first columns are those of the key, or the first two are and narrow it down enough
        and (i.indkey::int2[])[0:least(cardinality(f.conkey), 2) - 1] <@ f.conkey)
   and not exists (select from pg_depend e
                    where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
