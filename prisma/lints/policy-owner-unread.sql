-- policy-owner-unread
-- A table has a column that says which person's a row is, owner, owner_id or user_id, and no policy reads it. Within a tenant
-- everybody then sees everybody's rows. That may be meant; if not, compare the column with the context.
-- level: info
-- like: pgrls SEC027
select c.oid::regclass || '.' || a.attname as object, 'is read by no policy' as detail
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_attribute a on a.attrelid = c.oid and a.attname in ('owner', 'owner_id', 'user_id') and not a.attisdropped
 where c.relrowsecurity and a.attname <> $2
   and exists (
     select from pg_policy p, unnest(p.polroles) r
      where p.polrelid = c.oid and p.polpermissive
        and (r = 0 or exists (select from pg_roles l where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
                                                       and pg_has_role(l.oid, r, 'member'))))
   and not exists (
     select from pg_policy p
       join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
                       and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum
      where p.polrelid = c.oid)
