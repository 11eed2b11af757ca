-- matview-granted
-- A materialized view holds rows of tenants and is granted. It keeps what its owner saw when it was refreshed, and no row
-- security can be put on it, so whoever may select from it sees all tenants'. Revoke the grant, and read it through a
-- function that knows the tenant.
-- level: error
-- like: splinter 0016, pgrls VIEW003, pgrls SEC054
with recursive reads (view, relation) as (
  select r.ev_class, d.refobjid
    from pg_rewrite r
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
                    and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
  union
  select above.view, below.refobjid
    from reads above
    join pg_rewrite r on r.ev_class = above.relation
    join pg_depend below on below.classid = 'pg_rewrite'::regclass and below.objid = r.oid
                        and below.refclassid = 'pg_class'::regclass and below.refobjid <> r.ev_class
)
select c.oid::regclass::text as object,
       'shows all rows of ' || string_agg(distinct t.oid::regclass::text, ', ')
         || ' to ' || string_agg(distinct g.who, ', ') as detail,
       format('revoke all on %s from %s', c.oid::regclass, string_agg(distinct g.who, ', ')) as repair
  from reads v
  join pg_class c on c.oid = v.view and c.relkind = 'm'
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_class t on t.oid = v.relation,
       lateral (select case a.grantee when 0 then 'PUBLIC' else a.grantee::regrole::text end as who
                  from aclexplode(c.relacl) a where a.grantee <> c.relowner and a.privilege_type = 'SELECT'
                union
                select case a.grantee when 0 then 'PUBLIC' else a.grantee::regrole::text end
                  from pg_attribute x, aclexplode(x.attacl) a
                 where x.attrelid = c.oid and a.grantee <> c.relowner and a.privilege_type = 'SELECT') g
 where t.relrowsecurity or exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = $2)
 group by c.oid
