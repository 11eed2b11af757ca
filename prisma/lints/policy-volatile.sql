-- policy-volatile
-- A policy calls a volatile function. It runs for every row, its answer may differ from row to row, and it may write: a
-- reader can then change data, or see a row now and not a moment later. Use a stable function, and statement_timestamp() for
-- the time.
-- level: warning
-- like: pgrls PERF002
select format('%I on %s', p.polname, c.oid::regclass) as object,
       'calls volatile ' || string_agg(distinct f.oid::regprocedure::text, ', ') as detail
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
       -- functions by name, and those behind operators
       lateral regexp_matches(concat(p.polqual::text, p.polwithcheck::text), ':(?:funcid|opfuncid) (\d+)', 'g') m (id)
  join pg_proc f on f.oid = m.id[1]::oid and f.provolatile = 'v'
 group by p.oid, p.polname, c.oid
