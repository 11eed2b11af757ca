-- table-rule
-- A table has a rewrite rule. What a rule does is checked against the rights of the table's owner and not of who runs
-- the statement, so it reads and writes other tables past their grants and policies, and nobody sees it in the statement.
-- Do the work in the application or in a function that says whose rights it has.
-- level: warning
-- like: bailiwick
select c.oid::regclass || '.' || r.rulename as object,
       'does its work with the rights of ' || c.relowner::regrole as detail,
       format('drop rule %I on %s', r.rulename, c.oid::regclass) as repair
  from pg_rewrite r
  join pg_class c on c.oid = r.ev_class and c.relkind in ('r', 'p')
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
