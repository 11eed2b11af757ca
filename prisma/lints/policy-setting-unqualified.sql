-- policy-setting-unqualified
-- A policy reads a setting whose name has no dot in it. Nobody can make such a setting, so it is either misspelt, and the
-- policy shows nothing, or one of PostgreSQL's own, such as application_name, which clients and poolers set as they like.
-- Read a setting of your own: 'app.tenant_id'.
-- level: warning
-- like: pgrls SEC024
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'reads the setting ' || string_agg(distinct m.name[1], ', ') || ', which is not the application''s' as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       lateral regexp_matches(concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)),
                              'current_setting\(''([^''.]*)''', 'g') m (name)
 group by p.oid, p.polname, c.oid
