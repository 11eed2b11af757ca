// What is installed in a database: makes it, reads it back, and holds it against the declaration. Everything that a later command needs to
// know stands in the database, so that any of them can take up where another was ended.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { policyChecksum } from '../db/policies.ts';
import { type Adoption, isExempt, type Kept, listed } from './declaration.ts';
import { Expressions } from './expressions.ts';
import { type Inventory, rowKeyOf, tableOf, takeInventory } from './inventory.ts';
import {
  AdoptionError,
  admitRoles,
  declareKinds,
  installKernel,
  installKey,
  makeRoles,
  quieten,
} from './kernel.ts';
import { ADOPTION_LOCK, isEnvelope, quoted, ROLES, SCHEMAS, sealedCheck } from './names.ts';
import { parseMapping, questionsIn } from './places.ts';
import type { Placed } from './placing.ts';
import { again, type Patience, runStep, type Stepping, type Told } from './steps.ts';

export type PhaseName = 'none' | 'owned' | 'shadow' | 'strict';
export const PHASES: readonly PhaseName[] = ['none', 'owned', 'shadow', 'strict'];

/** One table, as far as it is. */
export type TableState = Placed & {
  readonly phase: PhaseName;
  readonly since: Date;
  /** Of a backfill under way: the last step that is done. */
  readonly step: string | null;
  /** The key of the last row that was looked at, as text. */
  readonly at: Readonly<Record<string, string>> | null;
  readonly lookedAt: number;
};

/** What every command of adoption works with. */
export type Adopting = Stepping & {
  readonly adoption: Adoption;
  readonly inventory: Inventory;
  readonly expressions: Expressions;
};

/** Milliseconds for which a command waits for another one that was just ended, and whose connection is not yet. */
const HANDOVER = 10_000;

/**
 * Makes this connection the one that adopts.
 *
 * @throws {AdoptionError} when another one is at it, or its role is bound by the policies that it makes.
 */
export async function beginAdopting(client: Client): Promise<void> {
  // a command that is ended by force leaves a statement behind, which would go on for as long as it takes
  await client.query("set client_connection_check_interval = '500ms'");
  await client.query('set statement_timeout = 0; set idle_in_transaction_session_timeout = 0');
  await client.query(`set lock_timeout = ${HANDOVER}`);
  try {
    await client.query('select pg_advisory_lock($1)', [ADOPTION_LOCK]);
  } catch (error) {
    throw (error as { code?: string }).code === '55P03'
      ? new AdoptionError('another bailiwick adopt is at work in this database')
      : error;
  }
  await client.query('set lock_timeout = 0');
  const { rows } = await client.query<{ bound: boolean; role: string }>(
    `select current_user as role, not (rolsuper or rolbypassrls)
        and coalesce(pg_has_role(current_user, to_regrole('${ROLES.runtime}'), 'usage'), false) as bound
       from pg_roles where rolname = current_user`,
  );
  if (rows[0]?.bound) {
    throw new AdoptionError(
      `role ${rows[0].role} inherits ${ROLES.runtime}, so strict tables would be empty for it: adopt as another role, or grant ${ROLES.runtime} to it with inherit false`,
    );
  }
}

/**
 * Installs what is missing: the kernel, the key, the roles' membership, the mappings, a row for each table. In one transaction.
 *
 * @param folder Where the declaration stands, and the files of mappings beside it.
 * @throws {AdoptionError} where the declaration changed in a way that needs tables to be taken back first.
 */
export async function install(
  adopting: Adopting,
  secret: Uint8Array,
  folder: string,
): Promise<{ readonly kid: string; readonly fresh: boolean }> {
  const { client, adoption, inventory, patience } = adopting;
  const fresh = !(await isInstalled(client));
  if (fresh) {
    await makeRoles(client);
    // not a step of its own: the journal is not there yet
    await again(client, patience, 'the installation', async () => {
      await installKernel(client, adoption);
      await client.query(
        `insert into ${SCHEMAS.state}.installation (schema, declaration, kernel, quiet) values ($1, $2, $3, $4)`,
        [inventory.schema, JSON.stringify(adoption), policyChecksum(), await quieten(client)],
      );
    });
  }
  const kid = await runStep(adopting, { phase: 'install', step: 'key, roles, declaration' }, async () => {
    const admitted = await admitRoles(client, adoption.roles ?? []);
    await declareKinds(client, adoption);
    await client.query(
      `update ${SCHEMAS.state}.installation set schema = $1, declaration = $2, members = members || $3::text[]`,
      [inventory.schema, JSON.stringify(adoption), admitted],
    );
    await keepMappings(client, adoption, folder);
    await keepTables(adopting);
    return { kid: await installKey(client, secret) };
  });
  return { ...kid, fresh };
}

export async function isInstalled(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    `select to_regclass('${SCHEMAS.state}.installation') is not null as there`,
  );
  return rows[0]?.there === true;
}

/** @throws {AdoptionError} where nothing is installed. */
export async function readInstallation(client: Client): Promise<{
  readonly schema: string;
  readonly adoption: Adoption;
  readonly members: readonly string[];
}> {
  if (!(await isInstalled(client))) {
    throw new AdoptionError('nothing is adopted in this database: begin with bailiwick adopt backfill');
  }
  const { rows } = await client.query<{
    schema: string;
    declaration: Adoption;
    members: string[];
  }>(`select schema, declaration, members from ${SCHEMAS.state}.installation`);
  const [row] = rows;
  if (row === undefined) {
    throw new AdoptionError('the installation is not complete');
  }
  return { schema: row.schema, adoption: row.declaration, members: row.members };
}

