-- policy-false
-- A permissive policy's condition is constantly false. It gives nothing, so it is either forgotten scaffolding or a lock that
-- does not lock, since any other permissive policy still gives. To forbid, write no policy for the verb, or a restrictive one.
-- level: warning
-- like: pgrls SEC010
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'never gives anything' as detail,
       format('drop policy %I on %s', p.polname, c.oid::regclass) as repair
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where p.polpermissive
   and 'false' in (substring(pg_get_expr(p.polqual, p.polrelid) from '^\(*(false)\)*$'),
                   substring(pg_get_expr(p.polwithcheck, p.polrelid) from '^\(*(false)\)*$'))
