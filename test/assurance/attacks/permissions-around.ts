// Attacks that get around the rules about what agents do outside (prisma/policies/06-permissions.sql): by a sub-agent, by what only another
// may do, by names that are like others, by not asking, and by holding on to what was taken back.

import { AGENTS } from '../../../src/demo/cast.ts';
import { SERVICES } from '../../../src/demo/services.ts';
import { newId } from '../../../src/ids.ts';
import { bob, rows } from './attempted.ts';
import { asLower, asUpper, chain, type Given, LOWER, together, UPPER } from './hops.ts';
import { askable, asks, both, type Case, cases, LETTER, rule, said } from './requested.ts';
import { LIST, noted, used, whole } from './served.ts';
import { aside, open, type SqlAttack, step } from './stage.ts';
import { timelyId } from './timely.ts';

const { tracker } = SERVICES;
const [scout, scribe] = [AGENTS.scout.id, AGENTS.scribe.id];

const shop = { service: 'shop', action: 'orders.place' } as const;
const allowed = (agent: string | null): Given => rule({ agent, ...shop, effect: 'allow' });
const denied = (agent: string | null): Given => rule({ agent, ...shop, effect: 'deny' });

/** What is denied or asked for, got around. */
const around: Readonly<Record<string, Case>> = {
  'a sub-agent, around what is denied to the agent above it': [
    'D8',
    'what is denied to one agent is done by another that it makes',
    'scribe',
    asLower,
    both(denied(scout), allowed(scribe)),
    [
      said('deny', shop),
      askable(false, shop),
      asks('42501', { ...shop, agent_id: scribe, chain: [UPPER, LOWER] }),
    ],
  ],
  'an agent, by what only the agent above it may do': [
    'D8',
    'what was trusted to one agent is done by another',
    'scribe',
    asLower,
    both(allowed(scout)),
    [said('ask', shop), used('ask', tracker, LIST), noted(1, 'asked')],
  ],
  'a sub-agent, by what only it may do': [
    'D8',
    'an agent hands what it must ask for to one that need not',
    'scribe',
    asLower,
    both(allowed(scribe)),
    [said('ask', shop)],
  ],
  'an agent that is allowed everything, where one thing is denied to all': [
    'D8',
    'a wide trust in one agent undoes what was denied to all',
    'scout',
    asUpper,
    both(rule({ agent: scout, effect: 'allow' }), denied(null)),
    [said('deny', shop), askable(false, shop)],
  ],
  'an action whose name begins like an allowed one': [
    'D8',
    'actions that nobody has thought of, by their names',
    'scout',
    asUpper,
    both(
      rule({ service: 'shop', action: 'orders.*', effect: 'allow' }),
      rule({ service: 'shop', action: 'list', effect: 'allow' }),
    ),
    [
      said('allow', shop),
      ...['orders', 'ordersx', 'orders_all', 'order.place', 'lists', 'list.all', 'Orders.place', '*', ''].map(
        (action) => said('ask', { service: 'shop', action }),
      ),
      ...['shop2', 'sho', 'SHOP', '', '*'].map((service) => said('ask', { ...shop, service })),
    ],
  ],
  'an action that is denied by its beginning, in other words': [
    'D8',
    'what was denied, under a name that is as good',
    'scout',
    asUpper,
    both(rule({ service: 'shop', effect: 'allow' })),
    [
      said('deny', { service: 'shop', action: 'accounts.close' }),
      said('deny', { service: 'shop', action: 'accounts.a.b' }),
    ],
  ],
  'a call that is denied': [
    'D8',
    'calls in the owner’s name that the owner has denied',
    'scout',
    asUpper,
    both(rule({ agent: scout, service: 'tracker', action: LIST, effect: 'deny' })),
    [
      used('denied', tracker, LIST),
      used('denied', tracker, LIST, timelyId(), newId(), LETTER.digest),
      noted(2, 'denied'),
    ],
  ],
  'a call that is asked for, without asking': [
    'D8',
    'calls that the owner wanted to be asked about',
    'scout',
    asUpper,
    both(),
    [
      used('ask', tracker, 'issues.create'),
      used('redeem approval', tracker, 'issues.create', timelyId(), newId(), LETTER.digest),
      used('ask', tracker, 'issues.create', timelyId(), null, LETTER.digest),
      noted(2, 'asked'),
    ],
  ],
  'a rule of another owner': [
    'D24 P2',
    'one’s own rules stand in for those of whom one acts for',
    'scout',
    asUpper,
    together(both(), rule({ owner: bob, ...shop, effect: 'allow' })),
    [said('ask', shop)],
  ],
  'rules that were taken back, in a transaction from before': [
    'D17',
    'what is over goes on for as long as a transaction can be held',
    'scout',
    asUpper,
    both(allowed(scout)),
    [
      said('allow', shop),
      aside(
        `update permissions set effect = 'deny', updated_at = clock_timestamp() where service = 'shop'`,
        1,
      ),
      said('deny', shop),
      aside(`delete from permissions where service = 'shop'`, 1),
      said('ask', shop),
    ],
  ],
};

const controls: readonly SqlAttack[] = [
  {
    ...rows,
    control: true,
    name: 'a chain does what is allowed to all who act in it',
    gain: 'agents could not hand on their work',
    rule: 'D8',
    given: together(
      whole,
      rule({ agent: scout, ...shop, effect: 'allow' }),
      rule({ agent: scribe, ...shop, effect: 'allow' }),
    ),
    steps: [open('scribe', asLower), said('allow', shop), step('select cardinality(bailiwick.acting())', 2)],
  },
  {
    ...rows,
    control: true,
    name: 'an owner in person is bound by no rule of its own',
    gain: 'whoever denies something to agents denies it to himself',
    rule: 'D8',
    given: rule({ effect: 'deny' }),
    steps: [
      open('alice'),
      said('allow', { service: 'tracker', action: 'issues.create' }),
      used('used tracker', tracker, 'issues.create'),
    ],
  },
];

export const AROUND: readonly SqlAttack[] = [...cases('getting around rules: ', chain, around), ...controls];
