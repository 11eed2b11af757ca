// The way back: one phase at a time for each table, and in the end out of the database altogether. Only what adoption has installed is
// touched, and by its own name; what the application has written meanwhile stays as it is.

import {
  type Adopting,
  isQuiet,
  isSealed,
  isTouched,
  PHASES,
  type PhaseName,
  readInstallation,
  readTable,
  readTables,
  type TableState,
} from './installation.ts';
import { AdoptionError, madeRoles } from './kernel.ts';
import {
  check,
  literal,
  ownerIndex,
  placeFunction,
  quoted,
  ROLES,
  SCHEMAS,
  setFunction,
  trigger,
} from './names.ts';
import { addedTo, followersOf } from './placing.ts';
import { dropKeeper, keepersOf, keepFunction, settleOwned } from './principals.ts';
import { sealable } from './sealed-values.ts';
import { countSealed } from './sealing.ts';
import { changePhase } from './shadow.ts';
import { again, runStep } from './steps.ts';

const STATE = SCHEMAS.state;

/** Takes a table back, one phase after the other, until it is where it should be. */
export async function rollBack(adopting: Adopting, name: string, to: PhaseName): Promise<void> {
  for (;;) {
    const state = await readTable(adopting.client, name);
    if (to === 'none' ? !isTouched(state) : PHASES.indexOf(state.phase) <= PHASES.indexOf(to)) {
      return;
    }
    if (state.phase === 'strict' || state.phase === 'shadow') {
      await changePhase(adopting, name, state.phase === 'strict' ? 'shadow' : 'owned');
    } else {
      await disown(adopting, state);
    }
  }
}

/** From owned, or on the way there, to nothing: triggers elsewhere first, then everything on the table at once. */
async function disown(adopting: Adopting, state: TableState): Promise<void> {
  const { client, expressions } = adopting;
  const { name, number, kept } = state;
  await refuseSealed(adopting, state);
  const table = expressions.name(name);
  const quiet = await isQuiet(client);
  const step = (what: string, work: () => Promise<unknown>) =>
    runStep(adopting, { table: name, phase: 'none', step: what }, async () => {
      await work();
    });
  // from here on it is no longer complete: a run that is ended goes on from the start, in either direction
  await step('no longer complete', () =>
    client.query(
      `update ${STATE}.tables set phase = 'none', step = 'leaving', at = null, looked_at = 0 where name = $1`,
      [name],
    ),
  );
  for (const { hop, name: called, number: at } of followersOf(expressions, state, quiet)) {
    await step(`without trigger ${called} on ${hop}`, async () => {
      await client.query(`drop trigger if exists ${called} on ${expressions.name(hop)}`);
      await client.query(`drop function if exists ${STATE}.follow_${number}_${at}()`);
    });
  }
  await step('without columns, trigger, index and constraint', async () => {
    const others = (await readTables(client)).filter((one) => one.name !== name && isTouched(one));
    await client.query(settleOwned(expressions, others, quiet));
    await client.query(`drop trigger if exists ${trigger} on ${table}`);
    await client.query(`drop function if exists ${setFunction(number)}()`);
    await client.query(`drop function if exists ${placeFunction(number)}(${table})`);
    await client.query(
      `alter table ${table} drop constraint if exists ${check}, ${addedTo(kept)
        .map((column) => `drop column if exists ${column}`)
        .join(', ')}`,
    );
    await client.query(`drop index if exists ${quoted(adopting.inventory.schema)}.${ownerIndex(number)}`);
    await client.query(`delete from ${STATE}.quarantined where "table" = $1`, [name]);
    await client.query(`update ${STATE}.tables set step = null, since = clock_timestamp() where name = $1`, [
      name,
    ]);
  });
}

/** @throws {AdoptionError} where values are sealed, which nothing could open once their keys are gone. */
async function refuseSealed(adopting: Adopting, state: TableState): Promise<void> {
  if (sealable(state).length === 0) {
    return;
  }
  const sealed = await countSealed(adopting, state);
  if (sealed > 0 || (await isSealed(adopting.client, adopting.expressions.name(state.name)))) {
    throw new AdoptionError(
      `${state.name} has ${sealed} sealed values, which nothing could open afterwards: bailiwick adopt unseal --table ${state.name} first`,
    );
  }
}

