// What may be granted (bailiwick.grant_refusal, rules D4, D5, D9, D10, D12 to D15): each refusal by its word, and the row
// refused by the policy, of which the word is the polite form. Last, what the tables refuse even to the migrator.

import { expect } from 'vitest';
import { type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { insertion } from './arrangement.ts';
import { delegate, suspend } from './given.ts';

const alice = USERS.alice.id;
const scout = AGENTS.scout.id;
const later = (seconds: number) => new Date(Date.now() + seconds * 1000);
const DAY = 86_400;

const ROOT = {
  owner_id: alice,
  delegator_id: alice,
  delegate_id: AGENTS.late.id,
  parent_id: null as string | null,
  depth: 1,
  redelegate: 0,
  capabilities: ['memory:read'],
  world_id: null as string | null,
  not_before: later(-5),
  expires_at: later(600),
};
const HOP: Proposal = { ...ROOT, delegator_id: scout, parent_id: DELEGATIONS.scout.id, depth: 2 };
type Proposal = typeof ROOT;

const ASK = `select bailiwick.grant_refusal($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`;
const row = (proposal: Proposal) =>
  insertion('delegations', { tenant_id: TENANTS.acme.id, id: newId(), ...proposal });

/** The word with which it is refused, and what comes of trying nonetheless. */
async function propose(sql: Sql, proposal: Proposal): Promise<[word: unknown, outcome: string]> {
  const { text, values } = row(proposal);
  return [await sql.value(ASK, Object.values(proposal)), await sql.outcome(text, values)];
}

type Case = readonly [who: ActorName, acting: Acting, proposal: Proposal];
const passesOn = newId<DelegationId>();
const limited = newId<DelegationId>();
/** Scribe under a hop that may be passed on once more, and scout under one that is limited to the Garden. */
const given = async (sql: Sql) => {
  await delegate(sql, {
    id: passesOn,
    from: 'scout',
    to: 'scribe',
    parent: DELEGATIONS.scout.id,
    redelegate: 1,
  });
  await delegate(sql, {
    id: limited,
    from: 'alice',
    to: 'scout',
    redelegate: 1,
    world: WORLDS.garden.id,
    expires: 1200,
  });
};
const onward: Acting = { delegation: passesOn, given };
const inGarden: Acting = { delegation: limited, given };
const THIRD: Proposal = { ...ROOT, delegator_id: AGENTS.scribe.id, parent_id: passesOn, depth: 3 };

const refused: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  authority: {
    'somebody else grants what is hers': ['bob', itself, ROOT],
    'the administrator grants what is hers': ['ada', itself, ROOT],
    'she grants it in the name of another owner': ['alice', itself, { ...ROOT, owner_id: USERS.bob.id }],
    'she grants it in the name of another delegator': [
      'alice',
      itself,
      { ...ROOT, delegator_id: USERS.bob.id },
    ],
    'an agent grants a hop in the name of another agent': [
      'scout',
      through.scout,
      { ...HOP, delegator_id: AGENTS.rogue.id },
    ],
    'an agent grants a root in her name': ['scout', through.scout, ROOT],
    'an agent grants its own authority as itself': [
      'scout',
      itself,
      { ...ROOT, owner_id: scout, delegator_id: scout },
    ],
    'an agent grants a hop as itself': ['scout', itself, HOP],
    'an agent names another hop than its own as the one above': ['scout', through.scoutInGarden, HOP],
    'a person grants a hop in the middle of a chain': ['alice', itself, HOP],
    'a person begins under another delegation': [
      'alice',
      itself,
      { ...ROOT, parent_id: DELEGATIONS.scout.id },
    ],
    'a person begins at depth two': ['alice', itself, { ...ROOT, depth: 2 }],
    'an agent repeats the depth above it': ['scout', through.scout, { ...HOP, depth: 1 }],
    'the delegation acted through is revoked': [
      'rogue',
      through.rogue,
      { ...ROOT, delegator_id: AGENTS.rogue.id, parent_id: DELEGATIONS.rogue.id, depth: 2 },
    ],
    'the token does not allow granting': ['alice', { scopes: ['memory:read', 'delegation:read'] }, ROOT],
    'she is suspended': ['alice', { given: suspend('alice') }, ROOT],
  },
  redelegate: {
    'more than three further hops are allowed': ['alice', itself, { ...ROOT, redelegate: 4 }],
    'fewer than none are allowed': ['alice', itself, { ...ROOT, redelegate: -1 }],
    'as many hops are allowed as above': ['scout', through.scout, { ...HOP, redelegate: 2 }],
    'the one above allows no further hop': [
      'scribe',
      through.scribe,
      { ...THIRD, parent_id: DELEGATIONS.scribe.id },
    ],
  },
  capabilities: {
    'nothing is granted': ['alice', itself, { ...ROOT, capabilities: [] }],
    'a wildcard is granted': ['alice', itself, { ...ROOT, capabilities: ['memory:*'] }],
    'a word is granted that is not in the vocabulary': [
      'alice',
      itself,
      { ...ROOT, capabilities: ['secret:create'] },
    ],
    'the right to grant is granted': [
      'alice',
      itself,
      { ...ROOT, capabilities: ['delegation:read', 'delegation:create'] },
    ],
    'the right to administer is granted': ['alice', itself, { ...ROOT, capabilities: ['tenant:administer'] }],
    'writing is granted without reading': ['alice', itself, { ...ROOT, capabilities: ['memory:create'] }],
    'a capability is granted twice': [
      'alice',
      itself,
      { ...ROOT, capabilities: ['memory:read', 'memory:read'] },
    ],
    'an agent passes on what it does not hold': [
      'scout',
      through.scout,
      { ...HOP, capabilities: ['memory:read', 'user:read', 'user:update'] },
    ],
  },
  world: {
    'she is not a member of the world': ['alice', itself, { ...ROOT, world_id: WORLDS.workshop.id }],
    'the world is in another tenant': ['alice', itself, { ...ROOT, world_id: WORLDS.vault.id }],
    'an agent leaves its limit out': ['scout', inGarden, { ...HOP, parent_id: limited }],
    'an agent names another world than its limit': [
      'scout',
      inGarden,
      { ...HOP, parent_id: limited, world_id: WORLDS.workshop.id },
    ],
  },
  lifetime: {
    'it is past already': ['alice', itself, { ...ROOT, expires_at: later(-1) }],
    'it ends before it begins': ['alice', itself, { ...ROOT, not_before: later(700) }],
    'a root lives longer than 90 days': ['alice', itself, { ...ROOT, expires_at: later(90 * DAY + 60) }],
    'a hop lives longer than an hour': ['scout', through.scout, { ...HOP, expires_at: later(3660) }],
    'a hop lives longer than the one above': [
      'scout',
      inGarden,
      { ...HOP, parent_id: limited, world_id: WORLDS.garden.id, expires_at: later(1260) },
    ],
  },
  cycle: {
    'it leads back to the owner': ['scout', through.scout, { ...HOP, delegate_id: alice }],
    'she grants it to herself': ['alice', itself, { ...ROOT, delegate_id: alice }],
    'an agent grants it to itself': ['scout', through.scout, { ...HOP, delegate_id: scout }],
    'it leads back to an agent above': ['scribe', onward, { ...THIRD, delegate_id: scout }],
  },
  delegate: {
    "it is for somebody else's agent": ['alice', itself, { ...ROOT, delegate_id: AGENTS.bobot.id }],
    'it is for an agent of another tenant': ['alice', itself, { ...ROOT, delegate_id: AGENTS.mimic.id }],
    'it is for a person': ['alice', itself, { ...ROOT, delegate_id: USERS.bob.id }],
    'it is for a world': ['alice', itself, { ...ROOT, delegate_id: WORLDS.garden.id }],
    'it is for nobody': ['alice', itself, { ...ROOT, delegate_id: newId() }],
    'it is for a suspended agent': ['alice', { given: suspend('late') }, ROOT],
  },
};
for (const [word, cases] of Object.entries(refused)) {
  for (const [when, [who, acting, proposal]] of Object.entries(cases)) {
    test(`a delegation of alice's is refused for its ${word} when ${when}`, async ({ as }) => {
      expect(await as(who, acting, (sql) => propose(sql, proposal))).toEqual([word, '42501']);
    });
  }
}

