// The three roles as they are in the catalog, and what the runtime role cannot do with a database, whatever it sends.

import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ensureRoles } from '../../src/db/roles.ts';
import { asAdmin, createTestDatabase, type TestDatabase, testUrl } from '../kit/database.ts';

let database: TestDatabase;
let runtime: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  runtime = new pg.Client(database.runtimeUrl);
  await runtime.connect();
});
afterAll(async () => {
  await runtime.end();
  await database.drop();
});

test.each([
  ['terminating the session of another request', 'select pg_terminate_backend(pg_backend_pid())'],
  ['cancelling the statement of another request', 'select pg_cancel_backend(pg_backend_pid())'],
  ['making a large object, which has no row security', 'select lo_create(0)'],
  ['making a large object with content', "select lo_from_bytea(0, 'x')"],
  ['reading a large object', 'select lo_get(1)'],
  ['opening a large object', 'select lo_open(1, 262144)'],
  ['notifying a channel under a computed name', "select pg_notify('a', 'b')"],
  ['making a table', 'create table public.mine ()'],
  ['making a temporary table, which would hide a real one', 'create temporary table users ()'],
  ['making a schema', 'create schema mine'],
  ['becoming the migrator', 'set role bailiwick_migrator'],
  ['becoming the kernel', 'set role bailiwick_kernel'],
  ['making a role', 'create role mine'],
  ['making a database', 'create database mine'],
  ['stepping over row security', 'alter role bailiwick_runtime bypassrls'],
])('the runtime role is refused %s', async (_what, sql) => {
  await expect(runtime.query(sql)).rejects.toMatchObject({ code: '42501' });
});

test('nobody logs in as the kernel, and only the migrator is above row security', async () => {
  const { rows } = await runtime.query(
    `select rolname, rolsuper, rolcanlogin, rolinherit, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication
       from pg_roles
      where starts_with(rolname, 'bailiwick_') and rolname <> 'bailiwick_adopter' and not starts_with(rolname, 'bailiwick_test_')
      order by rolname`,
  );
  const none = { rolsuper: false, rolcreaterole: false, rolreplication: false };
  const weak = { ...none, rolbypassrls: false, rolcreatedb: false };
  expect(rows).toEqual([
    { ...weak, rolname: 'bailiwick_kernel', rolcanlogin: false, rolinherit: false },
    {
      ...none,
      rolname: 'bailiwick_migrator',
      rolcanlogin: true,
      rolinherit: true,
      rolbypassrls: true,
      rolcreatedb: true,
    },
    { ...weak, rolname: 'bailiwick_runtime', rolcanlogin: true, rolinherit: false },
  ]);
});

test('the runtime role owns nothing and is a member of nothing', async () => {
  const { rows: owned } = await runtime.query(
    `select classid::regclass, objid from pg_shdepend
      where refobjid = 'bailiwick_runtime'::regrole and refclassid = 'pg_authid'::regclass and deptype = 'o'`,
  );
  const { rows: memberships } = await runtime.query(
    "select roleid::regrole::text as role from pg_auth_members where member = 'bailiwick_runtime'::regrole",
  );
  expect([owned, memberships]).toEqual([[], []]);
});

test('the migrator alone may become the kernel', async () => {
  const { rows } = await runtime.query(
    "select member::regrole::text as member from pg_auth_members where roleid = 'bailiwick_kernel'::regrole",
  );
  expect(rows).toEqual([{ member: 'bailiwick_migrator' }]);
});

test('the database and its tables belong to the migrator', async () => {
  const { rows } = await runtime.query(
    `select datdba::regrole::text as owner from pg_database where datname = current_database()
     union select relowner::regrole::text from pg_class where relnamespace = 'public'::regnamespace`,
  );
  expect(rows).toEqual([{ owner: 'bailiwick_migrator' }]);
});

test('a new session of the runtime role has its limits', async () => {
  const { rows } = await runtime.query(
    `select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
            current_setting('idle_in_transaction_session_timeout') as idle`,
  );
  expect(rows).toEqual([{ statement: '30s', lock: '5s', idle: '30s' }]);
});

