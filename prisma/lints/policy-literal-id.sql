-- policy-literal-id
-- A policy compares whose a row is with a constant. Everybody gets the rows of that one tenant or person, whoever asks: a
-- leftover of trying out, or a back door. Compare with the context.
-- level: warning
-- like: pgrls SEC021
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'compares with a constant: '
         || concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       lateral (select concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) as text) e
 where -- the uuid of somebody, anywhere; or a column that says whose a row is, compared with any constant
       e.text ~ '''[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}''::uuid'
    or regexp_replace(e.text, '''[^'']*''', '''''', 'g')
       ~ ('\m(' || $2 || '|owner|(owner|user|account|organi[sz]ation|org|customer|workspace|team|company)_id)\M\)?(::\w+)? = '
          || '(ANY )?\(*(ARRAY\[)?(''''|\d)')
