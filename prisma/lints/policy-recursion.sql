-- policy-recursion
-- A policy reads its own table, or a table whose policies lead back to it. PostgreSQL refuses every statement that meets it
-- with "infinite recursion detected", and what people then do is to switch row security off, or to ask a definer function
-- that sees everything. Ask a function with narrow rights for the one fact that is needed.
-- level: error
-- like: bailiwick
with recursive edge (near, far, policy, verb) as (
  select p.polrelid, m.id[1]::oid, p.oid, p.polcmd
    from pg_policy p,
         lateral regexp_matches(concat(p.polqual::text, p.polwithcheck::text), ':rtekind 0 :relid (\d+)', 'g') m (id)
  union
  select p.polrelid, d.refobjid, p.oid, p.polcmd
    from pg_policy p
    join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
                    and d.refclassid = 'pg_class'::regclass and d.refobjid <> p.polrelid
), path (policy, starts, at, steps) as (
  select e.policy, e.near, e.far, 1 from edge e
  union
  select path.policy, path.starts, e.far, path.steps + 1
    from path
    -- reading a table asks its policies for select
    join edge e on e.near = path.at and e.verb in ('*', 'r')
   where path.at <> path.starts and path.steps < 8
)
select distinct format('%I on %s', p.polname, c.oid::regclass) as object,
       'reads ' || c.oid::regclass || ' itself, or comes back to it' as detail
  from path
  join pg_policy p on p.oid = path.policy
  join pg_class c on c.oid = p.polrelid and c.relrowsecurity
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where path.at = path.starts
