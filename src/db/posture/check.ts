// What a check of the posture is: one readable query on the catalog that returns a row per fault, and what to say of it.
//
// Checks are data, grouped in the neighbouring files by what they look at; src/db/posture.ts runs them. They judge by the
// catalog's access lists, not by has_..._privilege, so that one fault (a superuser, a membership) is one finding and not
// a hundred. A check changes nothing.

import type { Declared } from './declared.ts';

/** `refuse`: the server does not start. `warn`: it starts, and says so. */
export type Level = 'refuse' | 'warn';

export type Finding = {
  /** Stable name of the check, in kebab-case. */
  readonly check: string;
  readonly level: Level;
  /** What is at fault: a role, a table, a function. */
  readonly subject: string;
  /** What is wrong with it and what to do about it. */
  readonly message: string;
};

/** One row of a check's query. */
export type Fault = { readonly subject: string; readonly detail: string | null };

export type Check = {
  readonly name: string;
  readonly level: Level;
  /** Returns `subject` and, where the message needs it, `detail`: text, one row per fault. */
  readonly sql: string;
  /** The query's only parameter, taken from the policy files. Such a check says nothing when other files are in force. */
  readonly declared?: (files: Declared) => unknown;
  /** Set for what only the runtime's own connection can tell. */
  readonly as?: 'runtime';
  readonly message: (fault: Fault) => string;
};

/** As much of a connection as a check needs. */
export type Queryable = {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
};

/** SQL: the roles, for comparison with columns of type oid. Both exist when the checks run. */
export const RUNTIME = `'bailiwick_runtime'::regrole`;
export const KERNEL = `'bailiwick_kernel'::regrole`;

/** SQL: c is a table of ours, in whichever state: of schema public, and neither Prisma's history nor an extension's. */
export const OUR_TABLE = `c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'f')
  and c.relname <> '_prisma_migrations'
  and not exists (select from pg_depend x where x.classid = 'pg_class'::regclass and x.objid = c.oid and x.deptype = 'e')`;

/** SQL: c has the column that makes it a table of tenants' rows. */
export const HAS_TENANT = `exists (
  select from pg_attribute t where t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped)`;

/** SQL, a subquery: every grant on a relation outside the catalogs to PUBLIC (0), the runtime or the kernel. */
export const GRANTS = `(
  select c.oid as relation, c.relkind as kind, c.relnamespace as namespace, g.grantee, g.privilege, g."column"
    from pg_class c,
         lateral (
           select acl.grantee, acl.privilege_type as privilege, null::name as "column" from aclexplode(c.relacl) acl
           union all
           select acl.grantee, acl.privilege_type, a.attname
             from pg_attribute a, aclexplode(a.attacl) acl
            where a.attrelid = c.oid and a.attacl is not null and not a.attisdropped
         ) g
   where g.grantee in (0, ${RUNTIME}, ${KERNEL})
     and g.grantee <> c.relowner
     and c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
     and not exists (select from pg_depend x where x.classid = 'pg_class'::regclass and x.objid = c.oid and x.deptype = 'e')
)`;