test('a role that is neither ours nor an administrator cannot connect', async () => {
  await asAdmin(database.adminUrl, (admin) => admin.query("create role stranger login password 'stranger'"));
  onTestFinished(() =>
    asAdmin(database.adminUrl, (admin) => admin.query('drop role stranger')).then(() => undefined),
  );
  const url = new URL(database.runtimeUrl);
  url.username = url.password = 'stranger';
  await expect(asAdmin(url.href, (client) => client.query('select 1'))).rejects.toMatchObject({
    code: '42501',
  });
});

test('what the runtime role changed about itself is taken back, and so is a membership', async () => {
  const limits = ['statement_timeout=30s', 'idle_in_transaction_session_timeout=30s', 'lock_timeout=5s'];
  await asAdmin(database.adminUrl, async (admin) => {
    // Roles belong to the whole server, on which other files run: both changes and their repair are one transaction,
    // which ensureRoles, whose own BEGIN does nothing here, commits.
    await admin.query('begin');
    await admin.query('set local session authorization bailiwick_runtime');
    await admin.query("alter role bailiwick_runtime set work_mem = '5MB'");
    await admin.query('set local session authorization default');
    await admin.query('grant pg_monitor to bailiwick_runtime');
    expect(await whatTheRuntimeHas(admin)).toEqual([[...limits, 'work_mem=5MB'], ['pg_monitor']]);
    await ensureRoles(admin, { database: database.name });
    expect(await whatTheRuntimeHas(admin)).toEqual([limits]);
  });
});

/** The settings of the runtime role, a list for each database it has some for, and its memberships, a list for each. */
async function whatTheRuntimeHas(client: pg.Client): Promise<string[][]> {
  const { rows } = await client.query<{ has: string[] }>(
    `select setconfig as has from pg_db_role_setting where setrole = 'bailiwick_runtime'::regrole
     union all select array[roleid::regrole::text] from pg_auth_members where member = 'bailiwick_runtime'::regrole`,
  );
  return rows.map(({ has }) => has);
}

test('running it again changes nothing and finds nothing', async () => {
  await asAdmin(database.adminUrl, async (admin) => {
    const rolesAsTheyAre = () =>
      admin.query(
        'select oid, xmin::text from pg_authid union all select setrole, xmin::text from pg_db_role_setting order by 1',
      );
    const { rows: before } = await rolesAsTheyAre();
    expect(await ensureRoles(admin, { database: database.name })).toEqual([]);
    expect((await rolesAsTheyAre()).rows).toEqual(before);
  });
});

test('a connection to another database than the one named is refused', async () => {
  await asAdmin(database.adminUrl, async (admin) => {
    await expect(ensureRoles(admin, { database: 'another' })).rejects.toThrow(TypeError);
  });
});

test('on a managed service what only a superuser may do becomes a finding', async () => {
  const name = `${database.name}_managed`;
  const service = `${database.name}_admin`;
  await asAdmin(database.adminUrl, async (admin) => {
    await admin.query(`create role ${service} login createdb createrole bypassrls password 'managed'`);
    await admin.query(
      `grant bailiwick_migrator, bailiwick_kernel, bailiwick_runtime to ${service} with admin option`,
    );
    await admin.query(`create database ${name} owner ${service}`);
  });
  onTestFinished(async () => {
    await asAdmin(database.adminUrl, async (admin) => {
      await admin.query(`drop database ${name}`);
      await admin.query(`drop owned by ${service}`);
      await admin.query(`drop role ${service}`);
    });
  });
  const url = new URL(testUrl(database.adminUrl, name));
  url.username = service;
  url.password = 'managed';
  await asAdmin(url.href, async (client) => {
    const findings = await ensureRoles(client, { database: name });
    expect(findings).toEqual([expect.stringContaining('bailiwick_runtime can still call lo_')]);
    const { rows } = await client.query(
      'select datdba::regrole::text as owner from pg_database where datname = $1',
      [name],
    );
    expect(rows).toEqual([{ owner: 'bailiwick_migrator' }]);
  });
});
