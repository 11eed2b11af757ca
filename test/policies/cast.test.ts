// The cast itself (src/demo): that everybody is who the other tests take them for, and that seeding it again leaves alone
// what somebody has changed and renews only what time has ended.

import { expect } from 'vitest';
import { ACTORS, AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { APPROVALS, PERMISSIONS } from '../../src/demo/permissions.ts';
import { seedCast } from '../../src/demo/seed.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { isUuid } from '../../src/ids.ts';
import { ISSUER, type Sql } from '../kit/as.ts';
import { test, through } from '../kit/cast.ts';
import { testKeys } from '../kit/keys.ts';

const TABLES = [
  'tenants',
  'entities',
  'users',
  'agents',
  'agent_instructions',
  'worlds',
  'world_members',
  'delegations',
  'memories',
  'identities',
  'service_credentials',
  'service_secrets',
  'permissions',
  'approvals',
];
const seed = ({ migratorUrl }: { migratorUrl: string }) =>
  seedCast(migratorUrl, { issuer: ISSUER, keys: testKeys() });
async function everything(sql: Sql): Promise<string[]> {
  const rows: string[] = [];
  for (const table of TABLES) {
    rows.push(...(await sql.list(`select row_to_json(t)::text from ${table} t`)));
  }
  return rows;
}
/** The ids of all of scout's unlimited delegations, oldest first. */
const scouts = (sql: Sql) =>
  sql.rows<{ id: string; live: boolean }>(
    `select id, revoked_at is null and expires_at > now() as live from delegations where purpose = $1 order by created_at`,
    [DELEGATIONS.scout.purpose],
  );
const past = (sql: Sql) =>
  sql.touched(
    `update delegations set created_at = created_at - interval '40 days', not_before = not_before - interval '40 days',
            expires_at = expires_at - interval '40 days' where revoked_at is null`,
  );

test('every id is a canonical UUID of the form of version 7, and no two are the same', () => {
  const all = [TENANTS, USERS, AGENTS, WORLDS, DELEGATIONS, MEMORIES, SERVICES, PERMISSIONS, APPROVALS]
    .flatMap((group) => Object.values(group))
    .map(({ id }) => id);
  expect(all.filter((id) => !(isUuid(id) && /^.{14}7.{4}8/.test(id)))).toEqual([]);
  expect(new Set(all).size).toBe(all.length);
});

test('seeding again changes nothing and names the same delegations', async ({ database, migrate }) => {
  const before = await migrate(everything);
  const { delegations: live } = await seed(database);
  expect(await migrate(everything)).toEqual(before);
  expect(Object.fromEntries(live)).toEqual({
    scout: DELEGATIONS.scout.id,
    scoutInGarden: DELEGATIONS.scoutInGarden.id,
    scribe: DELEGATIONS.scribe.id,
    bobot: DELEGATIONS.bobot.id,
    mimic: DELEGATIONS.mimic.id,
  });
});

test('two servers that seed at once make one cast', async ({ database, migrate }) => {
  const before = await migrate(everything);
  await Promise.all([seed(database), seed(database), seed(database)]);
  expect(await migrate(everything)).toEqual(before);
});

test('a new issuer gets identities for everybody and nothing else', async ({ database, migrate }) => {
  const before = await migrate(everything);
  await seedCast(database.migratorUrl, { issuer: 'https://another.test/', keys: testKeys() });
  expect(
    await migrate((sql) => sql.list(`select subject from identities where issuer = 'https://another.test/'`)),
  ).toEqual(Object.keys(ACTORS).sort());
  await migrate((sql) => sql.rows(`delete from identities where issuer = 'https://another.test/'`));
  expect(await migrate(everything)).toEqual(before);
});

test('what somebody deleted or renamed stays so', async ({ database, migrate }) => {
  const note = MEMORIES.find(({ owner }) => owner === 'ada')?.id;
  await migrate((sql) => sql.rows('delete from memories where id = $1', [note]));
  await migrate((sql) => sql.rows(`update users set display_name = 'Ada L.' where id = $1`, [USERS.ada.id]));
  await seed(database);
  expect(await migrate((sql) => sql.list('select id from memories where id = $1', [note]))).toEqual([]);
  expect(
    await migrate((sql) => sql.list('select display_name from users where id = $1', [USERS.ada.id])),
  ).toEqual(['Ada L.']);
});

test('expired delegations are followed by new ones with new ids, a hop under the new one above it', async ({
  database,
  migrate,
  as,
}) => {
  await migrate(past);
  const { delegations: live } = await seed(database);
  const [first, second, ...others] = await migrate(scouts);
  expect([first, others]).toEqual([{ id: DELEGATIONS.scout.id, live: false }, []]);
  expect(second).toEqual({ id: live.get('scout'), live: true });
  expect(live.get('scribe')).not.toBe(DELEGATIONS.scribe.id);
  const owners = 'select distinct owner_id from memories';
  expect(await as('scribe', { delegation: live.get('scribe') }, (sql) => sql.list(owners))).toEqual([
    USERS.alice.id,
  ]);
  expect(await as('scribe', through.scribe, (sql) => sql.list(owners))).toEqual([]);
});

// Whoever presses the kill switch in the demo should not find the agent alive again after a restart.
test('a delegation that was revoked is not made anew, nor what hung from it, not even when it would have expired', async ({
  database,
  migrate,
  as,
}) => {
  const { delegations: before } = await seed(database);
  await as('alice', { commit: true }, (sql) =>
    sql.rows('select bailiwick.revoke_agent($1)', [AGENTS.scout.id]),
  );
  for (const later of [async () => 0, past]) {
    await migrate(later);
    const { delegations: live } = await seed(database);
    expect(live.has('scout') || live.has('scoutInGarden') || live.has('scribe')).toBe(false);
    expect(live.has('bobot')).toBe(true);
  }
  expect((await migrate(scouts)).filter((row) => row.live)).toEqual([]);
  expect(before.has('scout')).toBe(true);
});
