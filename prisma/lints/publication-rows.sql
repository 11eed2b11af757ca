-- publication-rows
-- A publication contains a table with row security or with tenants' rows. Its subscribers get every change of every tenant:
-- policies are not asked, and a service that relays changes to browsers must filter them again by itself. Publish a column
-- list and a row filter, or take the table out.
-- level: warning
-- like: pgrls SEC051
select c.oid::regclass || ' in ' || quote_ident(t.pubname) as object,
       'is published with the rows of all tenants' as detail,
       case when not p.puballtables and exists (select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = c.oid)
            then format('alter publication %I drop table %s', t.pubname, c.oid::regclass) end as repair
  from pg_publication_tables t
  join pg_publication p on p.pubname = t.pubname
  join pg_namespace n on n.nspname = t.schemaname and n.nspname = any ($1)
  join pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
 where t.rowfilter is null
   and (c.relrowsecurity
        or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = $2 and not a.attisdropped))
