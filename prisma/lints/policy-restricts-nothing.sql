-- policy-restricts-nothing
-- A restrictive policy's condition is constantly true. It is there to be a floor under all others, looks like one in a
-- review, and takes nothing away. Write the condition that every row must meet, or drop the policy.
-- level: warning
-- like: pgrls SEC031
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'is a floor that holds nothing' as detail,
       format('drop policy %I on %s', p.polname, c.oid::regclass) as repair
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where not p.polpermissive
   and coalesce(pg_get_expr(p.polqual, p.polrelid), 'true') ~ '^\(*(true|NOT false|(\w+) = \2)\)*$'
   and coalesce(pg_get_expr(p.polwithcheck, p.polrelid), 'true') ~ '^\(*(true|NOT false|(\w+) = \2)\)*$'