/** The tables as far as they are, in the order of their names. */
export async function readTables(client: Client): Promise<TableState[]> {
  const { rows } = await client.query<TableState>(
    `select name, number, declared as kept, key, phase, since, step, at, looked_at::float8 as "lookedAt"
       from ${SCHEMAS.state}.tables order by name`,
  );
  return rows;
}

/** One of them. @throws {AdoptionError} where it is none. */
export async function readTable(client: Client, name: string): Promise<TableState> {
  const state = (await readTables(client)).find((one) => one.name === name);
  if (state === undefined) {
    throw new AdoptionError(`${name} is not among the adopted tables`);
  }
  return state;
}

/** Whether anything of ours is on the table: it is owned, or on its way there or back. */
export const isTouched = ({ phase, step }: TableState): boolean => phase !== 'none' || step !== null;

/** Whether triggers of the adopter's can be kept from firing where only owners are written. */
export async function isQuiet(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ quiet: boolean }>(`select quiet from ${SCHEMAS.state}.installation`);
  return rows[0]?.quiet === true;
}

/** Opens what is installed, for a command that goes on with it. */
export async function resume(client: Client, patience: Patience, told: Told): Promise<Adopting> {
  const { schema, adoption } = await readInstallation(client);
  const inventory = await takeInventory(client, schema);
  return { client, adoption, inventory, expressions: new Expressions(inventory), patience, told };
}

async function keepTables({ client, adoption, inventory, expressions }: Adopting): Promise<void> {
  const known = new Map((await readTables(client)).map((one) => [one.name, one]));
  for (const [name, kept] of Object.entries(adoption.tables)) {
    if (!isExempt(kept)) {
      const before = known.get(name);
      if (before !== undefined && before.phase !== 'none' && !same(placed(before.kept), placed(kept))) {
        throw new AdoptionError(
          `${name} is declared otherwise than when it was given owners: take it back first (bailiwick adopt rollback --table ${name} --to none)`,
        );
      }
      const dropped = (before?.kept.encrypted ?? []).filter((one) => !kept.encrypted?.includes(one));
      if (dropped.length > 0 && (await holdsSealed(client, expressions.name(name), dropped))) {
        throw new AdoptionError(
          `${name} is declared without ${dropped.join(', ')} encrypted, and is sealed: open it first (bailiwick adopt unseal --table ${name})`,
        );
      }
      const table = tableOf(inventory, name);
      const key = table === undefined ? undefined : rowKeyOf(table);
      if (key === undefined) {
        throw new AdoptionError(`${name} has no key by which its rows could be taken one after the other`);
      }
      await client.query(
        `insert into ${SCHEMAS.state}.tables (name, declared, key) values ($1, $2, $3)
         on conflict (name) do update set declared = excluded.declared, key = excluded.key
          where (tables.declared, tables.key) is distinct from (excluded.declared, excluded.key)`,
        [name, JSON.stringify(kept), key],
      );
      known.delete(name);
    }
  }
  for (const { name, phase } of known.values()) {
    if (phase !== 'none') {
      throw new AdoptionError(
        `${name} has owners and is no longer declared: take it back first (bailiwick adopt rollback --table ${name} --to none)`,
      );
    }
    await client.query(`delete from ${SCHEMAS.state}.tables where name = $1`, [name]);
  }
}

/** Whether nothing but envelopes may stand in the declared columns of a table. */
export async function isSealed(client: Client, table: string): Promise<boolean> {
  const { rows } = await client.query<{ sealed: boolean }>(
    'select exists (select from pg_constraint where conname = $1 and conrelid = $2::regclass) as sealed',
    [sealedCheck, table],
  );
  return rows[0]?.sealed === true;
}

/** The same, or something is sealed in these columns. */
async function holdsSealed(client: Client, table: string, columns: readonly string[]): Promise<boolean> {
  const sealed = columns.map((one) => isEnvelope(`t.${quoted(one)}`)).join(' or ');
  const { rows } = await client.query<{ sealed: boolean }>(
    `select exists (select from ${table} t where ${sealed}) as sealed`,
  );
  return rows[0]?.sealed === true || (await isSealed(client, table));
}

/** Without what can change while rows have their owners. */
const placed = ({ encrypted, ...rest }: Kept): Kept => rest;
const same = (one: Kept, other: Kept) => JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
/** With the names of everything in order: the database keeps them in its own. */
function sorted(value: unknown): unknown {
  return Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, one]) => [name, sorted(one)]),
        )
      : value;
}

async function keepMappings(client: Client, adoption: Adoption, folder: string): Promise<void> {
  const sources = questionsIn(adoption).flatMap(([, { owner, tenant, world }]) =>
    [owner, tenant, world].flatMap(listed),
  );
  const files = new Set(
    sources.flatMap((one) => (typeof one === 'object' && 'mapping' in one ? [one.mapping] : [])),
  );
  for (const file of files) {
    const path = join(folder, file);
    const mapped = parseMapping(path, readFileSync(path, 'utf8'));
    await client.query(`delete from ${SCHEMAS.state}.mappings where file = $1`, [file]);
    await client.query(
      `insert into ${SCHEMAS.state}.mappings (file, key, value) select $1, k, v from unnest($2::text[], $3::text[]) m (k, v)`,
      [file, [...mapped.keys()], [...mapped.values()]],
    );
  }
}
