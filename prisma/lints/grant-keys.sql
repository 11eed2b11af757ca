-- grant-keys
-- Key material may be read by a role that logs in: a bytea column of a table that is named for keys, or that is named for one
-- itself. Whoever reads it signs or decrypts in everybody's name, for ever. Revoke it, and use keys inside functions of an
-- owner that nobody can be.
-- level: error
-- like: bailiwick
select c.oid::regclass || '.' || a.attname as object,
       'may be read by '
         || string_agg(distinct case g.grantee when 0 then 'PUBLIC' else g.grantee::regrole::text end, ', ') as detail,
       case when bool_and(g.whole)
            then format('revoke select on %s from %s', c.oid::regclass,
                        string_agg(distinct case g.grantee when 0 then 'PUBLIC' else g.grantee::regrole::text end, ', '))
            end as repair
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.atttypid = 'bytea'::regtype,
       lateral (select x.grantee, x.privilege_type, true as whole from aclexplode(c.relacl) x
                union all
                select x.grantee, x.privilege_type, false from aclexplode(a.attacl) x) g
 where (c.relname ~* '(^|_)(key|keys|secret|secrets|credential|credentials|keyring|vault)(_|$)'
        or a.attname ~* '(^|_)(key|secret|private|seed|pad|seal|nonce_key)(_|$)')
   and a.attname !~* '(^|_)(public|hash|digest|fingerprint)(_|$)'
   and g.privilege_type = 'SELECT' and g.grantee <> c.relowner
   and (g.grantee = 0
        or exists (select from pg_roles l where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
                                            and pg_has_role(l.oid, g.grantee, 'member')))
 group by c.oid, a.attname
