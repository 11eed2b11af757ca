-- function-parallel-safe
-- A function is marked parallel safe but calls one that is not, or writes. A parallel worker has another process id, no
-- temporary tables and no right to write: called there, the function fails or answers wrongly, in production only, when tables
-- have grown enough for the planner to use workers. Mark it parallel restricted.
-- level: warning
-- like: bailiwick
select p.oid::regprocedure::text as object,
       'is marked parallel safe and calls ' || string_agg(distinct r.what, ', ') as detail,
       format('alter function %s parallel restricted', p.oid::regprocedure) as repair
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace and n.nspname = any ($1)
  join pg_language l on l.oid = p.prolang and l.lanname in ('sql', 'plpgsql'),
       lateral (select regexp_replace(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc),
                                      '--[^\n]*|/\*([^*]|\*[^/])*\*/|''[^'']*''', ' ', 'g') as text) body,
       lateral (
         select m.name[1] as what
           from regexp_matches(body.text, '(\w+)\s*\(', 'g') m (name)
          where exists (select from pg_proc f where f.proname = lower(m.name[1]))
            and not exists (select from pg_proc f where f.proname = lower(m.name[1]) and f.proparallel = 's')
         union all
         select m.word[1] from regexp_matches(body.text, '\m(insert into|delete from|for update|for share)\M', 'gi') m (word)
       ) r
 where p.proparallel = 's'
   and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
 group by p.oid
