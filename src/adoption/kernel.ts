// Installs the kernel in a database that is somebody else's: the same migrations and policies as our own server's, in schemas of their
// own, and the adopter's kinds among what can be delegated. One transaction; nothing of the adopter's is touched by it.
//
// The texts of migrations and policies are those of prisma/, with `public` read as `bailiwick_data`. Roles belong to the whole server:
// those that are there are taken as they are, and which were made is remembered.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ClientBase } from 'pg';
import { readPolicies } from '../db/policies.ts';
import { ticketKey } from '../db/ticket.ts';
import { type Adoption, isExempt } from './declaration.ts';
import { literal, quoted, ROLES, SCHEMAS } from './names.ts';

const FOLDER = fileURLToPath(new URL('../../prisma/', import.meta.url));
const VERBS = ['read', 'create', 'update', 'delete'];

/** What cannot be done to this database, and why; said to the operator as it is. */
export class AdoptionError extends Error {}

/** The text of a migration or policy, for tables that stand in `bailiwick_data`. */
export function relocated(sql: string): string {
  return (
    sql
      .replaceAll(/\bpublic\./g, `${SCHEMAS.data}.`)
      .replaceAll("'public'", `'${SCHEMAS.data}'`)
      .replaceAll(/\b(schema|schema bailiwick,) public\b/g, `$1 ${SCHEMAS.data}`)
      // would change what functions allow that the adopter makes later, and outlives everything else that is installed
      .replaceAll(/^alter default privileges .*;$/gm, '')
  );
}

/** Kinds that are declared, and of them those whose rows stand in worlds. */
export function kindsOf(adoption: Adoption): { readonly all: string[]; readonly inWorlds: string[] } {
  const kept = Object.values(adoption.tables).flatMap((one) => (isExempt(one) ? [] : [one]));
  const distinct = (kinds: readonly string[]) => [...new Set(kinds)].sort();
  return {
    all: distinct(kept.map(({ kind }) => kind)),
    inWorlds: distinct(kept.filter(({ world }) => world !== undefined).map(({ kind }) => kind)),
  };
}

/**
 * Installs the kernel where it is not, with the roles there.
 *
 * @param client As who may create schemas, inside a transaction.
 * @throws {AdoptionError} where the database is one of our own server's.
 */
export async function installKernel(client: ClientBase, adoption: Adoption): Promise<void> {
  const { rows } = await client.query<{ kernel: boolean }>(
    `select to_regnamespace('${SCHEMAS.kernel}') is not null as kernel`,
  );
  if (rows[0]?.kernel) {
    throw new AdoptionError(
      'this database has a schema bailiwick already: it is the database of a Bailiwick server, whose tables are not adopted',
    );
  }
  await client.query(`create schema ${SCHEMAS.data}; revoke all on schema ${SCHEMAS.data} from public`);
  await client.query(`set local search_path = ${SCHEMAS.data}`);
  for (const name of readdirSync(`${FOLDER}migrations`).sort()) {
    if (!name.includes('.')) {
      await client.query(relocated(readFileSync(`${FOLDER}migrations/${name}/migration.sql`, 'utf8')));
    }
  }
  await client.query('set local search_path = pg_catalog');
  for (const { sql } of readPolicies()) {
    await client.query(relocated(sql));
  }
  await client.query(
    `select ${SCHEMAS.kernel}.ensure_seal_key(), ${SCHEMAS.kernel}.ensure_partitions('${SCHEMAS.data}.activity_entries', 12),
            ${SCHEMAS.kernel}.ensure_partitions('${SCHEMAS.data}.audit_entries', 12)`,
  );
  for (const name of ['10-state', '20-principals', '30-shadow']) {
    await client.query(readFileSync(`${FOLDER}adoption/${name}.sql`, 'utf8'));
  }
  await declareKinds(client, adoption);
}

/** Said of roles that adoption has made, so that removal knows them. */
const MADE = 'made by bailiwick adopt';
/** The role is there; another session has just made it; both did something to it at once. */
const COLLISIONS = new Set(['42710', '23505', 'XX000']);

/**
 * Makes the roles that are missing. Each by itself and not in the installation's transaction, because roles belong to the whole server, and
 * whoever installs in another database of it would wait.
 */
