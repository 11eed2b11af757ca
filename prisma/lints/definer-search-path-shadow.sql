-- definer-search-path-shadow
-- A SECURITY DEFINER function pins a search_path in which others can put objects before its own. Either pg_temp is missing, and
-- so searched first, or not last; or somebody else may create in a schema of the path, such as public. The planted object is used
-- with the rights of the function's owner. Pin pg_catalog and schemas that nobody else writes to, then pg_temp.
-- level: error
-- like: pgrls SEC015
select p.oid::regprocedure::text as object,
       case when path.open is not null then 'finds what others may create in ' || path.open
            else 'looks into pg_temp first' end || ', and runs as ' || p.proowner::regrole as detail,
       format('alter %s %s set search_path = %s', case p.prokind when 'p' then 'procedure' else 'function' end,
              p.oid::regprocedure, concat_ws(', ', path.closed, 'pg_temp')) as repair
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace and n.nspname = any ($1),
       lateral (select substr(c, length('search_path=') + 1) as text
                  from unnest(p.proconfig) c where c like 'search\_path=%') pin,
       lateral (
         select string_agg(s.name, ', ' order by s.place) filter (where s.writable) as open,
                string_agg(quote_ident(s.name), ', ' order by s.place)
                  filter (where not s.writable and s.name <> 'pg_temp') as closed,
                max(s.place) filter (where s.name = 'pg_temp') as temporary, max(s.place) as last
           from (
             select trim(both '" ' from part.name) as name, part.place,
                    trim(both '" ' from part.name) = '$user'
                    or exists (
                      select from pg_namespace w, pg_roles r
                       where w.nspname = trim(both '" ' from part.name)
                         and not r.rolsuper and r.oid not in (p.proowner, w.nspowner)
                         and not pg_has_role(r.oid, p.proowner, 'member')
                         and has_schema_privilege(r.oid, w.oid, 'create')) as writable
               from string_to_table(pin.text, ',') with ordinality part (name, place)
           ) s
          where s.name <> ''
       ) path
 where p.prosecdef
   -- an empty path finds nothing without its schema, so there is nothing to put before: both are null then
   and (path.open is not null or path.temporary is distinct from path.last)
   and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
