-- publication-keys
-- A publication contains key material: a bytea column of a table that is named for keys, or that is named for one itself.
-- Whoever subscribes has the keys, and with them everybody's name. Take the table out; with "for all tables", name the tables
-- instead.
-- level: error
-- like: bailiwick
select c.oid::regclass || ' in ' || quote_ident(t.pubname) as object,
       'publishes ' || string_agg(quote_ident(a.attname), ', ') as detail,
       case when not p.puballtables and exists (select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = c.oid)
            then format('alter publication %I drop table %s', t.pubname, c.oid::regclass) end as repair
  from pg_publication_tables t
  join pg_publication p on p.pubname = t.pubname
  join pg_namespace n on n.nspname = t.schemaname and n.nspname = any ($1)
  join pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
  join pg_attribute a on a.attrelid = c.oid and a.attname = any (t.attnames) and a.atttypid = 'bytea'::regtype
 where (c.relname ~* '(^|_)(key|keys|secret|secrets|credential|credentials|keyring|vault)(_|$)'
        or a.attname ~* '(^|_)(key|secret|private|seed|pad|seal|nonce_key)(_|$)')
   and a.attname !~* '(^|_)(public|hash|digest|fingerprint)(_|$)'
 group by c.oid, t.pubname, p.oid, p.puballtables
