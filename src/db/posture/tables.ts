// The posture of tables: what each must have for row security to hold on it, whatever the policies say.
//
// Every table of schema public is a table of tenants' rows. A forgotten one is the commonest way in which isolation ends,
// so there is no list of tables here: the catalog is asked for all of them. Relations that run as their owner (views,
// materialized views, rules) and code that runs by itself (triggers) are looked for too.

import { type Check, GRANTS, HAS_TENANT, OUR_TABLE, RUNTIME } from './check.ts';

export const TABLE_CHECKS: readonly Check[] = [
  {
    name: 'table-owner',
    level: 'refuse',
    sql: `
      select c.oid::regclass::text as subject, c.relowner::regrole::text as detail
        from pg_class c
       where (${OUR_TABLE} or c.relnamespace = 'bailiwick'::regnamespace and c.relkind in ('r', 'p'))
         and c.relowner::regrole::text <> current_user`,
    message: ({ subject, detail }) =>
      `${subject} belongs to ${detail}: alter table ${subject} owner to the migrator`,
  },
  {
    name: 'table-tenant',
    level: 'refuse',
    sql: `select c.oid::regclass::text as subject, null as detail from pg_class c where ${OUR_TABLE} and not ${HAS_TENANT}`,
    message: ({ subject }) =>
      `${subject} has no column tenant_id, so no policy can tell whose its rows are: add it, or move the table out of schema public`,
  },
  {
    name: 'table-rls',
    level: 'refuse',
    sql: `
      select c.oid::regclass::text as subject, case when c.relrowsecurity then 'forced' else 'enabled' end as detail
        from pg_class c
       where ${OUR_TABLE} and ${HAS_TENANT} and not (c.relrowsecurity and c.relforcerowsecurity)`,
    message: ({ subject, detail }) =>
      `row security is not ${detail} on ${subject}: alter table ${subject} enable row level security, force row level security`,
  },
  {
    name: 'table-policies',
    level: 'refuse',
    sql: `
      select distinct g.relation::regclass || ' for ' || g.privilege as subject, g.grantee::regrole::text as detail
        from ${GRANTS} g
        join pg_class c on c.oid = g.relation
       where ${OUR_TABLE} and ${HAS_TENANT} and g.grantee <> 0
         and g.privilege in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
         and not exists (
           select from pg_policy p
            where p.polrelid = g.relation and p.polpermissive and g.grantee = any (p.polroles)
              and p.polcmd in ('*', case g.privilege when 'SELECT' then 'r' when 'INSERT' then 'a'
                                                     when 'UPDATE' then 'w' else 'd' end))`,
    message: ({ subject, detail }) =>
      `${detail} may address ${subject}, but no permissive policy says which rows: write the policy or revoke the grant`,
  },
  {
    name: 'table-key',
    level: 'refuse',
    sql: `
      select c.oid::regclass::text as subject, null as detail
        from pg_class c
       where ${OUR_TABLE} and ${HAS_TENANT}
         and (select array_agg(a.attname::text order by k.place)
                from pg_index i, unnest(i.indkey) with ordinality k (number, place), pg_attribute a
               where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = k.number)
             is distinct from array['tenant_id', 'id']`,
    message: ({ subject }) =>
      `the primary key of ${subject} is not (tenant_id, id), so references to it can cross tenants: change it`,
  },
  {
    name: 'table-reference',
    level: 'refuse',
    sql: `
      select c.oid::regclass || '.' || f.conname as subject, f.confrelid::regclass::text as detail
        from pg_constraint f
        join pg_class c on c.oid = f.conrelid
       where f.contype = 'f' and ${OUR_TABLE} and ${HAS_TENANT}
         and not exists (
           select from unnest(f.conkey, f.confkey) as k (near, far)
             join pg_attribute n on n.attrelid = f.conrelid and n.attnum = k.near and n.attname = 'tenant_id'
             join pg_attribute t on t.attrelid = f.confrelid and t.attnum = k.far and t.attname = 'tenant_id')`,
    message: ({ subject, detail }) =>
      `the foreign key ${subject} does not carry tenant_id to ${detail}, so a row can point into another tenant: add it on both sides`,
  },
  {
    name: 'table-trigger',
    level: 'refuse',
    sql: `
      select c.oid::regclass || '.' || t.tgname as subject, null as detail
        from pg_trigger t
        join pg_class c on c.oid = t.tgrelid
       where not t.tgisinternal and ${OUR_TABLE} and ${HAS_TENANT}`,
    message: ({ subject }) =>
      `trigger ${subject} runs before row security is asked, and a shard refuses it: use defaults and policies`,
  },
  {
    name: 'table-rule',
    level: 'refuse',
    sql: `
      select c.oid::regclass || '.' || r.rulename as subject, null as detail
        from pg_rewrite r
        join pg_class c on c.oid = r.ev_class
       where ${OUR_TABLE}`,
    message: ({ subject }) => `rule ${subject} does its work with the rights of the table's owner: drop it`,
  },
  {
    name: 'view-invoker',
    level: 'refuse',
    sql: `
      select c.oid::regclass::text as subject, null as detail
        from pg_class c
       where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace
         and not exists (select from pg_depend x where x.objid = c.oid and x.classid = 'pg_class'::regclass and x.deptype = 'e')
         and not coalesce((select o.option_value::boolean from pg_options_to_table(c.reloptions) o
                            where o.option_name = 'security_invoker'), false)`,
    message: ({ subject }) =>
      `view ${subject} reads as its owner, past row security: alter view ${subject} set (security_invoker = true)`,
  },
  {
    name: 'materialized-view',
    level: 'refuse',
    sql: `select distinct g.relation::regclass::text as subject, null as detail
            from ${GRANTS} g where g.kind = 'm' and g.grantee in (0, ${RUNTIME})`,
    message: ({ subject }) =>
      `materialized view ${subject} has no row security and is granted to bailiwick_runtime: revoke that`,
  },
];
