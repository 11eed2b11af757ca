-- policy-placeholder-name
-- A policy has the name of something that was to be replaced: todo, fixme, tmp, hack, xxx, debug, placeholder, test. It is in
-- force nevertheless. Review it, then rename it to what it says, or drop it.
-- level: info
-- like: pgrls HYG002
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'is named like something unfinished' as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where regexp_replace(p.polname, '([a-z])([A-Z])', '\1_\2', 'g')
       ~* '(^|[^a-z])(todo|fixme|tmp|hack|xxx|debug|placeholder|test)([^a-z]|$)'
