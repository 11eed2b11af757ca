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
   -- a partition is meant to show nobody anything by its own name: the policies are asked of the table above it
   and not exists (select from pg_inherits i join pg_class up on up.oid = i.inhparent
                    where i.inhrelid = c.oid and c.relispartition and up.relrowsecurity)
   and not exists (select from pg_depend e
                    where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
