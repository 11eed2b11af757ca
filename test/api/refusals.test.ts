// Every mutation, tried by everybody who must not: nothing changes, what is hidden is answered like what is absent, and
// every attempt leaves an audit entry that says truly who tried.

import { expect } from 'vitest';
import { AddWorldMemberDocument } from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { TABLES } from '../../src/assurance/rows.ts';
import { ACTORS, type ActorName, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS, type DelegationName } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import { schema } from '../../src/schema.ts';
import { type Answer, codesOf } from '../kit/answer.ts';
import { test as base, type RunningServer } from '../kit/server.ts';
import { KEYS, makeKey } from '../policies/credentials.ts';
import { type Attempt, absent, HIDDEN, type Ids, MAKING, ON_ROWS } from './attempts.ts';

const test = base.extend('keys', { scope: 'file', auto: true }, async ({ server }) => {
  await server.migrate((sql) => makeKey(sql, { id: KEYS.alice.id, for: 'alice' }));
});

type Stranger = {
  readonly actor: ActorName;
  readonly delegation?: DelegationName;
  readonly scopes?: readonly string[];
};
const READER = 'alice with a token for reading';
const STRANGERS: Readonly<Record<string, Stranger>> = {
  'bob, another owner': { actor: 'bob' },
  'bobot for bob': { actor: 'bobot', delegation: 'bobot' },
  'mallory of another tenant': { actor: 'mallory' },
  'mimic for mallory': { actor: 'mimic', delegation: 'mimic' },
  'late, expired': { actor: 'late', delegation: 'late' },
  'rogue, revoked': { actor: 'rogue', delegation: 'rogue' },
  'alice with a token for nothing': { actor: 'alice', scopes: [] },
  [READER]: {
    actor: 'alice',
    scopes: [
      'agent:read',
      'memory:read',
      'world:read',
      'member:read',
      'user:read',
      'delegation:read',
      'key:read',
    ],
  },
};
/** Acting for alice, or her agent by itself: some of what is hers is in their sight, none of it in their reach. */
const CLOSE: typeof STRANGERS = {
  'scribe for alice, who may read memories': { actor: 'scribe', delegation: 'scribe' },
  'scribe as itself': { actor: 'scribe' },
};

/** Mutations that make something beside what is named. */
const KNOWN: ReadonlySet<string> = new Set(['addWorldMember', 'freezeBaseline', 'resetBaseline']);

/** The outcome in one word: what the answer's one field is, or the code of its one error. */
function outcomeOf(answer: Answer<unknown>): string {
  const [code] = codesOf(answer);
  const [field] = Object.values(
    (answer.body.data ?? {}) as Record<string, { __typename: string; reason?: string }>,
  );
  return code ?? (field?.reason ? `${field.__typename} ${field.reason}` : (field?.__typename ?? 'nothing'));
}

function tryAs(
  server: RunningServer,
  { actor, ...asking }: Stranger,
  { document, input }: Attempt,
  ids: Ids,
) {
  return server.query(actor, document, { input: input(ids) }, asking);
}

/** Everything but the audit log, as one value. */
const state = ({ migrate }: RunningServer) =>
  migrate((sql) =>
    sql.value(`select md5(string_agg(t::text, '' order by t)) from (
      ${TABLES.map((table) => `select '${table}' || r::text as t from ${table} r`).join(' union all ')}) everything`),
  );

type Entry = { event: string; actor_id: string; owner_id: string; chain: string[]; policy_checksum: string };
const audit = ({ migrate }: RunningServer, { requestId }: Answer<unknown>) =>
  migrate((sql) =>
    sql.rows<Entry>('select * from audit_entries where request_id = $1 order by id', [requestId]),
  );

async function expectAudited(
  server: RunningServer,
  answer: Answer<unknown>,
  { actor, delegation }: Stranger,
): Promise<void> {
  const entries = await audit(server, answer);
  expect(entries).toHaveLength(1);
  const grant = delegation && DELEGATIONS[delegation];
  const parent = grant?.parent ? [DELEGATIONS[grant.parent].id] : [];
  expect(entries[0]).toMatchObject({
    event: expect.stringMatching(/^(\w+\.\w*refused|operation\.refused)$/),
    actor_id: ACTORS[actor].id,
    owner_id: ACTORS[grant?.owner ?? actor].id,
    chain: grant ? [...parent, grant.id] : [],
    policy_checksum: await server.migrate((sql) => sql.value('select checksum from bailiwick.policy_state')),
  });
}

test('the lists below name every mutation there is', () => {
  const known = Object.keys(schema.getMutationType()?.getFields() ?? {});
  expect([...Object.keys(ON_ROWS), ...Object.keys(MAKING)].sort()).toEqual(known.sort());
});

test('nobody changes anything', async ({ server }) => {
  const before = await state(server);
  for (const { document, input } of Object.values({ ...ON_ROWS, ...MAKING })) {
    const answer = await server.query('nobody', document, { input: input(HIDDEN) });
    expect([answer.status, ...codesOf(answer)]).toEqual([401, 'UNAUTHENTICATED']);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(await audit(server, answer)).toEqual([]);
  }
  expect(await state(server)).toBe(before);
});

for (const [who, stranger] of Object.entries({ ...STRANGERS, ...CLOSE })) {
  test(`for ${who}, a row of alice's is not there, and nothing tells it from one that never was`, async ({
    server,
  }) => {
    const before = await state(server);
    for (const [name, mutation] of Object.entries(ON_ROWS)) {
      const hidden = await tryAs(server, stranger, mutation, HIDDEN);
      if (who === READER && KNOWN.has(name)) {
        // who sees that the world or the agent is theirs may know that this is what they may not do
        expect(outcomeOf(hidden)).toBe('FORBIDDEN');
        continue;
      }
      expect([name, outcomeOf(hidden)]).toEqual([name, 'NotFound']);
      expect(hidden.text).toBe((await tryAs(server, stranger, mutation, absent())).text);
      await expectAudited(server, hidden, stranger);
    }
    expect(await state(server)).toBe(before);
  });
}

