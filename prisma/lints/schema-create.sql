-- schema-create
-- Everybody may create objects in a schema. Whoever finds it in a search_path uses what others put there: a function or an
-- operator of the same name with a better match runs with the rights of who calls it. Revoke it; new databases of PostgreSQL
-- 15 and later have it revoked on schema public.
-- level: error
-- like: bailiwick
select quote_ident(n.nspname) as object,
       'everybody may create in it' as detail,
       format('revoke create on schema %I from public', n.nspname) as repair
  from pg_namespace n, aclexplode(n.nspacl) g
 where n.nspname = any ($1) and g.grantee = 0 and g.privilege_type = 'CREATE'
