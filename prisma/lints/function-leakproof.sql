-- function-leakproof
-- A function of the application's is marked LEAKPROOF. PostgreSQL may then call it on rows before row security has hidden them;
-- if it raises an error, logs, or takes longer for some values, the caller learns what is in rows it may not see. Take the
-- mark away: it is for functions of the server that were examined for it.
-- level: warning
-- like: pgrls SEC017
select p.oid::regprocedure::text as object,
       'may be called on rows that row security hides' as detail,
       format('alter function %s not leakproof', p.oid::regprocedure) as repair
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace and n.nspname = any ($1)
 where p.proleakproof
   and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
