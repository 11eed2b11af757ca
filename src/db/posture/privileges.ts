// The posture of privileges: what was granted to the runtime role, to the kernel and to everybody.
//
// Row security filters rows of SELECT, INSERT, UPDATE and DELETE; every other privilege goes past it, and so do tables,
// functions and objects that nobody meant to grant. So grants are compared, column by column, with those that the policy
// files declare. What a managed service does not let anybody revoke is a warning.

import { type Check, GRANTS, KERNEL, RUNTIME } from './check.ts';

/** SQL: g is in the hands of requests, be it through PUBLIC. */
const OF_RUNTIME = `g.grantee in (0, ${RUNTIME})`;
const GRANTEE = `case g.grantee when 0 then 'PUBLIC' else g.grantee::regrole::text end`;
/** SQL: g goes past row security, or lets a row change whose it is. */
const FORBIDDEN = `g.privilege in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN')`;
const MOVES_ROWS = `g.privilege = 'UPDATE' and (g."column" is null or g."column" in ('tenant_id', 'id', 'owner_id'))`;
const TARGET = `g.relation::regclass || coalesce('.' || g."column", '')`;

export const PRIVILEGE_CHECKS: readonly Check[] = [
  {
    name: 'runtime-schema-create',
    level: 'refuse',
    sql: `
      select n.nspname as subject, null as detail
        from pg_namespace n, aclexplode(n.nspacl) g
       where ${OF_RUNTIME} and g.privilege_type = 'CREATE' and n.nspowner <> ${RUNTIME}`,
    message: ({ subject }) =>
      `bailiwick_runtime can create objects in schema ${subject}: revoke create on schema ${subject} from public, bailiwick_runtime`,
  },
  {
    name: 'runtime-database',
    level: 'refuse',
    // PUBLIC may make temporary tables in other databases, where nothing of ours is; a schema it may make in none.
    sql: `
      select d.datname as subject, lower(g.privilege_type) as detail
        from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) g
       where ${OF_RUNTIME} and d.datdba <> ${RUNTIME}
         and (g.privilege_type = 'CREATE' or g.privilege_type = 'TEMPORARY' and d.datname = current_database())`,
    message: ({ subject, detail }) =>
      `bailiwick_runtime has ${detail} on database ${subject}: revoke ${detail} on database ${subject} from public, bailiwick_runtime`,
  },
  {
    name: 'runtime-forbidden-privilege',
    level: 'refuse',
    sql: `select ${TARGET} as subject, string_agg(distinct g.privilege, ', ') as detail
            from ${GRANTS} g where ${OF_RUNTIME} and ${FORBIDDEN} group by 1`,
    message: ({ subject, detail }) =>
      `bailiwick_runtime has ${detail} on ${subject}, which row security does not filter: revoke it`,
  },
  {
    name: 'runtime-key-columns',
    level: 'refuse',
    sql: `select ${TARGET} as subject, null as detail from ${GRANTS} g where ${OF_RUNTIME} and ${MOVES_ROWS}`,
    message: ({ subject }) =>
      `bailiwick_runtime may update ${subject}; who owns a row never changes: grant update on the other columns only`,
  },
  {
    name: 'runtime-kernel-tables',
    level: 'refuse',
    sql: `select ${TARGET} as subject, string_agg(g.privilege, ', ') as detail
            from ${GRANTS} g
           where ${OF_RUNTIME} and g.namespace = 'bailiwick'::regnamespace and not ${FORBIDDEN} and not (${MOVES_ROWS})
           group by 1`,
    message: ({ subject, detail }) =>
      `bailiwick_runtime has ${detail} on the kernel's own ${subject}: revoke all on it`,
  },
  {
    name: 'table-grants',
    level: 'refuse',
    declared: ({ grants }) => grants,
    sql: `
      with declared as (
        select to_regrole(d.role)::oid as grantee, to_regclass(d."table")::oid as relation, d.privilege, d."column"
          from jsonb_to_recordset($1::jsonb) as d (role text, "table" text, privilege text, "column" name)
         where to_regclass(d."table") is not null
      ), live as (
        select g.grantee, g.relation, g.privilege, g."column" from ${GRANTS} g
         where g.kind <> 'm'
           and not (${OF_RUNTIME} and (${FORBIDDEN} or ${MOVES_ROWS} or g.namespace = 'bailiwick'::regnamespace))
      ), differing as (
        (select *, 'extra' as fault from live except select *, 'extra' from declared)
        union all
        (select *, 'missing' from declared except select *, 'missing' from live)
      )
      select ${GRANTEE} || ' on ' || g.relation::regclass as subject,
             g.fault || ' ' || string_agg(g.privilege || coalesce(' (' || g."column" || ')', ''), ', ' order by g.privilege) as detail
        from differing g group by g.grantee, g.relation, g.fault`,
    message: ({ subject, detail }) =>
      `the privileges of ${subject} are not those of the policy files (${detail}): ` +
      (detail?.startsWith('extra') ? 'revoke them' : 'run `bailiwick policies apply --force`'),
  },
  {
    name: 'runtime-functions',
    level: 'refuse',
    declared: ({ executable }) => executable,
    sql: `
      with declared as (
        select to_regprocedure(signature)::oid as oid from jsonb_array_elements_text($1::jsonb) signature
         where to_regprocedure(signature) is not null
      ), live as (
        select p.oid from pg_proc p, aclexplode(p.proacl) g
         where p.pronamespace = 'bailiwick'::regnamespace and g.grantee = ${RUNTIME} and g.privilege_type = 'EXECUTE'
      )
      select coalesce(l.oid, d.oid)::regprocedure::text as subject,
             case when d.oid is null then 'can call it' else 'cannot call it' end as detail
        from live l full join declared d on d.oid = l.oid
       where l.oid is null or d.oid is null`,
    message: ({ subject, detail }) =>
      `bailiwick_runtime ${detail}, against prisma/policies/99-deny.sql: ${subject}; run \`bailiwick policies apply --force\``,
  },
  {
    name: 'runtime-system-functions',
    level: 'warn',
    sql: `
      select string_agg(distinct p.proname, ', ' order by p.proname) as subject, null as detail
        from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
       where p.pronamespace = 'pg_catalog'::regnamespace
         and (p.proname in ('pg_cancel_backend', 'pg_terminate_backend', 'pg_notify', 'loread', 'lowrite')
              or p.proname like 'lo\\_%')
         and ${OF_RUNTIME}
      having count(*) > 0`,
    message: ({ subject }) =>
      `bailiwick_runtime can call ${subject}, which can end other requests or leave data without row security: ` +
      'run prisma/roles.sql as a superuser; a managed service may not allow it',
  },
  {
    name: 'default-privileges',
    level: 'refuse',
    sql: `
      select r.rolname as subject, 'everybody may execute its new functions' as detail
        from pg_roles r
       where (r.rolname = current_user or r.oid = ${KERNEL})
         and not exists (select from pg_default_acl d
                          where d.defaclrole = r.oid and d.defaclnamespace = 0 and d.defaclobjtype = 'f')
      union all
      select d.defaclrole::regrole::text,
             ${GRANTEE} || ' gets ' || g.privilege_type || ' on its new '
             || case d.defaclobjtype when 'f' then 'functions' when 'r' then 'tables' when 'S' then 'sequences'
                  when 'n' then 'schemas' else 'objects' end
        from pg_default_acl d, aclexplode(d.defaclacl) g
       where (d.defaclrole::regrole::text = current_user or d.defaclrole = ${KERNEL})
         and d.defaclobjtype <> 'T' and ${OF_RUNTIME}`,
    message: ({ subject, detail }) =>
      `default privileges of ${subject}: ${detail}; alter default privileges for role ${subject} revoke them`,
  },
];
