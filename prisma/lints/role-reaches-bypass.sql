-- role-reaches-bypass
-- A role that can log in and that row security binds is a member of one that it does not bind. "set role" is all it takes to
-- see every tenant, by a person or by injected SQL. Revoke the membership.
-- level: warning
-- like: pgrls SEC029
select quote_ident(l.rolname) as object,
       'can become ' || string_agg(quote_ident(r.rolname), ', ') || ', which bypasses row security' as detail,
       format('revoke %s from %I', string_agg(quote_ident(r.rolname), ', '), l.rolname) as repair
  from pg_roles l
  join pg_roles r on (r.rolsuper or r.rolbypassrls) and r.oid <> l.oid and pg_has_role(l.oid, r.oid, 'member')
 where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
   and has_database_privilege(l.oid, current_database(), 'connect')
 group by l.oid, l.rolname
