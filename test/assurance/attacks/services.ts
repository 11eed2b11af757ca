// Attacks on credentials for services of third parties (prisma/policies/07-services.sql, 24- and 25-): seen, used and their secrets read
// by whose authority is over, limited, or somebody else's, and by whoever has one of these three rights and tries another. When one
// may be used at all stands in services-using.ts, what changes one in services-changing.ts.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { type ActorName, AGENTS } from '../../../src/demo/cast.ts';
import { SERVICES } from '../../../src/demo/services.ts';
import type { Acting } from '../../kit/as.ts';
import { suspend } from '../../policies/given.ts';
import { acme, alice, rows } from './attempted.ts';
import {
  asLower,
  asUpper,
  ceiling,
  chain,
  GARDEN,
  type Given,
  pair,
  set,
  through,
  together,
  UPPER,
} from './hops.ts';
import { itself } from './proposals.ts';
import { rule } from './requested.ts';
import { EXECUTE, LIST, nothing, REVEAL, readable, secretOf, seen, used, whole } from './served.ts';
import { aside, open, type SqlAttack, type Step, step } from './stage.ts';
import { twins } from './worlds.ts';

const { tracker, weather, post, parts, exchange } = SERVICES;

type Reading = readonly [actor: ActorName, acting: Acting, given: Given | undefined, steps: readonly Step[]];

/** Authority that is over, limited, or never reached so far. */
const powerless: Readonly<Record<string, readonly [rule: string, ...Reading]>> = {
  'a delegation limited to a world': [
    'D11',
    'scout',
    asUpper,
    pair({ capabilities: DELEGABLE, world: GARDEN }),
    nothing,
  ],
  'a chain whose last hop is limited to a world': [
    'D11',
    'scribe',
    asLower,
    pair({ capabilities: DELEGABLE }, { capabilities: DELEGABLE, world: GARDEN }),
    nothing,
  ],
  'a delegation that has expired': [
    'D12',
    'scout',
    asUpper,
    pair({ capabilities: DELEGABLE, begins: -100, expires: -10 }),
    nothing,
  ],
  'a delegation that has not begun': [
    'D12',
    'scout',
    asUpper,
    pair({ capabilities: DELEGABLE, begins: 100 }),
    nothing,
  ],
  'a delegation that was revoked': [
    'D17',
    'scout',
    asUpper,
    together(whole, set('delegations', UPPER, `revoked_at = now(), revoked_by = owner_id`)),
    nothing,
  ],
  'a chain whose first hop was revoked': [
    'D17',
    'scribe',
    asLower,
    together(whole, set('delegations', UPPER, `revoked_at = now(), revoked_by = owner_id`)),
    nothing,
  ],
  'no delegation, as the agent itself': ['D13', 'scout', itself, undefined, nothing],
  'a delegation that names other things': [
    'D8',
    'scout',
    asUpper,
    pair({ capabilities: DELEGABLE.filter((one) => !/^(credential|secret):/.test(one)) }),
    nothing,
  ],
  'a token that names other things': [
    'D8',
    'alice',
    { scopes: DELEGABLE.filter((one) => !/^(credential|secret):/.test(one)) },
    undefined,
    nothing,
  ],
  'a token that is over': [
    'D12',
    'alice',
    { tokenExpiresAt: new Date(Date.now() - 1000) },
    undefined,
    nothing,
  ],
  'a delegation of a suspended owner': ['D19', 'scout', asUpper, together(whole, suspend('alice')), nothing],
};

