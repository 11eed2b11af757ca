// Attacks on making keys (bailiwick.key_refusal, issue_key; D7, D13): for somebody else, for more than one has, for longer than
// allowed, through a chain. Each refusal by its word, asked of the kernel and tried in spite of its answer.

import { DELEGABLE, PERSONAL } from '../../../src/capabilities.ts';
import { type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import type { Acting, Sql } from '../../kit/as.ts';
import { DEAD, suspend } from '../../policies/given.ts';
import { set, together } from './hops.ts';
import { install } from './keys.ts';
import { acme, alice, DAY, itself } from './proposals.ts';
import { forge, KNOWN } from './seals.ts';
import { aside, open, type SqlAttack, type Step, step } from './stage.ts';
import { proposing, type Wanted } from './wanted.ts';
import { twins, unchecked } from './worlds.ts';

const scout = AGENTS.scout.id;
const SCOUT = DELEGATIONS.scout.id;
const globex = TENANTS.globex.id;

const role = (who: 'alice' | 'bob' | 'mallory', to: string) => (sql: Sql) =>
  sql.rows('update users set role = $1 where id = $2', [to, USERS[who].id]);
/** Scout's delegation names what nobody may delegate, as no grant could. */
const wider = (...words: string[]) =>
  set('delegations', SCOUT, `capabilities = capabilities || '{${words.join()}}'`);
const few = ['key:create', 'memory:read'];

export type Case = readonly [rule: string, who: ActorName, acting: Acting, wanted?: Wanted];
const refused: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  authority: {
    'in the owner’s name, through a delegation': ['D13', 'scout', { delegation: SCOUT }],
    'for itself, through a delegation': ['D13', 'scout', { delegation: SCOUT }, { entity: scout }],
    'through a delegation that says so': [
      'D13',
      'scout',
      { delegation: SCOUT, given: wider('key:create') },
      { entity: scout },
    ],
    'for itself, as an agent': ['D13', 'scout', itself, { entity: scout }],
    'with a token that is not for it': ['D8', 'alice', { scopes: ['memory:read', 'key:update'] }],
    'while suspended': ['D19', 'alice', { given: suspend('alice') }],
    'with a token that has expired': ['D12', 'alice', { tokenExpiresAt: new Date(Date.now() - 1) }],
  },
  entity: {
    'for a colleague': ['D7', 'alice', itself, { entity: USERS.bob.id }],
    'for an agent of a colleague': ['D7', 'alice', itself, { entity: AGENTS.bobot.id }],
    'for a stranger': ['D3 D7', 'alice', itself, { entity: USERS.mallory.id }],
    'for nobody': ['D7 D26', 'alice', itself, { entity: newId() }],
    'for null': ['D7', 'alice', itself, { entity: null }],
    'for a world': ['D7', 'alice', itself, { entity: WORLDS.garden.id }],
    'for a suspended agent': ['D7 D19', 'alice', { given: suspend('scout') }, { entity: scout }],
    'for an agent that is one’s own in another tenant only': [
      'D3 D7',
      'alice',
      {
        given: together(
          twins,
          unchecked(
            'update entities set owner_id = $1 where tenant_id = $2 and id = $3',
            USERS.bob.id,
            acme,
            scout,
          ),
        ),
      },
      { entity: scout },
    ],
    'for a colleague, as administrator': ['D7 D13', 'ada', itself, {}],
    'for an agent of a colleague, as administrator': ['D7 D13', 'ada', itself, { entity: scout }],
    'for a colleague, as administrator, where there are services too': [
      'D7 D13',
      'ada',
      { given: role('bob', 'service') },
      {},
    ],
    'for a colleague whose twin is a service, as administrator': [
      'D3 D7',
      'ada',
      {
        given: together(twins, (sql) =>
          sql.rows(`update users set role = 'service' where tenant_id = $1`, [globex]),
        ),
      },
      {},
    ],
    'for a service, as no administrator': [
      'D7',
      'alice',
      { given: role('bob', 'service') },
      { entity: USERS.bob.id },
    ],
    'for a service, with a token that is not for administering': [
      'D7 D13',
      'ada',
      { given: role('bob', 'service'), scopes: few },
      { entity: USERS.bob.id },
    ],
    'for a service of another tenant, as administrator': [
      'D3 D7',
      'ada',
      { given: role('mallory', 'service') },
      { entity: USERS.mallory.id },
    ],
  },
  capabilities: {
    'for nothing': ['D9', 'alice', itself, { capabilities: [] }],
    'for null instead of a list': ['D9', 'alice', itself, { capabilities: null }],
    'for a wildcard': ['D9', 'alice', itself, { capabilities: ['memory:*'] }],
    'for a word that the token has and nobody knows': [
      'D9',
      'alice',
      { scopes: [...few, 'memory:fly'] },
      { capabilities: ['memory:read', 'memory:fly'] },
    ],
    'for a capability that is null': ['D9', 'alice', itself, { capabilities: ['memory:read', null] }],
    'for a capability twice': ['D9', 'alice', itself, { capabilities: ['memory:read', 'memory:read'] }],
    'for more than the token': [
      'D7 D8',
      'alice',
      { scopes: few },
      { capabilities: ['memory:read', 'memory:create'] },
    ],
    ...Object.fromEntries(
      PERSONAL.filter((word) => word !== 'delegation:update').map((word): [string, Case] => [
        `with ${word} for an agent`,
        ['D7 D13', 'alice', itself, { entity: scout, capabilities: ['memory:read', word] }],
      ]),
    ),
  },
  delegation: {
    'bound to a delegation of another agent': [
      'D7',
      'alice',
      itself,
      { entity: AGENTS.scribe.id, pinned: SCOUT },
    ],
    'for oneself, bound to a delegation that one granted': ['D7', 'alice', itself, { pinned: SCOUT }],
    'bound to a delegation of another tenant': [
      'D3 D7',
      'alice',
      itself,
      { entity: scout, pinned: DELEGATIONS.mimic.id },
    ],
    'bound to a delegation that is not there': [
      'D7 D26',
      'alice',
      itself,
      { entity: scout, pinned: newId() },
    ],
    'bound to a delegation that is revoked': [
      'D7 D17',
      'alice',
      itself,
      { entity: AGENTS.rogue.id, pinned: DELEGATIONS.rogue.id },
    ],
    'bound to a delegation that is revoked here and alive in another tenant': [
      'D3 D7 D17',
      'alice',
      { given: together(twins, DEAD['the delegation is revoked']) },
      { entity: scout, pinned: SCOUT },
    ],
    'bound to a delegation that has expired': [
      'D7 D12',
      'alice',
      itself,
      { entity: AGENTS.late.id, pinned: DELEGATIONS.late.id },
    ],
  },
  lifetime: {
    'that has ended already': ['D7 D12', 'alice', itself, { ends: -1 }],
    'that ends as it is made': ['D7 D12', 'alice', itself, { ends: 'statement_timestamp()' }],
    'that never ends': ['D7 D12', 'alice', itself, { ends: `'infinity'` }],
    'without an end': ['D7 D12', 'alice', itself, { ends: null }],
    'for more than 365 days': ['D7 D12', 'alice', itself, { ends: 365 * DAY + 1 }],
  },
};

