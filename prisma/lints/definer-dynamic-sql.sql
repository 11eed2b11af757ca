-- definer-dynamic-sql
-- A SECURITY DEFINER function executes SQL that it puts together with || or with %s. Text that comes from the caller, or from a
-- row that the caller wrote, runs as the function's owner: an injection with somebody else's rights. Pass values by
-- "using", and names by format('%I').
-- level: warning
-- like: bailiwick
select p.oid::regprocedure::text as object,
       'puts SQL together and runs it as ' || p.proowner::regrole as detail
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace and n.nspname = any ($1)
  join pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql',
       lateral regexp_matches(regexp_replace(p.prosrc, '--[^\n]*|/\*([^*]|\*[^/])*\*/', ' ', 'g'),
                              -- as far as the values, which are passed and not put in
                              '\mexecute\s+(?:(?!\musing\M)[^;])*', 'gi') m (statement)
 where p.prosecdef
   and (m.statement[1] ~* 'format\([^;]*%(\d+\$)?s'
        -- joined with something that is not quoted
        or m.statement[1] ~* '\|\|\s*(?!''|quote_(ident|literal|nullable)\()\w')
   and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
 group by p.oid
