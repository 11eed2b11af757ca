// What is installed on a table of the adopter's so that every row of it has an owner: the function that says whose a row is, the trigger that
// asks it for every write of old and new code, and triggers on the tables along its paths, for when a row there moves to somebody else.
//
// `place_<n>(row)` is the only place where it is decided. Sources come first; where they say nothing, a row stays whose it was, and a new
// one written in an open context is the context owner's; what is left, and what contradicts itself, goes to quarantine. Everything here is
// made as text, once, of names that are quoted and values that are literals.

import type { Adoption, Kept } from './declaration.ts';
import type { Expressions, Reach } from './expressions.ts';
import {
  ADDED,
  check,
  DEFINER,
  ISSUER,
  literal,
  owned,
  placeFunction,
  quoted,
  ROLES,
  SCHEMAS,
  setFunction,
  trigger,
} from './names.ts';
import { keyOf } from './places.ts';

/** A table that is kept apart, as the installation numbers it. */
export type Placed = {
  readonly name: string;
  readonly number: number;
  readonly kept: Kept;
  /** Columns that identify a row. */
  readonly key: readonly string[];
};

/** Of a function that only places rows anew: triggers of the adopter's do not fire for it, where that can be had. */
export const quietly = (quiet: boolean): string => (quiet ? 'set session_replication_role = replica' : '');

/** The added columns that a table has. */
export const addedTo = (kept: Kept): string[] => [
  ADDED.tenant,
  ADDED.owner,
  ...(kept.world === undefined ? [] : [ADDED.world]),
];

/** Adds the columns, empty. */
export const addColumns = (expressions: Expressions, { name, kept }: Placed): string =>
  `alter table ${expressions.name(name)} ${addedTo(kept)
    .map((column) => `add column if not exists ${column} uuid`)
    .join(', ')}`;

/** The functions of a table; the columns must be there. */
export function functionsOf(expressions: Expressions, adoption: Adoption, placed: Placed): string {
  const { name, number, kept, key } = placed;
  const of = expressions.table(name);
  const owner = expressions.of(kept.owner, 'r', of);
  const tenant = expressions.of(kept.tenant, 'r', of);
  const world = expressions.of(kept.world, 'r', of);
  const quarantine = typeof kept.unplaced === 'object' ? kept.unplaced.quarantine : undefined;
  const row = expressions.name(name);
  const identity = key.map((column) => `${literal(column)}, new.${quoted(column)}`).join(', ');
  const set = (from: string) =>
    `new.${ADDED.tenant} := ${from}.tenant; new.${ADDED.owner} := ${from}.owner;${
      kept.world === undefined ? '' : ` new.${ADDED.world} := ${from}.world;`
    }`;
  const worldOf =
    kept.world === undefined
      ? ''
      : `said := ${world.value};
  if said is not null then
    select i.entity_id into world from ${SCHEMAS.data}.identities i
     where i.issuer = ${literal(ISSUER)} and i.subject = 'world:' || said;
  end if;`;
  const ofTenant =
    kept.tenant === undefined
      ? ''
      : `said := ${tenant.value};
    if said is not null and ${SCHEMAS.state}.id('tenant', said) is distinct from tenant then
      reason := 'foreign';
    end if;`;
  const toQuarantine =
    quarantine === undefined
      ? ''
      : `owner := ${SCHEMAS.state}.id('user', ${literal(quarantine)});
    select e.tenant_id into tenant from ${SCHEMAS.data}.entities e where e.id = owner and e.kind = 'user' and e.status <> 'archived';
    if tenant is null then
      owner := null;
    end if;`;
  const note =
    quarantine === undefined
      ? ''
      : `insert into ${SCHEMAS.state}.quarantined ("table", key, reason)
      values (${literal(name)}, jsonb_build_object(${identity}), p.reason) on conflict do nothing;`;
  // a person whose row is being written is not known yet: it is as good as there, in its tenant
  const themselves = name === adoption.users.table && kept.owner === keyOf(adoption.users);
  const tenantOfUser = themselves
    ? `select n.tenant_id into tenant from ${SCHEMAS.data}.tenants n where n.tenant_id = ${SCHEMAS.state}.id('tenant', ${
        'constant' in adoption.tenants
          ? literal(adoption.tenants.constant)
          : expressions.of(adoption.users.tenant, 'r', of).value
      });`
    : `select e.tenant_id into tenant from ${SCHEMAS.data}.entities e where e.id = owner and e.kind = 'user' and e.status <> 'archived';`;
  return `
create or replace function ${placeFunction(number)}(r ${row}, out tenant uuid, out owner uuid, out world uuid, out reason text)
language plpgsql stable ${DEFINER} as $place$
declare
  said text := ${owner.value};
begin
  if said is not null then
    owner := ${SCHEMAS.state}.id('user', said);
    ${tenantOfUser}
    if tenant is null then
      reason := 'unknown';
    end if;
    ${ofTenant}
  elsif r.${ADDED.owner} is not null then
    owner := r.${ADDED.owner};
    tenant := r.${ADDED.tenant};
  else
    owner := ${SCHEMAS.kernel}.owner(${literal(kept.kind)}, 'create');
    tenant := case when owner is not null then ${SCHEMAS.kernel}.tenant_id() end;
    if owner is null then
      reason := case when ${owner.several} then 'ambiguous' else 'unplaced' end;
    end if;
  end if;
  if reason is not null then
    owner := null;
    tenant := null;
    ${toQuarantine}
  end if;
  ${worldOf}
end $place$;
${owned(`${placeFunction(number)}(${row})`)}

create or replace function ${setFunction(number)}() returns trigger language plpgsql volatile ${DEFINER} as $set$
declare
  p record;
begin
  -- only to have it placed anew: whatever other triggers have put into the row on this occasion was meant for another
  if current_setting('bailiwick_adoption.touch', true) = '${number}:' || pg_trigger_depth() then
    new := old;
  end if;
  -- what a statement says of these columns counts for nothing
  new.${ADDED.tenant} := case when tg_op = 'UPDATE' then old.${ADDED.tenant} end;
  new.${ADDED.owner} := case when tg_op = 'UPDATE' then old.${ADDED.owner} end;
  p := ${placeFunction(number)}(new);
  ${set('p')}
  if p.reason is not null then
    ${note === '' ? 'null;' : note}
  end if;
  return new;
end $set$;
${owned(`${setFunction(number)}()`)}`;
}

