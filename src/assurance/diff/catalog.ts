// What access is made of, as the catalog has it: policies, kernel functions, grants, row security, each with the statement that
// makes it and the one that takes it away. Two installations are compared object by object, so that wording and
// comments of the files do not count; and one can be turned into the other, as a whole or by a single object.

import { createHash } from 'node:crypto';
import type { Client } from 'pg';

export type AccessObject = {
  /** `policy memories.select_own`, `function bailiwick.holds(…)`, `grant update on memories to bailiwick_runtime`. */
  readonly id: string;
  readonly make: string;
  readonly unmake: string;
  /** Of what is given by itself, a privilege or row security: each part of it; '*' for all there is and will be. */
  readonly parts?: readonly string[];
};
export type Access = ReadonlyMap<string, AccessObject>;

const POLICIES = `
  select format('policy %s.%s', c.relname, p.polname) as id,
         format('create policy %I on public.%I as %s for %s to %s', p.polname, c.relname,
           case when p.polpermissive then 'permissive' else 'restrictive' end,
           case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
           (select string_agg(case r when 0 then 'public' else quote_ident(pg_get_userbyid(r)) end, ', ' order by r)
              from unnest(p.polroles) r))
         || coalesce(' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
         || coalesce(' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') as make,
         format('drop policy %I on public.%I', p.polname, c.relname) as unmake
    from pg_policy p join pg_class c on c.oid = p.polrelid
   where c.relnamespace = 'public'::regnamespace`;

const FUNCTIONS = `
  select format('function %s', f.oid::regprocedure) as id,
         format('%s; alter function %s owner to %I', pg_get_functiondef(f.oid), f.oid::regprocedure,
           pg_get_userbyid(f.proowner)) as make,
         format('drop function %s', f.oid::regprocedure) as unmake
    from pg_proc f where f.pronamespace = 'bailiwick'::regnamespace`;

// one object for each privilege of a role on a table: all its columns together
const TABLE_GRANTS = `
  with given as (
    select c.relname, acl.grantee, acl.privilege_type as privilege, null::name as attname
      from pg_class c, aclexplode(c.relacl) acl
     where c.relnamespace = 'public'::regnamespace and acl.grantee <> c.relowner
    union all
    select c.relname, acl.grantee, acl.privilege_type, a.attname
      from pg_class c join pg_attribute a on a.attrelid = c.oid, aclexplode(a.attacl) acl
     where c.relnamespace = 'public'::regnamespace and a.attacl is not null and not a.attisdropped
  ), whole as (
    select relname, privilege, case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as role,
           case when bool_or(attname is null) then ''
                else ' (' || string_agg(distinct quote_ident(attname), ', ' order by quote_ident(attname)) || ')' end as columns
      from given group by relname, privilege, grantee
  )
  select format('grant %s on %s to %s', lower(privilege), relname, role) as id,
         format('revoke %1$s on public.%2$I from %4$s; grant %1$s%3$s on public.%2$I to %4$s', privilege, relname, columns, role) as make,
         format('revoke %s on public.%I from %s', privilege, relname, role) as unmake,
         case columns when '' then array['*'] else string_to_array(trim(columns, ' ()'), ', ') end as parts
    from whole`;

const FUNCTION_GRANTS = `
  select format('grant execute on %s to %s', f.oid::regprocedure, r.role) as id,
         format('grant execute on function %s to %s', f.oid::regprocedure, r.role) as make,
         format('revoke execute on function %s from %s', f.oid::regprocedure, r.role) as unmake,
         array['*'] as parts
    from pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) acl,
         lateral (select case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end as role) r
   where f.pronamespace = 'bailiwick'::regnamespace and acl.grantee <> f.proowner`;

const ROW_SECURITY = `
  select format('row security of %s', c.relname) as id,
         format('alter table public.%I %s row level security, %s row level security', c.relname,
           case when c.relrowsecurity then 'enable' else 'disable' end,
           case when c.relforcerowsecurity then 'force' else 'no force' end) as make,
         format('alter table public.%I disable row level security, no force row level security', c.relname) as unmake,
         -- what it gives is to be without it
         array_remove(array[case when not c.relrowsecurity then 'every row to everybody' end,
                            case when not c.relforcerowsecurity then 'every row to the owner' end], null) as parts
    from pg_class c
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> '_prisma_migrations'
     -- there are as many as the calendar wants; that each is closed, the posture check sees to
     and not c.relispartition`;

/** In the order in which they are made; they are unmade in the opposite one. */
const QUERIES = [ROW_SECURITY, FUNCTIONS, FUNCTION_GRANTS, POLICIES, TABLE_GRANTS];

/** Reads the access of a database. */
export async function readAccess(client: Client): Promise<Access> {
  const access = new Map<string, AccessObject>();
  // names as a client with no schema in its path sees them, so that they read the same everywhere
  await client.query('begin read only');
  await client.query("set local search_path = ''");
  for (const query of QUERIES) {
    const { rows } = await client.query<AccessObject>(`${query} order by 1`);
    for (const one of rows) {
      access.set(one.id, one);
    }
  }
  await client.query('commit');
  return access;
}

/** The objects in which two differ, in the order of making. */
export function changedObjects(from: Access, to: Access): string[] {
  const ids = [...new Set([...from.keys(), ...to.keys()])];
  return ids
    .filter((id) => from.get(id)?.make !== to.get(id)?.make)
    .map((id) => ({ id, rank: RANKS.findIndex((start) => id.startsWith(start)) }))
    .sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1))
    .map(({ id }) => id);
}

/** How the ids of each query begin, in their order; the last takes every other grant. */
const RANKS = ['row security', 'function', 'grant execute', 'policy', 'grant'];

/**
 * Makes some objects of a database what they are in `to`, in one transaction.
 *
 * @throws the database's error, when they cannot be so without others; nothing is changed then.
 */
export async function morph(client: Client, from: Access, to: Access, ids: readonly string[]): Promise<void> {
  const gone = ids.flatMap((id) => from.get(id) ?? []).filter(({ id }) => !isReplaced(id, to));
  const made = ids.flatMap((id) => to.get(id) ?? []);
  await client.query('begin');
  try {
    await client.query('set local check_function_bodies = off');
    for (const { unmake } of [...gone].reverse()) {
      await client.query(unmake);
    }
    for (const { make } of made) {
      await client.query(make);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/** Functions are replaced in place, because policies and column defaults hold on to them. */
const isReplaced = (id: string, to: Access) => id.startsWith('function ') && to.has(id);

/** What a changed object is called where a decision names it: its id and what it becomes, so that no older record fits. */
export function nameOfChange(id: string, to: Access): string {
  const digest = createHash('sha256')
    .update(to.get(id)?.make ?? '')
    .digest('hex');
  return `${id} @${digest.slice(0, 10)}`;
}