const GRANTED: ReadonlySet<string> = new Set(['Memory', 'CreatedMemories']);

// for whom making is refused, and how
const REFUSED: readonly (readonly [
  who: keyof typeof STRANGERS | keyof typeof CLOSE,
  outcomes: Readonly<Record<string, string>>,
])[] = [
  ['late, expired', refusals()],
  ['rogue, revoked', refusals()],
  ['alice with a token for nothing', refusals({ updateProfile: 'NotFound' })],
  [READER, refusals({ updateProfile: 'NotFound' })],
  ['scribe for alice, who may read memories', refusals({ redelegate: 'DelegationRefused REDELEGATE' })],
  [
    'bobot for bob',
    refusals({
      createMemory: 'Memory',
      createMemories: 'CreatedMemories',
      redelegate: 'DelegationRefused REDELEGATE',
    }),
  ],
];

function refusals(other: Record<string, string> = {}): Record<string, string> {
  return {
    createAgent: 'FORBIDDEN',
    createMemory: 'FORBIDDEN',
    createMemories: 'FORBIDDEN',
    createWorld: 'FORBIDDEN',
    updateProfile: 'NotFound',
    grantDelegation: 'DelegationRefused AUTHORITY',
    redelegate: 'DelegationRefused AUTHORITY',
    createApiKey: 'CredentialRefused AUTHORITY',
    registerClient: 'CredentialRefused AUTHORITY',
    createServiceCredential: 'FORBIDDEN',
    createPermission: 'FORBIDDEN',
    authorizeAction: 'FORBIDDEN',
    recordActivity: 'FORBIDDEN',
    ...other,
  };
}

for (const [who, outcomes] of REFUSED) {
  test(`${who}, makes nothing that was not granted`, async ({ server }) => {
    const stranger = { ...STRANGERS, ...CLOSE }[who] ?? { actor: 'bob' };
    for (const [name, mutation] of Object.entries(MAKING)) {
      const before = await state(server);
      const answer = await tryAs(server, stranger, mutation, HIDDEN);
      expect([name, outcomeOf(answer)]).toEqual([name, outcomes[name]]);
      if (!GRANTED.has(outcomeOf(answer))) {
        await expectAudited(server, answer, stranger);
        expect(await state(server)).toBe(before);
      }
    }
  });
}

test('another owner grants nothing and makes no key for an agent that is not theirs, be it hidden or absent', async ({
  server,
}) => {
  for (const actor of ['bob', 'mallory', 'ada'] as const) {
    const before = await state(server);
    for (const [name, outcome] of [
      ['grantDelegation', 'DelegationRefused DELEGATE'],
      ['createApiKey', 'CredentialRefused ENTITY'],
      ['registerClient', 'CredentialRefused ENTITY'],
    ] as const) {
      const mutation = MAKING[name];
      if (mutation !== undefined) {
        const hidden = await tryAs(server, { actor }, mutation, HIDDEN);
        expect([actor, outcomeOf(hidden)]).toEqual([actor, outcome]);
        expect(hidden.text).toBe((await tryAs(server, { actor }, mutation, absent())).text);
        await expectAudited(server, hidden, { actor });
      }
    }
    expect(await state(server)).toBe(before);
  }
});

test('a user of another tenant cannot be made a member, and is not told from one that never was', async ({
  server,
  query,
}) => {
  const add = (userId: string) =>
    query('alice', AddWorldMemberDocument, { input: { worldId: HIDDEN.world, userId } });
  const foreign = await add(toGlobalId('User', USERS.mallory.id));
  const missing = await add(toGlobalId('User', newId()));
  expect(outcomeOf(foreign)).toBe('NOT_FOUND');
  expect(foreign.text).toBe(missing.text);
  await expectAudited(server, foreign, { actor: 'alice' });
});

test('an administrator changes nothing of an owner that it cannot see, and is not told otherwise', async ({
  server,
}) => {
  const before = await state(server);
  for (const name of [
    'updateAgent',
    'setAgentStatus',
    'setAgentCeiling',
    'deleteAgent',
    'updateWorld',
    'deleteWorld',
    'updateMemory',
    'deleteMemory',
  ]) {
    const mutation = ON_ROWS[name];
    if (mutation !== undefined) {
      const answer = await tryAs(server, { actor: 'ada' }, mutation, HIDDEN);
      expect([name, outcomeOf(answer), await state(server)]).toEqual([name, 'NotFound', before]);
    }
  }
});

// the last, because it ends the key
test('an administrator, who may end a key of somebody else, does not replace it', async ({ server }) => {
  const before = await state(server);
  const { rotateApiKey, revokeCredential } = ON_ROWS;
  if (rotateApiKey !== undefined && revokeCredential !== undefined) {
    const seen = await tryAs(server, { actor: 'ada' }, rotateApiKey, HIDDEN);
    expect(outcomeOf(seen)).toBe('NotFound');
    expect(seen.text).toBe((await tryAs(server, { actor: 'ada' }, rotateApiKey, absent())).text);
    await expectAudited(server, seen, { actor: 'ada' });
    expect(await state(server)).toBe(before);
    expect(outcomeOf(await tryAs(server, { actor: 'ada' }, revokeCredential, HIDDEN))).toBe(
      'RevokedCredential',
    );
  }
  expect(await state(server)).not.toBe(before);
});
