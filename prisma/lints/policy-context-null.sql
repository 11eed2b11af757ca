-- policy-context-null
-- A permissive policy has an alternative that is true when there is no context: "current_setting(...) is null or ...".
-- A connection that nobody has signed in on then sees every row, be it an attacker's or one on which the server forgot to set
-- the context. Remove the alternative: a missing context must compare to nothing.
-- level: error
-- like: pgrls SEC004, pgrls SEC038
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'shows every row to whoever has no context: ' || string_agg(e.condition, ' and ') as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       lateral (values (pg_get_expr(p.polqual, p.polrelid)), (pg_get_expr(p.polwithcheck, p.polrelid))) e (condition),
       -- a call of current_setting or of anybody's function, without a column in it, and nothing but casts up to its test
       lateral (select regexp_replace(e.condition, '''[^'']*''', '''''', 'g') as text) s
 where p.polpermissive
   and s.text ~ '\mOR\M'
   and (s.text ~ ('(\mcurrent_setting|\m\w+\.\w+)\((''''(::text)?(, (true|false))?)?\)'
                  '((?! OR | AND | = | <> | IS ).){0,80} IS NULL\)')
        or s.text ~ ('NOT \(+( SELECT )?(\mcurrent_setting|\m\w+\.\w+)\((''''(::text)?(, (true|false))?)?\)'
                     '((?! OR | AND | = | <> | IS ).){0,80} IS NOT NULL\)'))
 group by p.oid, p.polname, c.oid
