-- policy-wraps-column
-- A policy compares what a function makes of a column, and the index on the column serves only the column itself. It looks
-- indexed, and every statement reads the whole table. Add an index on the expression, or store the column in the form that
-- is compared.
-- level: info
-- like: pgrls PERF004
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'calls a function on ' || string_agg(distinct quote_ident(a.attname), ', ')
         || ', so that ' || string_agg(distinct i.indexrelid::regclass::text, ', ') || ' cannot serve it' as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid and c.relrowsecurity
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
                  and d.refobjid = c.oid and d.refobjsubid > 0
  join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
  join pg_index i on i.indrelid = c.oid and i.indkey[0] = a.attnum
 where pg_get_expr(p.polqual, c.oid)
       ~ ('\m(lower|upper|btrim|ltrim|rtrim|replace|md5|left|"left"|substr|"substring"|date_trunc|date_part|EXTRACT|date)'
          || '\([^()]*\(?\m' || a.attname || '\M')
   and not exists (select from pg_index x where x.indrelid = c.oid and position(a.attname in pg_get_expr(x.indexprs, c.oid)) > 0)
 group by p.oid, p.polname, c.oid