const GAINS: Readonly<Record<string, string>> = {
  authority: 'a credential that outlives the authority it was made with',
  entity: 'a credential with which one is somebody else',
  capabilities: 'a credential for more than one had',
  delegation: 'a key under a delegation that is not its holder’s',
  lifetime: 'a key that nobody ever has to make anew',
};

const allowed: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(
    PERSONAL.map((word): [string, Case] => [
      `for oneself, with ${word}`,
      ['D7', 'alice', itself, { capabilities: [word] }],
    ]),
  ),
  'for oneself, with everything': ['D7', 'alice', itself, { capabilities: [...DELEGABLE, ...PERSONAL] }],
  'for an agent, with all that an agent may': [
    'D7',
    'alice',
    itself,
    { entity: scout, capabilities: [...DELEGABLE, 'delegation:update'] },
  ],
  'for an agent, bound to a delegation that it holds': [
    'D7',
    'alice',
    itself,
    { entity: scout, pinned: SCOUT },
  ],
  'for an agent whose twin in another tenant is suspended': [
    'D3 D7',
    'alice',
    {
      given: together(
        twins,
        (sql) =>
          sql.rows(`update entities set status = 'suspended' where tenant_id = $1 and id = $2`, [
            globex,
            scout,
          ]),
        // found second, where nobody asks for the tenant
        set('entities', scout, 'status = status'),
      ),
    },
    { entity: scout },
  ],
  'for a service, as administrator': [
    'D7',
    'ada',
    { given: role('bob', 'service') },
    { entity: USERS.bob.id },
  ],
  'that lives longer than the token': [
    'D7',
    'alice',
    { tokenExpiresAt: new Date(Date.now() + 43_200_000) },
    { ends: DAY },
  ],
};

