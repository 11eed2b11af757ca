// Makes the adopter's tenants, people, agents and worlds known to the kernel, and keeps them so: a function for each kind that says of one
// row what it is now, triggers that ask it for every write, and batches that ask it for the rows that are there.
//
// A principal that is gone, or has moved to another tenant or owner, is archived and not deleted: chains that name it stay readable.

import type { Adoption, Owned, Principals } from './declaration.ts';
import type { Expressions } from './expressions.ts';
import { ADDED, DEFINER, ISSUER, literal, owned, quoted, ROLES, SCHEMAS } from './names.ts';
import { keyOf } from './places.ts';
import { type Placed, quietly, settle } from './placing.ts';

const DATA = SCHEMAS.data;
const STATE = SCHEMAS.state;
const TRIGGER = 'zzz_bailiwick_keep';

/** A table whose rows are principals, and the SQL that keeps them known. */
export type Keeper = {
  readonly kind: 'tenant' | 'user' | 'agent' | 'world';
  readonly table: string;
  readonly key: string;
  /** Makes functions and trigger. */
  readonly sql: string;
  /** What its functions must be allowed. */
  readonly grants: readonly string[];
};

export const keepFunction = (kind: string) => `${STATE}.keep_${kind}`;

/** The kinds in the order in which they need each other. */
export function keepersOf(expressions: Expressions, adoption: Adoption): Keeper[] {
  const { tenants, users, agents, worlds } = adoption;
  const keepers: Keeper[] = [];
  if ('table' in tenants) {
    keepers.push(keeper(expressions, 'tenant', tenants, keepTenant(tenants)));
  }
  keepers.push(keeper(expressions, 'user', users, keepUser(expressions, adoption)));
  for (const [kind, owned] of [['agent', agents] as const, ['world', worlds] as const]) {
    if (owned !== undefined) {
      keepers.push(keeper(expressions, kind, owned, keepOwned(expressions, kind, owned)));
    }
  }
  return keepers;
}

/** The one tenant of an adopter who has none. */
export const constantTenant = (key: string): string =>
  insertTenant(literal(key), `${STATE}.id('tenant', ${literal(key)})`);

function keeper(expressions: Expressions, kind: Keeper['kind'], of: Principals, body: string): Keeper {
  const name = expressions.name(of.table);
  const key = keyOf(of);
  const changed = `keep_${kind}_changed`;
  const gone = `old.${quoted(key)}::text`;
  const hops = expressions.reaches(expressions.table(of.table), of.tenant, (of as Partial<Owned>).owner);
  const sql = `
create or replace function ${keepFunction(kind)}(r ${name}) returns void language plpgsql volatile ${DEFINER} as $keep$
${body}
$keep$;
${owned(`${keepFunction(kind)}(${name})`)}
create or replace function ${STATE}.${changed}() returns trigger language plpgsql volatile ${DEFINER} as $changed$
begin
  if tg_op <> 'INSERT' and (tg_op = 'DELETE' or new.${quoted(key)} is distinct from old.${quoted(key)}) then
    perform ${STATE}.retire(${literal(kind)}, ${gone});
  end if;
  if tg_op <> 'DELETE' then
    perform ${keepFunction(kind)}(new);
  end if;
  return null;
end $changed$;
${owned(`${STATE}.${changed}()`)}
create or replace trigger ${TRIGGER} after insert or delete or update of ${[
    ...new Set([key, ...expressions.columns(of.tenant, (of as Partial<Owned>).owner)]),
  ]
    .map(quoted)
    .join(', ')}
  on ${name} for each row execute function ${STATE}.${changed}();`;
  return {
    kind,
    table: of.table,
    key,
    sql,
    grants: [...new Set([of.table, ...hops.map(({ hop }) => hop)])].map(
      (one) => `grant select on ${expressions.name(one)} to ${ROLES.adopter}`,
    ),
  };
}

const insertTenant = (key: string, id: string): string =>
  `insert into ${DATA}.tenants (tenant_id, id, slug, name) values (${id}, ${id}, 't-' || replace((${id})::text, '-', ''), left(${key}, 200))
     on conflict (tenant_id, id) do update set status = 'active' where tenants.status <> 'active'`;

