-- policy-empty
-- A policy has no condition for the side that it governs: an insert policy without "with check", another one without
-- "using". A permissive one allows nothing then, and a restrictive one forbids nothing, against what its name promises.
-- Write the condition, or drop the policy.
-- level: warning
-- like: pgrls SEC006
select format('%I on %s', p.polname, c.oid::regclass) as object,
       case when p.polpermissive then 'has no condition, so it allows nothing'
            else 'has no condition, so it forbids nothing' end as detail,
       format('drop policy %I on %s', p.polname, c.oid::regclass) as repair
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where case when p.polcmd = 'a' then p.polwithcheck is null
            when p.polcmd = '*' then p.polqual is null and p.polwithcheck is null
            else p.polqual is null and (p.polpermissive or p.polwithcheck is null) end
