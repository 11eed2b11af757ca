-- policy-without-grant
-- A permissive policy is for a role that has no grant for the verb. It does nothing, until somebody grants the table to the
-- role for another reason and gets the policy with it. Drop the policy, or grant what it needs.
-- level: info
-- like: bailiwick
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'is for ' || string_agg(r.oid::regrole::text, ', ') || ' without a grant' as detail,
       format('drop policy %I on %s', p.polname, c.oid::regclass) as repair
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_roles r on r.oid = any (p.polroles)
 where p.polpermissive
   and not exists (
     select from (values ('r', 'select'), ('a', 'insert'), ('w', 'update'), ('d', 'delete')) verb (code, name)
      where p.polcmd in ('*', verb.code::"char")
        and (has_table_privilege(r.oid, c.oid, verb.name)
             or verb.name <> 'delete' and has_any_column_privilege(r.oid, c.oid, verb.name)))
 group by p.oid, p.polname, c.oid
having count(*) = cardinality(p.polroles)