function keepTenant(tenants: { readonly key?: string | undefined }): string {
  const key = `r.${quoted(keyOf(tenants))}::text`;
  return `begin
  ${insertTenant(key, `${STATE}.id('tenant', ${key})`)};
end`;
}

function keepUser(expressions: Expressions, { users, tenants }: Adoption): string {
  const of = expressions.table(users.table);
  const said =
    'constant' in tenants ? literal(tenants.constant) : expressions.of(users.tenant, 'r', of).value;
  const key = `r.${quoted(keyOf(users))}::text`;
  return `declare
  key text := ${key};
  e uuid := ${STATE}.id('user', key);
  t uuid := ${STATE}.id('tenant', ${said});
  moved boolean;
begin
  moved := ${STATE}.leave('user', key, e, t);
  if exists (select from ${DATA}.tenants n where n.tenant_id = t) then
    insert into ${DATA}.entities (tenant_id, id, kind, owner_id) values (t, e, 'user', e)
      on conflict (tenant_id, id) do update set status = 'active' where entities.status = 'archived';
    insert into ${DATA}.users (tenant_id, id, owner_id, display_name) values (t, e, e, left(coalesce(nullif(key, ''), '-'), 200))
      on conflict do nothing;
    insert into ${DATA}.identities (tenant_id, id, entity_id, issuer, subject)
      values (t, e, e, ${literal(ISSUER)}, 'user:' || key) on conflict do nothing;
  end if;
  if moved then
    perform ${STATE}.settle_owned(e);
  end if;
end`;
}

function keepOwned(expressions: Expressions, kind: 'agent' | 'world', owned: Owned): string {
  const of = expressions.table(owned.table);
  const key = `r.${quoted(keyOf(owned))}::text`;
  const rest =
    kind === 'agent'
      ? `insert into ${DATA}.agents (tenant_id, id, owner_id, name, created_by, delegation_id, request_id)
      values (t, e, o, left(coalesce(nullif(key, ''), '-'), 200), o, null, gen_random_uuid()) on conflict do nothing;`
      : `insert into ${DATA}.worlds (tenant_id, id, owner_id, name, created_by, delegation_id, request_id)
      values (t, e, o, left(coalesce(nullif(key, ''), '-'), 200), o, null, gen_random_uuid()) on conflict do nothing;
    insert into ${DATA}.world_members (tenant_id, id, world_id, owner_id, entity_id, role, created_by, delegation_id, request_id)
      values (t, e, e, o, o, 'owner', o, null, gen_random_uuid()) on conflict do nothing;`;
  // an agent or a world never changes hands: with another owner it is another
  return `declare
  key text := ${key};
  said text := ${expressions.of(owned.owner, 'r', of).value};
  o uuid := ${STATE}.id('user', said);
  e uuid := ${STATE}.id(${literal(kind)}, key || ' of ' || said);
  t uuid;
begin
  select x.tenant_id into t from ${DATA}.entities x where x.id = o and x.kind = 'user' and x.status <> 'archived';
  perform ${STATE}.leave(${literal(kind)}, key, e, t);
  if t is not null then
    insert into ${DATA}.entities (tenant_id, id, kind, owner_id) values (t, e, ${literal(kind)}, o)
      on conflict (tenant_id, id) do update set status = 'active' where entities.status = 'archived';
    ${rest}
    insert into ${DATA}.identities (tenant_id, id, entity_id, issuer, subject)
      values (t, e, e, ${literal(ISSUER)}, ${literal(`${kind}:`)} || key) on conflict do nothing;
  end if;
end`;
}

/** Takes the triggers off again; the functions go with their schema. */
export const dropKeeper = (expressions: Expressions, table: string): string =>
  `drop trigger if exists ${TRIGGER} on ${expressions.name(table)}`;

/** Rows that belong to somebody who has moved are placed anew: one statement for each table that has owners. */
export const settleOwned = (
  expressions: Expressions,
  tables: readonly Pick<Placed, 'name' | 'number'>[],
  quiet: boolean,
): string => `
create or replace function ${STATE}.settle_owned(principal uuid) returns void language plpgsql volatile ${DEFINER} ${quietly(quiet)} as $settle$
begin
  ${tables.map(({ name, number }) => settle(expressions.name(name), number, `c.${ADDED.owner} = principal`)).join('\n')}
end $settle$;
${owned(`${STATE}.settle_owned(uuid)`)}`;