/** The trigger on the table itself: on new rows, and when a column changes on which the place depends, or one of ours. */
export function triggerOf(expressions: Expressions, { name, number, kept }: Placed): string {
  const columns = [...expressions.columns(kept.owner, kept.tenant, kept.world), ...addedTo(kept)];
  return `create or replace trigger ${trigger} before insert or update of ${columns.map(quoted).join(', ')}
    on ${expressions.name(name)} for each row execute function ${setFunction(number)}();
    alter table ${expressions.name(name)} enable always trigger ${trigger}`;
}

/** A trigger on another table, along a path. */
export type Follower = {
  readonly hop: string;
  readonly name: string;
  readonly number: number;
  readonly sql: string;
};

/** What follows a row elsewhere that moves: triggers on the tables of the paths. */
export function followersOf(expressions: Expressions, placed: Placed, quiet: boolean): Follower[] {
  const { name, number, kept } = placed;
  const of = expressions.table(name);
  return expressions.reaches(of, kept.owner, kept.tenant, kept.world).map((reach, at) => {
    const follow = `${SCHEMAS.state}.follow_${number}_${at}`;
    const called = `bailiwick_follow_${number}_${at}`;
    return {
      hop: reach.hop,
      name: called,
      number: at,
      sql: `
create or replace function ${follow}() returns trigger language plpgsql volatile ${DEFINER} ${quietly(quiet)} as $follow$
begin
  ${settle(expressions.name(name), number, reach.dependents('c'))}
  return null;
end $follow$;
${owned(`${follow}()`)}
create or replace trigger ${called} after ${followed(expressions, placed, reach)} of ${reach.columns.map(quoted).join(', ')}
  on ${expressions.name(reach.hop)} for each row execute function ${follow}();`,
    };
  });
}

/** A row that is new concerns others only where they could name it before it was there: without a foreign key. */
function followed(expressions: Expressions, { name }: Placed, { hop }: Reach): string {
  const refers = expressions.table(name).references.some(({ table }) => table === hop);
  return refers ? 'update' : 'insert or update';
}

/**
 * Says that the next updates of a table only have its rows placed anew, at this depth of triggers: what an adopter's own triggers then change
 * elsewhere, or in other rows, is as always.
 */
export const touching = (number: number, depth: string): string =>
  `set_config('bailiwick_adoption.touch', '${number}:' || ${depth}, true)`;

/** Has rows placed anew, in a function of a trigger: a write that changes nothing, so that the trigger asks again. */
export const settle = (table: string, number: number, condition: string): string => `
  perform ${touching(number, 'pg_trigger_depth() + 1')};
  update ${table} c set ${ADDED.owner} = ${ADDED.owner} where ${condition};
  perform set_config('bailiwick_adoption.touch', '', true);`;

/** That no row is without an owner, not yet asked of rows that are there. */
export const addCheck = (expressions: Expressions, { name }: Placed): string =>
  `alter table ${expressions.name(name)} drop constraint if exists ${check}, add constraint ${check}
     check (${ADDED.tenant} is not null and ${ADDED.owner} is not null) not valid`;

/** What the placing functions must be allowed to read and write. */
export function grantsOf(expressions: Expressions, placed: Placed): string[] {
  const { name, kept } = placed;
  const hops = expressions.reaches(expressions.table(name), kept.owner, kept.tenant, kept.world);
  return [...new Set([name, ...hops.map(({ hop }) => hop)])]
    .map((one) => `grant select on ${expressions.name(one)} to ${ROLES.adopter}`)
    .concat(`grant update (${addedTo(kept).join(', ')}) on ${expressions.name(name)} to ${ROLES.adopter}`);
}
