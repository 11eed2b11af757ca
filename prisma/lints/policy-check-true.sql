-- policy-check-true
-- A permissive policy accepts any row that is written: its "with check" is constantly true. Whoever may insert or update
-- writes rows into other tenants, or moves its own there, even where it can read only its own. Repeat the condition of
-- reading, or leave "with check" out of a policy for update, which then takes over "using".
-- level: error
-- like: splinter 0024, pgrls SEC020, pgrls SEC028
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'accepts whatever row '
         || (select string_agg(case r when 0 then 'PUBLIC' else r::regrole::text end, ', ') from unnest(p.polroles) r)
         || ' writes' as detail,
       case when p.polqual is not null
            then format('alter policy %I on %s with check (%s)', p.polname, c.oid::regclass,
                        pg_get_expr(p.polqual, p.polrelid)) end as repair
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where p.polpermissive and p.polcmd in ('a', 'w', '*')
   and pg_get_expr(p.polwithcheck, p.polrelid) ~ '^\(*(true|NOT false|(\w+) = \2)\)*$'
   and coalesce(pg_get_expr(p.polqual, p.polrelid), '') !~ '^\(*(true|NOT false|(\w+) = \2)\)*$'
   and exists (select from unnest(p.polroles) r
                where r = 0 or exists (select from pg_roles l where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
                                                                and pg_has_role(l.oid, r, 'member')))
   and not exists (
     select from pg_policy f
      where f.polrelid = p.polrelid and not f.polpermissive and f.polcmd in ('*', p.polcmd)
        and (0 = any (f.polroles) or f.polroles @> p.polroles)
        and pg_get_expr(coalesce(f.polwithcheck, f.polqual), f.polrelid) !~ '^\(*(true|NOT false|(\w+) = \2)\)*$')
