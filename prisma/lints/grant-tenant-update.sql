-- grant-tenant-update
-- A role that logs in may update the tenant column. Whether a row can be moved to another tenant then depends on "with check"
-- alone. No row ever changes its tenant: grant update on the other columns.
-- level: info
-- like: bailiwick
select c.oid::regclass || '.' || t.attname as object,
       'may be updated by '
         || string_agg(distinct case g.grantee when 0 then 'PUBLIC' else g.grantee::regrole::text end, ', ') as detail
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_attribute t on t.attrelid = c.oid and t.attname = $2 and not t.attisdropped,
       lateral (select x.grantee, x.privilege_type from aclexplode(c.relacl) x
                union
                select x.grantee, x.privilege_type from aclexplode(t.attacl) x) g
 where c.relkind in ('r', 'p') and g.privilege_type = 'UPDATE' and g.grantee <> c.relowner
   and (g.grantee = 0
        or exists (select from pg_roles l where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
                                            and pg_has_role(l.oid, g.grantee, 'member')))
 group by c.oid, t.attname
