-- table-no-policies
-- Row security is enabled and there is no policy, so nobody but the owner sees a row, silently. Either a policy was
-- forgotten, and somebody will be tempted to switch row security off, or the grants are not meant: revoke them.
-- level: info
-- like: splinter 0008, pgrls SEC009
select c.oid::regclass::text as object, 'has row security and no policy: nobody sees anything' as detail
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where c.relkind in ('r', 'p') and c.relrowsecurity
   and not exists (select from pg_policy p where p.polrelid = c.oid)
   and not exists (select from pg_depend e
                    where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
