-- index-policy
-- No index can serve a policy: none begins with a column that it reads, or that a restrictive policy beside it reads.
-- Every statement of every tenant then reads the whole table, so one large tenant slows all, and how long it takes tells
-- how much is hidden. Add an index that begins with the tenant column, then the policy's own.
-- level: info
-- like: pgrls PERF003
with reads as (
  select p.oid, p.polrelid, p.polname, p.polcmd, p.polpermissive, array_agg(d.refobjsubid::int2) as columns
    from pg_policy p
    join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
                    and d.refclassid = 'pg_class'::regclass and d.refobjid = p.polrelid and d.refobjsubid > 0
   where p.polqual is not null
   group by p.oid
)
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'reads ' || (select string_agg(quote_ident(a.attname), ', ') from pg_attribute a
                     where a.attrelid = c.oid and a.attnum = any (p.columns)) || ', with which no index begins' as detail,
       format('create index on %s (%s)', c.oid::regclass,
              (select quote_ident(a.attname) from pg_attribute a
                where a.attrelid = c.oid and a.attnum = p.columns[1])) as repair
  from reads p
  join pg_class c on c.oid = p.polrelid and c.relkind in ('r', 'p') and c.relrowsecurity
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
 where p.polpermissive
   and not exists (
     select from reads beside
       join pg_index i on i.indrelid = c.oid and i.indisvalid and i.indkey[0] = any (beside.columns)
      where beside.polrelid = c.oid
        and (beside.oid = p.oid or not beside.polpermissive and beside.polcmd in ('*', p.polcmd)))
