// Attacks on what is shared in worlds (prisma/policies/18-memories.sql, bailiwick.shared_worlds): read by whoever is no member, has left or
// is an agent that is not sent there; changed by whoever it is shared with; shared by a guest, elsewhere, for others, or though sensitive.

import { USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { type MemoryId, newId } from '../../../src/ids.ts';
import { ticket } from '../../kit/as.ts';
import { memoryOf } from '../../policies/arrangement.ts';
import { suspend } from '../../policies/given.ts';
import { keepMemory } from '../../policies/sharing.ts';
import { acme, alice, bob, memory, rows } from './attempted.ts';
import { claiming } from './forging.ts';
import { asLower, asUpper, GARDEN, type Given, MEMORY, pair, together } from './hops.ts';
import { itself } from './proposals.ts';
import { type Case, cases } from './requested.ts';
import { open, opened, type SqlAttack, type Step, step } from './stage.ts';
import { twins, unchecked } from './worlds.ts';

const [OWN, IN_GARDEN] = [memoryOf('alice') ?? '', memoryOf('alice', 'garden') ?? ''];
const WORKSHOP = WORLDS.workshop.id;
const [ALICES, BOBS, PRIVATE] = [newId<MemoryId>(), newId<MemoryId>(), newId<MemoryId>()];
/** In the Garden: one that alice shares, one that bob does, and one that bob does not. */
const kept: Given = together(
  (sql) => keepMemory(sql, { id: ALICES, owner: alice, world: GARDEN, shared: true }),
  (sql) => keepMemory(sql, { id: BOBS, owner: bob, world: GARDEN, shared: true }),
  (sql) => keepMemory(sql, { id: PRIVATE, owner: bob, world: GARDEN, shared: false }),
);
const and = (...more: readonly Given[]): Given => together(kept, ...more);
const left = (who: string): Given =>
  unchecked(
    'delete from world_members where tenant_id = $1 and world_id = $2 and entity_id = $3',
    acme,
    GARDEN,
    who,
  );
const member = (who: string, world: string): Given =>
  unchecked(
    `insert into world_members (tenant_id, id, world_id, owner_id, entity_id, role, created_by, request_id)
     values ($1, gen_random_uuid(), $2, $4, $3, 'member', $3, $3)`,
    ...[acme, world, who, bob],
  );
const guest: Given = unchecked(
  `update world_members set role = 'guest' where tenant_id = $1 and world_id = $2 and entity_id = $3`,
  ...[acme, GARDEN, bob],
);
/** Scout and scribe with all that there is to do with memories, sent to a world or not. */
const sent = (upper: string | null, lower: string | null = null): Given =>
  pair({ capabilities: MEMORY, world: upper }, { capabilities: MEMORY, world: lower });

const sees = (count: number, id: string): Step => step('select from memories where id = $1', count, [id]);
const places = (expect: readonly string[], verb = 'read'): Step =>
  step(`select bailiwick.shared_worlds('memory', $1)`, JSON.stringify(expect), [verb]);
const shares = (expect: string | number, id: string): Step =>
  step('update memories set shared = true where id = $1', expect, [id]);
const takesBack = (expect: string | number, id: string): Step =>
  step('update memories set shared = false where id = $1', expect, [id]);
const told = 'what others share among themselves';
const unseen = [sees(0, ALICES), sees(0, BOBS), places([])];

const reading: Readonly<Record<string, Case>> = {
  'as no member': ['P2 D26', told, 'ada', itself, kept, unseen],
  'as a member of another world': [
    'P2',
    told,
    'ada',
    itself,
    and(member(USERS.ada.id, WORKSHOP)),
    [...unseen.slice(0, 2), places([WORKSHOP])],
  ],
  'as a stranger': ['D3', told, 'mallory', itself, kept, unseen.slice(0, 2)],
  'after leaving': ['D17', told, 'bob', itself, and(left(bob)), [sees(0, ALICES), sees(1, BOBS)]],
  'when the world is closed': [
    'D17',
    told,
    'bob',
    itself,
    and(suspend('garden')),
    [sees(0, ALICES), places([WORKSHOP])],
  ],
  'that is not shared': ['P2', told, 'alice', itself, kept, [sees(0, PRIVATE)]],
  'with a token for something else': [
    'D8',
    told,
    'alice',
    { scopes: ['memory:create', 'world:read'] },
    kept,
    [sees(0, BOBS), places([])],
  ],
  'as an agent that is sent nowhere': [
    'D11',
    told,
    'scout',
    asUpper,
    and(sent(null)),
    [sees(0, BOBS), places([])],
  ],
  'as an agent that is sent elsewhere': [
    'D11',
    told,
    'scout',
    asUpper,
    and(member(alice, WORKSHOP), sent(WORKSHOP)),
    [sees(0, BOBS), places([WORKSHOP])],
  ],
  'as an agent that is sent to two worlds at once': [
    'D11',
    told,
    'scribe',
    asLower,
    and(member(alice, WORKSHOP), sent(GARDEN, WORKSHOP)),
    [sees(0, BOBS), places([])],
  ],
  'as an agent whose owner has left': [
    'D17',
    told,
    'scout',
    asUpper,
    and(left(alice), sent(GARDEN)),
    [sees(0, BOBS)],
  ],
  'as the agent itself': ['D13', told, 'scout', itself, kept, [sees(0, BOBS), places([])]],
  'of the twin in another tenant': [
    'D3',
    told,
    'alice',
    itself,
    and(twins),
    [step('select from memories where tenant_id <> $1', 0, [acme])],
  ],
};

/** Neither by any statement, nor for long enough to read it. */
const unchanged = (id: string): Step[] => [
  step(`update memories set kind = 'changed' where id = $1`, 0, [id]),
  takesBack(0, id),
  step('delete from memories where id = $1', 0, [id]),
  step('select from memories where id = $1 for update', 0, [id]),
  step('update memories set world_id = null where id = $1', '42501', [id]),
  step('update memories set owner_id = bailiwick.actor_id() where id = $1', '42501', [id]),
];
const spoiled = 'what others rely on is gone, or says something else';

const changing: Readonly<Record<string, Case>> = {
  'as a member': ['P2', spoiled, 'bob', itself, kept, [sees(1, ALICES), ...unchanged(ALICES)]],
  'as the world’s owner': ['P2', spoiled, 'alice', itself, kept, [sees(1, BOBS), ...unchanged(BOBS)]],
  'as an agent that is sent there': ['P2 D11', spoiled, 'scout', asUpper, and(sent(GARDEN)), unchanged(BOBS)],
  'as an administrator': ['D26', spoiled, 'ada', itself, kept, unchanged(ALICES)],
};

const heard = 'something is laid before people who did not ask for it, as if a member had';
const none = '42501';
const sharing: Readonly<Record<string, Case>> = {
  'as a guest': [
    'P28',
    heard,
    'bob',
    itself,
    and(guest),
    [
      shares(none, PRIVATE),
      memory({ owner_id: bob, world_id: GARDEN, shared: true }, none),
      places([WORKSHOP], 'create'),
    ],
  ],
  'as a guest, by changing what is shared already': [
    'P28',
    heard,
    'bob',
    itself,
    and(guest),
    [step(`update memories set content = 'Other words.' where id = $1`, none, [BOBS])],
  ],
  'where one is no member': [
    'P28',
    heard,
    'alice',
    itself,
    kept,
    [memory({ world_id: WORKSHOP, shared: true }, none), memory({ world_id: newId(), shared: true }, none)],
  ],
  nowhere: ['P28', heard, 'alice', itself, kept, [memory({ shared: true }, none), shares(none, OWN)]],
  'after leaving': [
    'D17',
    heard,
    'bob',
    itself,
    and(left(bob)),
    [shares(none, PRIVATE), step(`update memories set content = 'Other words.' where id = $1`, none, [BOBS])],
  ],
  'when the world is closed': ['D17', heard, 'bob', itself, and(suspend('garden')), [shares(none, PRIVATE)]],
  'in another’s name': [
    'P28',
    heard,
    'bob',
    itself,
    kept,
    [memory({ owner_id: alice, world_id: GARDEN, shared: true }, none), shares(0, IN_GARDEN)],
  ],
  'as an agent that is sent nowhere': [
    'D11',
    heard,
    'scout',
    asUpper,
    and(sent(null)),
    [shares(none, IN_GARDEN), memory({ world_id: GARDEN, shared: true }, none)],
  ],
  'as an agent that may only read': [
    'D8',
    heard,
    'scout',
    asUpper,
    and(pair({ capabilities: ['memory:read'], world: GARDEN })),
    [shares(0, IN_GARDEN), memory({ world_id: GARDEN, shared: true }, none)],
  ],
};

/** Neither may be, whoever makes it. */
const unfit: readonly SqlAttack[] = Object.entries({
  'that stands in no world': `update memories set shared = true where id = '${OWN}'`,
  'that is sensitive': `update memories set shared = true, sensitive = true, metadata = '"bwe1.x"' where id = '${IN_GARDEN}'`,
}).map(
  ([what, text]): SqlAttack => ({
    ...rows,
    name: `sharing a memory ${what}, with all rights on the table`,
    gain: 'an envelope for many, or a row that is shared with nobody',
    rule: 'P28',
    given: unchecked(text),
    unpreparable: '23514',
    steps: [],
  }),
);

const claims: readonly SqlAttack[] = [
  {
    ...rows,
    name: 'reading what is shared in a world that a ticket claims for itself',
    gain: told,
    rule: 'S3 D11',
    given: kept,
    steps: [
      opened(() => claiming({ world_id: GARDEN, worldId: GARDEN, worlds: [GARDEN] }, 'ada'), 'true'),
      ...unseen,
    ],
  },
  {
    ...rows,
    name: 'reading what is shared through a delegation to somebody else that is sent there',
    gain: told,
    rule: 'D6 D11',
    given: kept,
    steps: [opened(() => ticket('bobot', { delegation: DELEGATIONS.scoutInGarden.id }), '28000'), ...unseen],
  },
];

/** Tells of it, as whoever listens hears. */
const happened = (id: string, shared: boolean): Given =>
  unchecked(
    `insert into bailiwick.events (tenant_id, xid, owner_id, world_id, shared, kind, event, id)
     values ($1, '10', $2, $3, $4, 'memory', 'memory.updated', $5)`,
    ...[acme, alice, GARDEN, shared, id],
  );
const hears = (expect: string): Step =>
  step(
    `select coalesce(string_agg(e->>'id', ' '), '') from jsonb_array_elements(bailiwick.unseen('1:1:', null, null, '{memory}', 9)->'events') e`,
    expect,
  );
const events = and(happened(ALICES, true), happened(PRIVATE, false));
const hearing: Readonly<Record<string, Case>> = {
  'as no member': ['P2', told, 'ada', itself, events, [hears('')]],
  'as a stranger': ['D3', told, 'mallory', itself, events, [hears('')]],
  'after leaving': ['D17', told, 'bob', itself, together(events, left(bob)), [hears('')]],
  'as an agent that is sent nowhere': [
    'D11',
    told,
    'bobot',
    { delegation: DELEGATIONS.bobot.id },
    events,
    [hears('')],
  ],
  'as a member, when it is not shared': ['P2', told, 'bob', itself, events, [hears(ALICES)]],
};

const works = { ...rows, control: true, gain: 'nobody could share anything' } as const;
const controls: readonly SqlAttack[] = [
  {
    ...works,
    name: 'what is shared is seen by the members of its world, also by a guest, and heard of',
    rule: 'P2 D11',
    given: together(events, guest),
    steps: [open('bob'), sees(1, ALICES), places([GARDEN, WORKSHOP].sort()), hears(ALICES)],
  },
  {
    ...works,
    name: 'what is shared is seen by an agent that is sent there',
    rule: 'D11',
    given: and(sent(GARDEN)),
    steps: [open('scout', asUpper), sees(1, BOBS), places([GARDEN]), shares(1, IN_GARDEN)],
  },
  {
    ...works,
    name: 'a member shares, and takes back',
    rule: 'P18 P28',
    given: kept,
    steps: [
      open('bob'),
      shares(1, PRIVATE),
      takesBack(1, PRIVATE),
      memory({ owner_id: bob, world_id: GARDEN, shared: true }, 1),
    ],
  },
  {
    ...works,
    name: 'what somebody shared stays after they have left',
    rule: 'P2',
    given: and(left(bob)),
    steps: [open('alice'), sees(1, BOBS)],
  },
  {
    ...works,
    name: 'whoever has left takes back what they share',
    rule: 'P28 D17',
    given: and(left(bob)),
    steps: [open('bob'), takesBack(1, BOBS)],
  },
];

export const SHARED: readonly SqlAttack[] = [
  ...cases('reading what is shared in a world, ', rows, reading),
  ...cases('changing what another shares in a world, ', rows, changing),
  ...cases('sharing a memory, ', rows, sharing),
  ...cases('hearing of what is shared in a world, ', rows, hearing),
  ...unfit,
  ...claims,
  ...controls,
];
