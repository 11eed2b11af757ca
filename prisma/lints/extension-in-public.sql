-- extension-in-public
-- An extension's objects stand in schema public, among the application's. They are callable there by everybody who may use the
-- schema, an upgrade can take names that the application has, and an API that publishes the schema publishes them. Move it
-- to a schema of its own.
-- level: info
-- like: splinter 0014
select quote_ident(e.extname) as object,
       'has its objects in schema public' as detail,
       case when e.extrelocatable then format('alter extension %I set schema extensions', e.extname) end as repair
  from pg_extension e
  join pg_namespace n on n.oid = e.extnamespace and n.nspname = any ($1)
 where n.nspname = 'public'
