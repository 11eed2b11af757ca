-- default-privileges-public
-- Default privileges give PUBLIC something on every table, sequence or schema that a role will make. A table made tomorrow,
-- whose row security somebody forgets, is open to everybody without one grant being written. Revoke the default, and grant
-- table by table.
-- level: warning
-- like: pgrls SEC044
select 'new ' || k.kind || ' of ' || d.defaclrole::regrole || coalesce(' in schema ' || quote_ident(n.nspname), '') as object,
       'everybody gets ' || string_agg(g.privilege_type, ', ' order by g.privilege_type) as detail,
       format('alter default privileges for role %s%s revoke all on %s from public',
              d.defaclrole::regrole, coalesce(' in schema ' || quote_ident(n.nspname), ''), k.kind) as repair
  from pg_default_acl d
  left join pg_namespace n on n.oid = d.defaclnamespace
  join (values ('r', 'tables'), ('S', 'sequences'), ('n', 'schemas')) k (code, kind) on d.defaclobjtype = k.code::"char",
       aclexplode(d.defaclacl) g
 where g.grantee = 0 and (n.nspname is null or n.nspname = any ($1))
 group by d.defaclrole, n.nspname, k.kind
