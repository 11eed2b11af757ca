// What keys and clients may be made, and which keys replaced (prisma/policies/03-credentials.sql; rules D7, D13): in person, for
// oneself, an agent of one's own or, by an administrator, a service; never for more or for longer than what it is made with.

import { expect } from 'vitest';
import { DELEGABLE, PERSONAL } from '../../src/capabilities.ts';
import { ACTORS, type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId, type RequestId } from '../../src/ids.ts';
import { type Acting, raw, type Sql, trustTickets } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { digestOf, keyTicket, makeKey, PUBLIC_KEY } from './credentials.ts';
import { suspend } from './given.ts';

const acme = TENANTS.acme.id;
const alice = USERS.alice.id;
const [scout, scribe] = [AGENTS.scout.id, AGENTS.scribe.id];
const KEY_ID = '019a0000-0000-7008-8000-00000000ffff';
const NEXT = '019a0000-0000-7008-8000-00000000fffe';
const DIGEST = digestOf('the one in question');
const DAY = 86_400;

type Wanted = {
  entity?: string | null;
  capabilities?: readonly (string | null)[] | null;
  pinned?: string | null;
  /** Seconds from now. */
  ends?: number | null;
};

const argumentsOf = ({
  entity = alice,
  capabilities = ['memory:read'],
  pinned = null,
  ends = 600,
}: Wanted) => [entity, capabilities, pinned, ends];
const UNTIL = `statement_timestamp() + make_interval(secs => $4)`;
const ASK = `select bailiwick.key_refusal($1, $2, $3, ${UNTIL})`;
const MAKE = `select bailiwick.issue_key($5, $1, 'New', 'bwk_News', $6, $2, $3, ${UNTIL})`;
const MAKE_CLIENT = `select bailiwick.issue_key($5, $1, 'New', null, null, $2, $3, ${UNTIL}, $6)`;

/** Asked why not, and tried in spite of the answer: an API key and a client. */
async function refusals(sql: Sql, wanted: Wanted): Promise<Set<unknown>> {
  const values = argumentsOf(wanted);
  return new Set([
    await sql.value(ASK, values),
    await sql.value(MAKE, [...values, newId(), digestOf(newId())]),
    await sql.value(MAKE_CLIENT, [...values, newId(), PUBLIC_KEY]),
  ]);
}

const role = (who: ActorName, to: string) => (sql: Sql) =>
  sql.rows('update users set role = $1 where id = $2', [to, ACTORS[who].id]);
const limited = ['key:create', 'memory:read'];

type Case = readonly [who: ActorName, acting: Acting, wanted?: Wanted];
const refused: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  authority: {
    'through a delegation, for the owner': ['scout', through.scout],
    'through a delegation, for itself': ['scout', through.scout, { entity: scout }],
    'by an agent as itself': ['scout', itself, { entity: scout }],
    'with a token that is not for making keys': ['alice', { scopes: ['memory:read', 'key:update'] }],
    'while suspended': ['alice', { given: suspend('alice') }],
    'with a token that has expired': ['alice', { tokenExpiresAt: new Date(Date.now() - 1) }],
  },
  entity: {
    'for a colleague': ['alice', itself, { entity: USERS.bob.id }],
    "for a colleague's agent": ['alice', itself, { entity: AGENTS.bobot.id }],
    'for somebody of another tenant': ['alice', itself, { entity: USERS.mallory.id }],
    'for nobody': ['alice', itself, { entity: newId() }],
    'for null': ['alice', itself, { entity: null }],
    'for a world': ['alice', itself, { entity: WORLDS.garden.id }],
    'for a suspended agent': ['alice', { given: suspend('scout') }, { entity: scout }],
    'for a colleague, as administrator': ['ada', itself, { entity: alice }],
    "for a colleague's agent, as administrator": ['ada', itself, { entity: scout }],
    'for a service, by who is no administrator': [
      'alice',
      { given: role('bob', 'service') },
      { entity: USERS.bob.id },
    ],
    'for a service, by an administrator whose token is not for it': [
      'ada',
      { given: role('bob', 'service'), scopes: limited },
      { entity: USERS.bob.id },
    ],
    'for a service of another tenant': [
      'ada',
      { given: role('mallory', 'service') },
      { entity: USERS.mallory.id },
    ],
  },
  capabilities: {
    'for nothing': ['alice', itself, { capabilities: [] }],
    'for null': ['alice', itself, { capabilities: null }],
    'for a word that is none': ['alice', itself, { capabilities: ['memory:fly'] }],
    'for a wildcard': ['alice', itself, { capabilities: ['*'] }],
    'for a capability that is null': ['alice', itself, { capabilities: ['memory:read', null] }],
    'for a capability twice': ['alice', itself, { capabilities: ['memory:read', 'memory:read'] }],
    'for more than the token': [
      'alice',
      { scopes: limited },
      { capabilities: ['memory:read', 'memory:create'] },
    ],
    ...Object.fromEntries(
      PERSONAL.filter((word) => word !== 'delegation:update').map((word): [string, Case] => [
        `with ${word}, for an agent`,
        ['alice', itself, { entity: scout, capabilities: [word] }],
      ]),
    ),
  },
  delegation: {
    'bound to a delegation of another agent': [
      'alice',
      itself,
      { entity: scribe, pinned: DELEGATIONS.scout.id },
    ],
    "bound to a delegation to one's agent, for oneself": ['alice', itself, { pinned: DELEGATIONS.scout.id }],
    'bound to a delegation that is revoked': [
      'alice',
      itself,
      { entity: AGENTS.rogue.id, pinned: DELEGATIONS.rogue.id },
    ],
    'bound to a delegation that has expired': [
      'alice',
      itself,
      { entity: AGENTS.late.id, pinned: DELEGATIONS.late.id },
    ],
    'bound to a delegation that is not there': ['alice', itself, { entity: scout, pinned: newId() }],
  },
  lifetime: {
    'that ends in the past': ['alice', itself, { ends: -1 }],
    'that ends now': ['alice', itself, { ends: 0 }],
    'that never ends': ['alice', itself, { ends: null }],
    'that lives longer than 365 days': ['alice', itself, { ends: 365 * DAY + 1 }],
  },
};
for (const [word, cases] of Object.entries(refused)) {
  for (const [what, [who, acting, wanted = {}]] of Object.entries(cases)) {
    test(`a key or client cannot be made ${what} (${word})`, async ({ as }) => {
      await as(who, acting, async (sql) => {
        expect(await refusals(sql, wanted)).toEqual(new Set([word]));
        expect(await sql.list('select id from credentials')).toEqual([]);
      });
    });
  }
}

