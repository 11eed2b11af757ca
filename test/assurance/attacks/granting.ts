// Attacks on granting (bailiwick.grant_refusal, prisma/policies/02-granting.sql, D4, D5, D9, D10, D12 to D15): more than one holds, to
// whom one must not, for longer than allowed, in a name that is not one's own. Each refusal by its word and by the policy.

import { DELEGABLE, PERSONAL } from '../../../src/capabilities.ts';
import { AGENTS, TENANTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { type EntityId, newId } from '../../../src/ids.ts';
import type { Sql } from '../../kit/as.ts';
import { insert } from '../../policies/arrangement.ts';
import { suspend } from '../../policies/given.ts';
import { set, together } from './hops.ts';
import {
  acme,
  alice,
  asScout,
  beforehand,
  type Case,
  DAY,
  HOP,
  hop,
  inGarden,
  itself,
  LIMITED,
  onward,
  proposed,
  ROOT,
  root,
  SCOUT,
  scout,
  THIRD,
} from './proposals.ts';
import type { SqlAttack } from './stage.ts';
import { twins } from './worlds.ts';

const TWIN_AGENT = newId<EntityId>();

/** An agent of alice's that stands in the other tenant only. */
const elsewhere = async (sql: Sql) => {
  await twins(sql);
  const key = { tenant_id: TENANTS.globex.id, id: TWIN_AGENT, owner_id: alice };
  await insert(sql, 'entities', { ...key, kind: 'agent' });
  await insert(sql, 'agents', { ...key, name: 'Elsewhere', created_by: alice, request_id: alice });
};

/** Scout's twin in the other tenant is a person. */
const person = async (sql: Sql) => {
  const key = { tenant_id: TENANTS.globex.id, id: scout, owner_id: scout };
  await insert(sql, 'entities', { ...key, kind: 'user' });
  await insert(sql, 'users', { ...key, display_name: 'Twin' });
};

/** Scout's delegation is wider in the other tenant, and found there first. */
const wider = together(
  twins,
  (sql) =>
    sql.rows(
      `update delegations set capabilities = capabilities || '{user:update}' where tenant_id = $1 and id = $2`,
      [TENANTS.globex.id, SCOUT],
    ),
  set('delegations', SCOUT, 'purpose = purpose'),
);
const memberElsewhere = async (sql: Sql) => {
  await twins(sql);
  await sql.rows(
    `insert into world_members (tenant_id, id, world_id, owner_id, entity_id, created_by, request_id)
     values ($1, gen_random_uuid(), $2, $3, $4, $4, $4)`,
    [TENANTS.globex.id, WORLDS.workshop.id, USERS.bob.id, alice],
  );
};

const refused: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  authority: {
    'as a colleague, what is alice’s': ['D14', 'bob', itself, ROOT],
    'as the administrator, what is alice’s': ['D14', 'ada', itself, ROOT],
    'as a stranger, what is alice’s': ['D3 D14', 'mallory', itself, ROOT],
    'in the name of another owner': ['D14', 'alice', itself, root({ owner_id: USERS.bob.id })],
    'in the name of another delegator': ['D14', 'alice', itself, root({ delegator_id: USERS.bob.id })],
    'in the name of no owner': ['D14', 'alice', itself, root({ owner_id: null as unknown as string })],
    'a hop in the name of another agent': ['D14', 'scout', asScout, hop({ delegator_id: AGENTS.rogue.id })],
    'a hop in the name of another owner': ['D14', 'scout', asScout, hop({ owner_id: USERS.bob.id })],
    'a root as an agent, in the owner’s name': ['D13 D14', 'scout', asScout, ROOT],
    'a root as an agent, for itself and in person': [
      'D13 D14',
      'scout',
      itself,
      root({ owner_id: scout, delegator_id: scout }),
    ],
    'a root as an agent whose twin elsewhere is a person': [
      'D3 D14',
      'scout',
      beforehand(person),
      root({ owner_id: scout, delegator_id: scout }),
    ],
    'a hop as an agent in person': ['D14', 'scout', itself, HOP],
    'a hop below another delegation of one’s own': [
      'D14',
      'scout',
      { delegation: DELEGATIONS.scoutInGarden.id },
      HOP,
    ],
    'a hop as a person, in the middle of a chain': ['D14', 'alice', itself, HOP],
    'a root below a delegation': ['D14', 'alice', itself, root({ parent_id: SCOUT })],
    'a root at depth two': ['D14', 'alice', itself, root({ depth: 2 })],
    'a hop at the depth above': ['D4', 'scout', asScout, hop({ depth: 1 })],
    'a hop that leaves a depth out': ['D4', 'scout', asScout, hop({ depth: 3 })],
    'through a delegation that is revoked': [
      'D14 D17',
      'rogue',
      { delegation: DELEGATIONS.rogue.id },
      root({ delegator_id: AGENTS.rogue.id, parent_id: DELEGATIONS.rogue.id, depth: 2 }),
    ],
    'with a token that is not for granting': [
      'D8',
      'alice',
      { scopes: ['memory:read', 'delegation:read'] },
      ROOT,
    ],
    'a hop with a token that is not for granting': [
      'D8',
      'scout',
      { ...asScout, scopes: ['memory:read', 'delegation:read'] },
      HOP,
    ],
    'while suspended': ['D19', 'alice', { given: suspend('alice') }, ROOT],
    'a hop while the owner is suspended': ['D19', 'scout', { ...asScout, given: suspend('alice') }, HOP],
    'with a token that has expired': ['D12', 'alice', { tokenExpiresAt: new Date(Date.now() - 1) }, ROOT],
  },
  redelegate: {
    'a root with four further hops': ['D4', 'alice', itself, root({ redelegate: 4 })],
    'a root with fewer than no further hops': ['D4', 'alice', itself, root({ redelegate: -1 })],
    'a hop with as many further hops as above': ['D4', 'scout', asScout, hop({ redelegate: 2 })],
    'a hop with fewer than no further hops': ['D4', 'scout', asScout, hop({ redelegate: -1 })],
    'a hop below one that allows none': [
      'D4',
      'scribe',
      { delegation: DELEGATIONS.scribe.id },
      { ...THIRD, parent_id: DELEGATIONS.scribe.id },
    ],
    'a hop with fewer than none below one that allows none': [
      'D4',
      'scribe',
      { delegation: DELEGATIONS.scribe.id },
      { ...THIRD, parent_id: DELEGATIONS.scribe.id, redelegate: -1 },
    ],
  },
  capabilities: {
    nothing: ['D9', 'alice', itself, root({ capabilities: [] })],
    'nothing at all': ['D9', 'alice', itself, root({ capabilities: null })],
    'a hop for nothing': ['D9', 'scout', asScout, hop({ capabilities: [] })],
    'a hop for nothing at all': ['D9', 'scout', asScout, hop({ capabilities: null })],
    'a wildcard': ['D9', 'alice', itself, root({ capabilities: ['memory:*'] })],
    'a word that is none': ['D9', 'alice', itself, root({ capabilities: ['secret:tell'] })],
    'a capability twice': ['D9', 'alice', itself, root({ capabilities: ['memory:read', 'memory:read'] })],
    'a capability that is null': [
      'D9',
      'alice',
      itself,
      root({ capabilities: ['memory:read', null as unknown as string] }),
    ],
    'writing without reading': ['D10', 'alice', itself, root({ capabilities: ['memory:create'] })],
    'writing of one kind with reading of another': [
      'D10',
      'alice',
      itself,
      root({ capabilities: ['memory:create', 'world:read'] }),
    ],
    'a hop for what only one’s twin holds, in another tenant': [
      'D3 D8',
      'scout',
      beforehand(wider, asScout),
      hop({ capabilities: ['memory:read', 'user:read', 'user:update'] }),
    ],
    'a hop for what one does not hold': [
      'D8',
      'scout',
      asScout,
      hop({ capabilities: ['memory:read', 'user:read', 'user:update'] }),
    ],
    ...Object.fromEntries(
      [
        ...PERSONAL,
        'agent:delete',
        'world:delete',
        'user:create',
        'user:delete',
        'instruction:read',
        'audit:read',
        'memory:execute',
      ].map((word): [string, Case] => [
        `what is never delegated, ${word}`,
        [
          'D9 D13',
          'alice',
          itself,
          root({
            capabilities: [`${word.split(':')[0]}:read`, word].filter(
              (one) => one === word || (DELEGABLE as readonly string[]).includes(one),
            ),
          }),
        ],
      ]),
    ),
  },
  world: {
    'a world of which the owner is no member': [
      'D11',
      'alice',
      itself,
      root({ world_id: WORLDS.workshop.id }),
    ],
    'a world of another tenant': ['D3 D11', 'alice', itself, root({ world_id: WORLDS.vault.id })],
    'a world of which the owner is a member elsewhere': [
      'D3 D11',
      'alice',
      beforehand(memberElsewhere),
      root({ world_id: WORLDS.workshop.id }),
    ],
    'a world that is not there': ['D11', 'alice', itself, root({ world_id: newId() })],
    'a hop without the limit above': ['D11', 'scout', inGarden, hop({ parent_id: LIMITED })],
    'a hop with another world than the one above': [
      'D11',
      'scout',
      inGarden,
      hop({ parent_id: LIMITED, world_id: WORLDS.workshop.id }),
    ],
  },
  lifetime: {
    'what is past already': ['D12', 'alice', itself, root({ begins: -600, ends: -1 })],
    'what ends before it begins': ['D12', 'alice', itself, root({ begins: 700 })],
    'a root of more than 90 days': ['D12', 'alice', itself, root({ ends: 90 * DAY + 60 })],
    'a hop of more than an hour': ['D12', 'scout', asScout, hop({ ends: 3660 })],
    'a hop of more than its tenant allows': [
      'D12',
      'scout',
      beforehand(set('tenants', acme, 'subdelegation_seconds = 120'), asScout),
      hop({ ends: 180 }),
    ],
    'a hop of more than its tenant allows, where another allows it': [
      'D3 D12',
      'scout',
      beforehand(
        (sql) =>
          sql.rows(
            `update tenants set subdelegation_seconds = case tenant_id when $1 then 120 else 7200 end`,
            [acme],
          ),
        asScout,
      ),
      hop({ ends: 180 }),
    ],
    'a hop that outlives the one above': [
      'D12',
      'scout',
      inGarden,
      hop({ parent_id: LIMITED, world_id: WORLDS.garden.id, ends: 1260 }),
    ],
    'a root without an end': ['D12', 'alice', itself, root({ ends: Number.POSITIVE_INFINITY })],
  },
  cycle: {
    'to oneself': ['D5', 'alice', itself, root({ delegate_id: alice })],
    'a hop to oneself': ['D5', 'scout', asScout, hop({ delegate_id: scout })],
    'a hop back to the owner': ['D5', 'scout', asScout, hop({ delegate_id: alice })],
    'a hop back to an agent above': ['D5', 'scribe', onward, { ...THIRD, delegate_id: scout }],
  },
  delegate: {
    'to somebody else’s agent': ['D14', 'alice', itself, root({ delegate_id: AGENTS.bobot.id })],
    'to an agent of another tenant': ['D3', 'alice', itself, root({ delegate_id: AGENTS.mimic.id })],
    'to an agent that is one’s own elsewhere': [
      'D3',
      'alice',
      beforehand(elsewhere),
      root({ delegate_id: TWIN_AGENT }),
    ],
    'to a person': ['D14', 'alice', itself, root({ delegate_id: USERS.bob.id })],
    'to a world': ['D14', 'alice', itself, root({ delegate_id: WORLDS.garden.id })],
    'to nobody': ['D14', 'alice', itself, root({ delegate_id: newId() })],
    'to a suspended agent': ['D19', 'alice', { given: suspend('late') }, ROOT],
    'to an archived agent': [
      'D19',
      'alice',
      { given: set('entities', AGENTS.late.id, `status = 'archived'`) },
      ROOT,
    ],
    'to an agent suspended here and active elsewhere': [
      'D3 D19',
      'alice',
      beforehand(together(twins, suspend('late'))),
      ROOT,
    ],
    'a hop to somebody else’s agent': ['D14', 'scout', asScout, hop({ delegate_id: AGENTS.bobot.id })],
  },
};

const GAINS: Readonly<Record<string, string>> = {
  authority: 'authority that is not one’s own to give',
  redelegate: 'chains longer than was allowed',
  capabilities: 'capabilities that one does not hold, or that nobody may hand on',
  world: 'rows outside the world to which one is limited',
  lifetime: 'authority that outlives what was allowed',
  cycle: 'a chain that hides who acts',
  delegate: 'an owner’s authority in foreign hands',
};

export const GRANTING: readonly SqlAttack[] = [
  ...Object.entries(refused).flatMap(([word, cases]) =>
    Object.entries(cases).map(
      ([what, one]): SqlAttack => ({
        group: 'delegation',
        name: `granting ${what}`,
        gain: GAINS[word] ?? '',
        ...proposed(one, word),
      }),
    ),
  ),
];
