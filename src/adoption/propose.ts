// Proposes declarations for tables that nobody has declared: from foreign keys first, then from names that are usual. A proposal is a
// beginning to be read, never a rule: nothing is done by it.

import type { Adoption, Hop, Kept, Source } from './declaration.ts';
import { columnOf, type Inventory, type Table, tableOf } from './inventory.ts';
import { keyOf } from './places.ts';

const USERS = ['users', 'user', 'accounts', 'account', 'people', 'members', 'authors', 'entities'];
const TENANTS = [
  'tenants',
  'tenant',
  'organizations',
  'organisations',
  'orgs',
  'workspaces',
  'companies',
  'servers',
];
const OWNER_COLUMNS = [
  'owner_id',
  'user_id',
  'author_id',
  'account_id',
  'created_by',
  'entity_id',
  'member_id',
  'owner',
  'author',
];
const TENANT_COLUMNS = [
  'tenant_id',
  'organization_id',
  'organisation_id',
  'org_id',
  'workspace_id',
  'company_id',
  'server_id',
];
/** Steps to an owner: further away it is seldom meant. */
const FARTHEST = 4;

export type Proposal = {
  /** The whole declaration, where there is none yet. */
  readonly adoption: Adoption;
  /** Tables for which no owner was found. */
  readonly unowned: readonly string[];
};

/**
 * A declaration for the tables that have none.
 *
 * @param declared What was declared already; it stays as it is.
 * @returns undefined where no table looks as if it held people.
 */
export function propose(inventory: Inventory, declared?: Adoption): Proposal | undefined {
  const find = (names: readonly string[]) =>
    names.map((name) => tableOf(inventory, name)).find((table) => table !== undefined);
  const users = declared?.users ?? principalsOf(find(USERS));
  if (users === undefined) {
    return undefined;
  }
  const found = find(TENANTS);
  const tenants =
    declared?.tenants ??
    (found === undefined ? { constant: 'default' } : { table: found.name, ...otherKey(found) });
  const tenantTable = 'table' in tenants ? tenants.table : undefined;
  const people = tableOf(inventory, users.table);
  const tenant = declared?.users.tenant ?? (people && tenantColumn(people, tenantTable));
  const special = new Set([users.table, tenantTable, declared?.agents?.table, declared?.worlds?.table]);
  const tables: Record<string, Kept | { exempt: string }> = { ...declared?.tables };
  const unowned: string[] = [];
  for (const one of inventory.tables) {
    if (special.has(one.name) || tables[one.name] !== undefined) {
      continue;
    }
    const owner = ownerOf(one, users.table, inventory);
    if (owner === undefined) {
      unowned.push(one.name);
    } else {
      const own = tenantColumn(one, tenantTable);
      tables[one.name] = { kind: kindOf(one.name), owner, ...(own === undefined ? {} : { tenant: own }) };
    }
  }
  const adoption: Adoption = {
    ...(inventory.schema === 'public' ? {} : { schema: inventory.schema }),
    ...declared,
    tenants,
    users: { ...users, ...(tenant === undefined ? {} : { tenant }) },
    tables,
  };
  return { adoption, unowned };
}

function principalsOf(table: Table | undefined) {
  return table && { table: table.name, ...otherKey(table) };
}

/** The key where it is not called id. */
function otherKey(table: Table): { key?: string } {
  const [key, ...others] = table.primaryKey;
  return key === undefined || others.length > 0 || key === keyOf({}) ? {} : { key };
}

function tenantColumn(table: Table, tenants: string | undefined): string | undefined {
  if (tenants === undefined) {
    return undefined;
  }
  const referring = table.references.find((one) => one.table === tenants && one.columns.length === 1)
    ?.columns[0];
  return referring ?? TENANT_COLUMNS.find((name) => columnOf(table, name) !== undefined);
}

/** A column that refers to people, one that is called so, or the shortest path of foreign keys to a table that has one. */
function ownerOf(table: Table, users: string, inventory: Inventory): Source | undefined {
  const near = ownColumn(table, users);
  if (near !== undefined) {
    return near;
  }
  let paths: { at: Table; through: Hop[] }[] = [{ at: table, through: [] }];
  const seen = new Set([table.name, users]);
  for (let far = 0; far < FARTHEST; far += 1) {
    paths = paths.flatMap(({ at, through }) =>
      at.references.flatMap(({ columns, table: name, keys }) => {
        const next = tableOf(inventory, name);
        const [column, key] = [columns[0], keys[0]];
        if (
          next === undefined ||
          seen.has(name) ||
          columns.length > 1 ||
          column === undefined ||
          key === undefined
        ) {
          return [];
        }
        seen.add(name);
        return [
          { at: next, through: [...through, { column, table: name, ...(key === keyOf({}) ? {} : { key }) }] },
        ];
      }),
    );
    for (const { at, through } of paths) {
      const column = ownColumn(at, users);
      if (column !== undefined) {
        return { through, column };
      }
    }
  }
  return undefined;
}

function ownColumn(table: Table, users: string): string | undefined {
  const referring = table.references
    .filter((one) => one.table === users && one.columns.length === 1)
    .map(({ columns }) => columns[0]);
  const named = OWNER_COLUMNS.filter((name) => columnOf(table, name) !== undefined);
  // of several that refer to people, the one with the usual name is the owner
  return named.find((name) => referring.includes(name)) ?? referring[0] ?? named[0];
}

/** The singular of English, as far as tables need it. */
export function kindOf(table: string): string {
  const words = table
    .toLowerCase()
    .replaceAll(/[^a-z]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  const one = words.endsWith('ies')
    ? `${words.slice(0, -3)}y`
    : /(s|x|z|ch|sh)es$/.test(words)
      ? words.slice(0, -2)
      : words.endsWith('s') && !words.endsWith('ss')
        ? words.slice(0, -1)
        : words;
  return one === '' ? 'row' : one;
}

/** The text of a bailiwick.config.ts. */
export function textOf({ adoption, unowned }: Proposal): string {
  return [
    "import type { Adoption } from 'bailiwick/adoption';\n\n",
    'export default ',
    literal(adoption, 0),
    ' satisfies Adoption;\n',
    ...unowned.map(
      (name) =>
        `// ${name}: no owner was found. Say owner: …, or exempt: 'why it may stay open to everybody'.\n`,
    ),
  ].join('');
}

/** A value as TypeScript writes it. */
function literal(value: unknown, depth: number): string {
  if (typeof value === 'string') {
    return `'${value.replaceAll(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`;
  }
  if (Array.isArray(value)) {
    return `[${value.map((one) => literal(one, depth)).join(', ')}]`;
  }
  const entries = Object.entries(value as object).map(
    ([name, of]) => `${/^[A-Za-z_]\w*$/.test(name) ? name : literal(name, 0)}: ${literal(of, depth + 1)}`,
  );
  // what is on top, and each table, has lines of its own
  return depth === 0 ||
    (depth === 1 &&
      entries.length > 0 &&
      Object.values(value as object).every((one) => typeof one === 'object'))
    ? `{\n${entries.map((entry) => `${'  '.repeat(depth + 1)}${entry},\n`).join('')}${'  '.repeat(depth)}}`
    : `{ ${entries.join(', ')} }`;
}
