// Attacks on opening with a token of our own (bailiwick.by_issued, by_credential; D3, D6, D7): one that was spent, on a credential
// that has ended or is another's, for more than either names. What starts a session stands in sessions.ts.

import { SCOPES } from '../../../src/capabilities.ts';
import { AGENTS, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { type KeyId, newId } from '../../../src/ids.ts';
import {
  arrangeHung,
  arrangeKeys,
  HUNG,
  issuedSaying,
  issuedTicket,
  KEYS,
  type MadeKey,
  makeKey,
  signedTicket,
  spend,
} from '../../policies/credentials.ts';
import { DEAD, suspend } from '../../policies/given.ts';
import { closed, opensNothing, type Ticket } from './forging.ts';
import { CAPABILITIES, type Given, powerless, reads, together } from './hops.ts';
import { opened, type SqlAttack, type Step, step } from './stage.ts';
import { twins } from './worlds.ts';

const acme = TENANTS.acme.id;
const alice = USERS.alice.id;
const SCOUT = DELEGATIONS.scout.id;
const THIS = newId<KeyId>();

const context = { group: 'sealed context', gain: 'a context in the name of whose token it is' } as const;
const works = { ...context, control: true, gain: 'no token of our own could be used' } as const;

const made =
  (key: Partial<MadeKey> & Pick<MadeKey, 'kind'>): Given =>
  (sql) =>
    makeKey(sql, { id: THIS, for: 'alice', ...key });
/** Everything hangs in the other tenant too, under the same ids. */
const doubled = together(arrangeHung, twins);

type Refused = readonly [rule: string, given: Given, make: () => Ticket];
const refused: Readonly<Record<string, Refused>> = {
  'on a session that is not there': ['D7', arrangeHung, () => issuedTicket(newId<KeyId>())],
  'on a session that was revoked': [
    'D7 D17',
    made({ kind: 'session', revoked: true }),
    () => issuedTicket(THIS),
  ],
  'on a client that was revoked': [
    'D7 D17',
    made({ kind: 'client', revoked: true }),
    () => issuedTicket(THIS),
  ],
  'on a session that has expired': [
    'D7 D12',
    made({ kind: 'session', expires: -1 }),
    () => issuedTicket(THIS),
  ],
  'on a session that was revoked here, and not in another tenant': [
    'D3 D17',
    together(doubled, (sql) =>
      sql.rows('update credentials set revoked_at = now(), revoked_by = owner_id where tenant_id = $1', [
        acme,
      ]),
    ),
    () => issuedTicket(HUNG.session.id),
  ],
  'that was revoked itself': ['D17', together(arrangeHung, spend), () => issuedTicket(HUNG.session.id)],
  'that hangs on an API key': ['D7', arrangeKeys, () => issuedTicket(KEYS.alice.id as KeyId)],
  'in a tenant that is not its session’s': [
    'D3',
    arrangeHung,
    () => issuedTicket(HUNG.session.id, { tenant: 'globex' }),
  ],
  'in no tenant': ['D3', arrangeHung, () => issuedSaying(HUNG.session.id, { tenant: undefined })],
  'that nobody could revoke': [
    'D17',
    arrangeHung,
    () => issuedSaying(HUNG.session.id, { token_id: undefined }),
  ],
  'that never ends': [
    'D12',
    arrangeHung,
    () => issuedSaying(HUNG.session.id, { token_expires_at: undefined }),
  ],
  'in the name of somebody else': [
    'D6',
    arrangeHung,
    () => issuedTicket(HUNG.session.id, { onBehalfOf: USERS.bob.id }),
  ],
  'of an agent, in the name of its owner, without a delegation': [
    'D6',
    arrangeHung,
    () => issuedTicket(HUNG.agentSession.id, { onBehalfOf: alice }),
  ],
  'of an agent under a delegation, in its own name': [
    'D6',
    arrangeHung,
    () => issuedTicket(HUNG.agentSession.id, { delegation: SCOUT, onBehalfOf: AGENTS.scout.id }),
  ],
  'on a client that is bound to a delegation, under another': [
    'D7',
    arrangeHung,
    () => issuedTicket(HUNG.boundClient.id, { delegation: DELEGATIONS.scoutInGarden.id }),
  ],
  'of a person, under a delegation': [
    'D2 D7',
    arrangeHung,
    () => issuedTicket(HUNG.session.id, { delegation: SCOUT }),
  ],
  'of an agent, under a delegation to another': [
    'D2 D7',
    arrangeHung,
    () => issuedTicket(HUNG.agentSession.id, { delegation: DELEGATIONS.scribe.id }),
  ],
  'for the server itself, in somebody’s name': [
    'S3 D6',
    arrangeHung,
    () => signedTicket({ service: 'identity', credential: HUNG.session.id, on_behalf_of: alice }),
  ],
};

const stopped: SqlAttack[] = Object.entries<readonly [given: Given, credential: KeyId]>({
  'of somebody suspended': [together(arrangeHung, suspend('alice')), HUNG.session.id],
  'in a suspended tenant': [together(arrangeHung, DEAD['the tenant is suspended']), HUNG.client.id],
  'on a client that is bound to a delegation that was revoked': [
    together(arrangeHung, DEAD['the delegation is revoked']),
    HUNG.boundClient.id,
  ],
}).map(
  ([whose, [given, credential]]): SqlAttack => ({
    ...context,
    name: `using a token of our own ${whose}`,
    gain: 'whoever was stopped goes on by another door',
    rule: 'D7 D17 D19',
    given,
    steps: [opened(() => issuedTicket(credential), 'true'), ...powerless],
  }),
);

const ENDS = `select extract(epoch from (bailiwick.describe()->>'tokenExpiresAt')::timestamptz - transaction_timestamp()) < $1`;
const moment: Step = step('select pg_sleep(0.01) is not null', 'true');

const bounds: SqlAttack[] = [
  {
    ...context,
    name: 'opening with a token on a session that expired while the transaction waited',
    rule: 'D7 D12',
    given: made({ kind: 'session', expires: `now() + interval '2 ms'` }),
    steps: [moment, opened(() => issuedTicket(THIS), '28000'), closed],
  },
  {
    ...context,
    name: 'using a token of our own that has expired, on a session that has not',
    gain: 'a stolen token is good for as long as its session',
    rule: 'D12',
    given: arrangeHung,
    steps: [
      opened(() => issuedTicket(HUNG.session.id, { tokenExpiresAt: new Date(Date.now() - 1) }), 'true'),
      ...powerless,
    ],
  },
  {
    ...context,
    name: 'using a token of our own for longer than its session, or for longer than itself',
    gain: 'a stolen token outlives the session that was made to end',
    rule: 'D7 D12',
    given: made({ kind: 'session', expires: 60 }),
    steps: [
      opened(() => issuedTicket(THIS, { tokenExpiresAt: new Date(Date.now() + 600_000) }), 'true'),
      step(ENDS, 'true', [61]),
      step(ENDS, 'false', [50]),
    ],
  },
  {
    ...context,
    name: 'using a token of our own for more than its session names, or than itself',
    gain: 'capabilities that the session does not name',
    rule: 'D7 D8',
    given: made({ kind: 'session', capabilities: ['memory:read', 'memory:update'] }),
    steps: [
      opened(() => issuedTicket(THIS, { scopes: ['memory:read', 'agent:read'] }), 'true'),
      reads(7),
      step('select from agents', 0),
      step(`update memories set kind = 'changed'`, 0),
      step(CAPABILITIES, '["memory:read"]'),
    ],
  },
  {
    ...context,
    name: 'using a token of our own whose session has a twin in another tenant',
    gain: 'the rows of another tenant',
    rule: 'D3',
    given: doubled,
    steps: [
      opened(() => issuedTicket(HUNG.session.id), 'true'),
      step('select bailiwick.tenant_id()', acme),
      step('select from memories where tenant_id <> $1', 0, [acme]),
    ],
  },
];

const told = (changes: object) =>
  JSON.stringify({
    ...{ chain: [], actorId: alice, ownerId: alice, worldId: null },
    ...{ receipts: false, tenantId: acme, actorKind: 'user' },
    ...{ credential: '', administrator: false },
    ...changes,
  });
const asScout = { chain: [SCOUT], actorId: AGENTS.scout.id, receipts: true, actorKind: 'agent' };
const establishes = (make: () => readonly [string, string], expect: object): Step => ({
  text: `select bailiwick.open($1, $2) - 'requestId'`,
  values: make,
  expect: told(expect),
});
const truths: Readonly<Record<string, readonly [rule: string, step: Step]>> = {
  'on a session is the person who started it': [
    'D7',
    establishes(() => issuedTicket(HUNG.session.id), { credential: `session:${HUNG.session.id}` }),
  ],
  'on a client is its holder, also where it says so': [
    'D6 D7',
    establishes(() => issuedTicket(HUNG.client.id, { onBehalfOf: alice }), {
      credential: `client:${HUNG.client.id}`,
    }),
  ],
  'on a bound client acts under its delegation': [
    'D7',
    establishes(() => issuedTicket(HUNG.boundClient.id, { scopes: SCOPES }), {
      ...asScout,
      credential: `client:${HUNG.boundClient.id}`,
    }),
  ],
  'on a bound client acts under its delegation, when it names that, and for whom': [
    'D6 D7',
    establishes(() => issuedTicket(HUNG.boundClient.id, { delegation: SCOUT, onBehalfOf: alice }), {
      ...asScout,
      credential: `client:${HUNG.boundClient.id}`,
    }),
  ],
  'of an agent acts under the delegation that it names': [
    'D1 D6 D7',
    establishes(() => issuedTicket(HUNG.agentSession.id, { delegation: SCOUT, onBehalfOf: alice }), {
      ...asScout,
      credential: `session:${HUNG.agentSession.id}`,
    }),
  ],
};

export const ISSUED: readonly SqlAttack[] = [
  ...Object.entries(refused).map(
    ([what, [rule, given, make]]): SqlAttack => ({
      ...context,
      name: `opening with a token of our own ${what}`,
      rule,
      given,
      steps: opensNothing(make),
    }),
  ),
  ...stopped,
  ...bounds,
  ...Object.entries(truths).map(
    ([what, [rule, established]]): SqlAttack => ({
      ...works,
      name: `a token of our own ${what}`,
      rule,
      given: doubled,
      steps: [established, reads(7)],
    }),
  ),
  {
    ...works,
    name: 'a token of our own is good while another of the same session is revoked',
    gain: 'to revoke one token would revoke others',
    rule: 'D17',
    given: together(arrangeHung, (sql) => spend(sql, 'another')),
    steps: [opened(() => issuedTicket(HUNG.session.id), 'true'), reads(7)],
  },
];
