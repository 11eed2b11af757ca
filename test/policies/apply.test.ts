// Applying the policies (src/db/policies.ts): the files are the present truth, so applying them again changes nothing, and
// nothing is in force that no file declares.

import { expect } from 'vitest';
import { DELEGABLE, isCapability, PERSONAL, SCOPES } from '../../src/capabilities.ts';
import { applyPolicies, policyChecksum, readPolicies } from '../../src/db/policies.ts';
import type { Sql } from '../kit/as.ts';
import { itself, test } from '../kit/cast.ts';

// Everything that decides about access, without the object ids that differ from one making to the next.
const CATALOG = {
  policies: `select concat_ws(' | ', polrelid::regclass, polname, polcmd, polpermissive, polroles::regrole[],
      pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), obj_description(oid, 'pg_policy')) from pg_policy`,
  security: `select concat_ws(' | ', oid::regclass, relrowsecurity, relforcerowsecurity, relowner::regrole)
    from pg_class where relkind in ('r', 'p') and relnamespace::regnamespace::text in ('public', 'bailiwick')`,
  tables: `select concat_ws(' | ', c.oid::regclass, a.grantee::regrole, a.privilege_type, a.is_grantable)
    from pg_class c, aclexplode(c.relacl) a where c.relnamespace::regnamespace::text in ('public', 'bailiwick')`,
  columns: `select concat_ws(' | ', t.attrelid::regclass, t.attname, a.grantee::regrole, a.privilege_type)
    from pg_attribute t, aclexplode(t.attacl) a where t.attacl is not null and t.attrelid >= 16384`,
  functions: `select concat_ws(' | ', oid::regprocedure, proowner::regrole, prosecdef, provolatile, proparallel, proconfig,
      md5(prosrc), proacl) from pg_proc where pronamespace::regnamespace::text in ('public', 'bailiwick')`,
  types: `select concat_ws(' | ', oid::regtype, typowner::regrole) from pg_type where typnamespace = 'bailiwick'::regnamespace`,
  schemas: `select concat_ws(' | ', nspname, nspowner::regrole, nspacl) from pg_namespace where nspname in ('public', 'bailiwick')`,
  defaults: `select concat_ws(' | ', defaclrole::regrole, defaclnamespace, defaclobjtype, defaclacl) from pg_default_acl`,
};

async function catalog(sql: Sql): Promise<Record<string, string[]>> {
  const dump: Record<string, string[]> = {};
  for (const [what, query] of Object.entries(CATALOG)) {
    dump[what] = await sql.list(query);
  }
  return dump;
}

test('applying the policies again changes nothing', async ({ database, migrate }) => {
  const before = await migrate(catalog);
  expect(before.policies?.length).toBeGreaterThan(50);
  expect(await applyPolicies(database.migratorUrl)).toBe(false);
  expect(await applyPolicies(database.migratorUrl, { force: true })).toBe(true);
  expect(await migrate(catalog)).toEqual(before);
});

test('whatever was added or widened by hand is gone after applying', async ({ database, migrate }) => {
  const before = await migrate(catalog);
  await migrate(async (sql) => {
    await sql.rows('create policy back_door on memories for select to bailiwick_runtime using (true)');
    await sql.rows('alter policy select_own on users using (true)');
    await sql.rows('drop policy tenant_floor on worlds');
    await sql.rows('grant select on identities, bailiwick.context_key to bailiwick_runtime');
    await sql.rows('grant update (owner_id) on memories to bailiwick_runtime');
    await sql.rows('grant delete on entities to public');
    await sql.rows('grant execute on function bailiwick.mac(text, text, text) to bailiwick_runtime');
    await sql.rows('alter table agents no force row level security');
  });
  expect(await migrate(catalog)).not.toEqual(before);
  await applyPolicies(database.migratorUrl, { force: true });
  expect(await migrate(catalog)).toEqual(before);
});

test('every policy in force is declared in the file of its table, with its sentence, and no file declares another', async ({
  migrate,
}) => {
  const declared = readPolicies().flatMap(({ sql }) =>
    [...sql.matchAll(/^create policy (\w+) on public\.(\w+)/gm)].map(([, name, table]) => `${table}.${name}`),
  );
  const inForce = await migrate((sql) =>
    sql.list(`select polrelid::regclass || '.' || polname from pg_policy`),
  );
  expect(inForce).toEqual(declared.sort());
  const silent = await migrate((sql) =>
    sql.list(`select polname from pg_policy where obj_description(oid, 'pg_policy') is null`),
  );
  expect(silent).toEqual([]);
});

test('every table of ours has row security, enabled and forced, and no policy is for everybody', async ({
  migrate,
}) => {
  const open = `select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    and c.relname <> '_prisma_migrations' and not (c.relrowsecurity and c.relforcerowsecurity)`;
  expect(await migrate((sql) => sql.list(open))).toEqual([]);
  const roles = 'select distinct unnest(polroles)::regrole from pg_policy';
  expect(await migrate((sql) => sql.list(roles))).toEqual(['bailiwick_kernel', 'bailiwick_runtime']);
});

test('a file that cannot be applied is named, and everything stays as it was', async ({
  database,
  migrate,
}) => {
  const before = await migrate(catalog);
  const files = [...readPolicies(), { name: '98-broken', sql: 'create policy broken on nowhere;' }];
  await expect(applyPolicies(database.migratorUrl, { files })).rejects.toThrow(/98-broken\.sql/);
  expect(await migrate(catalog)).toEqual(before);
  expect(await migrate((sql) => sql.value('select checksum from bailiwick.policy_state'))).toBe(
    policyChecksum(),
  );
});

test('applying keeps the keys, so that whoever holds one goes on', async ({ database, migrate, as }) => {
  await as('alice', itself, async () => undefined);
  const keys = () =>
    migrate((sql) => sql.list('select kid || md5(inner_pad) from bailiwick.context_key where active'));
  const before = await keys();
  expect(before).toHaveLength(2);
  await applyPolicies(database.migratorUrl, { force: true });
  expect(await keys()).toEqual(before);
  expect(await as('alice', itself, (sql) => sql.value('select count(*)::int from memories'))).toBe(7);
});

test('the capabilities of the server are those of the database, and none of them can be passed on by mistake', async ({
  migrate,
}) => {
  expect(await migrate((sql) => sql.list('select unnest(bailiwick.delegable())'))).toEqual(
    [...DELEGABLE].sort(),
  );
  expect(await migrate((sql) => sql.list('select unnest(bailiwick.personal())'))).toEqual(
    [...PERSONAL].sort(),
  );
  expect(PERSONAL.filter(isCapability)).toEqual([]);
  expect([...SCOPES].sort()).toEqual([...DELEGABLE, ...PERSONAL].sort());
});