const given = ({ given: before }: Acting) => before && { given: before };

/** Longer than what is lost when a column keeps milliseconds only. */
const moment: Step = step('select pg_sleep(0.004) is not null', 'true');
const making = { group: 'delegation', gain: GAINS.lifetime ?? '' } as const;

const timed: SqlAttack[] = [
  {
    ...making,
    name: 'making a key for a time that was still to come when the transaction began, and is past',
    rule: 'D7 D12',
    steps: [
      open('alice'),
      moment,
      ...proposing({ ends: `transaction_timestamp() + interval '1 ms'` }, 'lifetime'),
    ],
  },
  {
    ...making,
    control: true,
    gain: 'the longest key is one that cannot be made',
    name: 'making a key for all of 365 days, from now and not from when the transaction began',
    rule: 'D7 D12',
    steps: [
      open('alice'),
      moment,
      ...proposing({ ends: `statement_timestamp() + interval '365 days'` }, null),
    ],
  },
  {
    ...making,
    name: 'making a key under a delegation that expired while the transaction was open',
    gain: GAINS.delegation ?? '',
    rule: 'D7 D12',
    given: set('delegations', SCOUT, `not_before = now() - interval '1 minute'`),
    changes: true,
    steps: [
      open('alice'),
      moment,
      aside('update delegations set expires_at = clock_timestamp() where id = $1', 1, [SCOUT]),
      moment,
      ...proposing({ entity: scout, pinned: SCOUT }, 'delegation'),
    ],
  },
];

/** A seal as the kernel would never write it: a person in a chain, which is alive. */
const inChain = forge({ chain: SCOUT, scopes: 'key:create,key:update,memory:read' });
const sealed = (sql: Sql) =>
  together(install(KNOWN, 'seal'), wider('key:create', 'key:update'))(sql) as Promise<void>;

export const ISSUING: readonly SqlAttack[] = [
  ...Object.entries(refused).flatMap(([word, cases]) =>
    Object.entries(cases).map(
      ([what, [rule, who, acting, wanted = {}]]): SqlAttack => ({
        group: 'delegation',
        name: `making a key ${what}`,
        gain: GAINS[word] ?? '',
        rule,
        ...given(acting),
        steps: [open(who, acting), ...proposing(wanted, word)],
      }),
    ),
  ),
  ...Object.entries(allowed).map(
    ([what, [rule, who, acting, wanted = {}]]): SqlAttack => ({
      group: 'delegation',
      control: true,
      name: `a key is made ${what}`,
      gain: 'no program could come with a key',
      rule,
      ...given(acting),
      steps: [open(who, acting), ...proposing(wanted, null)],
    }),
  ),
  ...timed,
  {
    ...making,
    name: 'making or ending keys by a seal in which a person stands in a chain',
    gain: GAINS.authority ?? '',
    rule: 'S3 D13',
    given: sealed,
    steps: [
      inChain,
      step(`select bailiwick.owner('memory', 'read')`, alice),
      ...proposing({}, 'authority'),
      step('select bailiwick.end_credentials($1)', 'null', [alice]),
    ],
  },
];
