-- policy-setting-strict
-- A policy calls current_setting without its second argument. Where the setting was never made, every statement on the
-- table is an error instead of an empty answer, which is loud but takes health checks and maintenance down with it; after the
-- first use on a connection it is an empty text instead. Write current_setting(name, true), with nullif for the empty text.
-- level: info
-- like: pgrls SEC019
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'fails where the setting is missing: ' || m.call[1] as detail,
       'alter policy ' || quote_ident(p.polname) || ' on ' || c.oid::regclass
         || coalesce(' using (' || regexp_replace(pg_get_expr(p.polqual, p.polrelid),
                                                  '(current_setting\(''[^'']*''(::text)?)\)', '\1, true)', 'g') || ')', '')
         || coalesce(' with check (' || regexp_replace(pg_get_expr(p.polwithcheck, p.polrelid),
                                                       '(current_setting\(''[^'']*''(::text)?)\)', '\1, true)', 'g') || ')', '')
         as repair
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       lateral regexp_match(concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)),
                            'current_setting\(''[^'']*''(?:::text)?\)') m (call)
 where m.call is not null
