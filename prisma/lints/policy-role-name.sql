-- policy-role-name
-- A policy compares with current_user or session_user. An application serves all its users through one role, so the
-- comparison is the same for all of them; and where policies depend on the role, cached plans have repeatedly shown rows of
-- another one (CVE-2023-2455, CVE-2024-10976). Compare with the request's context. One role per tenant is another design:
-- accept the finding then.
-- level: warning
-- like: pgrls SEC018
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'compares with the name of the role: ' || string_agg(e.condition, ' and ') as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       lateral (values (pg_get_expr(p.polqual, p.polrelid)), (pg_get_expr(p.polwithcheck, p.polrelid))) e (condition)
 where -- asking what a role may do is something else
       regexp_replace(regexp_replace(e.condition, '''[^'']*''', '''''', 'g'),
                      '\m(pg_has_role|has_\w+_privilege)\([^()]*\)', '', 'g')
       ~ '\m(CURRENT_USER|SESSION_USER|CURRENT_ROLE|USER)\M(?!")'
 group by p.oid, p.polname, c.oid
