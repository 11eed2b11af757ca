-- view-leaky-filter
-- A view that is granted hides rows by its own "where", without being a security barrier. PostgreSQL may run a condition of the
-- reader's before the view's: a cheap function that raises or logs its argument shows the hidden rows. Set security_barrier.
-- Views with security_invoker are left out: there the table's policies hide the rows, and are a barrier themselves.
-- level: warning
-- like: pgrls VIEW002
select c.oid::regclass::text as object,
       'hides rows by a condition that a reader''s function can overtake' as detail,
       format('alter view %s set (security_barrier = true)', c.oid::regclass) as repair
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where c.relkind = 'v'
   and pg_get_viewdef(c.oid) ~* '\mwhere\M'
   and not exists (select from pg_options_to_table(c.reloptions) o
                    where o.option_name in ('security_invoker', 'security_barrier') and o.option_value::boolean)
   and exists (select from (select a.grantee from aclexplode(c.relacl) a
                            union
                            select a.grantee from pg_attribute t, aclexplode(t.attacl) a where t.attrelid = c.oid) g
                where g.grantee <> c.relowner)
   -- only where rows are somebody's
   and exists (
     select from pg_rewrite r
       join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
       join pg_class t on t.oid = d.refobjid
       left join pg_attribute a on a.attrelid = t.oid and a.attname = $2
      where r.ev_class = c.oid and t.oid <> c.oid and (t.relrowsecurity or a.attname is not null))
   and not exists (select from pg_depend e
                    where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
