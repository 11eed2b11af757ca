-- trigger-definer
-- A trigger of a table with row security runs a SECURITY DEFINER function, hence as somebody else than who changes the
-- row. If that owner bypasses row security or owns the tables, the trigger reads and writes other tenants' rows on behalf of
-- anybody who may insert one. Make the function security invoker, or review it like the policies.
-- level: warning
-- like: pgrls SEC013
select c.oid::regclass || '.' || t.tgname as object,
       'runs ' || p.oid::regprocedure || ' as ' || p.proowner::regrole as detail,
       format('alter function %s security invoker', p.oid::regprocedure) as repair
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid and c.relrowsecurity
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
  join pg_proc p on p.oid = t.tgfoid and p.prosecdef
 where not t.tgisinternal
