-- policy-no-tenant
-- A permissive policy of a tenant's table does not read the tenant column, and no restrictive policy does it for the same
-- verb and roles. That nothing crosses tenants then rests on ids that no two tenants share and on every other policy being
-- right. Write one restrictive policy for all verbs that compares the tenant column with the context.
-- level: warning
-- like: pgrls SEC007
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'does not compare ' || $2 || ', and no restrictive policy beside it does' as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid and c.relrowsecurity
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_attribute t on t.attrelid = c.oid and t.attname = $2 and not t.attisdropped
 where p.polpermissive
   and not exists (select from pg_depend d
                    where d.classid = 'pg_policy'::regclass and d.objid = p.oid
                      and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = t.attnum)
   and exists (select from unnest(p.polroles) r
                where r = 0 or exists (select from pg_roles l where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
                                                                and pg_has_role(l.oid, r, 'member')))
   and not exists (
     select from pg_policy f
       join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = f.oid
                       and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = t.attnum
      where f.polrelid = c.oid and not f.polpermissive and f.polcmd in ('*', p.polcmd)
        and (0 = any (f.polroles) or f.polroles @> p.polroles))
