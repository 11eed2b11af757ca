-- default-privileges-functions
-- A role owns SECURITY DEFINER functions, and what it makes next will be executable by everybody: PostgreSQL's default for
-- functions. The next definer function is open from its first moment until somebody thinks of revoking that. Revoke the
-- default once.
-- level: warning
-- like: bailiwick
select p.proowner::regrole::text as object,
       'owns ' || count(*) || ' definer functions, and everybody may execute its next one' as detail,
       format('alter default privileges for role %s revoke execute on functions from public', p.proowner::regrole) as repair
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace and n.nspname = any ($1)
 where p.prosecdef
   and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
   and not exists (
     select from pg_default_acl d
      where d.defaclrole = p.proowner and d.defaclnamespace = 0 and d.defaclobjtype = 'f'
        and not exists (select from aclexplode(d.defaclacl) g where g.grantee = 0))
 group by p.proowner
