-- policy-many-permissive
-- Several permissive policies hold for one role and verb, and at least one of them reads another table. All are alternatives
-- and all are part of every such statement, so each row costs the reading of them all. Join them into one, cheapest first.
-- Policies that only compare with a value are left out: they cost a comparison, and say their sentence better apart.
-- level: info
-- like: splinter 0006
select c.oid::regclass || ' for ' || verb.name || ' by ' || case r when 0 then 'PUBLIC' else r::regrole::text end as object,
       string_agg(quote_ident(p.polname), ', ' order by p.polname) || ': each is part of every statement' as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid and c.relrowsecurity
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join (values ('r', 'select'), ('a', 'insert'), ('w', 'update'), ('d', 'delete')) verb (code, name)
    on p.polcmd in ('*', verb.code::"char"),
       unnest(p.polroles) r
 where p.polpermissive
 group by c.oid, verb.name, r
having count(*) > 1
   and bool_or(exists (select from pg_depend d
                        where d.classid = 'pg_policy'::regclass and d.objid = p.oid
                          and d.refclassid = 'pg_class'::regclass and d.refobjid <> c.oid))