/** Some of what there is, and no more of it than the weakest part of an authority says. */
const partial: Readonly<Record<string, readonly [rule: string, gain: string, ...Reading]>> = {
  'reading secrets with the right to have them used': [
    'D8',
    'the secret itself, to be used anywhere and after every revocation',
    'scout',
    through.scout,
    undefined,
    [seen(2), ...readable(0), ...secretOf(0, weather), ...secretOf(0, tracker)],
  ],
  'having a credential used with the right to read its secret': [
    'D8',
    'calls in the owner’s name that were not granted',
    'scout',
    asUpper,
    pair({ capabilities: REVEAL }),
    [seen(2), ...readable(1), used('authority', weather, 'forecast'), used('authority', tracker, LIST)],
  ],
  'reading what is the owner’s alone with the right to read secrets': [
    'D8',
    'secrets that their owner has marked as hers alone',
    'scout',
    asUpper,
    whole,
    [...readable(1), ...secretOf(0, tracker), ...secretOf(1, weather)],
  ],
  'reading what is the owner’s alone further down the chain': [
    'D8',
    'secrets that their owner has marked as hers alone',
    'scribe',
    asLower,
    whole,
    [...readable(2), ...secretOf(0, tracker)],
  ],
  'a credential for another agent seen, used and read by the agent above it': [
    'D8',
    'an agent acts where another was trusted',
    'scout',
    asUpper,
    whole,
    [seen(2), used('credential', post, 'letters.send'), ...secretOf(0, post)],
  ],
  'reading secrets that only the last hop names': [
    'D8',
    'rights that the hop above never had',
    'scribe',
    asLower,
    pair({ capabilities: EXECUTE }, { capabilities: DELEGABLE }),
    [seen(3), ...readable(0)],
  ],
  'reading secrets that only the first hop names': [
    'D8',
    'rights that were not passed on',
    'scribe',
    asLower,
    pair({ capabilities: DELEGABLE }, { capabilities: EXECUTE }),
    [seen(3), ...readable(0)],
  ],
  'having credentials used that only the last hop lets': [
    'D8',
    'rights that the hop above never had',
    'scribe',
    asLower,
    pair({ capabilities: REVEAL }, { capabilities: DELEGABLE }),
    [used('authority', tracker, LIST), used('authority', post, 'letters.send')],
  ],
  'having credentials used, and read, above a ceiling': [
    'D8',
    'an agent goes beyond what its owner has set for it',
    'scout',
    asUpper,
    together(whole, ceiling(AGENTS.scout.id, 'credential:read')),
    [seen(2), ...readable(0), used('authority', weather, 'forecast')],
  ],
  'having one’s own used with a token that only sees': [
    'D8',
    'a token for looking makes calls',
    'alice',
    { scopes: ['credential:read'] },
    undefined,
    [seen(3), ...readable(0), used('authority', tracker, LIST)],
  ],
  'having one’s own used with a token that may not see it': [
    'D8 D26',
    'a refusal that tells that there is one',
    'alice',
    { scopes: ['credential:execute'] },
    undefined,
    [seen(0), used('credential', tracker, LIST)],
  ],
  'a colleague’s seen, used and read by its id': [
    'D24 D26',
    'calls and secrets of a colleague’s',
    'bob',
    itself,
    undefined,
    [seen(1), ...readable(1), used('credential', tracker, LIST), ...secretOf(0, tracker)],
  ],
  'a user’s seen, used and read by the administrator': [
    'D24 D26',
    'calls and secrets of everybody’s, for whoever administers',
    'ada',
    itself,
    undefined,
    [...nothing, used('credential', parts, 'parts.find')],
  ],
  'one of another tenant seen, used and read by its id': [
    'D3 D26',
    'calls and secrets of another customer’s',
    'mallory',
    itself,
    twins,
    [seen(1), ...readable(1), used('credential', tracker, LIST), ...secretOf(0, tracker)],
  ],
  'one of another tenant seen, used and read through a chain': [
    'D3 D26',
    'calls and secrets of another customer’s',
    'scribe',
    asLower,
    together(whole, twins),
    [seen(3), ...readable(2), used('credential', exchange, 'quotes.latest'), ...secretOf(0, exchange)],
  ],
  'locking what one may see': [
    'D13',
    'the owner is kept from changing it',
    'scout',
    through.scout,
    undefined,
    [
      step('select from service_credentials for update', 0),
      step('select from service_credentials for share', 0),
    ],
  ],
};

const reading = ([actor, acting, given, steps]: Reading) => ({
  ...(given && { given }),
  steps: [open(actor, acting), ...steps],
});

const recorded = (who: string, count: number) =>
  aside(
    `select count(*)::int from service_credentials s join audit_entries e
        on e.tenant_id = s.tenant_id and e.target_id = s.id and e.event = 'service.called' and e.actor_id = s.last_used_by
      where s.tenant_id = $1 and s.last_used_by = $2 and s.last_used_at > now() - interval '1 minute'`,
    count,
    [acme, who],
  );
const controls: SqlAttack[] = [
  {
    ...rows,
    control: true,
    name: 'an agent that may execute has credentials used, and that is recorded',
    gain: 'an agent could do nothing with a credential unless it read the secret',
    rule: 'D8 D27',
    steps: [
      open('scout', through.scout),
      seen(2),
      used('used tracker', tracker, LIST),
      used('used weather', weather, 'forecast'),
      recorded(AGENTS.scout.id, 2),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'an owner in person sees, uses and reads all that is its own',
    gain: 'owners could not use what they keep',
    rule: 'D8',
    given: twins,
    steps: [
      open('alice'),
      seen(3),
      ...readable(3),
      used('used tracker', tracker, LIST),
      used('used post', post, 'letters.send'),
      recorded(alice, 2),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'an agent that may read secrets reads those that are for agents, and for itself',
    gain: 'an agent that needs a secret could not have it',
    rule: 'D8',
    given: together(whole, rule({ service: 'post', effect: 'allow' })),
    steps: [
      open('scribe', asLower),
      seen(3),
      ...readable(2),
      ...secretOf(1, weather),
      ...secretOf(1, post),
      used('used post', post, 'letters.send'),
    ],
  },
];

export const SERVED: readonly SqlAttack[] = [
  ...Object.entries(powerless).map(
    ([what, [rule, ...rest]]): SqlAttack => ({
      ...chain,
      name: `seeing, using and reading credentials for services through ${what}`,
      gain: 'an agent goes on at other companies after it was stopped',
      rule,
      ...reading(rest),
    }),
  ),
  ...Object.entries(partial).map(
    ([name, [rule, gain, ...rest]]): SqlAttack => ({ ...rows, name, gain, rule, ...reading(rest) }),
  ),
  ...controls,
];
