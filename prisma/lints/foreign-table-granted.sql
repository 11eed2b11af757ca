-- foreign-table-granted
-- A foreign table is granted. Row security cannot be put on it, and the other server is asked with a fixed user's rights, so
-- whoever holds the grant sees whatever that user sees. Revoke the grant, and read it through a function or a view that
-- filters.
-- level: error
-- like: splinter 0017, pgrls SEC053
select c.oid::regclass::text as object,
       'shows ' || string_agg(distinct case a.grantee when 0 then 'PUBLIC' else a.grantee::regrole::text end, ', ')
         || ' what another server has, without row security' as detail,
       format('revoke all on %s from %s', c.oid::regclass,
              string_agg(distinct case a.grantee when 0 then 'PUBLIC' else a.grantee::regrole::text end, ', ')) as repair
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       aclexplode(c.relacl) a
 where c.relkind = 'f' and a.grantee <> c.relowner
   and (a.grantee = 0
        or exists (select from pg_roles l where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
                                            and pg_has_role(l.oid, a.grantee, 'member')))
 group by c.oid
