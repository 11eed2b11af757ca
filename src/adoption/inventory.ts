// What a database of an adopter's holds, as its catalog says: tables, keys, references, and whatever else reads or changes their rows.
// Reads the catalog alone, never a row, and changes nothing.

import type { ClientBase } from 'pg';

export type Column = {
  readonly name: string;
  /** As PostgreSQL writes it: uuid, text, bigint. */
  readonly type: string;
  /** Whether it holds no more than so many characters. */
  readonly limited: boolean;
  readonly nullable: boolean;
  readonly generated: boolean;
};

export type Reference = {
  readonly columns: readonly string[];
  /** With its schema where that is another. */
  readonly table: string;
  readonly keys: readonly string[];
};

export type Table = {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly primaryKey: readonly string[];
  /** Sets of columns that no two rows have in common, the primary key among them. */
  readonly unique: readonly (readonly string[])[];
  /** Columns with which some index begins. */
  readonly indexed: readonly string[];
  readonly references: readonly Reference[];
  /** As PostgreSQL estimates them; -1 where it never counted. */
  readonly estimatedRows: number;
  readonly bytes: number;
  readonly owner: string;
  readonly partitioned: boolean;
  readonly rowSecurity: boolean;
  readonly policies: readonly string[];
  /** Triggers of users that fire on updated rows. */
  readonly updateTriggers: readonly string[];
  /** Views that read it with the rights of their owner, and such as keep a copy. */
  readonly views: readonly { readonly name: string; readonly copy: boolean }[];
  readonly publications: readonly string[];
  /** Who may do more to it than read and write rows: TRUNCATE, TRIGGER, REFERENCES. */
  readonly beyondRows: readonly string[];
};

export type Role = {
  readonly name: string;
  /** Whether row security never holds for it. */
  readonly exempt: boolean;
  readonly superuser: boolean;
  /** Whether tables here are its own, so that it could switch row security off. */
  readonly owner: boolean;
};

export type Inventory = {
  readonly database: string;
  readonly version: string;
  readonly schema: string;
  /** As whom it was looked at. */
  readonly role: string;
  readonly tables: readonly Table[];
  /** Who may log in and change rows of some table. */
  readonly roles: readonly Role[];
};

