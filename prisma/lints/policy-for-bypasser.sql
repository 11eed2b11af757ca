-- policy-for-bypasser
-- A policy names a role that row security does not bind: a superuser, or one with BYPASSRLS. The role sees every row, and the
-- policy makes a reader believe otherwise. Take the attribute from the role, or the role from the policy.
-- level: warning
-- like: pgrls SEC023
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'does not bind ' || string_agg(quote_ident(r.rolname), ', ') || ', which bypasses row security' as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_roles r on r.oid = any (p.polroles) and (r.rolsuper or r.rolbypassrls)
 group by p.oid, p.polname, c.oid
