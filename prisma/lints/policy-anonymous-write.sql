-- policy-anonymous-write
-- A permissive policy lets a role for people who are not signed in write: anon, web_anon, anonymous. Whoever finds the address
-- of the API adds, changes or deletes rows in nobody's name. Take the role out, or route the write through a function that
-- checks it.
-- level: error
-- like: pgrls SEC039
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'lets ' || string_agg(quote_ident(r.rolname), ', ')
         || case p.polcmd when 'a' then ' insert' when 'w' then ' update' when 'd' then ' delete' else ' write' end as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_roles r on r.oid = any (p.polroles) and r.rolname in ('anon', 'web_anon', 'anonymous')
 where p.polpermissive and p.polcmd <> 'r'
   and coalesce(pg_get_expr(p.polqual, p.polrelid), '') !~ '^\(*false\)*$'
 group by p.oid, p.polname, p.polcmd, c.oid
