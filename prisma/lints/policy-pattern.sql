-- policy-pattern
-- A policy compares by LIKE or a regular expression with a value of the context. A pattern in it, '%' or '.*', then matches
-- every row: whoever chooses an address or a name chooses whose rows it sees. Compare with "=".
-- level: warning
-- like: pgrls SEC026
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'takes a value of the context for a pattern: ' || string_agg(e.condition, ' and ') as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       lateral (values (pg_get_expr(p.polqual, p.polrelid)), (pg_get_expr(p.polwithcheck, p.polrelid))) e (condition)
 where regexp_replace(e.condition, '''[^'']*''', '''''', 'g')
       ~* ' !?~~?\*? (ANY )?\(*( ?select\M|current_setting\(|current_user|session_user|nullif\(|coalesce\(|lower\(|\w+\.\w+\()'
 group by p.oid, p.polname, c.oid