test('a tenant may shorten and lengthen the hour of a hop, but not beyond a day', async ({ as, migrate }) => {
  const SET = 'update tenants set subdelegation_seconds = $1 where tenant_id = $2';
  const allow = (seconds: number) => (sql: Sql) => sql.rows(SET, [seconds, TENANTS.acme.id]);
  const lasting = (seconds: number, allowed: number) =>
    as('scout', { ...through.scout, given: allow(allowed) }, (sql) =>
      propose(sql, { ...HOP, expires_at: later(seconds) }),
    );
  expect(await lasting(180, 120)).toEqual(['lifetime', '42501']);
  expect(await lasting(90, 120)).toEqual([null, '1']);
  expect(await lasting(7000, 7200)).toEqual([null, '1']);
  await expect(migrate((sql) => sql.rows(SET, [86_401, TENANTS.acme.id]))).rejects.toMatchObject({
    code: '23514',
  });
});

test('nobody writes the columns that end a delegation, nor any other of one that exists', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    for (const column of ['revoked_at', 'revoked_by', 'created_at']) {
      const { text, values } = insertion('delegations', {
        tenant_id: TENANTS.acme.id,
        id: newId(),
        ...ROOT,
        [column]: null,
      });
      expect(await sql.outcome(text, values), column).toBe('42501');
    }
    const columns = await sql.list(
      `select attname from pg_attribute where attrelid = 'delegations'::regclass and attnum > 0`,
    );
    expect(columns).toHaveLength(19);
    for (const column of columns) {
      expect(await sql.outcome(`update delegations set ${column} = ${column}`), column).toBe('42501');
    }
    expect(await sql.outcome('delete from delegations')).toBe('42501');
    expect(await sql.outcome('truncate delegations')).toBe('42501');
  });
});

