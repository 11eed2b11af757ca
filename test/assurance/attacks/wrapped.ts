// Attacks on the keys of what is encrypted (P2, P31, P32; D3, D7, D12, D26; S3): wrapped keys of others read; keys replaced, brought
// back or removed; keys planted for somebody else to seal with. What is sealed with them stands in sealing.ts.

import { type ActorName, AGENTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import type { Acting } from '../../kit/as.ts';
import {
  arrangeHung,
  arrangeKeys,
  HUNG,
  issuedTicket,
  KEYS,
  keyTicket,
  serviceTicket,
} from '../../policies/credentials.ts';
import { DEAD, suspend } from '../../policies/given.ts';
import { arrangeWrapped, keepTenantKey, TENANT_KEYS } from '../../policies/wrapped.ts';
import { acme, alice, bob, globex, rows } from './attempted.ts';
import { type Given, through, together } from './hops.ts';
import { given, OWN, seals } from './sealing.ts';
import { aside, open, opened, type SqlAttack, type Step, step } from './stage.ts';
import { twins } from './worlds.ts';

const { scout, scribe, late, bobot } = AGENTS;

const SEE = 'select from data_keys where holder_id = $1';
const reading: SqlAttack[] = [
  ...(
    [
      ['a colleague reads', 'bob', {}, alice],
      ['a colleague’s agent reads', 'bobot', { delegation: DELEGATIONS.bobot.id }, alice],
      ['an administrator reads', 'ada', {}, alice],
      ['somebody of another tenant reads', 'mallory', {}, alice],
      ['an agent as itself reads', 'scout', {}, alice],
      ['an agent reads, of the agent below it,', 'scout', {}, scribe.id],
      ['an agent reads, of itself through a delegation,', 'scout', through.scout, scout.id],
      ['a sub-agent reads, of the agent above it,', 'scribe', through.scribe, scout.id],
      ['an agent whose delegation has expired reads', 'late', { delegation: DELEGATIONS.late.id }, alice],
      ['an agent whose delegation was revoked reads', 'rogue', { delegation: DELEGATIONS.rogue.id }, alice],
    ] as readonly (readonly [string, ActorName, Acting, string])[]
  ).map(
    ([who, actor, acting, holder]): SqlAttack => ({
      ...rows,
      name: `${who} the wrapped keys of another holder`,
      gain: 'half of what it takes to read everything that is sealed',
      rule: 'P2 D26',
      given: together(given, twins),
      changes: true,
      steps: [open(actor, acting), step(SEE, 0, [holder])],
    }),
  ),
  ...Object.entries({ ...DEAD, 'the sub-agent is suspended': suspend('scribe') }).map(
    ([state, kill]): SqlAttack => ({
      ...rows,
      name: `reading wrapped keys, and having one kept, when ${state}`,
      gain: 'keys for whoever was stopped',
      rule: 'D12 D17',
      given: together(given, (sql) => sql.rows('delete from data_keys where holder_id = $1', [alice]), kill),
      changes: true,
      steps: [
        open('scribe', through.scribe),
        step('select from data_keys', 0),
        step('select from tenant_keys', 0),
        step('select bailiwick.key_holder()', 'null'),
        step('select bailiwick.key_tenant()', 'null'),
        step(`select bailiwick.add_data_key($1, $2, $3, 'mine', false)`, 'false', [
          newId(),
          alice,
          TENANT_KEYS.acme,
        ]),
        step(`select bailiwick.add_tenant_key($1, 'index', 'mine', false)`, 'false', [newId()]),
      ],
    }),
  ),
  {
    ...rows,
    name: 'reading the wrapped keys of a twin in another tenant',
    gain: 'half of what it takes to read what another customer has sealed',
    rule: 'D3 P28',
    given: together(given, twins),
    changes: true,
    steps: [
      open('alice'),
      step('select from data_keys where tenant_id = $1', 0, [globex]),
      step('select from tenant_keys where tenant_id = $1', 0, [globex]),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'an owner reads her wrapped keys and her agents’, an agent for her hers, and as itself its own',
    gain: 'nothing that is sealed could be opened',
    rule: 'P2',
    given,
    steps: [
      open('alice'),
      step(SEE, 4, [alice]),
      step(SEE, 2, [scout.id]),
      step('select from tenant_keys where version > 1', 2),
      step('select bailiwick.key_holder()', alice),
      step('select bailiwick.key_tenant()', acme),
    ],
  },
];

const TAMPERING: Readonly<Record<string, readonly [gain: string, text: string]>> = {
  'replacing a wrapped key': [
    'what is sealed from now on opens for whoever made it',
    `update data_keys set wrapped = 'mine'`,
  ],
  'bringing back a key that was replaced': [
    'a key that leaked is in use again',
    'update data_keys set retired_at = null',
  ],
  'destroying a data key': [
    'everything of its holder is lost',
    'update data_keys set wrapped = null, destroyed_at = now()',
  ],
  'deleting a data key': ['everything of its holder is lost', 'delete from data_keys'],
  'adding a data key past the kernel': [
    'a key that somebody else seals with',
    `insert into data_keys (tenant_id, id, owner_id, holder_id, tenant_key_id, wrapped, erasable)
     values ('${acme}', gen_random_uuid(), '${bob}', '${bob}', '${TENANT_KEYS.acme}', 'mine', false)`,
  ],
  'replacing the key of a tenant': [
    'everything of a customer is lost',
    `update tenant_keys set wrapped = 'mine'`,
  ],
  'deleting the key of a tenant': ['everything of a customer is lost', 'delete from tenant_keys'],
  'adding a key of a tenant past the kernel': [
    'whatever is wrapped from now on opens for whoever made it',
    `insert into tenant_keys (tenant_id, id, purpose, version, wrapped, erasable)
     values ('${acme}', gen_random_uuid(), 'wrap', 99, 'mine', false)`,
  ],
  'locking a data key': ['a rotation that waits for an attacker', 'select from data_keys for share'],
  'locking the key of a tenant': ['nobody new could seal anything', 'select from tenant_keys for share'],
  'writing down that keys were replaced': [
    'a rotation that counts as done',
    'delete from bailiwick.key_rotations',
  ],
  'reading when keys are replaced': [
    'when to copy what is about to be sealed anew',
    'table bailiwick.key_rotations',
  ],
};

const tampering: SqlAttack[] = Object.entries(TAMPERING).flatMap(([what, [gain, text]]) =>
  (['alice', 'ada', 'scout'] as const).map(
    (who): SqlAttack => ({
      ...rows,
      name: `${what}, as ${who}`,
      gain,
      rule: 'P32',
      given: arrangeWrapped,
      steps: [open(who), step(text, '42501')],
    }),
  ),
);

const ADD = `select bailiwick.add_data_key($1, $2, $3, 'mine', false)`;
const ADD_ABOVE = `select bailiwick.add_tenant_key($1, $2, 'mine', false)`;
const none: Given = (sql) => sql.rows('delete from data_keys; delete from tenant_keys');
/** A key of each tenant, and of nobody in it. */
const bare: Given = together(
  none,
  (sql) => keepTenantKey(sql, acme, TENANT_KEYS.acme),
  (sql) => keepTenantKey(sql, acme, TENANT_KEYS.index, 'index'),
  (sql) => keepTenantKey(sql, globex, TENANT_KEYS.globex),
);
const adds = (expect: boolean, holder: string, above: string = TENANT_KEYS.acme): Step =>
  step(ADD, String(expect), [newId(), holder, above]);

type Planting = readonly [who: ActorName, acting: Acting, holder: string, above?: string];
const PLANTED: Readonly<Record<string, Planting>> = {
  'for a colleague': ['alice', {}, bob],
  'for a colleague’s agent': ['alice', {}, bobot.id],
  'for somebody of another tenant': ['alice', {}, USERS.mallory.id],
  'for a member, as administrator': ['ada', {}, alice],
  'for the agent of a member, as administrator': ['ada', {}, scout.id],
  'for its owner, as an agent by itself': ['scout', {}, alice],
  'for another agent of its owner, as an agent by itself': ['scout', {}, late.id],
  'for the agent itself, through a delegation': ['scout', through.scout, scout.id],
  'for another agent of the owner, through a delegation': ['scout', through.scout, late.id],
  'below a key for indexes': ['alice', {}, alice, TENANT_KEYS.index],
  'below a key of another tenant': ['alice', {}, alice, TENANT_KEYS.globex],
};

const planting: SqlAttack[] = [
  ...Object.entries(PLANTED).map(
    ([what, [who, acting, holder, above]]): SqlAttack => ({
      ...rows,
      name: `having a data key kept ${what}`,
      gain: 'what another seals from then on, sealed with a key that one knows',
      rule: 'P31 D26',
      given: together(bare, twins),
      changes: true,
      steps: [open(who, acting), adds(false, holder, above), aside('select count(*)::int from data_keys', 0)],
    }),
  ),
  {
    ...rows,
    name: 'having a data key kept in the place of one that is there, or that was destroyed',
    gain: 'a holder who goes on sealing with a key that somebody else made',
    rule: 'P31',
    given,
    changes: true,
    steps: [
      open('alice'),
      adds(false, alice),
      aside(
        'update data_keys set wrapped = null, destroyed_at = now() where holder_id = $1 and tenant_id = $2',
        4,
        [alice, acme],
      ),
      adds(false, alice),
    ],
  },
  {
    ...rows,
    name: 'having another key of the tenant kept in the place of the first, or of one that was destroyed',
    gain: 'all that is wrapped from then on opens for whoever made it',
    rule: 'P31',
    given: bare,
    changes: true,
    steps: [
      open('alice'),
      step(ADD_ABOVE, 'true', [newId(), 'wrap']),
      step(ADD_ABOVE, 'false', [newId(), 'wrap']),
      aside(`update tenant_keys set wrapped = null, destroyed_at = now() where purpose = 'wrap'`, 3),
      step(ADD_ABOVE, 'false', [newId(), 'wrap']),
    ],
  },
  ...Object.entries({ 'the server itself': serviceTicket, nobody: undefined }).map(
    ([who, make]): SqlAttack => ({
      ...rows,
      name: `having keys kept, and values counted as sealed, as ${who}`,
      gain: 'keys in nobody’s name',
      rule: 'S3 D26',
      given: bare,
      steps: [
        ...(make === undefined ? [] : [opened(make, 'true')]),
        adds(false, alice),
        step(ADD_ABOVE, 'false', [newId(), 'wrap']),
        seals(false, OWN),
        step('select bailiwick.key_holder()', 'null'),
        step('select bailiwick.key_tenant()', 'null'),
        step('select from data_keys', 0),
        step('select from tenant_keys', 0),
      ],
    }),
  ),
  ...Object.entries({
    'an API key': () => keyTicket(KEYS.bob.digest),
    'a token of ours on a session': () => issuedTicket(HUNG.session.id),
  }).map(
    ([what, make]): SqlAttack => ({
      ...rows,
      name: `having a data key kept for somebody else with ${what}`,
      gain: 'what another seals from then on, sealed with a key that one knows',
      rule: 'P31 D7',
      given: together(bare, arrangeKeys, arrangeHung),
      steps: [opened(make, 'true'), adds(false, USERS.ada.id), adds(false, USERS.mallory.id)],
    }),
  ),
  {
    ...rows,
    control: true,
    name: 'the first key of a tenant, of its owner and of an agent in person are kept',
    gain: 'nothing could be sealed',
    rule: 'P31',
    given: none,
    steps: [
      open('alice'),
      step(ADD_ABOVE, 'true', [TENANT_KEYS.acme, 'wrap']),
      step(ADD_ABOVE, 'true', [newId(), 'index']),
      adds(true, alice),
      adds(true, scout.id),
      aside('select count(*)::int from data_keys where owner_id = $1 and version = 1', 2, [alice]),
    ],
  },
];

export const WRAPPED: readonly SqlAttack[] = [...reading, ...tampering, ...planting];
