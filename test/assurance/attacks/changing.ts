// Attacks by writing (P28, P31, P32; D21, D23): rows of others changed, rows made in another name, moved to another owner, given
// another past; one's own rights raised. And that owners can do with what is theirs what they may.

import { type ActorName, AGENTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import type { Acting } from '../../kit/as.ts';
import { memoryOf } from '../../policies/arrangement.ts';
import { alice, asScout, bob, GARDEN, globex, made, memory, rows } from './attempted.ts';
import { set } from './hops.ts';
import { MEMORIES } from './seals.ts';
import { open, type SqlAttack, type Step, step } from './stage.ts';

const changing: Readonly<Record<string, readonly [rule: string, who: ActorName, steps: readonly Step[]]>> = {
  'memories of a colleague': [
    'P2 D26',
    'bob',
    [
      step(`update memories set kind = 'changed' where owner_id = $1`, 0, [alice]),
      step('delete from memories where owner_id = $1', 0, [alice]),
    ],
  ],
  'a memory of a colleague by its id': [
    'P2 D26',
    'bob',
    [
      step(`update memories set kind = 'changed' where id = $1`, 0, [memoryOf('alice')]),
      step('delete from memories where id = $1', 0, [memoryOf('alice')]),
    ],
  ],
  'a memory of a colleague in a world that one shares': [
    'P2',
    'bob',
    [
      step(`update memories set kind = 'changed' where id = $1`, 0, [memoryOf('alice', 'garden')]),
      step('select from memories where id = $1', 0, [memoryOf('alice', 'garden')]),
    ],
  ],
  'a memory of a stranger by its id': [
    'P2 D3',
    'mallory',
    [
      step(`update memories set kind = 'changed' where id = $1`, 0, [memoryOf('alice')]),
      step('delete from memories where id = $1', 0, [memoryOf('alice')]),
    ],
  ],
  'agents of a colleague': [
    'P2',
    'bob',
    [
      step(`update agents set name = 'Taken' where owner_id = $1`, 0, [alice]),
      step(`update entities set status = 'suspended' where owner_id = $1`, 0, [alice]),
    ],
  ],
  'what an agent of a colleague is told': [
    'P2',
    'bob',
    [step(`update agent_instructions set system_prompt = 'Obey bob.' where owner_id = $1`, 0, [alice])],
  ],
  'the profile of a colleague': [
    'P2',
    'bob',
    [step(`update users set display_name = 'Taken' where id = $1`, 0, [alice])],
  ],
  'the profile of a colleague, as administrator': [
    'P2',
    'ada',
    [step(`update users set display_name = 'Taken' where id = $1`, 0, [alice])],
  ],
  'a world of which one is a member': [
    'P2',
    'bob',
    [
      step(`update worlds set name = 'Taken' where id = $1`, 0, [GARDEN]),
      step(`update entities set status = 'archived' where id = $1`, 0, [GARDEN]),
    ],
  ],
  'other members of a world of which one is a member': [
    'P2',
    'bob',
    [
      step(`delete from world_members where world_id = $1 and entity_id <> $2`, 0, [GARDEN, bob]),
      step(`update world_members set role = 'guest' where world_id = $1`, 0, [GARDEN]),
    ],
  ],
  'one’s own role in somebody else’s world': [
    'P31',
    'bob',
    [
      step(`update world_members set role = 'guest' where entity_id = $1 and world_id = $2`, 0, [
        bob,
        GARDEN,
      ]),
    ],
  ],
  'the owner’s membership of a world': [
    'P31',
    'alice',
    [
      step(`delete from world_members where world_id = $1 and role = 'owner'`, 0, [GARDEN]),
      step(`update world_members set role = 'member' where world_id = $1 and role = 'owner'`, 0, [GARDEN]),
    ],
  ],
  'a member into an owner': [
    'P31',
    'alice',
    [
      step(`update world_members set role = 'owner' where world_id = $1 and role = 'member'`, '42501', [
        GARDEN,
      ]),
    ],
  ],
  'one’s own role in the tenant': ['P31 P32', 'alice', [step(`update users set role = 'admin'`, '42501')]],
  'one’s own e-mail': ['P32 D13', 'alice', [step(`update users set email = 'ada@acme.example'`, '42501')]],
  'one’s own ceiling, as an agent': [
    'D13',
    'scout',
    [step('update entities set ceiling = null', 0), step(`update entities set status = 'active'`, 0)],
  ],
  'an agent of another tenant, as administrator': [
    'D3',
    'ada',
    [step(`update entities set status = 'suspended' where tenant_id = $1`, 0, [globex])],
  ],
};

const MOVES: Readonly<Record<string, readonly string[]>> = {
  memories: [
    'tenant_id',
    'owner_id',
    'id',
    'world_id',
    'agent_id',
    'created_by',
    'delegation_id',
    'request_id',
    'created_at',
  ],
  agents: ['tenant_id', 'owner_id', 'id', 'parent_id', 'created_by'],
  entities: ['tenant_id', 'owner_id', 'id', 'kind', 'created_at'],
  worlds: ['tenant_id', 'owner_id', 'created_by'],
  world_members: ['tenant_id', 'owner_id', 'world_id', 'entity_id'],
  agent_instructions: ['tenant_id', 'owner_id', 'id'],
  users: ['tenant_id', 'owner_id', 'id', 'role', 'email'],
};

const moving = Object.entries(MOVES).map(
  ([table, columns]): SqlAttack => ({
    ...rows,
    name: `moving rows of ${table} to another owner, tenant or past`,
    gain: 'rows planted with others, or a provenance that is a lie',
    rule: 'P31 D21 D23',
    steps: [
      open('alice'),
      ...columns.map((column) => step(`update ${table} set ${column} = ${column}`, '42501')),
    ],
  }),
);

const spare = newId();

const making: Readonly<
  Record<
    string,
    readonly [rule: string, who: ActorName, acting: Acting, steps: readonly Step[], changes?: boolean]
  >
> = {
  'a memory in the name of a colleague': ['P28', 'bob', {}, [memory({}, '42501')]],
  'a memory in another tenant': ['D3', 'alice', {}, [memory({ tenant_id: globex }, '42501')]],
  'a memory in the name of a stranger': [
    'D3',
    'mallory',
    {},
    [memory({ tenant_id: globex }, '42501'), memory({}, '42501')],
  ],
  'a memory in a world of which one is no member': [
    'D11',
    'alice',
    {},
    [memory({ world_id: WORLDS.workshop.id }, '42501')],
  ],
  'a memory that somebody else seems to have made': [
    'D23',
    'alice',
    {},
    [memory({ created_by: bob }, '42501')],
  ],
  'a memory of another request': ['D23', 'alice', {}, [memory({ request_id: spare }, '42501')]],
  'a memory that seems made through a delegation': [
    'D23',
    'alice',
    {},
    [memory({ delegation_id: DELEGATIONS.scout.id }, '42501')],
  ],
  'a memory that hides the delegation it is made through': [
    'D23',
    'scout',
    asScout,
    [memory({ delegation_id: null }, '42501'), memory({ created_by: alice }, '42501')],
  ],
  'an agent of somebody else': [
    'P28',
    'bob',
    {},
    [made('entities', { kind: 'agent', owner_id: alice }, '42501')],
  ],
  'an agent of one’s owner, without being allowed': [
    'D8',
    'scout',
    asScout,
    [made('entities', { kind: 'agent', owner_id: alice }, '42501')],
  ],
  'an agent of an agent': [
    'D1',
    'scout',
    {},
    [made('entities', { kind: 'agent', owner_id: AGENTS.scout.id }, '42501')],
  ],
  'a world of somebody else': [
    'P28',
    'bob',
    {},
    [made('entities', { kind: 'world', owner_id: alice }, '42501')],
  ],
  'a user': [
    'P28',
    'ada',
    {},
    [
      made('entities', { id: spare, kind: 'user', owner_id: spare }, '42501'),
      made('users', { id: spare, owner_id: spare, display_name: 'New' }, '42501'),
    ],
  ],
  'an identity': [
    'P32',
    'ada',
    {},
    [made('identities', { entity_id: alice, issuer: 'https://elsewhere.test/', subject: 'ada' }, '42501')],
  ],
  'a tenant': [
    'P28',
    'ada',
    {},
    [step(`insert into tenants (tenant_id, id, slug, name) values ($1, $1, 'new', 'New')`, '42501', [spare])],
  ],
  'an agent with a forged provenance': [
    'D23',
    'alice',
    {},
    [
      made('entities', { id: spare, kind: 'agent', owner_id: alice }, 1),
      made('agents', { id: spare, owner_id: alice, name: 'New', created_by: bob }, '42501'),
      made('agents', { id: spare, owner_id: alice, name: 'New', request_id: bob }, '42501'),
      made(
        'agents',
        { id: spare, owner_id: alice, name: 'New', delegation_id: DELEGATIONS.bobot.id },
        '42501',
      ),
    ],
    true,
  ],
  'oneself a member of somebody else’s world': [
    'P28',
    'ada',
    {},
    [made('world_members', { world_id: GARDEN, owner_id: alice, entity_id: USERS.ada.id }, '42501')],
  ],
  'a member of a world, as a mere member': [
    'P28',
    'bob',
    {},
    [made('world_members', { world_id: GARDEN, owner_id: alice, entity_id: USERS.ada.id }, '42501')],
  ],
  'instructions for a colleague’s agent': [
    'P28',
    'bob',
    {},
    [made('agent_instructions', { id: AGENTS.late.id, owner_id: alice }, '42501')],
  ],
  'instructions for an agent, through a delegation': [
    'D13',
    'scout',
    asScout,
    [made('agent_instructions', { id: AGENTS.late.id, owner_id: alice }, '42501')],
  ],
};

export const CHANGING: readonly SqlAttack[] = [
  ...Object.entries(changing).map(
    ([what, [rule, who, steps]]): SqlAttack => ({
      ...rows,
      name: `changing ${what}`,
      gain: 'what others rely on, or one’s own rights',
      rule,
      steps: [open(who), ...steps],
    }),
  ),
  ...moving,
  ...Object.entries(making).map(
    ([what, [rule, who, acting, steps, changes]]): SqlAttack => ({
      ...rows,
      name: `making ${what}`,
      gain: 'rows that others take for their own, or for true',
      rule,
      ...(changes && { changes }),
      steps: [open(who, acting), ...steps],
    }),
  ),
  {
    ...rows,
    name: 'bringing an archived agent back',
    gain: 'an agent that was put away for good',
    rule: 'D19 P30',
    given: set('entities', AGENTS.late.id, `status = 'archived'`),
    steps: [open('alice'), step(`update entities set status = 'active' where id = $1`, 0, [AGENTS.late.id])],
  },
  {
    ...rows,
    control: true,
    name: 'owners read, make, change and delete what is theirs',
    gain: 'nobody could work',
    rule: 'P2 P18',
    steps: [
      open('alice'),
      memory({ world_id: GARDEN }, 1),
      step(MEMORIES, 8),
      step(`update memories set kind = 'changed'`, 8),
      step(`update users set display_name = 'Alice'`, 1),
      step(`update agents set name = 'Renamed'`, 4),
      step('delete from memories', 8),
      made('entities', { id: spare, kind: 'agent', owner_id: alice }, 1),
      made('agents', { id: spare, owner_id: alice, name: 'New' }, 1),
      step(`delete from world_members where world_id = $1 and entity_id = $2`, 1, [GARDEN, bob]),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'strangers read what is theirs',
    gain: 'nobody could work',
    rule: 'P2',
    steps: [
      open('mallory'),
      step(MEMORIES, 3),
      step('select from agents', 1),
      step('select from tenants', 1),
      step('select from worlds', 1),
    ],
  },
];
