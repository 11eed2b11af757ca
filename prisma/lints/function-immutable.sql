-- function-immutable
-- A function is marked immutable but reads tables or what changes from session to session. PostgreSQL may compute it once and
-- keep the answer in a plan: the next user of the connection is then answered as the one before, and in a policy gets that
-- one's rows. Mark it stable.
-- level: error
-- like: pgrls SEC046
select p.oid::regprocedure::text as object,
       'is marked immutable and reads ' || string_agg(distinct r.what, ', ') as detail,
       format('alter function %s stable', p.oid::regprocedure) as repair
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace and n.nspname = any ($1)
  join pg_language l on l.oid = p.prolang and l.lanname in ('sql', 'plpgsql'),
       lateral (select regexp_replace(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc),
                                      '--[^\n]*|/\*([^*]|\*[^/])*\*/|''[^'']*''', ' ', 'g') as text) body,
       lateral (
         -- functions of which no form is immutable
         select m.name[1] as what
           from regexp_matches(body.text, '(\w+)\s*\(', 'g') m (name)
          where exists (select from pg_proc f where f.proname = lower(m.name[1]))
            and not exists (select from pg_proc f where f.proname = lower(m.name[1]) and f.provolatile = 'i')
         union all
         select m.name[1] from regexp_matches(
           body.text, '\m(current_user|session_user|current_role|current_timestamp|current_date|localtimestamp)\M', 'gi') m (name)
         union all
         select m.name[1] from regexp_matches(
           body.text, '\m(?:from|join)\s+(?:only\s+)?(?:"?\w+"?\.)?"?(\w+)"?(?![\w("])', 'gi') m (name)
          where exists (select from pg_class t where t.relname = lower(m.name[1]) and t.relkind in ('r', 'p', 'v', 'm', 'f'))
       ) r
 where p.provolatile = 'i'
   and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
 group by p.oid
