// What a database's catalog says of everything that somebody made in it, one line for each thing: two of these are the same exactly when
// nothing was added, taken away or changed. Grants are spelled out, because PostgreSQL notes "as at first" in two ways.
//
// A line begins with the table it belongs to, so that the lines of one table can be taken. Statistics, sizes and numbers of objects are
// left out, and so is schema `truth`, which is the tests' own.

import type pg from 'pg';

/** Schemas that are looked at. */
const OURS = `n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'truth')`;
const TABLE = `format('%I.%I: ', n.nspname, c.relname)`;
const acl = (column: string, kind: string, owner: string) =>
  `(select string_agg(concat(x.grantee::regrole, ' ', x.privilege_type, case when x.is_grantable then ' *' end), ', ' order by x.grantee::regrole::text, x.privilege_type)
      from aclexplode(coalesce(${column}, acldefault('${kind}', ${owner}))) x)`;

const LINES = `
  select format('schema %I owner %s: %s', n.nspname, n.nspowner::regrole, ${acl('n.nspacl', 'n', 'n.nspowner')}) as line from pg_namespace n where ${OURS}
  union all
  select format('%skind %s owner %s row security %s %s replica identity %s options %s persistence %s grants %s', ${TABLE}, c.relkind, c.relowner::regrole,
                c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.reloptions, c.relpersistence,
                ${acl('c.relacl', 'r', 'c.relowner')})
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${OURS} and c.relkind in ('r', 'p', 'v', 'm', 'f')
  union all
  select format('sequence %I.%I owner %s grants %s', n.nspname, c.relname, c.relowner::regrole, ${acl('c.relacl', 's', 'c.relowner')})
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${OURS} and c.relkind = 'S'
  union all
  select format('%scolumn %I %s not null %s default %s identity "%s" generated "%s" storage %s collation %s statistics %s grants %s', ${TABLE}, a.attname,
                format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, a.attstorage, a.attcollation,
                a.attstattarget, (select string_agg(concat(x.grantee::regrole, ' ', x.privilege_type), ', ' order by 1) from aclexplode(a.attacl) x))
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where ${OURS} and c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped
  union all
  select format('%sconstraint %I %s validated %s', ${TABLE}, o.conname, pg_get_constraintdef(o.oid), o.convalidated)
    from pg_constraint o join pg_class c on c.oid = o.conrelid join pg_namespace n on n.oid = c.relnamespace where ${OURS}
  union all
  select format('%sindex %s valid %s ready %s clustered %s replica identity %s', ${TABLE}, pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready, i.indisclustered, i.indisreplident)
    from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace where ${OURS}
  union all
  -- those of foreign keys are named after their numbers
  select format('%strigger %s enabled %s', ${TABLE}, case when t.tgisinternal then 'of ' || coalesce(o.conname, '?') || ' ' || t.tgtype else pg_get_triggerdef(t.oid) end, t.tgenabled)
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace left join pg_constraint o on o.oid = t.tgconstraint where ${OURS}
  union all
  select format('%spolicy %s', ${TABLE}, to_jsonb(p)::text)
    from pg_policies p join pg_namespace n on n.nspname = p.schemaname join pg_class c on c.relname = p.tablename and c.relnamespace = n.oid where ${OURS}
  union all
  select format('%srule %s', ${TABLE}, md5(pg_get_ruledef(w.oid)))
    from pg_rewrite w join pg_class c on c.oid = w.ev_class join pg_namespace n on n.oid = c.relnamespace where ${OURS}
  union all
  select format('%sinherits %s', ${TABLE}, h.inhparent::regclass)
    from pg_inherits h join pg_class c on c.oid = h.inhrelid join pg_namespace n on n.oid = c.relnamespace where ${OURS}
  union all
  select format('function %s owner %s %s grants %s', f.oid::regprocedure, f.proowner::regrole, pg_get_functiondef(f.oid), ${acl('f.proacl', 'f', 'f.proowner')})
    from pg_proc f join pg_namespace n on n.oid = f.pronamespace where ${OURS} and f.prokind in ('f', 'p')
  union all
  select format('type %I.%I owner %s', n.nspname, t.typname, t.typowner::regrole) from pg_type t join pg_namespace n on n.oid = t.typnamespace where ${OURS} and t.typtype <> 'p'
  union all
  select format('default privileges of %s in %s on %s: %s', d.defaclrole::regrole, d.defaclnamespace, d.defaclobjtype, d.defaclacl) from pg_default_acl d
  union all
  select format('database owner %s: %s', d.datdba::regrole, ${acl('d.datacl', 'd', 'd.datdba')}) from pg_database d where d.datname = current_database()
  union all
  select format('setting of %s: %s', s.setrole, s.setconfig) from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase where d.datname = current_database()
  union all
  select format('extension %s %s', e.extname, e.extversion) from pg_extension e
  union all
  select format('publication %s %s', p.pubname, (select string_agg(r.prrelid::regclass::text, ', ' order by 1) from pg_publication_rel r where r.prpubid = p.oid)) from pg_publication p
  union all
  select format('event trigger %s %s', e.evtname, e.evtenabled) from pg_event_trigger e
  union all
  select format('statistics %s', s.stxname) from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace where ${OURS}
  union all
  select format('comment on %s: %s', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description)
    from pg_description d join pg_class c on c.oid = d.objoid and d.classoid = 'pg_class'::regclass join pg_namespace n on n.oid = c.relnamespace where ${OURS}
  union all
  select format('%s is a member of %s', m.member::regrole, m.roleid::regrole) from pg_auth_members m where m.member::regrole::text = any ($1::text[])`;

/** Everything there is, sorted. @param roles Whose memberships count. */
export async function catalogOf(client: pg.ClientBase, roles: readonly string[]): Promise<readonly string[]> {
  // names are written with their schema, whoever asks
  await client.query("set search_path = ''");
  const { rows } = await client.query<{ line: string }>(LINES, [roles]);
  await client.query('reset search_path');
  return rows.map(({ line }) => line).sort();
}

/** What one has that the other has not. */
export function differences(before: readonly string[], after: readonly string[]): string[] {
  const [one, other] = [new Set(before), new Set(after)];
  return [
    ...before.filter((line) => !other.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !one.has(line)).map((line) => `+ ${line}`),
  ];
}