test('a chain of four hops works, each made by the one before, and nobody adds a fifth', async ({ as }) => {
  const line: ActorName[] = ['alice', 'scout', 'scribe', 'late', 'rogue'];
  let above: DelegationId | undefined;
  for (const [index, delegator] of line.slice(0, 4).entries()) {
    const id = newId<DelegationId>();
    const hop = {
      ...ROOT,
      delegator_id: index === 0 ? alice : AGENTS[delegator as 'scout'].id,
      delegate_id: AGENTS[line[index + 1] as 'scout'].id,
      parent_id: above ?? null,
      depth: index + 1,
      redelegate: 3 - index,
      expires_at: later(600 - index),
    };
    const { text, values } = insertion('delegations', { tenant_id: TENANTS.acme.id, id, ...hop });
    expect(
      await as(delegator, { delegation: above, commit: true }, (sql) => sql.outcome(text, values)),
      delegator,
    ).toBe('1');
    above = id;
  }
  await as('rogue', { delegation: above }, async (sql) => {
    expect(await sql.list('select distinct owner_id from memories')).toEqual([alice]);
    const fifth = {
      ...ROOT,
      delegator_id: AGENTS.rogue.id,
      parent_id: above ?? null,
      depth: 5,
      redelegate: 0,
    };
    expect(await propose(sql, fifth)).toEqual(['redelegate', '42501']);
  });
});

const impossible: Readonly<Record<string, [sqlstate: string, given: (sql: Sql) => Promise<unknown>]>> = {
  'of a fifth hop': [
    '23514',
    (sql) => delegate(sql, { from: 'scout', to: 'scribe', parent: DELEGATIONS.scout.id, depth: 5 }),
  ],
  'of a hop whose delegator is not the delegate above': [
    '23503',
    (sql) => delegate(sql, { from: 'late', to: 'scribe', parent: DELEGATIONS.scout.id }),
  ],
  'of a hop without one above it': [
    '23514',
    (sql) => delegate(sql, { from: 'scout', to: 'scribe', depth: 2 }),
  ],
  'of a root that is not by the owner': [
    '23514',
    (sql) => delegate(sql, { from: 'scout', to: 'scribe', depth: 1 }),
  ],
  'to oneself': ['23514', (sql) => delegate(sql, { from: 'alice', to: 'alice' })],
  "to somebody else's agent": ['23503', (sql) => delegate(sql, { from: 'alice', to: 'bobot' })],
  'to an agent of another tenant': ['23503', (sql) => delegate(sql, { from: 'alice', to: 'mimic' })],
  'to a person': ['23503', (sql) => delegate(sql, { from: 'alice', to: 'bob' })],
  'of nothing': ['23514', (sql) => delegate(sql, { from: 'alice', to: 'scout', capabilities: [] })],
  'for more than 90 days': [
    '23514',
    (sql) => delegate(sql, { from: 'alice', to: 'scout', expires: 91 * 86_400 }),
  ],
  'for more than a day at depth two': [
    '23514',
    (sql) =>
      delegate(sql, { from: 'scout', to: 'scribe', parent: DELEGATIONS.scout.id, expires: 86_400 + 120 }),
  ],
};
for (const [what, [sqlstate, given]] of Object.entries(impossible)) {
  test(`not even the migrator can make a delegation ${what}`, async ({ as }) => {
    await expect(as('alice', { given }, async () => undefined)).rejects.toMatchObject({ code: sqlstate });
  });
}
