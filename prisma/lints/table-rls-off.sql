-- table-rls-off
-- Row security is off on a table that has the tenant column, or that somebody besides its owner may address. Whoever
-- holds the grant reads or changes every tenant's rows with one statement. Enable and force it, then write the policies:
-- until there are any, nobody but the owner's superiors sees a row.
-- level: error
-- like: splinter 0013, pgrls SEC001, pgrls SEC049
select c.oid::regclass::text as object,
       case when c.tenant then 'holds tenants'' rows, and row security is off'
            else 'is granted to ' || c.grantees || ', and row security is off' end as detail,
       format('alter table %s enable row level security, force row level security', c.oid::regclass) as repair
  from (
    select c.oid, c.relnamespace,
           exists (select from pg_attribute t where t.attrelid = c.oid and t.attname = $2 and not t.attisdropped) as tenant,
           (select string_agg(distinct case g.grantee when 0 then 'PUBLIC' else g.grantee::regrole::text end, ', ')
              from (select a.grantee, a.privilege_type from aclexplode(c.relacl) a
                    union all
                    select a.grantee, a.privilege_type from pg_attribute t, aclexplode(t.attacl) a
                     where t.attrelid = c.oid) g
             where g.grantee <> c.relowner and g.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
               and (g.grantee = 0
                    or exists (select from pg_roles l where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
                                                        and pg_has_role(l.oid, g.grantee, 'member')))) as grantees
      from pg_class c
     where c.relkind in ('r', 'p') and not c.relrowsecurity
       -- those are table-policies-dormant and partition-rls-off
       and not exists (select from pg_policy p where p.polrelid = c.oid)
       and not exists (select from pg_inherits i join pg_class up on up.oid = i.inhparent
                        where i.inhrelid = c.oid and up.relrowsecurity)
       and not exists (select from pg_depend e
                        where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
  ) c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where c.tenant or c.grantees is not null
