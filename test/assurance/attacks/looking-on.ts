// Attacks on an owner's view of what an agent sees (bailiwick.viewed, prisma/policies/85-explaining.sql): taken by somebody else, of somebody
// else's agent, with a token that is not for it, or used to write. What the kernel says about access: explaining.ts.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { type ActorName, AGENTS, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import { type Looking, lookingTicket } from '../../access/viewing.ts';
import { memory, rows } from './attempted.ts';
import { type Given, LOWER, together, UPPER } from './hops.ts';
import { both } from './requested.ts';
import { MEMORIES as SEEN } from './seals.ts';
import { opened, type SqlAttack, type Step, step } from './stage.ts';
import { timelyId } from './timely.ts';
import { twins, unchecked } from './worlds.ts';

const context = { group: 'sealed context' } as const;
const { scout } = AGENTS;

const readOnly = step('set transaction read only', 'null');
const views = (expect: string, actor: ActorName, looking: Looking): Step =>
  opened(() => lookingTicket(actor, looking), expect);

type View = readonly [rule: string, gain: string, steps: readonly Step[]];
const viewing: Readonly<Record<string, View>> = {
  'in a transaction that can write': [
    'D23',
    'what an owner does passes for what its agent did',
    [views('28000', 'alice', { viewAs: UPPER })],
  ],
  'of a colleague’s, a stranger’s, or no delegation': [
    'D26 D3',
    'the view of whoever one likes',
    [
      readOnly,
      ...[DELEGATIONS.bobot.id, DELEGATIONS.mimic.id, newId<typeof UPPER>()].map((viewAs) =>
        views('28000', 'alice', { viewAs }),
      ),
    ],
  ],
  'of a member’s agent, as administrator': [
    'D26',
    'the view of every member',
    [readOnly, views('28000', 'ada', { viewAs: UPPER })],
  ],
  'as the agent, of its own delegation or that below': [
    'D13 D8',
    'an agent borrows what was granted to another',
    [
      readOnly,
      views('28000', 'scout', { viewAs: UPPER }),
      views('28000', 'scout', { viewAs: LOWER, delegation: UPPER }),
      views('28000', 'scribe', { viewAs: UPPER, delegation: LOWER }),
    ],
  ],
  'with a token that is not for delegations': [
    'D9',
    'a token for one thing shows another',
    [
      readOnly,
      views('28000', 'alice', {
        viewAs: UPPER,
        scopes: DELEGABLE.filter((one) => one !== 'delegation:read'),
      }),
    ],
  ],
  'and writing all the same': [
    'D23',
    'what an owner does passes for what its agent did',
    [
      readOnly,
      views('true', 'alice', { viewAs: UPPER }),
      memory({}, '25006'),
      step('delete from memories', '25006'),
      step('set transaction read write', '25001'),
      step(`select bailiwick.audit($1, 'memory.read', 'memory', null, null)`, '25006', [timelyId()]),
    ],
  ],
  'and seeing more than one’s own token is for': [
    'D9',
    'a token for one thing shows another',
    [readOnly, views('true', 'alice', { viewAs: UPPER, scopes: ['delegation:read'] }), step(SEEN, 0)],
  ],
};

/** What foreign keys forbid: that an agent acts for another owner too. */
const shared = (tenant: string): Given =>
  unchecked(
    'update delegations set delegate_id = $1, owner_id = $2 where tenant_id = $3 and id = $4',
    ...[scout.id, USERS.bob.id, tenant, DELEGATIONS.bobot.id],
  );
const elsewhere: readonly SqlAttack[] = [
  {
    ...context,
    name: 'taking an owner’s view of what an agent sees that acts for another owner too',
    gain: 'what the agent holds of others',
    rule: 'D26',
    given: together(both(), shared(TENANTS.acme.id)),
    steps: [readOnly, views('28000', 'alice', { viewAs: UPPER })],
  },
  {
    ...context,
    control: true,
    name: 'an owner sees what an agent sees whose twin in another tenant acts for another owner',
    gain: 'nobody could look on',
    rule: 'D3',
    given: together(both(), twins, shared(TENANTS.globex.id)),
    steps: [readOnly, views('true', 'alice', { viewAs: UPPER })],
  },
];

const told: SqlAttack = {
  ...rows,
  control: true,
  name: 'an owner is told why an agent may, what it can do, and sees what it sees',
  gain: 'nobody could find out what an agent may do but by trying',
  rule: 'D8',
  given: both(),
  steps: [
    readOnly,
    views('true', 'alice', { viewAs: UPPER }),
    step('select bailiwick.actor_id()', scout.id),
    step(`select bailiwick.why('owner', 'memory:read')->>'held'`, 'true'),
    step(`select bailiwick.why('owner', 'memory:read')::text like '%' || $1 || '%'`, 'true', [UPPER]),
  ],
};

export const LOOKED_ON: readonly SqlAttack[] = [
  ...Object.entries(viewing).map(
    ([what, [rule, gain, steps]]): SqlAttack => ({
      ...context,
      name: `taking an owner’s view of what an agent sees, ${what}`,
      gain,
      rule,
      given: both(),
      steps,
    }),
  ),
  ...elsewhere,
  told,
];
