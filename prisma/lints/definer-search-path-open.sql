-- definer-search-path-open
-- A SECURITY DEFINER function does not pin its search_path. The caller chooses it then: a table, function or operator of the
-- same name in a schema of the caller's, or a temporary table, is used with the rights of the function's owner. Pin it, with
-- pg_temp last.
-- level: error
-- like: splinter 0011, pgrls SEC015
select p.oid::regprocedure::text as object,
       'runs as ' || p.proowner::regrole || ' with whatever search_path its caller has' as detail,
       format('alter %s %s set search_path = pg_catalog, pg_temp',
              case p.prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure) as repair
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace and n.nspname = any ($1)
 where p.prosecdef
   and not exists (select from unnest(p.proconfig) c where c like 'search\_path=%')
   and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
