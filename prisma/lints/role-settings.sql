-- role-settings
-- A setting that decides what row security does is stored for a role or for the database. That is row_security, which
-- makes every statement an error; session_replication_role, which switches triggers and foreign keys off; or a setting that
-- policies read, so that every new connection begins as the same somebody. Reset it.
-- level: warning
-- like: bailiwick
select coalesce('role ' || quote_ident(r.rolname), 'every role') || ': ' || split_part(c, '=', 1) as object,
       'begins every connection with ' || c as detail,
       format('alter %s%s reset %s',
              case when r.oid is not null then 'role ' || quote_ident(r.rolname)
                   when d.oid is not null then 'database ' || quote_ident(d.datname) else 'role all' end,
              case when r.oid is not null and d.oid is not null then ' in database ' || quote_ident(d.datname) else '' end,
              (select string_agg(quote_ident(part), '.') from string_to_table(split_part(c, '=', 1), '.') part)) as repair
  from pg_db_role_setting s
  left join pg_roles r on r.oid = s.setrole
  left join pg_database d on d.oid = s.setdatabase,
       unnest(s.setconfig) c
 where (d.oid is null or d.datname = current_database())
   and (c in ('row_security=off', 'session_replication_role=replica', 'session_replication_role=local')
        -- extensions are configured that way too, but not read by policies
        or split_part(c, '=', 1) like '%.%'
           and exists (select from pg_policy p
                        where position('''' || split_part(c, '=', 1) || '''' in concat(
                                pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))) > 0))
