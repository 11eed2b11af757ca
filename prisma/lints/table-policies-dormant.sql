-- table-policies-dormant
-- A table has policies, but row security is off, so none of them is asked. It looks protected to whoever reads the
-- policies, and shows every row to whoever may select. Enable row security, or drop the policies if they are not meant.
-- level: error
-- like: splinter 0007, pgrls SEC032
select c.oid::regclass::text as object,
       (select string_agg(p.polname, ', ' order by p.polname) from pg_policy p where p.polrelid = c.oid)
         || ': written, and not asked' as detail,
       format('alter table %s enable row level security, force row level security', c.oid::regclass) as repair
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where not c.relrowsecurity and exists (select from pg_policy p where p.polrelid = c.oid)
