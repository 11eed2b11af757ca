// `bailiwick token` for the cast: the token alone on standard output, or nothing there and the reason on the other.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SCOPES } from '../../src/capabilities.ts';
import { AGENTS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { seedCast } from '../../src/demo/seed.ts';
import { DEVELOPMENT_ISSUER } from '../../src/development.ts';
import { asAdmin, createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { testKeys } from '../kit/keys.ts';
import { transcript } from './transcript.ts';

let database: TestDatabase;
let env: Record<string, string>;
beforeAll(async () => {
  database = await createTestDatabase();
  await seedCast(database.migratorUrl, { issuer: DEVELOPMENT_ISSUER, keys: testKeys() });
  env = {
    DATABASE_URL: database.runtimeUrl,
    MIGRATION_DATABASE_URL: database.migratorUrl,
    DATA_DIR: await mkdtemp(join(tmpdir(), 'bailiwick-token-')),
  };
});
afterAll(async () => {
  await rm(env.DATA_DIR ?? '', { recursive: true });
  await database.drop();
});

/** The claims of the token that a command line prints. */
async function claimsOf(line: string): Promise<Record<string, unknown>> {
  const { code, out, err } = await transcript(line, env);
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  return decodeJwt(out.trim());
}

test('a person acts as themselves, for an hour, with every scope', async () => {
  const claims = await claimsOf('token --as alice');
  expect(claims).toMatchObject({
    iss: DEVELOPMENT_ISSUER,
    aud: 'bailiwick',
    sub: 'alice',
    tenant: 'acme',
  });
  expect(claims).not.toHaveProperty('act');
  expect(claims).not.toHaveProperty('delegation_id');
  expect([Number(claims.exp) - Number(claims.iat), claims.scope]).toEqual([3600, SCOPES.join(' ')]);
});

test('an agent acts for its owner under the one delegation that is in force', async () => {
  expect(await claimsOf('token --as bobot --for bob')).toMatchObject({
    sub: 'bob',
    act: { sub: 'bobot' },
    delegation_id: DELEGATIONS.bobot.id,
    tenant: 'acme',
  });
  expect(await claimsOf('token --as mimic --for mallory --tenant globex')).toMatchObject({
    tenant: 'globex',
  });
});

test('a sub-agent acts for the owner at the root of its chain', async () => {
  expect(await claimsOf('token --as scribe --for alice')).toMatchObject({
    sub: 'alice',
    act: { sub: 'scribe' },
    delegation_id: DELEGATIONS.scribe.id,
  });
});

test('of several delegations the only one without a world limit is taken, and said', async () => {
  const { code, out, err } = await transcript('token --as scout --for alice', env);
  expect([code, err]).toEqual([
    0,
    `under ${DELEGATIONS.scout.id}, the one of 2 delegations that is not limited to a world\n`,
  ]);
  expect(decodeJwt(out.trim())).toMatchObject({ delegation_id: DELEGATIONS.scout.id });
  expect(await claimsOf(`token --as scout --delegation ${DELEGATIONS.scoutInGarden.id}`)).toMatchObject({
    sub: 'alice',
    delegation_id: DELEGATIONS.scoutInGarden.id,
  });
});

test('of several delegations without a world limit one has to be chosen', async () => {
  const lift = (world: string) =>
    asAdmin(database.adminUrl, (client) =>
      client.query(`update delegations set world_id = ${world} where id = $1`, [
        DELEGATIONS.scoutInGarden.id,
      ]),
    );
  await lift('null');
  const { code, out, err } = await transcript('token --as scout --for alice', env);
  await lift("(select id from worlds where name like '%Garden%' limit 1)");
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain(
    'several delegations from alice to scout are in force, choose one with --delegation:\n',
  );
  expect(err).toContain(`  ${DELEGATIONS.scout.id}  until `);
  expect(err).toContain(`  ${DELEGATIONS.scoutInGarden.id}  until `);
});

test.each([
  ['--as late --for alice', 'no delegation from alice to late is in force\n'],
  ['--as rogue --for alice', 'no delegation from alice to rogue is in force\n'],
  ['--as scout --for bob', 'no delegation from bob to scout is in force\n'],
  [`--as bobot --delegation ${DELEGATIONS.scout.id}`, 'no delegation to bobot is in force\n'],
  ['--as nobody', 'nobody is called nobody\n'],
  ['--as alice --tenant globex', 'nobody is called alice in tenant globex\n'],
])('no token for %s', async (line, reason) => {
  expect(await transcript(`token ${line}`, env)).toEqual({ code: 1, out: '', err: reason });
});

test('a delegation under a revoked one is not in force', async () => {
  const set = (revoked: string, by: string) =>
    asAdmin(database.adminUrl, (client) =>
      client.query(`update delegations set revoked_at = ${revoked}, revoked_by = ${by} where id = $1`, [
        DELEGATIONS.scout.id,
      ]),
    );
  await set('now()', 'owner_id');
  const { code, err } = await transcript('token --as scribe --for alice', env);
  await set('null', 'null');
  expect([code, err]).toEqual([1, 'no delegation from alice to scribe is in force\n']);
});

test('a name that two tenants know needs a tenant', async () => {
  await asAdmin(database.adminUrl, (client) =>
    client.query(
      `insert into identities (tenant_id, id, entity_id, issuer, subject)
       select tenant_id, gen_random_uuid(), entity_id, issuer, 'scout' from identities where subject = 'mimic'`,
    ),
  );
  const { code, out, err } = await transcript('token --as scout', env);
  expect([code, out, err]).toEqual([
    1,
    '',
    'scout exists in several tenants, choose one with --tenant: acme, globex\n',
  ]);
  expect(await claimsOf('token --as scout --tenant globex')).toMatchObject({
    sub: 'scout',
    tenant: 'globex',
  });
  await asAdmin(database.adminUrl, (client) =>
    client.query("delete from identities where subject = 'scout' and entity_id <> $1", [AGENTS.scout.id]),
  );
});

test('scopes and lifetime are as they were asked for', async () => {
  const claims = await claimsOf(
    'token --as ada --scope memory:read --scope user:read,agent:read --expires 15m',
  );
  expect(claims.scope).toBe('memory:read user:read agent:read');
  expect(Number(claims.exp) - Number(claims.iat)).toBe(900);
});

test.each([
  ['MODE', 'there is no development issuer'],
  ['NODE_ENV', 'mode=development is refused when node_env=production'],
])('with %s=production there is no token', async (name, reason) => {
  const { code, out, err } = await transcript('token --as alice', { ...env, [name]: 'production' });
  expect([code, out]).toEqual([1, '']);
  expect(err.toLowerCase()).toContain(reason);
});
