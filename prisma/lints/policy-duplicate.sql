-- policy-duplicate
-- Two policies of a table say the same. The second changes nothing today; the day somebody tightens one of them, the other
-- still gives what was taken away. Drop one.
-- level: info
-- like: pgrls HYG003
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'says the same as ' || string_agg(quote_ident(o.polname), ', ') as detail,
       format('drop policy %I on %s', p.polname, c.oid::regclass) as repair
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_policy o on o.polrelid = p.polrelid and o.polname < p.polname
 where (o.polcmd, o.polpermissive) = (p.polcmd, p.polpermissive)
   and o.polroles @> p.polroles and p.polroles @> o.polroles
   and pg_get_expr(o.polqual, o.polrelid) is not distinct from pg_get_expr(p.polqual, p.polrelid)
   and pg_get_expr(o.polwithcheck, o.polrelid) is not distinct from pg_get_expr(p.polwithcheck, p.polrelid)
 group by p.oid, p.polname, c.oid
