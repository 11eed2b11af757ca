// Attacks by having something kept for whoever listens (bailiwick.announce, prisma/policies/09-events.sql): that it is told of the rows of the tenant in which it
// was done, to those whom it concerns, and not at all where there is no such row. Who hears of what is there: listening.ts.

import { type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { APPROVALS } from '../../../src/demo/permissions.ts';
import { newId } from '../../../src/ids.ts';
import type { Acting } from '../../kit/as.ts';
import { memoryOf } from '../../policies/arrangement.ts';
import { rows } from './attempted.ts';
import { type Given, together } from './hops.ts';
import { aside, open, type SqlAttack, type Step, step } from './stage.ts';
import { timelyId } from './timely.ts';
import { twins, unchecked } from './worlds.ts';

const acme = TENANTS.acme.id;
const { alice } = USERS;
const agent = { scout: AGENTS.scout.id, bobot: AGENTS.bobot.id };

/** What is kept of it: the event, whose, of whom, in which world, about which row. */
const kept = (...expect: readonly (readonly (string | null | undefined)[])[]): Step =>
  aside(
    `select coalesce(string_agg(concat_ws(' ', e.event, e.kind, e.tenant_id, e.owner_id, array_to_string(e.parties, '+'),
              coalesce(e.world_id::text, 'nowhere'), e.id), ', ' order by e.seq), '') from bailiwick.events e`,
    expect.map((part) => part.join(' ')).join(', '),
  );
const record = (
  event: string,
  kind: string,
  id: string | null | undefined,
  detail: object | null = null,
): Step =>
  step('select bailiwick.audit($1, $2, $3, $4, $5) is not null', 'true', [
    ...[timelyId(), event, kind, id, detail === null ? null : JSON.stringify(detail)],
  ]);
const own = memoryOf('alice');
const placed = memoryOf('alice', 'garden');
const garden = WORLDS.garden.id;
const request = APPROVALS[0]?.id ?? '';
const NEW = newId();
const gone = (table: string): Given =>
  together(twins, unchecked(`delete from ${table} where tenant_id = $1`, acme));

type Told = readonly [
  given: Given | undefined,
  recorded: Step,
  expect: readonly (readonly (string | null | undefined)[])[],
];
const mine = (event: string, kind: string, id: string | null | undefined, world = 'nowhere') => [
  ...[event, kind, acme, alice.id, alice.id, world, id],
];
/** What alice records, and what is kept for listeners. */
const TOLD: Readonly<Record<string, Told>> = {
  'a memory in no world': [
    undefined,
    record('memory.updated', 'memory', own),
    [mine('memory.updated', 'memory', own)],
  ],
  'a memory in a world': [
    undefined,
    record('memory.updated', 'memory', placed),
    [mine('memory.updated', 'memory', placed, garden)],
  ],
  'a memory beside its twin in another tenant': [
    twins,
    record('memory.updated', 'memory', placed),
    [mine('memory.updated', 'memory', placed, garden)],
  ],
  'a memory that stands in another tenant only': [
    gone('memories'),
    record('memory.updated', 'memory', placed),
    [mine('memory.updated', 'memory', placed)],
  ],
  'a memory that is gone, and said where it was': [
    undefined,
    record('memory.deleted', 'memory', NEW, { worldId: garden }),
    [mine('memory.deleted', 'memory', NEW, garden)],
  ],
  'several memories': [
    undefined,
    record('memory.created', 'memory', own, { ids: [placed, own] }),
    [mine('memory.created', 'memory', placed, garden), mine('memory.created', 'memory', own)],
  ],
  'an entry under the id of a memory': [
    undefined,
    record('activity.recorded', 'activity', placed),
    [mine('activity.recorded', 'activity', placed)],
  ],
  'a request': [
    undefined,
    record('approval.approved', 'approval', request),
    [['approval.approved', 'approval', acme, alice.id, agent.scout, 'nowhere', request]],
  ],
  'a request that stands in another tenant only': [
    gone('approvals'),
    record('approval.approved', 'approval', request),
    [],
  ],
  'a request that there is not': [undefined, record('approval.approved', 'approval', NEW), []],
  'a delegation': [
    undefined,
    record('delegation.narrowed', 'delegation', DELEGATIONS.scout.id),
    [
      [
        ...['delegation.narrowed', 'delegation', acme, alice.id, `${alice.id}+${agent.scout}`, 'nowhere'],
        DELEGATIONS.scout.id,
      ],
    ],
  ],
  'a delegation that stands in another tenant only': [
    gone('delegations'),
    record('delegation.narrowed', 'delegation', DELEGATIONS.scout.id),
    [],
  ],
  'an agent': [
    undefined,
    record('agent.updated', 'agent', agent.scout),
    [['agent.updated', 'agent', acme, alice.id, agent.scout, 'nowhere', agent.scout]],
  ],
  'an agent that there is not': [undefined, record('agent.updated', 'agent', NEW), []],
  'what was refused': [undefined, record('memory.update_refused', 'memory', own), []],
  'what is about nothing': [undefined, record('memory.updated', 'memory', null), []],
  'what nobody listens to': [undefined, record('permission.created', 'permission', NEW), []],
};
const told = Object.entries(TOLD).map(
  ([what, [given, recorded, expect]]): SqlAttack => ({
    ...rows,
    name: `having something kept for listeners: ${what}`,
    gain: 'others hear of what is not theirs',
    rule: 'D3 D27',
    ...(given && { given }),
    changes: true,
    steps: [open('alice'), recorded, kept(...expect)],
  }),
);
/** By an administrator, to somebody's agent. */
const administered: SqlAttack = {
  ...rows,
  name: 'having something kept for listeners: an agent of which another tenant has one too, by an administrator',
  gain: 'others hear of what is not theirs',
  rule: 'D3 D27',
  given: together(
    twins,
    unchecked('delete from entities where tenant_id = $1 and id = $2', acme, agent.bobot),
  ),
  changes: true,
  steps: [open('ada'), record('agent.suspended', 'agent', agent.bobot), kept()],
};

/** The same of an agent that there is: its owner hears of it. */
const administering: SqlAttack = {
  ...rows,
  name: 'what an administrator does to somebody’s agent is kept for its owner',
  gain: 'nobody would hear that their agent was stopped',
  rule: 'D26 D27',
  control: true,
  steps: [
    open('ada'),
    record('agent.suspended', 'agent', agent.scout),
    kept(['agent.suspended', 'agent', acme, alice.id, agent.scout, 'nowhere', agent.scout]),
  ],
};

/** What is others', by whoever neither acts for them, nor is a party to it, nor administers the tenant: of each nothing is kept. */
const STRANGERS: Readonly<Record<string, readonly [who: ActorName, acting?: Acting]>> = {
  'a colleague': ['bob'],
  'a colleague’s agent': ['bobot', { delegation: DELEGATIONS.bobot.id }],
  'a stranger': ['mallory'],
  'an agent of the owner’s that is no party to it, as itself': ['late'],
  'an administrator, as another’s agent would': ['ada', { scopes: ['agent:read'] }],
};
const intruding = Object.entries(STRANGERS).map(
  ([what, [who, acting]]): SqlAttack => ({
    ...rows,
    name: `having something kept for listeners: what is another’s, by ${what}`,
    gain: 'others hear what one made up',
    rule: 'D3 D27',
    changes: true,
    steps: [
      open(who, acting),
      record('approval.approved', 'approval', request),
      record('delegation.revoked', 'delegation', DELEGATIONS.scout.id),
      record('agent.suspended', 'agent', agent.scout),
      kept(),
    ],
  }),
);

/** Whether members of a world are told of it. */
const toMembers = (...expect: readonly boolean[]): Step =>
  aside(
    `select coalesce(string_agg(shared::text, ' ' order by seq), '') from bailiwick.events`,
    expect.join(' '),
  );
const wasShared = (world: string): Step =>
  record('memory.deleted', 'memory', newId(), { worldId: world, shared: true });
const left: Given = unchecked('delete from world_members where entity_id = $1', USERS.bob.id);
const shared: Given = unchecked('update memories set shared = true where id = $1', placed);
/** By whom, of a memory in which world, and whether it is laid before the members. */
const LAID: Readonly<
  Record<string, readonly [who: ActorName, recorded: Step, told: boolean, given?: Given]>
> = {
  'in a world that one has left': ['bob', wasShared(garden), false, left],
  'in another’s world': ['alice', wasShared(WORLDS.workshop.id), false],
  'in a world, as no member': ['ada', wasShared(garden), false],
  'in a world of another tenant': ['mallory', wasShared(garden), false],
  'in no world that there is': ['alice', wasShared(NEW), false],
  'that is in a world and not shared there': ['alice', record('memory.updated', 'memory', placed), false],
  'that is shared in a world that one has left': [
    'bob',
    record('memory.updated', 'memory', placed),
    false,
    together(shared, left),
  ],
  'that is shared in one’s world': ['alice', record('memory.updated', 'memory', placed), true, shared],
  'that was shared in one’s world': ['alice', wasShared(garden), true],
};
const laid = Object.entries(LAID).map(
  ([what, [who, recorded, told, given]]): SqlAttack => ({
    ...rows,
    name: `${told ? 'members hear of' : 'having members told of'} a memory ${what}`,
    gain: told ? 'nobody would hear of what is shared' : 'people who did not ask hear what one made up',
    rule: 'D27 P2',
    ...(given && { given }),
    ...(told ? { control: true } : { changes: true }),
    steps: [open(who), recorded, toMembers(told)],
  }),
);

export const ANNOUNCED: readonly SqlAttack[] = [...told, administered, administering, ...intruding, ...laid];
