// Attacks on opening with a key (bailiwick.by_key; D7, D3, JWT API keys): one that has ended, is bound to a delegation, belongs to
// somebody who was stopped or is not there. What else opens a context stands in vouching.ts and opening.ts.

import { AGENTS, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import { ISSUER } from '../../kit/as.ts';
import {
  arrangeKeys,
  digestOf,
  KEYS,
  keyTicket,
  type MadeKey,
  makeKey,
  signedTicket,
} from '../../policies/credentials.ts';
import { DEAD, suspend } from '../../policies/given.ts';
import { claiming, closed, opensNothing, type Ticket } from './forging.ts';
import { CAPABILITIES, type Given, powerless, reads, set, together } from './hops.ts';
import { open, opened, type SqlAttack, type Step, step } from './stage.ts';
import { twins } from './worlds.ts';

const acme = TENANTS.acme.id;
const alice = USERS.alice.id;
const SCOUT = DELEGATIONS.scout.id;
const DIGEST = digestOf('the one in question');

const context = { group: 'sealed context', gain: 'a context in the name of whose key it is' } as const;
const chained = { group: 'delegation', gain: 'more than the key was bound to' } as const;
const works = { control: true, gain: 'no program could come with a key' } as const;

const made =
  (key: Omit<MadeKey, 'digest'>): Given =>
  (sql) =>
    makeKey(sql, { ...key, digest: DIGEST });

type Refused = readonly [rule: string, given: Given, make: () => Ticket];
const refused: Readonly<Record<string, Refused>> = {
  'that nobody has': ['D7 JWT API keys', arrangeKeys, () => keyTicket(DIGEST)],
  'itself, where its digest belongs': ['D7 JWT API keys', arrangeKeys, () => keyTicket('key of alice')],
  'whose digest is in other letters': [
    'D7 JWT API keys',
    arrangeKeys,
    () => keyTicket(KEYS.alice.digest.toUpperCase()),
  ],
  'that was revoked': ['D7', made({ for: 'alice', revoked: true }), () => keyTicket(DIGEST)],
  'that has expired': ['D7 D12', made({ for: 'alice', expires: -1 }), () => keyTicket(DIGEST)],
  'and somebody to act for, who is not the owner': [
    'D6 D7',
    arrangeKeys,
    () => signedTicket({ key: KEYS.scout.digest, on_behalf_of: 'bob', issuer: ISSUER }),
  ],
  'and the subject of a token': [
    'D7',
    made({ for: 'alice', revoked: true }),
    () => claiming({ key: DIGEST }),
  ],
  'bound to a delegation, under another': [
    'D7',
    arrangeKeys,
    () => keyTicket(KEYS.scout.digest, { delegation: DELEGATIONS.scoutInGarden.id }),
  ],
  'bound to a delegation, under one that is not there': [
    'D7',
    arrangeKeys,
    () => keyTicket(KEYS.scout.digest, { delegation: newId() }),
  ],
  'of a person, under a delegation': [
    'D2 D7',
    arrangeKeys,
    () => keyTicket(KEYS.alice.digest, { delegation: SCOUT }),
  ],
  'of an agent, under a delegation to another': [
    'D2 D7',
    made({ for: 'scribe' }),
    () => keyTicket(DIGEST, { delegation: SCOUT }),
  ],
  'of an agent, under a delegation of another tenant': [
    'D3 D7',
    made({ for: 'scribe' }),
    () => keyTicket(DIGEST, { delegation: DELEGATIONS.mimic.id }),
  ],
};

const keys: SqlAttack[] = [
  ...Object.entries(refused).map(
    ([what, [rule, given, make]]): SqlAttack => ({
      ...context,
      name: `opening with a key ${what}`,
      rule,
      given,
      steps: opensNothing(make),
    }),
  ),
  {
    ...context,
    name: 'opening with a key that expired while its transaction waited',
    rule: 'D7 D12',
    given: made({ for: 'alice', expires: `now() + interval '2 ms'` }),
    steps: [
      step('select pg_sleep(0.01) is not null', 'true'),
      opened(() => keyTicket(DIGEST), '28000'),
      closed,
    ],
  },
  ...Object.entries<Given>({
    'of somebody suspended': suspend('alice'),
    'of somebody archived': set('entities', alice, `status = 'archived'`),
    'in a suspended tenant': DEAD['the tenant is suspended'],
  }).map(
    ([whose, state]): SqlAttack => ({
      ...context,
      name: `using a key ${whose}`,
      gain: 'whoever was stopped goes on by another door',
      rule: 'D7 D19',
      given: together(arrangeKeys, state),
      steps: [
        opened(() => keyTicket(KEYS.alice.digest), 'true'),
        ...powerless,
        step('select from credentials', 0),
      ],
    }),
  ),
  {
    ...chained,
    name: 'using a key that is bound to a delegation after that one was revoked',
    rule: 'D7 D17',
    given: together(arrangeKeys, DEAD['the delegation is revoked']),
    steps: [opened(() => keyTicket(KEYS.scout.digest), 'true'), ...powerless],
  },
  {
    ...chained,
    name: 'using a key for more than it names',
    gain: 'capabilities that the key does not name',
    rule: 'D7 D8',
    given: made({ for: 'alice', capabilities: ['memory:read'] }),
    steps: [
      opened(() => keyTicket(DIGEST), 'true'),
      reads(7),
      step('select from agents', 0),
      step(`update memories set kind = 'changed'`, 0),
      step(CAPABILITIES, '["memory:read"]'),
    ],
  },
  {
    ...chained,
    name: 'using a key whose twin of another tenant has the same id and holder',
    gain: 'the rows of another tenant',
    rule: 'D3 D7',
    given: together(arrangeKeys, twins),
    steps: [
      opened(() => keyTicket(KEYS.alice.digest), 'true'),
      step('select bailiwick.tenant_id()', acme),
      step('select from credentials', 2),
      step('select from memories where tenant_id <> $1', 0, [acme]),
    ],
  },
];

const ESTABLISHED = (digest: string, delegation: typeof SCOUT | undefined, expect: object): Step => ({
  text: `select bailiwick.open($1, $2) - 'requestId'`,
  values: () => keyTicket(digest, { delegation }),
  expect: JSON.stringify(expect),
});
const told = (changes: object) => ({
  ...{ chain: [], actorId: alice, ownerId: alice, worldId: null },
  ...{ receipts: false, tenantId: acme, actorKind: 'user' },
  ...{ credential: '', administrator: false },
  ...changes,
});
const asScout = {
  ...{ chain: [SCOUT], actorId: AGENTS.scout.id, actorKind: 'agent' },
  receipts: true,
  credential: `key:${KEYS.scout.id}`,
};

const truths: SqlAttack[] = [
  {
    ...context,
    ...works,
    name: 'a key establishes its holder and itself',
    rule: 'D7',
    given: arrangeKeys,
    steps: [
      ESTABLISHED(KEYS.alice.digest, undefined, told({ credential: `key:${KEYS.alice.id}` })),
      reads(7),
    ],
  },
  {
    ...context,
    ...works,
    name: 'a key of an administrator that may administer is an administrator’s',
    rule: 'D7',
    given: (sql) => makeKey(sql, { ...KEYS.alice, for: 'ada' }),
    steps: [
      ESTABLISHED(
        KEYS.alice.digest,
        undefined,
        told({
          actorId: USERS.ada.id,
          ownerId: USERS.ada.id,
          credential: `key:${KEYS.alice.id}`,
          administrator: true,
        }),
      ),
    ],
  },
  ...([undefined, SCOUT] as const).map(
    (delegation): SqlAttack => ({
      ...chained,
      ...works,
      name: `a key that is bound to a delegation acts under it${delegation ? ', when the ticket names it too' : ''}`,
      rule: 'D7',
      given: arrangeKeys,
      steps: [ESTABLISHED(KEYS.scout.digest, delegation, told(asScout)), reads(7)],
    }),
  ),
  {
    ...chained,
    ...works,
    name: 'a key of an agent that is bound to nothing is the agent itself',
    rule: 'D1 D7',
    given: made({ for: 'scout' }),
    steps: [
      opened(() => keyTicket(DIGEST), 'true'),
      reads(1),
      step('select bailiwick.delegation_id()', 'null'),
    ],
  },
  {
    ...chained,
    ...works,
    name: 'a key of an agent that is bound to nothing acts under the delegation that it names',
    rule: 'D1 D7',
    given: made({ for: 'scout' }),
    steps: [opened(() => keyTicket(DIGEST, { delegation: SCOUT }), 'true'), reads(7)],
  },
];

export const CREDENTIALS: readonly SqlAttack[] = [
  ...keys,
  ...truths,
  {
    ...context,
    name: 'the digest of a key, wherever it might show',
    gain: 'the means to find out which key somebody has',
    rule: 'JWT API keys P32',
    given: arrangeKeys,
    steps: [
      open('alice'),
      step('select from credentials', 2),
      ...['digest', '*', 'md5(digest)', 'credentials'].map((what) =>
        step(`select ${what} from credentials`, '42501'),
      ),
      step(`select from credentials where digest = '${KEYS.alice.digest}'`, '42501'),
      step('insert into credentials (tenant_id, id) select tenant_id, owner_id from credentials', '42501'),
      step('update credentials set revoked_at = null', '42501'),
      step('delete from credentials', '42501'),
    ],
  },
];