const allowed: Readonly<Record<string, Case>> = {
  'for oneself, with everything and for a year': [
    'alice',
    itself,
    { capabilities: [...DELEGABLE, ...PERSONAL], ends: 365 * DAY },
  ],
  'for an agent, with what can be delegated': [
    'alice',
    itself,
    { entity: scout, capabilities: [...DELEGABLE, 'delegation:update'] },
  ],
  'for an agent, bound to a delegation it holds': [
    'alice',
    itself,
    { entity: scout, pinned: DELEGATIONS.scout.id },
  ],
  'for a sub-agent, bound to a hop': ['alice', itself, { entity: scribe, pinned: DELEGATIONS.scribe.id }],
  'for a service, by an administrator': ['ada', { given: role('bob', 'service') }, { entity: USERS.bob.id }],
};
for (const [what, [who, acting, wanted = {}]] of Object.entries(allowed)) {
  test(`a key is made ${what}, and says truly by whom and for whom`, async ({ as }) => {
    const requestId = newId<RequestId>();
    await as(who, { ...acting, requestId }, async (sql) => {
      const values = argumentsOf(wanted);
      expect(await sql.value(ASK, values)).toBeNull();
      expect(await sql.value(MAKE, [...values, KEY_ID, DIGEST])).toBeNull();
      const [row] = await sql.rows(
        'select entity_id, capabilities, pinned_id, created_by, request_id from credentials',
      );
      expect(row).toEqual({
        entity_id: values[0],
        capabilities: values[1],
        pinned_id: values[2],
        created_by: ACTORS[who].id,
        request_id: requestId,
      });
    });
  });
}

test('a key makes no key that outlives it or allows more, and one that ends with it', async ({
  database,
}) => {
  await trustTickets(database);
  await raw(
    database,
    async (sql) => {
      await sql.rows('begin');
      const capabilities = ['key:create', 'key:update', 'key:read', 'memory:read'];
      await makeKey(sql, { id: KEY_ID, for: 'alice', digest: DIGEST, capabilities, expires: 600 });
      await sql.rows('set local role bailiwick_runtime');
      await sql.rows('select bailiwick.open($1, $2)', keyTicket(DIGEST));
      expect(await refusals(sql, { capabilities: ['user:read'] })).toEqual(new Set(['capabilities']));
      expect(await refusals(sql, { ends: 601 })).toEqual(new Set(['lifetime']));
      const own = `(select expires_at from credentials where id = '${KEY_ID}')`;
      const rotate = `select bailiwick.rotate_key('${KEY_ID}', '${NEXT}', 'bwk_Next', '${digestOf('next')}', ${own} + $1::interval, '1 hour')`;
      expect(await sql.value(rotate, ['1 ms'])).toBe('lifetime');
      expect(await sql.value(rotate, ['0'])).toBeNull();
      expect(await sql.value('select count(distinct expires_at)::int from credentials')).toBe(1);
    },
    database.adminUrl,
  );
});

