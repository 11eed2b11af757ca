-- policy-no-column
-- A policy reads no column of its table. It can tell who asks, but not whose a row is, so whoever passes gets all rows of
-- all tenants. Compare a column with the context.
-- level: warning
-- like: pgrls SEC005
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'decides by who asks alone: '
         || concat_ws(' and ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where p.polpermissive
   and not exists (select from pg_depend d
                    where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
                      and d.refobjid = p.polrelid and d.refobjsubid > 0)
   -- constants are policy-true, policy-check-true and policy-false
   and concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
       !~ '^[( ]*(true|false)?[) ]*(true|false)?\)*$'
