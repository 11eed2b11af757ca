-- policy-public
-- A permissive policy is for PUBLIC, which is what a policy without "to" is. It gives its rows to every role that has or
-- will have a grant, reporting and maintenance roles with other contexts included. Name the roles it is meant for.
-- level: warning
-- like: pgrls SEC003
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'is for every role there is' as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where p.polpermissive and 0 = any (p.polroles)
