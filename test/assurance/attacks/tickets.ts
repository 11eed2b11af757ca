// Attacks on opening (bailiwick.open, S1, S2, S4, S11, S12): tickets that are forged, edited, old, early or long; signed with the
// wrong key; for a subject, owner or chain that is not the caller's; and a second opening.
//
// Each is wrong in one thing and right in all others, so that every condition is asked for by itself.

import { randomBytes } from 'node:crypto';
import { ticketKey } from '../../../src/db/ticket.ts';
import { TENANTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import { ISSUER, KEY, type Sql, ticket } from '../../kit/as.ts';
import { body, claiming, closed, lasting, opening, opensNothing, signed, type Ticket } from './forging.ts';
import { type SqlAttack, sign } from './stage.ts';
import { twins, unchecked } from './worlds.ts';

const OTHER = ticketKey(randomBytes(32));

type Forged = readonly [rule: string, make: () => Ticket, sqlstate?: string];

const forged: Readonly<Record<string, Forged>> = {
  'signed with a key of one’s own under the server’s name': [
    'S1',
    () => signed(`t1|${KEY.kid}|${body()}`, OTHER),
  ],
  'under a key that is not there': ['S12', () => signed(`t1|${OTHER.kid}|${body()}`, OTHER)],
  'under no key': ['S12', () => signed(`t1||${body()}`)],
  'whose subject was changed after signing': [
    'S1',
    () => [ticket('bob')[0].replace('"bob"', '"alice"'), ticket('bob')[1]],
  ],
  'of another version, rightly signed': ['S3', () => signed(`t2|${KEY.kid}|${body()}`)],
  'of an older version, rightly signed': ['S3', () => signed(`t|${KEY.kid}|${body()}`)],
  'with an empty mac': ['S1', () => [ticket('alice')[0], '']],
  'with the mac in capital letters': ['S8', () => [ticket('alice')[0], ticket('alice')[1].toUpperCase()]],
  'with a mac that goes on': [
    'S8',
    () => {
      const [text, mac] = ticket('alice');
      return [text, `${mac}00`];
    },
  ],
  'with half a mac': [
    'S8',
    () => {
      const [text, mac] = ticket('alice');
      return [text, mac.slice(0, 32)];
    },
  ],
  'without a mac': ['S1', () => [ticket('alice')[0], null]],
  'that is null': ['S1', () => [null, sign('')]],
  'that is null, without a mac': ['S1', () => [null, null]],
  'that is empty, rightly signed': ['S1', () => signed('')],
  'without a time of issue': ['S2', () => claiming({ iat: undefined })],
  'without an expiry': ['S2', () => claiming({ exp: undefined })],
  'whose times are null': ['S2', () => claiming({ iat: null, exp: null })],
  'whose expiry is not a number': ['S2', () => claiming({ exp: 'never' }), '22P02'],
  'that never expires': ['S2', () => claiming({ iat: '-infinity', exp: 'infinity' })],
  'without a tenant': ['S3', () => claiming({ tenant: undefined })],
  'without an issuer': ['JWT issuer', () => claiming({ issuer: undefined })],
  'without a subject': ['JWT subject', () => claiming({ subject: undefined })],
  'without a request id': ['S14', () => claiming({ request_id: undefined })],
  'whose request id is none': ['S14', () => claiming({ request_id: 'mine' }), '22P02'],
  'without the token’s expiry': ['D12', () => claiming({ token_expires_at: undefined })],
  'whose subject is of another tenant': ['D3', () => claiming({ subject: 'mallory' })],
  'for one’s subject in another tenant': ['D3', () => claiming({ tenant: 'globex' })],
  'of a tenant that is not there': ['D3', () => claiming({ tenant: 'initech' })],
  'of another issuer': ['JWT issuer', () => claiming({ issuer: 'https://elsewhere.test/' })],
  'of an issuer whose name only begins the same': ['JWT issuer', () => claiming({ issuer: `${ISSUER}x` })],
  'of a subject that is not there': ['JWT subject', () => claiming({ subject: 'nobody' })],
  'of a subject that is not there, for little': [
    'JWT subject',
    () => claiming({ subject: 'nobody', scopes: ['memory:read'] }),
  ],
  'without a request id, for little': [
    'S14',
    () => claiming({ request_id: undefined, scopes: ['memory:read'] }),
  ],
  'without the token’s expiry, for little': [
    'D12',
    () => claiming({ token_expires_at: undefined, scopes: ['memory:read'] }),
  ],
  'of a subject in other letters': ['JWT subject', () => claiming({ subject: 'Alice' })],
  'of a world, which nobody is': ['JWT subject', () => claiming({ subject: 'garden' })],
  'that is not JSON': ['S3', () => signed(`t1|${KEY.kid}|subject=alice`), '22P02'],
  'whose delegation is no id': ['D1', () => claiming({ delegation: 'mine' }), '22P02'],
};

const untimely: Readonly<Record<string, readonly [from: number, to: number]>> = {
  'that lives 31 seconds': [0, 31],
  'that lives half a second too long': [0, 30.5],
  'that lives an hour': [0, 3600],
  'that expires before it begins': [4, 3.5],
  'from half a minute ahead': [30, 50],
  'from six seconds ahead': [5.5, 20],
  'that has just expired': [-10, -0.1],
  'that expired long ago': [-86_400, -86_390],
};

const scout = DELEGATIONS.scout.id;

type Strange = readonly [rule: string, make: () => Ticket, given?: (sql: Sql) => Promise<unknown>];

const strangers: Readonly<Record<string, Strange>> = {
  'through a delegation to another agent': ['D2', () => ticket('scribe', { delegation: scout })],
  'through a delegation to one’s agent below': [
    'D2',
    () => ticket('scout', { delegation: DELEGATIONS.scribe.id }),
  ],
  'through the delegation that one gave away': ['D2', () => ticket('alice', { delegation: scout })],
  'through a delegation of a colleague': ['D2', () => ticket('bobot', { delegation: scout })],
  'through a delegation of another tenant': ['D3', () => ticket('mimic', { delegation: scout })],
  'through a delegation that is not there': ['D2', () => ticket('scout', { delegation: newId() })],
  'on behalf of somebody who is not the chain’s owner': [
    'D6',
    () => ticket('scout', { delegation: scout, onBehalfOf: 'bob' }),
  ],
  'on behalf of the agent itself, through a chain': [
    'D6',
    () => ticket('scout', { delegation: scout, onBehalfOf: 'scout' }),
  ],
  'on behalf of the agent above, through a chain': [
    'D6',
    () => ticket('scribe', { delegation: DELEGATIONS.scribe.id, onBehalfOf: 'scout' }),
  ],
  'on behalf of nobody known': ['D6', () => ticket('scout', { delegation: scout, onBehalfOf: 'nobody' })],
  'on behalf of one’s owner, without a delegation': ['D1 D6', () => ticket('scout', { onBehalfOf: 'alice' })],
  'on behalf of a colleague, as a person': ['D1 D6', () => ticket('bob', { onBehalfOf: 'alice' })],
  'on behalf of the owner as another issuer calls her': [
    'D6',
    () => ticket('scout', { delegation: scout, onBehalfOf: 'alias' }),
    (sql) => identity(sql, TENANTS.acme.id, USERS.alice.id, 'alias', 'https://elsewhere.test/'),
  ],
  'on behalf of the owner as another tenant calls her': [
    'D3 D6',
    () => ticket('scout', { delegation: scout, onBehalfOf: 'alias' }),
    async (sql) => {
      await twins(sql);
      await identity(sql, TENANTS.globex.id, USERS.alice.id, 'alias');
    },
  ],
  'as a subject of another tenant with the same id': [
    'D3',
    () => claiming({ tenant: 'acme' }, 'alice', {}),
    async (sql) => {
      await twins(sql);
      await unchecked(
        'update identities set tenant_id = $1 where tenant_id = $2 and subject = $3',
        TENANTS.globex.id,
        TENANTS.acme.id,
        'alice',
      )(sql);
    },
  ],
  'as a subject whose entity is gone here and stands in another tenant': [
    'D3',
    () => ticket('alice'),
    async (sql) => {
      await twins(sql);
      await unchecked(
        'delete from entities where tenant_id = $1 and id = $2',
        TENANTS.acme.id,
        USERS.alice.id,
      )(sql);
    },
  ],
  'through a delegation that stands in another tenant only': [
    'D3',
    () => ticket('scout', { delegation: scout }),
    async (sql) => {
      await twins(sql);
      await unchecked('delete from delegations where tenant_id = $1', TENANTS.acme.id)(sql);
    },
  ],
  'through a hop whose upper one stands in another tenant only': [
    'D2 D3',
    () => ticket('scribe', { delegation: DELEGATIONS.scribe.id }),
    async (sql) => {
      await twins(sql);
      await unchecked(
        'delete from delegations where tenant_id = $1 and id = $2',
        TENANTS.acme.id,
        scout,
      )(sql);
    },
  ],
};

function identity(
  sql: Sql,
  tenant: string,
  entity: string,
  subject: string,
  issuer = ISSUER,
): Promise<unknown> {
  const text =
    'insert into identities (tenant_id, id, entity_id, issuer, subject) values ($1, $2, $3, $4, $5)';
  return sql.rows(text, [tenant, newId(), entity, issuer, subject]);
}

export const TICKETS: readonly SqlAttack[] = [
  ...Object.entries(forged).map(
    ([what, [rule, make, sqlstate]]): SqlAttack => ({
      ...opening,
      name: `a ticket ${what}`,
      rule,
      steps: opensNothing(make, sqlstate),
    }),
  ),
  ...Object.entries(strangers).map(
    ([what, [rule, make, given]]): SqlAttack => ({
      ...opening,
      group: 'delegation',
      name: `acting ${what}`,
      gain: 'the authority of an owner who did not grant it',
      rule,
      ...(given && { given }),
      steps: opensNothing(make),
    }),
  ),
  ...Object.entries(untimely).map(
    ([what, [from, to]]): SqlAttack => ({
      ...opening,
      name: `a ticket ${what}`,
      rule: 'S2',
      gain: 'a stolen ticket is good for longer than seconds',
      steps: [lasting(from, to, '28000'), closed],
    }),
  ),
];
