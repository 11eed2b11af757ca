// The rows out of sight themselves: one family of Alice's and of her colleague Carol's, in every table there is, and the shed of Bob's on
// which some of it hangs. Data; what states they can be in stands in hidden.ts.

import { entryId } from '../../../src/demo/activity.ts';
import { AGENTS, id, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import { TENANT_KEYS, under } from '../../policies/wrapped.ts';

export const acme = TENANTS.acme.id;
const alice = USERS.alice.id;
export const bob = USERS.bob.id;

const INITECH = id<string>(0, '141ec4');
const CAROL = id<string>(1, 'ca401');
const AGENT = id<string>(2, '5ec4e7');
/** Without instructions, without an agent, without a world: parents whose place is free. */
const AGENT_UNTOLD = id<string>(2, '5ec4e71');
const AGENT_ENTITY = id<string>(2, '5ec4e72');
const WORLD = id<string>(3, '5ec4e7');
const WORLD_ENTITY = id<string>(3, '5ec4e72');
/** A data key of the agent's, and one of Carol's. */
const AGENT_KEY = id<string>(12, '5ec4e7');
const CAROLS_KEY = id<string>(12, '5ec4e71');
/** A credential for a service, and its secret. */
const SERVICE = id<string>(10, '5ec4e7');
/** Bob's own, with nobody in it: whatever hangs on it is out of his sight. */
export const SHED = id<string>(3, '5ed');

export const made = { created_by: alice, delegation_id: null, request_id: id<string>(7, '5ec4e7') };
const later = (days: number) => new Date(Date.UTC(2027, 0, 1) + days * 86_400_000);
const delegation = {
  owner_id: alice,
  delegator_id: alice,
  delegate_id: AGENT,
  not_before: later(0),
  created_at: later(0),
  expires_at: later(30),
  capabilities: ['memory:read'],
  redelegate: 1,
  ...made,
};

const credential = {
  owner_id: alice,
  entity_id: AGENT,
  capabilities: ['memory:read'],
  created_at: later(0),
  expires_at: later(30),
  last_used_at: later(1),
  ...{ created_by: alice, request_id: id(7, '5ec4e7') },
};
const key = { ...credential, hint: 'bwk_hide', pinned_id: id(5, '5ec4e7') };
const service = {
  ...{ id: SERVICE, owner_id: alice, agent_id: AGENT, service: 'hidden-service', label: 'A hidden service' },
  ...{
    kind: 'oauth_token',
    scopes: ['hidden:scope'],
    owner_only: false,
    header: 'x-hidden',
    prefix: 'Hidden ',
  },
  ...{ origin: 'https://hidden-origin.example', calls: '[{"name": "hidden.call"}]' },
  ...{ expires_at: later(30), rotated_at: later(1), last_used_at: later(2), last_used_by: AGENT },
  ...{ created_by: alice, request_id: id(7, '5ec4e7') },
};

const rule = {
  ...{
    id: id(11, '5ec4e72'),
    owner_id: alice,
    agent_id: AGENT,
    service: 'hidden-service',
    action: 'hidden.*',
  },
  ...{ effect: 'deny', note: 'A hidden reason.', created_by: alice, request_id: id(7, '5ec4e7') },
};
const request = {
  ...{ id: id(12, '5ec4e72'), owner_id: alice, agent_id: AGENT, service: 'hidden-service' },
  ...{ action: 'hidden.action', arguments: JSON.stringify(under(AGENT_KEY, 'hidden_arguments')) },
  ...{ digest: '5ec4e7'.padStart(64, '0'), reason: 'A hidden purpose.', version: 'hidden-version' },
  ...{ chain: [id(5, '5ec4e7')], created_at: later(0), expires_at: later(5), decision: 'approved' },
  ...{ note: 'A hidden decision.', decided_at: later(1), decided_by: alice, redeemed_at: later(2) },
  ...{ redemption_id: id(7, '5ec4e71'), created_by: AGENT, delegation_id: id(5, '5ec4e7') },
  request_id: id(7, '5ec4e7'),
};

/** Nobody can write an entry of another time, so only such an id collides; it can be written for some minutes from now on. */
export const SOON = entryId(new Date(Date.now() + 280_000), '5ec4e7');
const entry = {
  ...{ id: SOON, owner_id: alice, agent_id: AGENT, service: 'hidden-service', action: 'hidden.action' },
  ...{ summary: 'A hidden action.', outcome: 'succeeded', duration_ms: 5, approval_id: id(12, '5ec4e72') },
  ...{ started_id: id(13, '5ec4e71'), network: '{"host": "hidden.example"}', chain: [id(5, '5ec4e7')] },
  ...{ created_at: later(0), created_by: AGENT, delegation_id: id(5, '5ec4e7'), request_id: id(7, '5ec4e7') },
};

const baseline = {
  ...{ id: id(15, '5ec4e7'), owner_id: alice, agent_id: AGENT, since: later(0), frozen_at: later(1) },
  ...{ learned: '[{"host": "hidden.example"}]', threshold: 0.7, alerted_at: later(2) },
  ...{ alert: '{"hidden": "alert"}', created_by: alice, request_id: id(7, '5ec4e7') },
};
const receipt = {
  ...{
    id: id(16, '5ec4e7'),
    owner_id: alice,
    agent_id: AGENT,
    day: '2027-01-01',
    operation: 'hiddenOperation',
  },
  ...{ kind: 'Hidden', row_id: id(6, '5ec4e7'), times: 3, first_at: later(0), last_at: later(1) },
  ...{ delegation_id: id(5, '5ec4e7'), request_id: id(7, '5ec4e7') },
};

export type Row = Readonly<Record<string, unknown>>;

/** What is told of it to listeners: the table itself is the kernel's, and nobody else can name it. */
export const TOLD: Row = {
  ...{ owner_id: alice, world_id: WORLD, parties: [AGENT], kind: 'memory', event: 'memory.created' },
  shared: true,
  id: id(6, '5ec4e7'),
};

/** Calls that agents of the cast have begun, and that can be ended: the attackers' own. */
export const BEGUN: readonly Row[] = (
  [
    ['scout', alice],
    ['bobot', bob],
  ] as const
).map(([name, owner_id]) => ({
  ...{ id: newId(), owner_id, agent_id: AGENTS[name].id, service: 'shop', action: 'orders.place' },
  ...{ outcome: 'started', chain: [DELEGATIONS[name].id], created_by: AGENTS[name].id },
  ...{ delegation_id: DELEGATIONS[name].id, request_id: made.request_id },
}));

/** Parents first. */
export const FAMILY: readonly (readonly [table: string, row: Row])[] = [
  ['tenants', { tenant_id: INITECH, id: INITECH, slug: 'initech', name: 'Initech Holdings' }],
  ['entities', { id: CAROL, kind: 'user', owner_id: CAROL }],
  ['entities', { id: AGENT, kind: 'agent', owner_id: alice, ceiling: '["memory:read"]' }],
  ['entities', { id: AGENT_UNTOLD, kind: 'agent', owner_id: alice }],
  ['entities', { id: AGENT_ENTITY, kind: 'agent', owner_id: alice }],
  ['entities', { id: WORLD, kind: 'world', owner_id: alice }],
  ['entities', { id: WORLD_ENTITY, kind: 'world', owner_id: alice }],
  [
    'identities',
    {
      id: id(9, '5ec4e7'),
      entity_id: CAROL,
      issuer: 'https://hidden-issuer.example/',
      subject: 'carol-subject',
    },
  ],
  [
    'users',
    {
      id: CAROL,
      owner_id: CAROL,
      display_name: 'Carol Hidden',
      email: 'carol@hidden.example',
      locale: 'fr-CH',
      time_zone: 'Europe/Zurich',
    },
  ],
  [
    'agents',
    {
      id: AGENT,
      owner_id: alice,
      name: 'Hidden agent',
      icon: 'hidden-icon',
      description: 'A hidden purpose.',
      model: 'hidden-model',
      settings: '{"hidden": "setting"}',
      ...made,
    },
  ],
  ['agents', { id: AGENT_UNTOLD, owner_id: alice, name: 'Hidden untold agent', ...made }],
  [
    'agent_instructions',
    {
      id: AGENT,
      owner_id: alice,
      system_prompt: under(AGENT_KEY, 'hidden_prompt'),
      private_instructions: under(AGENT_KEY, 'hidden_instructions'),
    },
  ],
  ['worlds', { id: WORLD, owner_id: alice, name: 'Hidden world', description: 'A hidden place.', ...made }],
  [
    'world_members',
    { id: id(4, '5ec4e7'), world_id: WORLD, owner_id: alice, entity_id: alice, role: 'owner', ...made },
  ],
  [
    'world_members',
    { id: id(4, '5ec4e71'), world_id: WORLD, owner_id: alice, entity_id: CAROL, role: 'guest', ...made },
  ],
  ['delegations', { id: id(5, '5ec4e7'), purpose: 'A hidden grant', ...delegation }],
  [
    'delegations',
    { id: id(5, '5ec4e71'), purpose: 'A hidden grant in the shed', world_id: SHED, ...delegation },
  ],
  [
    'memories',
    {
      id: id(6, '5ec4e7'),
      owner_id: alice,
      agent_id: AGENT,
      world_id: WORLD,
      shared: true,
      kind: 'hidden-kind',
      content: 'A hidden memory.',
      tags: ['hidden-tag'],
      metadata: '{"hidden": "metadata"}',
      ...made,
    },
  ],
  [
    'memories',
    {
      id: id(6, '5ec4e71'),
      owner_id: alice,
      world_id: SHED,
      content: 'A hidden memory in the shed.',
      ...made,
    },
  ],
  [
    'memories',
    {
      id: id(6, '5ec4e72'),
      owner_id: alice,
      world_id: SHED,
      sensitive: true,
      content: under(AGENT_KEY, 'hidden_memory'),
      metadata: JSON.stringify(under(AGENT_KEY, 'hidden_metadata')),
      ...made,
    },
  ],
  [
    'tenant_keys',
    {
      tenant_id: INITECH,
      id: id(11, '5ec4e7'),
      purpose: 'wrap',
      version: 3,
      wrapped: 'hidden-wrapped-key',
      erasable: true,
      created_at: later(0),
    },
  ],
  [
    'tenant_keys',
    {
      tenant_id: INITECH,
      id: id(11, '5ec4e71'),
      purpose: 'index',
      version: 4,
      wrapped: null,
      erasable: true,
      created_at: later(0),
      destroyed_at: later(2),
    },
  ],
  ...(
    [
      [AGENT_KEY, AGENT, alice],
      [CAROLS_KEY, CAROL, CAROL],
    ] as const
  ).map(([key, holder_id, owner_id], n): [string, Row] => [
    'data_keys',
    {
      ...{ id: key, owner_id, holder_id, tenant_key_id: TENANT_KEYS.acme, version: 21 + n, erasable: true },
      ...{ wrapped: `hidden-data-key-${n}`, created_at: later(0), retired_at: later(1) },
    },
  ]),
  [
    'issuers',
    {
      id: id(9, '5ec4e71'),
      issuer: 'https://hidden-login.example/',
      settings: '{"hidden": "issuer"}',
    },
  ],
  [
    'credentials',
    { id: id(8, '5ec4e71'), label: 'A hidden key', digest: '5ec4e71'.padStart(64, '0'), ...key },
  ],
  [
    'credentials',
    {
      id: id(8, '5ec4e72'),
      label: 'A hidden key in its place',
      digest: '5ec4e72'.padStart(64, '0'),
      replaces_id: id(8, '5ec4e71'),
      ...key,
    },
  ],
  [
    'credentials',
    {
      id: id(8, '5ec4e73'),
      kind: 'client',
      label: 'A hidden client',
      public_key: '{"hidden": "public key"}',
      pinned_id: id(5, '5ec4e7'),
      ...credential,
    },
  ],
  ['credentials', { id: id(8, '5ec4e74'), kind: 'session', label: 'A hidden session', ...credential }],
  ['service_credentials', service],
  [
    'service_secrets',
    { id: SERVICE, owner_id: alice, secret: under(AGENT_KEY, 'hidden_secret'), secret_index: 'hidden-index' },
  ],
  ['permissions', rule],
  ['approvals', request],
  ['activity_entries', entry],
  ['baselines', baseline],
  ['access_receipts', receipt],
  [
    'audit_entries',
    {
      id: id(8, '5ec4e7'),
      event: 'hidden.event',
      actor_id: alice,
      owner_id: alice,
      chain: [],
      request_id: id(7, '5ec4e7'),
      policy_checksum: 'hidden checksum',
    },
  ],
];