/** What is left in the database that hangs on what is about to go: objects of the adopter's that name ours. */
const OUTSIDERS = `
  select distinct pg_describe_object(d.classid, d.objid, 0) as what
    from pg_depend d
    join lateral (
      select p.oid, 'pg_proc'::regclass as class from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname like 'bailiwick%'
      union all
      select c.oid, 'pg_class'::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname like 'bailiwick%'
      union all
      select t.oid, 'pg_type'::regclass from pg_type t join pg_namespace n on n.oid = t.typnamespace where n.nspname like 'bailiwick%'
    ) ours on ours.oid = d.refobjid and ours.class = d.refclassid
   where d.deptype = 'n'
     and not exists (
       select from pg_namespace n
        where n.nspname like 'bailiwick%'
          and n.oid = coalesce(
            (select p.pronamespace from pg_proc p where d.classid = 'pg_proc'::regclass and p.oid = d.objid),
            (select c.relnamespace from pg_class c where d.classid = 'pg_class'::regclass and c.oid = d.objid),
            (select t.typnamespace from pg_type t where d.classid = 'pg_type'::regclass and t.oid = d.objid),
            (select c.relnamespace from pg_rewrite w join pg_class c on c.oid = w.ev_class where d.classid = 'pg_rewrite'::regclass and w.oid = d.objid),
            (select c.relnamespace from pg_trigger g join pg_class c on c.oid = g.tgrelid where d.classid = 'pg_trigger'::regclass and g.oid = d.objid),
            (select c.relnamespace from pg_policy p join pg_class c on c.oid = p.polrelid where d.classid = 'pg_policy'::regclass and p.oid = d.objid),
            (select c.relnamespace from pg_constraint k join pg_class c on c.oid = k.conrelid where d.classid = 'pg_constraint'::regclass and k.oid = d.objid),
            (select c.relnamespace from pg_attrdef a join pg_class c on c.oid = a.adrelid where d.classid = 'pg_attrdef'::regclass and a.oid = d.objid)))
   order by 1`;

/**
 * Takes everything out again.
 *
 * @returns roles that were made and could not be dropped, because another database uses them.
 * @throws {AdoptionError} where something of the adopter's hangs on the kernel: nothing is dropped then that could not be made again.
 */
export async function remove(adopting: Adopting): Promise<string[]> {
  const { client, adoption, expressions, patience, inventory } = adopting;
  const { members } = await readInstallation(client);
  const made = await madeRoles(client);
  const tables = await readTables(client);
  for (const state of tables) {
    await refuseSealed(adopting, state);
  }
  for (const { name } of tables) {
    await rollBack(adopting, name, 'none');
  }
  for (const { kind, table } of keepersOf(expressions, adoption)) {
    await runStep(
      adopting,
      { table, phase: 'none', step: `without trigger that keeps ${kind}s` },
      async () => {
        await client.query(dropKeeper(expressions, table));
        await client.query(`delete from ${STATE}.journal where phase = 'principals' and "table" = $1`, [
          table,
        ]);
      },
    );
  }
  await again(client, patience, 'removal', async () => {
    for (const { name } of inventory.tables) {
      await client.query(`revoke all on ${expressions.name(name)} from ${ROLES.adopter}`);
    }
    await client.query(`revoke all on schema ${quoted(inventory.schema)} from ${ROLES.adopter}`);
    await client.query(
      `drop function ${keepersOf(expressions, adoption)
        .map(({ kind, table }) => `${keepFunction(kind)}(${expressions.name(table)})`)
        .join(', ')}`,
    );
    for (const state of tables) {
      // code that goes on sealing has done so in the meantime
      await refuseSealed(adopting, state);
    }
    const { rows } = await client.query<{ what: string }>(OUTSIDERS);
    if (rows.length > 0) {
      throw new AdoptionError(
        `something of yours hangs on what is to be removed: ${rows.map(({ what }) => what).join(', ')}`,
      );
    }
    for (const schema of [SCHEMAS.state, SCHEMAS.kernel, SCHEMAS.data]) {
      await client.query(`drop schema ${schema} cascade`);
    }
    for (const role of members) {
      await client.query(
        `do $$ begin if exists (select from pg_roles where rolname = ${literal(role)}) then
           execute format('revoke ${ROLES.runtime} from %I', ${literal(role)}); end if; end $$`,
      );
    }
  });
  const kept: string[] = [];
  for (const role of made) {
    try {
      await client.query(`drop owned by ${quoted(role)}`);
      await client.query(`drop role ${quoted(role)}`);
    } catch (error) {
      if ((error as { code?: string }).code !== '2BP01') {
        throw error;
      }
      kept.push(role);
    }
  }
  return kept;
}