export async function makeRoles(client: ClientBase): Promise<void> {
  const collided = (error: { code?: string }) => {
    if (!COLLISIONS.has(error.code ?? '')) {
      throw error;
    }
  };
  for (const role of Object.values(ROLES)) {
    const known = await client.query('select from pg_roles where rolname = $1', [role]);
    if (known.rows.length === 0) {
      await client
        .query(
          `create role ${quoted(role)} nologin noinherit nobypassrls; comment on role ${quoted(role)} is ${literal(MADE)}`,
        )
        .catch(collided);
    }
  }
  // the functions are to belong to them, and PostgreSQL lets only members hand anything over
  for (const role of [ROLES.kernel, ROLES.adopter]) {
    const { rows } = await client.query<{ member: boolean }>(
      `select pg_has_role(current_user, $1, 'usage') as member`,
      [role],
    );
    if (rows[0]?.member === false) {
      await client
        .query(`do $$ begin execute format('grant %I to %I', ${literal(role)}, current_user); end $$`)
        .catch(collided);
    }
  }
}

/**
 * Lets whoever keeps owners in step do so without firing triggers of the adopter's, which would run with its rights, and fail for want of others.
 *
 * @returns whether that is so: it takes a superuser, or whoever may grant this setting.
 */
export async function quieten(client: ClientBase): Promise<boolean> {
  await client.query('savepoint quieten');
  try {
    await client.query(`grant set on parameter session_replication_role to ${ROLES.adopter}`);
  } catch (error) {
    if ((error as { code?: string }).code !== '42501') {
      throw error;
    }
    await client.query('rollback to savepoint quieten');
  }
  // who may set it and may not grant it is told by a warning, and somebody may have granted it before
  const { rows } = await client.query<{ quiet: boolean }>(
    `select has_parameter_privilege(current_user, 'session_replication_role', 'set')
        and has_parameter_privilege($1, 'session_replication_role', 'set') as quiet`,
    [ROLES.adopter],
  );
  return rows[0]?.quiet === true;
}

/** Roles that adoption has made, in whatever database of this server. */
export async function madeRoles(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select rolname as name from pg_roles where rolname = any ($1) and shobj_description(oid, 'pg_authid') = $2`,
    [Object.values(ROLES), MADE],
  );
  return rows.map(({ name }) => name);
}

/** Makes the declared kinds known to the kernel: what may be delegated, and what stands in worlds. */
export async function declareKinds(client: ClientBase, adoption: Adoption): Promise<void> {
  const { all, inWorlds } = kindsOf(adoption);
  const capabilities = all.flatMap((kind) => VERBS.map((verb) => `${kind}:${verb}`));
  const { rows } = await client.query<{ known: string[] }>(`select ${SCHEMAS.kernel}.delegable() as known`);
  const delegable = [...new Set([...(rows[0]?.known ?? []), ...capabilities])];
  const array = (values: readonly string[]) => `array[${values.map(literal).join(', ')}]::text[]`;
  await client.query(`
    create or replace function ${SCHEMAS.kernel}.delegable() returns text[]
      language sql immutable parallel safe as $$ select ${array(delegable)} $$;
    create or replace function ${SCHEMAS.kernel}.stands_in_world(capability text) returns boolean
      language sql immutable parallel safe
      as $$ select split_part(capability, ':', 1) = any (${array([...new Set(['world', 'member', 'memory', ...inWorlds])])}) $$;
  `);
}

/** Lets the application's roles open sessions. @returns those that were no members before. */
export async function admitRoles(client: ClientBase, roles: readonly string[]): Promise<string[]> {
  const admitted: string[] = [];
  for (const role of roles) {
    const { rows } = await client.query<{ exempt: boolean; member: boolean }>(
      `select rolsuper or rolbypassrls as exempt,
              exists (select from pg_auth_members m where m.member = r.oid and m.roleid = '${ROLES.runtime}'::regrole) as member
         from pg_roles r where rolname = $1`,
      [role],
    );
    const [found] = rows;
    if (found === undefined) {
      throw new AdoptionError(`there is no role ${role}`);
    }
    if (found.exempt) {
      throw new AdoptionError(
        `row security never holds for role ${role}: let the application log in as another`,
      );
    }
    if (!found.member) {
      await client.query(`grant ${ROLES.runtime} to ${quoted(role)}`);
      admitted.push(role);
    }
  }
  return admitted;
}

/** Makes the key known with which the application signs tickets. Idempotent. */
export async function installKey(client: ClientBase, secret: Uint8Array): Promise<string> {
  const { kid } = ticketKey(secret);
  await client.query(`select ${SCHEMAS.kernel}.install_key($1, 'ticket', $2)`, [kid, Buffer.from(secret)]);
  return kid;
}
