-- key-crosses-tenants
-- A foreign key between two tables of tenants does not carry the tenant column on both sides. It is checked past row
-- security, so a row of one tenant can point at a row of another: whoever writes it learns which ids exist there, and what
-- follows the reference later reads or cascades across tenants. Refer by the tenant column and the key together.
-- level: error
-- like: pgrls SEC047
select c.oid::regclass || '.' || f.conname as object,
       'does not carry ' || $2 || ' to ' || up.oid::regclass as detail,
       format('alter table %2$s add unique (%3$I, %4$s); alter table %1$s drop constraint %5$I, '
              'add constraint %5$I foreign key (%3$I, %6$s) references %2$s (%3$I, %4$s)%7$s',
              c.oid::regclass, up.oid::regclass, $2,
              (select string_agg(quote_ident(a.attname), ', ' order by k.place)
                 from unnest(f.confkey) with ordinality k (number, place)
                 join pg_attribute a on a.attrelid = up.oid and a.attnum = k.number),
              f.conname,
              (select string_agg(quote_ident(a.attname), ', ' order by k.place)
                 from unnest(f.conkey) with ordinality k (number, place)
                 join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number),
              coalesce(' ' || substring(pg_get_constraintdef(f.oid) from 'ON (?:UPDATE|DELETE).*$'), '')) as repair
  from pg_constraint f
  join pg_class c on c.oid = f.conrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_class up on up.oid = f.confrelid
  join pg_attribute near on near.attrelid = c.oid and near.attname = $2 and not near.attisdropped
  join pg_attribute far on far.attrelid = up.oid and far.attname = $2 and not far.attisdropped
 where f.contype = 'f' and f.conparentid = 0
   and not exists (select from unnest(f.conkey, f.confkey) k (own, other)
                    where k.own = near.attnum and k.other = far.attnum)
   -- a column that stands for the tenant under another name, in the table of tenants
   and f.conkey <> array[near.attnum]
