-- policy-mutable-claim
-- A policy decides by user_metadata, the part of a Supabase token that its holder may change. Everybody can make itself an
-- administrator by one call of the authentication API. Use app_metadata, which only the server writes.
-- level: error
-- like: splinter 0015, pgrls SEC033
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'believes what the user says of itself: ' || m.name[1] as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       lateral regexp_match(concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)),
                            '\m(user_metadata|raw_user_meta_data)\M') m (name)
 where m.name is not null
