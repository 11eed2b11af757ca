-- policy-check-drops-tenant
-- A permissive policy reads rows by the tenant column and checks written rows by something else. An explicit "with check"
-- replaces "using", so a row can be inserted into, or moved to, another tenant. Compare the tenant column in both, or leave
-- "with check" out.
-- level: error
-- like: pgrls SEC006, pgrls SEC040
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'reads by ' || $2 || ' and writes by ' || pg_get_expr(p.polwithcheck, p.polrelid) as detail,
       format('alter policy %I on %s with check (%s and %s)', p.polname, c.oid::regclass,
              pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) as repair
  from pg_policy p
  join pg_class c on c.oid = p.polrelid and c.relrowsecurity
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_attribute t on t.attrelid = c.oid and t.attname = $2 and not t.attisdropped
 where p.polpermissive and p.polcmd in ('w', '*')
   and pg_get_expr(p.polqual, p.polrelid) ~ ('\m' || $2 || '\M')
   and pg_get_expr(p.polwithcheck, p.polrelid) !~ ('\m' || $2 || '\M')
   and pg_get_expr(p.polwithcheck, p.polrelid) !~ '^\(*(true|false)\)*$'
   and not exists (
     select from pg_policy f
      where f.polrelid = c.oid and not f.polpermissive and f.polcmd in ('*', p.polcmd)
        and (0 = any (f.polroles) or f.polroles @> p.polroles)
        and pg_get_expr(coalesce(f.polwithcheck, f.polqual), f.polrelid) ~ ('\m' || $2 || '\M'))
