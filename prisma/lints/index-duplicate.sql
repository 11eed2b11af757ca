-- index-duplicate
-- Two indexes of a table are the same but for their names. Each is written and kept in memory for nothing. Drop one; the
-- one that belongs to a constraint stays.
-- level: info
-- like: splinter 0009
select i.indexrelid::regclass::text as object,
       'is the same index as ' || string_agg(o.indexrelid::regclass::text, ', ') as detail,
       format('drop index %s', i.indexrelid::regclass) as repair
  from pg_index i
  join pg_class c on c.oid = i.indrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_class ic on ic.oid = i.indexrelid
  join pg_index o on o.indrelid = i.indrelid and o.indexrelid <> i.indexrelid
  join pg_class oc on oc.oid = o.indexrelid and oc.relam = ic.relam
 where (i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text, i.indisunique, i.indnkeyatts)
       = (o.indkey::text, o.indclass::text, o.indcollation::text, o.indoption::text, o.indisunique, o.indnkeyatts)
   and pg_get_expr(i.indexprs, c.oid) is not distinct from pg_get_expr(o.indexprs, c.oid)
   and pg_get_expr(i.indpred, c.oid) is not distinct from pg_get_expr(o.indpred, c.oid)
   and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
   and (o.indexrelid < i.indexrelid or exists (select from pg_constraint k where k.conindid = o.indexrelid))
 group by i.indexrelid
