-- policy-setting-forgeable
-- A policy takes who is asking from a plain setting. Any SQL that runs as the application's role can set it, so one
-- injected statement is anybody's authority, and whoever gets a pooled connection with the setting left over is somebody
-- else. Let the database check a signed context instead, and let policies ask a function that does.
-- level: info
-- like: bailiwick
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'believes the setting ' || string_agg(distinct m.name[1], ', ') || ', which any statement can make' as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       lateral regexp_matches(concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)),
                              'current_setting\(''([^'']*)''', 'g') m (name)
 group by p.oid, p.polname, c.oid
