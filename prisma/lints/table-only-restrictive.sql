-- table-only-restrictive
-- All policies of a table are restrictive. They only take away, and nothing gives, so every statement of everybody finds
-- no row; the permissive policy that was meant is missing, or was written restrictive by mistake.
-- level: warning
-- like: pgrls SEC012
select c.oid::regclass::text as object,
       string_agg(p.polname, ', ' order by p.polname) || ': no permissive policy beside' as detail
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_policy p on p.polrelid = c.oid
 where c.relrowsecurity
 group by c.oid
having not bool_or(p.polpermissive)
