-- grant-secret-column
-- A column with the name of a secret, such as a password, a token or a private key, may be read by a role that logs in, on a
-- table without row security or by PUBLIC. One injected select collects them all. Grant the other columns only, and let the
-- server compare secrets without handing them out.
-- level: warning
-- like: splinter 0023, pgrls SEC045
select c.oid::regclass || '.' || a.attname as object,
       'may be read by '
         || string_agg(distinct case g.grantee when 0 then 'PUBLIC' else g.grantee::regrole::text end, ', ') as detail
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped,
       lateral (select x.grantee, x.privilege_type from aclexplode(c.relacl) x
                union
                select x.grantee, x.privilege_type from aclexplode(a.attacl) x) g
 where c.relkind in ('r', 'p', 'v', 'm', 'f')
   and a.attname ~* ('(^|_)(password|passwd|passphrase|secret|private_?key|api_?key|access_?token|refresh_?token|otp|cvv|ssn|iban'
                     '|credit_?card|card_?number|recovery_?code|backup_?code)s?(_|$)')
   and g.privilege_type = 'SELECT' and g.grantee <> c.relowner
   and (g.grantee = 0
        or not c.relrowsecurity
           and exists (select from pg_roles l where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
                                                and pg_has_role(l.oid, g.grantee, 'member')))
   and not exists (select from pg_depend e
                    where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
 group by c.oid, a.attname
