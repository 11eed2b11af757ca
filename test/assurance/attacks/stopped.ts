// Attacks by whoever was stopped (D12, D17, D19, D20): delegations that are revoked, expired or early, agents and owners that are
// suspended, tokens that are past. At every hop, from the very next statement on, whatever is alive in another tenant.

import { type ActorName, AGENTS, USERS } from '../../../src/demo/cast.ts';
import type { Acting } from '../../kit/as.ts';
import { DEAD, suspend } from '../../policies/given.ts';
import {
  acme,
  alice,
  chain,
  type Given,
  powerless,
  reads,
  SCOUT,
  SCRIBE,
  set,
  through,
  together,
} from './hops.ts';
import { aside, open, type SqlAttack } from './stage.ts';
import { twins, unchecked } from './worlds.ts';

type Case = readonly [rule: string, actor: ActorName, acting: Acting, given: Given];

const ended: Readonly<Record<string, Case>> = {
  'through a hop that is revoked': [
    'D17',
    'scribe',
    through.scribe,
    set('delegations', SCRIBE, 'revoked_at = now(), revoked_by = delegator_id'),
  ],
  'through a hop that expired a moment ago': [
    'D12',
    'scribe',
    through.scribe,
    set(
      'delegations',
      SCRIBE,
      `not_before = now() - interval '1 hour', expires_at = now() - interval '1 ms'`,
    ),
  ],
  'through a hop that begins in a minute': [
    'D12',
    'scribe',
    through.scribe,
    set('delegations', SCRIBE, `not_before = now() + interval '1 minute'`),
  ],
  'as a suspended sub-agent': ['D19', 'scribe', through.scribe, suspend('scribe')],
  'as an archived sub-agent': [
    'D19',
    'scribe',
    through.scribe,
    set('entities', AGENTS.scribe.id, `status = 'archived'`),
  ],
  'as oneself, suspended': ['D19', 'alice', {}, suspend('alice')],
  'as oneself, archived': ['D19', 'alice', {}, set('entities', alice, `status = 'archived'`)],
  'as an agent itself, suspended': ['D19', 'scout', {}, suspend('scout')],
  'as an agent itself, of a suspended owner': ['D19', 'scout', {}, suspend('alice')],
  'as an administrator of a suspended tenant': ['D19', 'ada', {}, DEAD['the tenant is suspended']],
  'as an administrator, suspended': ['D19', 'ada', {}, suspend('ada')],
  'as an agent itself, of a suspended tenant': ['D19', 'bobot', {}, DEAD['the tenant is suspended']],
  'of an archived tenant': ['D19', 'alice', {}, set('tenants', acme, `status = 'archived'`)],
  'with a token that has expired': [
    'D12',
    'alice',
    { tokenExpiresAt: new Date(Date.now() - 1) },
    async () => undefined,
  ],
  'through a chain, with a token that has expired': [
    'D12',
    'scribe',
    { ...through.scribe, tokenExpiresAt: new Date(Date.now() - 1) },
    async () => undefined,
  ],
  'as an agent that belongs to somebody else by now': [
    'D20',
    'scout',
    through.scout,
    unchecked('update entities set owner_id = $1 where id = $2', USERS.bob.id, AGENTS.scout.id),
  ],
  'below an agent that belongs to somebody else by now': [
    'D20',
    'scribe',
    through.scribe,
    unchecked('update entities set owner_id = $1 where id = $2', USERS.bob.id, AGENTS.scout.id),
  ],
  'through a delegation that is revoked here and alive in another tenant': [
    'D3 D17',
    'scout',
    through.scout,
    together(twins, DEAD['the delegation is revoked']),
  ],
  'through a hop that expired here and is alive in another tenant': [
    'D3 D12',
    'scribe',
    through.scribe,
    together(
      twins,
      set(
        'delegations',
        SCRIBE,
        `not_before = now() - interval '1 hour', expires_at = now() - interval '1 ms'`,
      ),
    ),
  ],
  'as an agent suspended here and active in another tenant': [
    'D3 D19',
    'scout',
    through.scout,
    together(twins, suspend('scout')),
  ],
  'below an agent suspended here and active in another tenant': [
    'D3 D19',
    'scribe',
    through.scribe,
    together(twins, suspend('scout')),
  ],
  'for an owner suspended here and active in another tenant': [
    'D3 D19',
    'scout',
    through.scout,
    together(twins, suspend('alice')),
  ],
  'in a tenant that is suspended while another is active': [
    'D3 D19',
    'alice',
    {},
    together(twins, DEAD['the tenant is suspended']),
  ],
};

const dead: SqlAttack[] = (['scout', 'scribe'] as const).flatMap((actor) =>
  Object.entries(DEAD).map(
    ([state, given]): SqlAttack => ({
      ...chain,
      name: `acting as ${actor} through its delegation when ${state.replace('the delegation', 'scout’s delegation').replace('the agent', 'scout')}`,
      rule: 'D17 D19',
      given,
      steps: [open(actor, through[actor]), ...powerless],
    }),
  ),
);

const between: Readonly<Record<string, readonly [rule: string, change: string]>> = {
  revoked: [
    'D17',
    `update delegations set revoked_at = now(), revoked_by = owner_id where id = '${SCOUT}' and tenant_id = '${acme}'`,
  ],
  'its agent suspended': [
    'D17 D19',
    `update entities set status = 'suspended' where id = '${AGENTS.scout.id}' and tenant_id = '${acme}'`,
  ],
  'its owner limited': [
    'D8 D17',
    `update entities set ceiling = '[]' where id = '${alice}' and tenant_id = '${acme}'`,
  ],
};

const moments: SqlAttack[] = [
  ...Object.entries(between).map(
    ([what, [rule, change]]): SqlAttack => ({
      ...chain,
      name: `going on in a transaction in which the delegation was ${what}`,
      rule,
      changes: true,
      steps: [open('scribe', through.scribe), reads(7), aside(change, 1), reads(0)],
    }),
  ),
];

export const STOPPED: readonly SqlAttack[] = [
  ...dead,
  ...Object.entries(ended).map(
    ([what, [rule, actor, acting, given]]): SqlAttack => ({
      ...chain,
      name: `acting ${what}`,
      rule,
      given,
      steps: [open(actor, acting), ...powerless],
    }),
  ),
  ...moments,
];
