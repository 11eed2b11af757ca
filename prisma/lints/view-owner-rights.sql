-- view-owner-rights
-- A view reads a table with row security as its own owner and not as whoever reads the view, because it is not
-- security_invoker. If the owner is not bound by the policies, the view shows every tenant's rows to whoever may select
-- from it. Set security_invoker.
-- level: error
-- like: splinter 0002, splinter 0010, pgrls VIEW001, pgrls SEC052
with recursive reads (view, relation) as (
  select r.ev_class, d.refobjid
    from pg_rewrite r
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
                    and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
  union
  select above.view, below.relation
    from reads above
    join (select r.ev_class, d.refobjid
            from pg_rewrite r
            join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
                            and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class) below (view, relation)
      on below.view = above.relation
)
select c.oid::regclass::text as object,
       'reads ' || string_agg(distinct t.oid::regclass::text, ', ') || ' as ' || c.relowner::regrole as detail,
       format('alter view %s set (security_invoker = true)', c.oid::regclass) as repair
  from reads v
  join pg_class c on c.oid = v.view and c.relkind = 'v'
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_class t on t.oid = v.relation and t.relrowsecurity
 where not exists (select from pg_options_to_table(c.reloptions) o
                    where o.option_name = 'security_invoker' and o.option_value::boolean)
   and not exists (select from pg_depend e
                    where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
 group by c.oid
