// The posture of the three roles: what they are, not what was granted to them (privileges.ts).
//
// Row security decides for bailiwick_runtime only as long as that role is weak: a superuser, a role with BYPASSRLS and the
// owner of a table are not asked. The same goes for bailiwick_kernel, as which the definer functions run. prisma/roles.sql
// makes the roles; nothing here repairs them.

import { type Check, KERNEL, RUNTIME } from './check.ts';

/** Settings that roles.sql gives to the runtime role, and limits that an operator may add. */
const EXPECTED_SETTINGS = [
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'transaction_timeout',
];

/** Settings that break or weaken the context even when everybody has them; `bailiwick.` settings come on top. */
const HARMFUL_SETTINGS = [
  'row_security',
  'role',
  'session_replication_role',
  'default_transaction_isolation',
  'default_transaction_read_only',
];

const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ');

/** SQL: one row per attribute that a role has and must not have. */
const attributes = (role: string, more: string) => `
  select a.name as subject, null as detail
    from pg_roles r,
         lateral (values ('SUPERUSER', r.rolsuper), ('BYPASSRLS', r.rolbypassrls), ('CREATEROLE', r.rolcreaterole),
                         ('CREATEDB', r.rolcreatedb), ('REPLICATION', r.rolreplication)${more}) a (name, has)
   where r.oid = ${role} and a.has`;

/** SQL: one row per role that a role is a member of, directly or not. A superuser counts as member of all, so not here. */
const memberships = (role: string) => `
  select other.rolname as subject, null as detail
    from pg_roles r, pg_roles other
   where r.oid = ${role} and not r.rolsuper and other.oid <> r.oid and pg_has_role(r.oid, other.oid, 'member')`;

/** SQL: whose owner a role is, in this database and beside all databases. */
const owned = (role: string) => `
    from pg_shdepend d
   where d.refclassid = 'pg_authid'::regclass and d.refobjid = ${role} and d.deptype = 'o'
     and d.dbid in (0, (select oid from pg_database where datname = current_database()))`;

export const ROLE_CHECKS: readonly Check[] = [
  {
    name: 'runtime-identity',
    level: 'refuse',
    as: 'runtime',
    sql: `select session_user as subject, current_user as detail
           where session_user <> 'bailiwick_runtime' or current_user <> 'bailiwick_runtime'`,
    message: ({ subject, detail }) =>
      `DATABASE_URL connects as ${subject}${detail === subject ? '' : ` (acting as ${detail})`}; it must connect as bailiwick_runtime`,
  },
  {
    name: 'runtime-attributes',
    level: 'refuse',
    sql: attributes(RUNTIME, ''),
    message: ({ subject }) =>
      `bailiwick_runtime has ${subject}: alter role bailiwick_runtime no${subject.toLowerCase()}`,
  },
  {
    name: 'runtime-membership',
    level: 'refuse',
    sql: memberships(RUNTIME),
    message: ({ subject }) =>
      `bailiwick_runtime can become or use ${subject}; it must be a member of nothing: revoke that membership`,
  },
  {
    name: 'runtime-owns',
    level: 'refuse',
    sql: `select pg_describe_object(d.classid, d.objid, d.objsubid) as subject, null as detail ${owned(RUNTIME)}`,
    message: ({ subject }) =>
      `bailiwick_runtime owns ${subject}, and an owner is not bound: give it to the migrator`,
  },
  {
    name: 'runtime-settings',
    level: 'refuse',
    sql: `
      select split_part(setting, '=', 1) as subject, coalesce(r.rolname, 'everybody') as detail
        from pg_db_role_setting s
        left join pg_roles r on r.oid = s.setrole,
             unnest(s.setconfig) setting
       where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
         and (s.setrole = ${RUNTIME} and split_part(setting, '=', 1) not in (${quoted(EXPECTED_SETTINGS)})
              or s.setrole = 0 and (split_part(setting, '=', 1) in (${quoted(HARMFUL_SETTINGS)})
                                    or setting like 'bailiwick.%'))`,
    message: ({ subject, detail }) =>
      `${subject} is set for ${detail} and so for every request, which nothing of ours does: reset it (a role can set its own)`,
  },
  {
    name: 'kernel-attributes',
    level: 'refuse',
    sql: attributes(KERNEL, `, ('LOGIN', r.rolcanlogin)`),
    message: ({ subject }) =>
      `bailiwick_kernel has ${subject}: alter role bailiwick_kernel no${subject.toLowerCase()}`,
  },
  {
    name: 'kernel-membership',
    level: 'refuse',
    sql: memberships(KERNEL),
    message: ({ subject }) =>
      `bailiwick_kernel can become or use ${subject}; its functions run as it, so it must be a member of nothing: revoke that`,
  },
  {
    name: 'kernel-owns',
    level: 'refuse',
    // Its default privileges belong to it too; the functions of schema bailiwick are compared with the files elsewhere.
    sql: `
      select pg_describe_object(d.classid, d.objid, d.objsubid) as subject, null as detail ${owned(KERNEL)}
         and d.classid <> 'pg_default_acl'::regclass
         and not (d.classid = 'pg_type'::regclass and d.objid in (coalesce(to_regtype('bailiwick.context'), 0), coalesce(to_regtype('bailiwick.verdict'), 0)))
         and not exists (select from pg_proc p
                          where d.classid = 'pg_proc'::regclass and p.oid = d.objid
                            and p.pronamespace = 'bailiwick'::regnamespace)`,
    message: ({ subject }) =>
      `bailiwick_kernel owns ${subject}; only the functions of schema bailiwick are its: give it away`,
  },
];
