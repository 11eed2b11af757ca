-- policy-true
-- A permissive policy's condition is constantly true. Permissive policies are alternatives, so this one shows or gives up
-- every row of every tenant, whatever the others say. Write the condition, or a restrictive policy beside it. Policies for
-- roles that nobody can log in as, such as the owner of definer functions, are left out.
-- level: warning
-- like: splinter 0024, pgrls SEC008
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'lets ' || (select string_agg(case r when 0 then 'PUBLIC' else r::regrole::text end, ', ') from unnest(p.polroles) r)
         || case p.polcmd when 'r' then ' see' when 'w' then ' update' when 'd' then ' delete' else ' touch' end
         || ' every row' as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where p.polpermissive
   and pg_get_expr(p.polqual, p.polrelid) ~ '^\(*(true|NOT false|(\w+) = \2)\)*$'
   and exists (select from unnest(p.polroles) r
                where r = 0 or exists (select from pg_roles l where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
                                                                and pg_has_role(l.oid, r, 'member')))
   -- a restrictive policy for the same verb and everybody makes it mean "all that those allow"
   and not exists (
     select from pg_policy f
      where f.polrelid = p.polrelid and not f.polpermissive and f.polcmd in ('*', p.polcmd)
        and (0 = any (f.polroles) or f.polroles @> p.polroles)
        and pg_get_expr(f.polqual, f.polrelid) !~ '^\(*(true|NOT false|(\w+) = \2)\)*$')
