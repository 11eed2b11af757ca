// The posture of policies and of the kernel's functions: what is in force is what the files say, and nothing else.
//
// Three comparisons: the checksum kept in the database, the catalog's policies and functions against those read from
// the files, and the transaction that last wrote each policy against the one that applied the files. The last is how a
// changed condition is seen, which PostgreSQL keeps in words of its own. A restored or upgraded database has to have its
// policies applied once more (--force), for that reason and for its seal key.

import { type Check, HAS_TENANT, KERNEL, OUR_TABLE, RUNTIME } from './check.ts';

const AGAIN = 'run `bailiwick policies apply --force`';

/** What is wrong with a function, and what mends it: applying the files replaces functions but drops none. */
const FUNCTION_FAULTS: Readonly<Record<string, string>> = {
  extra: 'is declared by no file: drop it',
  missing: `is missing: ${AGAIN}`,
  changed: `is not what the files say: ${AGAIN}`,
};

export const POLICY_CHECKS: readonly Check[] = [
  {
    name: 'policy-declared',
    level: 'refuse',
    declared: ({ policies }) => policies,
    sql: `
      with declared as (
        select to_regclass(d."table")::oid as relation, d.name, d.command, d.permissive
          from jsonb_to_recordset($1::jsonb) as d ("table" text, name text, command text, permissive boolean)
      ), live as (
        select p.polrelid as relation, p.polname::text as name, p.polcmd::text as command, p.polpermissive as permissive
          from pg_policy p join pg_class c on c.oid = p.polrelid
         where ${OUR_TABLE} and ${HAS_TENANT}
      )
      select coalesce(l.name, d.name) || ' on ' || coalesce(l.relation, d.relation)::regclass as subject,
             case when d.name is null then 'no file declares it' when l.name is null then 'it is missing'
                  else 'it is for another command, or of the other kind' end as detail
        from live l full join declared d on d.relation = l.relation and d.name = l.name
       where l.name is null or d.name is null or (l.command, l.permissive) <> (d.command, d.permissive)`,
    message: ({ subject, detail }) => `policy ${subject}: ${detail}; ${AGAIN}`,
  },
  {
    name: 'policy-altered',
    level: 'refuse',
    declared: ({ policies }) => policies,
    sql: `
      select p.polname || ' on ' || p.polrelid::regclass as subject, null as detail
        from pg_policy p
        join jsonb_to_recordset($1::jsonb) as d ("table" text, name text)
          on to_regclass(d."table") = p.polrelid and d.name = p.polname
       where p.xmin <> (select s.xmin from bailiwick.policy_state s)`,
    message: ({ subject }) => `policy ${subject} was changed after the files were applied: ${AGAIN}`,
  },
  {
    name: 'policy-role',
    level: 'refuse',
    sql: `
      select p.polname || ' on ' || p.polrelid::regclass as subject,
             (select string_agg(case r when 0 then 'PUBLIC' else r::regrole::text end, ', ') from unnest(p.polroles) r) as detail
        from pg_policy p join pg_class c on c.oid = p.polrelid
       where ${OUR_TABLE} and p.polroles not in (array[${RUNTIME}::oid], array[${KERNEL}::oid])`,
    message: ({ subject, detail }) =>
      `policy ${subject} is for ${detail}; every policy is for bailiwick_runtime or for bailiwick_kernel, by name: write it so`,
  },
  {
    name: 'function-declared',
    level: 'refuse',
    declared: ({ functions }) => functions,
    // Owner and parallel safety of definer functions are checks of their own, below.
    sql: `
      with declared as (
        select to_regprocedure(d.signature)::oid as oid, d.*
          from jsonb_to_recordset($1::jsonb) as d
               (signature text, body text, volatility text, parallel text, definer boolean, owner text)
      ), live as (
        select * from pg_proc p where p.pronamespace = 'bailiwick'::regnamespace
      )
      select coalesce(p.oid::regprocedure::text, d.signature) as subject,
             case when d.signature is null then 'extra' when p.proname is null then 'missing'
                  when p.proowner::regrole::text <> coalesce(d.owner, current_user) and not d.definer
                  then coalesce(d.owner, current_user)
                  else 'changed' end as detail
        from live p full join declared d on d.oid = p.oid
       where p.proname is null or d.signature is null
          or p.prosrc <> d.body or p.provolatile <> d.volatility or p.prosecdef <> d.definer
          or not p.prosecdef and (p.proparallel <> d.parallel
                                  or p.proowner::regrole::text <> coalesce(d.owner, current_user))`,
    message: ({ subject, detail }) =>
      `function ${subject} ${FUNCTION_FAULTS[detail ?? ''] ?? `has the wrong owner: alter function ${subject} owner to ${detail}`}`,
  },
  {
    name: 'definer-owner',
    level: 'refuse',
    sql: `
      select p.oid::regprocedure::text as subject, p.proowner::regrole::text as detail
        from pg_proc p
       where p.pronamespace = 'bailiwick'::regnamespace and p.prosecdef and p.proowner <> ${KERNEL}`,
    message: ({ subject, detail }) =>
      `function ${subject} runs as ${detail}: alter function ${subject} owner to bailiwick_kernel`,
  },
  {
    name: 'definer-search-path',
    level: 'refuse',
    sql: `
      select p.oid::regprocedure::text as subject, null as detail
        from pg_proc p
       where p.pronamespace = 'bailiwick'::regnamespace and p.prosecdef
         and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)`,
    message: ({ subject }) =>
      `function ${subject} can be led to other objects: alter function ${subject} set search_path = pg_catalog, pg_temp`,
  },
  {
    name: 'definer-parallel',
    level: 'refuse',
    sql: `
      select p.oid::regprocedure::text as subject, null as detail
        from pg_proc p
       where p.pronamespace = 'bailiwick'::regnamespace and p.prosecdef and p.proparallel = 's'`,
    message: ({ subject }) =>
      `function ${subject} reads the context, which a parallel worker cannot check: alter function ${subject} parallel restricted`,
  },
  {
    name: 'function-public',
    level: 'refuse',
    sql: `
      select p.oid::regprocedure::text as subject, null as detail
        from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
       where p.pronamespace = 'bailiwick'::regnamespace and acl.grantee = 0`,
    message: ({ subject }) =>
      `everybody can call ${subject}: revoke execute on function ${subject} from public`,
  },
  {
    name: 'definer-elsewhere',
    level: 'refuse',
    sql: `
      select p.oid::regprocedure::text as subject, p.proowner::regrole::text as detail
        from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
       where p.prosecdef and acl.grantee in (0, ${RUNTIME}) and p.proowner <> ${RUNTIME}
         and p.pronamespace not in ('bailiwick'::regnamespace, 'pg_catalog'::regnamespace, 'information_schema'::regnamespace)
         and has_schema_privilege(${RUNTIME}, p.pronamespace, 'usage')
         and not exists (select from pg_depend x
                          where x.classid = 'pg_proc'::regclass and x.objid = p.oid and x.deptype = 'e')`,
    message: ({ subject, detail }) =>
      `bailiwick_runtime can call ${subject}, which runs as ${detail} and past row security: revoke that, or make it security invoker`,
  },
];
