-- policy-or-true
-- A policy has an alternative that is constantly true, as somebody leaves behind who wanted to see everything for a moment.
-- The rest of the condition is not asked then, and every row passes. Remove the alternative.
-- level: error
-- like: pgrls SEC011
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'is true whatever else it says: ' || string_agg(e.condition, ' and ') as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       lateral (values (pg_get_expr(p.polqual, p.polrelid)), (pg_get_expr(p.polwithcheck, p.polrelid))) e (condition)
 where e.condition ~ '\mOR \(*(true\M|NOT false\M|(\w+) = \2\M)|\((\w+) = \3\) OR\M|(?<!(=|<>|IS|IS NOT|,) )\mtrue\)* OR\M'
 group by p.oid, p.polname, c.oid