const TABLES = `
  select c.relname as name, pg_get_userbyid(c.relowner) as owner, c.relkind = 'p' as partitioned,
         c.relrowsecurity as "rowSecurity", pg_total_relation_size(c.oid)::float8 as bytes,
         case when c.relkind = 'p' then (select coalesce(sum(greatest(p.reltuples, 0)), 0) from pg_inherits i
            join pg_class p on p.oid = i.inhrelid where i.inhparent = c.oid) else c.reltuples end::float8 as "estimatedRows",
         (select coalesce(jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, null),
                   'limited', a.atttypid = 'varchar'::regtype and a.atttypmod <> -1,
                   'nullable', not a.attnotnull, 'generated', a.attgenerated <> '' or a.attidentity = 'a') order by a.attnum), '[]')
            from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
         (select coalesce(jsonb_agg(u.columns order by u.primary desc, u.name), '[]')
            from (select x.indisprimary as primary, xc.relname as name,
                         (select jsonb_agg(a.attname order by k.at) from unnest(x.indkey::int2[]) with ordinality k (attnum, at)
                            join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.attnum
                           where k.at <= x.indnkeyatts) as columns
                    from pg_index x join pg_class xc on xc.oid = x.indexrelid
                   where x.indrelid = c.oid and x.indisunique and x.indisvalid and x.indpred is null and x.indexprs is null) u) as unique,
         (select coalesce(jsonb_agg(distinct a.attname), '[]') from pg_index x join pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[0]
           where x.indrelid = c.oid and x.indisvalid and x.indpred is null) as indexed,
         (select coalesce(jsonb_agg(a.attname order by k.at), '[]')
            from pg_index x, unnest(x.indkey::int2[]) with ordinality k (attnum, at), pg_attribute a
           where x.indrelid = c.oid and x.indisprimary and a.attrelid = c.oid and a.attnum = k.attnum) as "primaryKey",
         (select coalesce(jsonb_agg(jsonb_build_object(
                   'columns', (select jsonb_agg(a.attname order by k.at) from unnest(f.conkey) with ordinality k (attnum, at)
                                 join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.attnum),
                   'table', case when r.relnamespace = c.relnamespace then r.relname::text else f.confrelid::regclass::text end,
                   'keys', (select jsonb_agg(a.attname order by k.at) from unnest(f.confkey) with ordinality k (attnum, at)
                              join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.attnum)) order by f.conname), '[]')
            from pg_constraint f join pg_class r on r.oid = f.confrelid
           where f.conrelid = c.oid and f.contype = 'f' and f.conparentid = 0) as references,
         (select coalesce(jsonb_agg(p.polname order by p.polname), '[]') from pg_policy p where p.polrelid = c.oid) as policies,
         -- bits of tgtype: 1 for each row, 16 on update (catalog/pg_trigger.h)
         (select coalesce(jsonb_agg(t.tgname order by t.tgname), '[]') from pg_trigger t
           where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled <> 'D' and t.tgtype & 16 <> 0 and t.tgtype & 1 <> 0) as "updateTriggers",
         (select coalesce(jsonb_agg(distinct jsonb_build_object('name', v.relname, 'copy', v.relkind = 'm')), '[]')
            from pg_depend d join pg_rewrite w on w.oid = d.objid join pg_class v on v.oid = w.ev_class
           where d.refobjid = c.oid and d.refclassid = 'pg_class'::regclass and d.classid = 'pg_rewrite'::regclass and v.oid <> c.oid
             and (v.relkind = 'm' or v.relkind = 'v' and not coalesce(v.reloptions, '{}') && '{security_invoker=true,security_invoker=on}')) as views,
         (select coalesce(jsonb_agg(p.pubname order by p.pubname), '[]') from pg_publication_tables p
           where p.schemaname = n.nspname and p.tablename = c.relname) as publications,
         (select coalesce(jsonb_agg(distinct case a.grantee when 0 then 'everybody' else pg_get_userbyid(a.grantee) end), '[]')
            from aclexplode(c.relacl) a
           where a.privilege_type in ('TRUNCATE', 'TRIGGER', 'REFERENCES') and a.grantee <> c.relowner) as "beyondRows"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition
     and not exists (select from pg_depend e where e.objid = c.oid and e.deptype = 'e')
   order by c.relname`;

const ROLES = `
  select r.rolname as name, r.rolsuper as superuser, r.rolsuper or r.rolbypassrls as exempt,
         exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                  where n.nspname = $1 and c.relkind in ('r', 'p') and c.relowner = r.oid) as owner
    from pg_roles r
   where r.rolcanlogin and exists (
     select from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relkind in ('r', 'p')
        and has_table_privilege(r.oid, c.oid, 'insert, update, delete'))
   order by r.rolname`;

export const columnOf = (table: Table, name: string): Column | undefined =>
  table.columns.find((column) => column.name === name);

/** Columns by which rows are taken one after the other: the primary key, or a unique index over columns that are never null. */
export const rowKeyOf = (table: Table): readonly string[] | undefined =>
  table.primaryKey.length > 0
    ? table.primaryKey
    : table.unique.find((columns) => columns.every((one) => columnOf(table, one)?.nullable === false));

export const tableOf = ({ tables }: Inventory, name: string): Table | undefined =>
  tables.find((table) => table.name === name);

/** Looks through the catalog. */
export async function takeInventory(client: ClientBase, schema: string): Promise<Inventory> {
  const about = await client.query<{ database: string; version: string; role: string; found: boolean }>(
    `select current_database() as database, current_setting('server_version') as version, current_user as role,
            to_regnamespace(quote_ident($1)) is not null as found`,
    [schema],
  );
  const [row] = about.rows;
  if (!row?.found) {
    throw new Error(`there is no schema ${schema} in database ${row?.database}`);
  }
  const tables = await client.query<Table>(TABLES, [schema]);
  const roles = await client.query<Role>(ROLES, [schema]);
  const { database, version, role } = row;
  return { database, version, role, schema, tables: tables.rows, roles: roles.rows };
}
