// What the database itself says about its tables: columns, keys, constraints, and what the runtime role may do with them.
// The experiments are made from this, so a table or a constraint that is new is examined without anybody remembering.
//
// Reads only. A unique index counts as a key whether or not a constraint stands on it.

import type { Sql } from '../../kit/as.ts';

export type Column = {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  /** Filled from the sealed context when left out. */
  readonly provenance: boolean;
  readonly select: boolean;
  readonly insert: boolean;
  readonly update: boolean;
};

export type Table = {
  /** As SQL names it: without the schema in public. */
  readonly name: string;
  readonly schema: string;
  readonly columns: readonly Column[];
  readonly select: boolean;
  readonly delete: boolean;
  /** Whether the runtime role has any right to it at all. */
  readonly reachable: boolean;
};

/** A unique index or an exclusion: what no two rows may have in common. */
export type Key = {
  readonly name: string;
  readonly table: string;
  /** Everything it looks at, columns of expressions and of a condition included. */
  readonly columns: readonly string[];
  /** Whether ON CONFLICT can name it by its columns. */
  readonly plain: boolean;
  /** As it is declared, for a list. */
  readonly exclusion: boolean;
};

export type ForeignKey = {
  readonly name: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly parent: string;
  readonly parentColumns: readonly string[];
};

export type Check = {
  readonly name: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly expression: string;
};

/** A function of the kernel that the runtime role may call. */
export type Callable = {
  readonly name: string;
  readonly parameters: readonly { readonly name: string; readonly type: string }[];
};

export type Catalog = {
  readonly tables: readonly Table[];
  readonly keys: readonly Key[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly checks: readonly Check[];
  readonly functions: readonly Callable[];
  /** Constraints of a kind that nobody has thought of. */
  readonly strange: readonly string[];
};

/** Every schema but PostgreSQL's own. */
const OURS = `n.nspname <> 'information_schema' and n.nspname !~ '^pg_'`;
const NAME = `case n.nspname when 'public' then quote_ident(c.relname) else format('%I.%I', n.nspname, c.relname) end`;
const names = (relation: string, attributes: string) =>
  `(select array_agg(a.attname::text order by k.i) from unnest(${attributes}::int[]) with ordinality k (n, i)
      join pg_attribute a on a.attrelid = ${relation} and a.attnum = k.n)`;
const FROM = `from pg_class c join pg_namespace n on n.oid = c.relnamespace`;
const WHERE = `where ${OURS} and c.relkind in ('r', 'p') and not c.relispartition`;
const CONSTRAINTS = `from pg_constraint o join pg_class c on c.oid = o.conrelid join pg_namespace n on n.oid = c.relnamespace
  ${WHERE} and o.conparentid = 0`;

const TABLES = `
  select ${NAME} as name, n.nspname as schema,
         has_any_column_privilege('bailiwick_runtime', c.oid, 'select') as "select",
         has_table_privilege('bailiwick_runtime', c.oid, 'delete') as "delete",
         has_any_column_privilege('bailiwick_runtime', c.oid, 'select, insert, update, references')
           or has_table_privilege('bailiwick_runtime', c.oid, 'delete, truncate, trigger') as reachable,
         (select json_agg(json_build_object(
                   'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'required', a.attnotnull,
                   'provenance', coalesce(pg_get_expr(d.adbin, d.adrelid) ~ 'bailiwick\\.', false),
                   'select', has_column_privilege('bailiwick_runtime', c.oid, a.attnum, 'select'),
                   'insert', has_column_privilege('bailiwick_runtime', c.oid, a.attnum, 'insert'),
                   'update', has_column_privilege('bailiwick_runtime', c.oid, a.attnum, 'update')) order by a.attnum)
            from pg_attribute a left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
           where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
    ${FROM} ${WHERE} order by 1`;

// the columns of an expression or of a condition stand among the dependencies of the index
const KEYS = `
  select x.relname as name, ${NAME} as "table", i.indisexclusion as exclusion,
         i.indexprs is null and i.indpred is null and not i.indisexclusion as plain,
         (select array_agg(a.attname::text order by array_position(i.indkey::int[], a.attnum::int), a.attnum)
            from pg_attribute a
           where a.attrelid = c.oid and a.attnum > 0
             and (a.attnum = any (i.indkey) or exists (
               select from pg_depend d
                where d.classid = 'pg_class'::regclass and d.objid = x.oid and d.refclassid = 'pg_class'::regclass
                  and d.refobjid = c.oid and d.refobjsubid = a.attnum))) as columns
    from pg_index i join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
    join pg_namespace n on n.oid = c.relnamespace
   ${WHERE} and (i.indisunique or i.indisexclusion) order by 2, 1`;

const FOREIGN_KEYS = `
  select o.conname as name, ${NAME} as "table", ${names('o.conrelid', 'o.conkey')} as columns,
         (select ${NAME} ${FROM} where c.oid = o.confrelid) as parent,
         ${names('o.confrelid', 'o.confkey')} as "parentColumns"
    ${CONSTRAINTS} and o.contype = 'f' order by 2, 1`;

const CHECKS = `
  select o.conname as name, ${NAME} as "table", ${names('o.conrelid', 'o.conkey')} as columns,
         pg_get_expr(o.conbin, o.conrelid) as expression
    ${CONSTRAINTS} and o.contype = 'c' order by 2, 1`;

// p, u and x have an index; a not-null, which has a constraint since PostgreSQL 18, is a property of its column
const STRANGE = `
  select c.relname || '.' || o.conname || ' (' || o.contype::text || ')' ${CONSTRAINTS}
     and o.contype not in ('p', 'u', 'x', 'f', 'c', 'n') order by 1`;

const FUNCTIONS = `
  select format('%I.%I', n.nspname, p.proname) as name,
         coalesce((select json_agg(json_build_object(
                     'name', coalesce(p.proargnames[k.i], ''), 'type', format_type(k.type, null)) order by k.i)
            from unnest(p.proargtypes::oid[]) with ordinality k (type, i)), '[]') as parameters
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
   where ${OURS} and has_function_privilege('bailiwick_runtime', p.oid, 'execute') order by 1`;

/** Reads everything, as the migrator. */
export async function readCatalog(sql: Sql): Promise<Catalog> {
  return {
    tables: await sql.rows<Table>(TABLES),
    keys: await sql.rows<Key>(KEYS),
    foreignKeys: await sql.rows<ForeignKey>(FOREIGN_KEYS),
    checks: await sql.rows<Check>(CHECKS),
    functions: await sql.rows<Callable>(FUNCTIONS),
    strange: await sql.list(STRANGE),
  };
}

/** The table of that name, which there must be. */
export function tableOf({ tables }: Catalog, name: string): Table {
  const table = tables.find((one) => one.name === name);
  if (table === undefined) {
    throw new TypeError(`there is no table ${name}`);
  }
  return table;
}