const ROTATE = `select bailiwick.rotate_key($1, $2, 'bwk_Next', $3, statement_timestamp() + make_interval(secs => $4), $5)`;
const rotation = (more: Partial<{ target: string; ends: number | null; overlap: string | null }> = {}) => {
  const { target, ends, overlap } = { target: KEY_ID, ends: 600, overlap: '1 hour', ...more };
  return [target, NEXT, digestOf('next'), ends, overlap];
};
const had =
  (more: Partial<Parameters<typeof makeKey>[1]> = {}) =>
  (sql: Sql) =>
    makeKey(sql, { id: KEY_ID, for: 'alice', digest: DIGEST, ...more });

type Rotation = readonly [
  word: string,
  who: ActorName,
  acting: Acting,
  more?: Parameters<typeof rotation>[0],
];
const unrotated: Readonly<Record<string, Rotation>> = {
  'of a colleague': ['key', 'bob', { given: had() }],
  'of a stranger': ['key', 'mallory', { given: had() }],
  'of a colleague, by an administrator': ['key', 'ada', { given: had() }],
  'of the owner, through a delegation': ['key', 'scout', { ...through.scout, given: had() }],
  'of the agent itself': ['key', 'scout', { given: had({ for: 'scout' }) }],
  'that is not there': ['key', 'alice', { given: had() }, { target: newId() }],
  'that was revoked': ['key', 'alice', { given: had({ revoked: true }) }],
  'that has expired': ['key', 'alice', { given: had({ expires: -1 }) }],
  'with a token that is not for changing keys': [
    'key',
    'alice',
    { given: had(), scopes: ['key:read', 'key:create'] },
  ],
  'with a token that is not for making keys': [
    'authority',
    'alice',
    { given: had(), scopes: ['key:update'] },
  ],
  'that allows more than the token': [
    'capabilities',
    'alice',
    { given: had(), scopes: ['key:create', 'key:update'] },
  ],
  'whose delegation has ended': [
    'delegation',
    'alice',
    { given: had({ for: 'rogue', pinned: DELEGATIONS.rogue.id }) },
  ],
  'with an overlap of more than seven days': [
    'overlap',
    'alice',
    { given: had() },
    { overlap: '7 days 1 second' },
  ],
  'with an overlap of less than none': ['overlap', 'alice', { given: had() }, { overlap: '-1 second' }],
  'without saying for how long both work': ['overlap', 'alice', { given: had() }, { overlap: null }],
  'by one that never ends': ['lifetime', 'alice', { given: had() }, { ends: null }],
};
for (const [what, [word, who, acting, more]] of Object.entries(unrotated)) {
  test(`a key is not replaced ${what} (${word})`, async ({ as }) => {
    await as(who, acting, async (sql) => {
      expect(await sql.value(ROTATE, rotation(more))).toBe(word);
      await sql.rows('reset role');
      expect(await sql.list('select id from credentials')).toEqual([KEY_ID]);
    });
  });
}

const KEPT = `select n.entity_id = o.entity_id and n.capabilities = o.capabilities and n.label = o.label
     and n.pinned_id is not distinct from o.pinned_id and n.replaces_id = o.id as kept,
     o.revoked_at is not null as revoked, o.revoked_by as by, round(extract(epoch from o.expires_at - now()))::int as ends
  from credentials n, credentials o where n.id = $1 and o.id = $2 and n.tenant_id = '${acme}' and o.tenant_id = '${acme}'`;
for (const [overlap, ends, result] of [
  ['1 hour', 86_400, { revoked: false, by: null, ends: 3600 }],
  ['7 days', 86_400, { revoked: false, by: null, ends: 86_400 }],
  ['0', 86_400, { revoked: true, by: alice, ends: 86_400 }],
] as const) {
  test(`a key is replaced by one like it; the old one works for ${overlap} and not longer than it would have`, async ({
    as,
  }) => {
    const given = had({ for: 'scout', pinned: DELEGATIONS.scout.id, expires: ends });
    await as('alice', { given }, async (sql) => {
      expect(await sql.value(ROTATE, rotation({ overlap }))).toBeNull();
      expect(await sql.rows(KEPT, [NEXT, KEY_ID])).toEqual([{ kept: true, ...result }]);
    });
  });
}
