// What may go wrong between granting and acting, as changes that the migrator can make first: the same for whoever asks afterwards. And
// those whom it concerns. For the tests of explanations; nothing here knows what is allowed.

import { type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { unchecked as withoutKeys } from '../assurance/attacks/worlds.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { itself, through } from '../kit/cast.ts';

const acme = TENANTS.acme.id;
const { alice } = USERS;
const { scout, scribe } = AGENTS;
const { garden } = WORLDS;

export const set = (table: string, change: string, id: string) => (sql: Sql) =>
  sql.touched(`update ${table} set ${change} where id = $1`, [id]);
// the same times in whichever transaction
const at = (seconds: number) => `'${new Date(Date.now() + seconds * 1000).toISOString()}'`;
export const REVOKED = `revoked_at = ${at(60)}, revoked_by = owner_id`;
const EXPIRED = `not_before = ${at(-7200)}, expires_at = ${at(-1)}`;

/** What foreign keys forbid: for whoever has switched them off. */
export const unchecked =
  (statement: string, ...values: unknown[]) =>
  async (sql: Sql) => {
    await sql.rows('reset role');
    await withoutKeys(statement, ...values)(sql);
  };

/** What may have gone wrong before anybody asks. */
export const COURSES: Readonly<Record<string, (sql: Sql) => Promise<unknown>>> = {
  'as things are': async () => undefined,
  'after the root was revoked': set('delegations', REVOKED, DELEGATIONS.scout.id),
  'after the second hop has expired': set('delegations', EXPIRED, DELEGATIONS.scribe.id),
  'before the root begins': set(
    'delegations',
    `not_before = ${at(86_400)}, expires_at = ${at(172_800)}`,
    DELEGATIONS.scout.id,
  ),
  'with the owner suspended': set('entities', "status = 'suspended'", alice.id),
  'with the agent in the middle suspended': set('entities', "status = 'suspended'", scout.id),
  'with the last agent archived': set('entities', "status = 'archived'", scribe.id),
  'with the tenant suspended': set('tenants', "status = 'suspended'", acme),
  'with a ceiling for the owner': set('entities', `ceiling = '["delegation:read", "agent:read"]'`, alice.id),
  'with a ceiling for the agent in the middle': set('entities', `ceiling = '["memory:update"]'`, scout.id),
  'with a ceiling for the last agent': set('entities', `ceiling = '[]'`, scribe.id),
  'with the world archived': set('entities', "status = 'archived'", garden.id),
  'after the owner has left the world': (sql) =>
    sql.touched('delete from world_members where world_id = $1 and entity_id = $2', [garden.id, alice.id]),
  "with the agent in the middle another owner's": unchecked(
    'update entities set owner_id = $1 where id = $2',
    USERS.bob.id,
    scout.id,
  ),
  'with the second hop limited to another world': async (sql) => {
    await set('delegations', `world_id = '${garden.id}'`, DELEGATIONS.scout.id)(sql);
    await set('delegations', `world_id = '${WORLDS.workshop.id}'`, DELEGATIONS.scribe.id)(sql);
  },
};

/** Alice and her agents, in person and through each of their delegations. */
export const CLOSE: readonly (readonly [ActorName, Acting])[] = [
  ['alice', itself],
  ['alice', { scopes: ['agent:read', 'delegation:read'] }],
  ['scout', itself],
  ['scout', through.scout],
  ['scout', through.scoutInGarden],
  ['scribe', through.scribe],
];
