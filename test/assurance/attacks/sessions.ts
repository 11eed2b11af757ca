// Attacks on starting and ending sessions (bailiwick.start_session, end_session), and on what is made or replaced with a session
// or a client (proof_id, key_refusal, rotate_key; D7, D13, D17): each refusal by its word, and what is left behind.

import { type ActorName, AGENTS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { type KeyId, newId } from '../../../src/ids.ts';
import { type Acting, type Sql, ticket } from '../../kit/as.ts';
import {
  arrangeHung,
  arrangeKeys,
  digestOf,
  HUNG,
  issuedTicket,
  KEYS,
  keyTicket,
  type MadeKey,
  makeKey,
  PUBLIC_KEY,
  serviceTicket,
} from '../../policies/credentials.ts';
import { DEAD, suspend } from '../../policies/given.ts';
import { type Given, together } from './hops.ts';
import { held } from './meanwhile.ts';
import { acme, alice, DAY, itself } from './proposals.ts';
import { aside, open, opened, type SqlAttack, type Step, step } from './stage.ts';
import { proposing } from './wanted.ts';
import { twins } from './worlds.ts';

const scout = AGENTS.scout.id;
const [THIS, NEXT] = [newId<KeyId>(), newId<KeyId>()];
const session = {
  group: 'delegation',
  gain: 'a session that outlives or exceeds what it was started with',
} as const;
const works = { ...session, control: true, gain: 'nobody could sign in, or out' } as const;
/** Longer than what is lost when a column keeps milliseconds only. */
const moment: Step = step('select pg_sleep(0.004) is not null', 'true');

type Wanted = { capabilities?: readonly (string | null)[] | null; ends?: number | string | null };
function started(word: string | null, { capabilities = ['memory:read'], ends = 600 }: Wanted = {}): Step[] {
  const until =
    typeof ends === 'string'
      ? ends
      : `statement_timestamp() + make_interval(secs => ${ends === null ? 'null' : ends})`;
  return [
    step(`select bailiwick.start_session($1, 'A browser', $2, ${until})`, String(word), [THIS, capabilities]),
    aside('select count(*)::int from credentials where id = $1', word === null ? 1 : 0, [THIS]),
  ];
}

type Case = readonly [rule: string, word: string, who: ActorName, acting: Acting, wanted?: Wanted];
const refused: Readonly<Record<string, Case>> = {
  'through a delegation': ['D13', 'authority', 'scout', { delegation: DELEGATIONS.scout.id }],
  'while suspended': ['D19', 'authority', 'alice', { given: suspend('alice') }],
  'in a suspended tenant': ['D19', 'authority', 'alice', { given: DEAD['the tenant is suspended'] }],
  'with a token that has expired': [
    'D12',
    'authority',
    'alice',
    { tokenExpiresAt: new Date(Date.now() - 1) },
  ],
  'for nothing': ['D9', 'capabilities', 'alice', itself, { capabilities: [] }],
  'for null instead of a list': ['D9', 'capabilities', 'alice', itself, { capabilities: null }],
  'for a capability that is null': [
    'D9',
    'capabilities',
    'alice',
    itself,
    { capabilities: ['memory:read', null] },
  ],
  'for more than the token': [
    'D8',
    'capabilities',
    'alice',
    { scopes: ['memory:read'] },
    { capabilities: ['memory:read', 'memory:create'] },
  ],
  'that has ended already': ['D12', 'lifetime', 'alice', itself, { ends: -1 }],
  'that ends as it starts': ['D12', 'lifetime', 'alice', itself, { ends: 'statement_timestamp()' }],
  'without an end': ['D12', 'lifetime', 'alice', itself, { ends: null }],
  'for ever': ['D12', 'lifetime', 'alice', itself, { ends: `'infinity'` }],
  'for more than 90 days': ['D12', 'lifetime', 'alice', itself, { ends: 90 * DAY + 1 }],
};

const starting: SqlAttack[] = [
  ...Object.entries(refused).map(
    ([what, [rule, word, who, { given, ...acting }, wanted]]): SqlAttack => ({
      ...session,
      name: `starting a session ${what}`,
      rule,
      ...(given && { given }),
      steps: [open(who, acting), ...started(word, wanted)],
    }),
  ),
  ...Object.entries({
    'an API key': () => keyTicket(KEYS.alice.digest),
    'a token on a client': () => issuedTicket(HUNG.client.id),
    'a token on a session': () => issuedTicket(HUNG.session.id),
    'the context of the server itself': serviceTicket,
  }).map(
    ([what, make]): SqlAttack => ({
      ...session,
      name: `starting a session with ${what}`,
      rule: 'D7 D13',
      given: together(arrangeKeys, arrangeHung),
      steps: [opened(make, 'true'), ...started('authority')],
    }),
  ),
  {
    ...session,
    name: 'starting a session as nobody',
    rule: 'S3',
    steps: started('authority'),
  },
  {
    ...session,
    name: 'starting a session after all tokens of its subject were ended, in a transaction from before',
    rule: 'D17',
    changes: true,
    steps: [
      open('alice'),
      aside(
        `update entities set credential_epoch = clock_timestamp() where tenant_id = '${acme}' and id = $1`,
        1,
        [alice],
      ),
      ...started('authority'),
    ],
  },
  {
    ...session,
    name: 'starting a session for a time that was still to come when the transaction began, and is past',
    rule: 'D12',
    steps: [
      open('alice'),
      moment,
      ...started('lifetime', { ends: `transaction_timestamp() + interval '1 ms'` }),
    ],
  },
  {
    ...works,
    name: 'a session is started for all of 90 days, from now and not from when the transaction began',
    rule: 'D12',
    steps: [open('alice'), moment, ...started(null, { ends: `statement_timestamp() + interval '90 days'` })],
  },
  ...(['alice', 'scout'] as const).map(
    (who): SqlAttack => ({
      ...works,
      name: `a session is of whoever started it, ${who}, and keeps that from being ended until it is there`,
      rule: 'D7 D17',
      given: twins,
      steps: [
        open(who),
        held(),
        ...started(null),
        held(who === 'alice' ? alice : scout),
        aside(
          `select row(tenant_id, owner_id, entity_id, kind, label, capabilities, created_by)::text from credentials where id = $1`,
          `(${acme},${alice},${who === 'alice' ? alice : scout},session,"A browser",{memory:read},${who === 'alice' ? alice : scout})`,
          [THIS],
        ),
      ],
    }),
  ),
  {
    ...works,
    name: 'whoever starts a session is kept from being ended before the session is made, and not by the reference of its row alone',
    rule: 'D17',
    // a label that no row takes: what is locked by then was locked on purpose, by the subtransaction that this ended
    steps: [
      open('alice'),
      step(`select bailiwick.start_session($1, '', '{memory:read}', now() + interval '1 minute')`, '23514', [
        THIS,
      ]),
      aside(
        `select xmax::text::bigint > pg_current_xact_id()::text::bigint from entities where tenant_id = $1 and id = $2`,
        'true',
        [acme, alice],
      ),
    ],
  },
];

const END = 'select bailiwick.end_session($1, $2) is not null';
const revoked = (what: string, expect: string | number) =>
  aside(`select ${what} from credentials where revoked_at is not null`, expect);
const ending: SqlAttack[] = [
  {
    ...works,
    name: 'the server ends one session and nothing else, and says when and of whom',
    rule: 'D17',
    given: together(arrangeKeys, arrangeHung, twins),
    steps: [
      opened(serviceTicket, 'true'),
      moment,
      ...[KEYS.alice.id, HUNG.client.id, newId()].map((id) => step(END, 'true', [acme, id])),
      revoked('count(*)::int', 0),
      step(END, 'true', [acme, HUNG.agentSession.id]),
      revoked(
        `string_agg(row(tenant_id, id, revoked_by, revoked_at > now() + interval '2 ms')::text, ' ')`,
        `(${acme},${HUNG.agentSession.id},${scout},t)`,
      ),
    ],
  },
  {
    ...works,
    control: false,
    name: 'ending a session again, so that it ended later and by somebody else',
    gain: 'the log says of an end what is not true',
    rule: 'D17',
    given: (sql: Sql) => makeKey(sql, { id: THIS, for: 'alice', kind: 'session', revoked: true }),
    steps: [
      opened(serviceTicket, 'true'),
      moment,
      step(END, 'true', [acme, THIS]),
      revoked("revoked_at < now() + interval '1 ms'", 'true'),
    ],
  },
];

const made =
  (key: Partial<MadeKey> & Pick<MadeKey, 'kind'>): Given =>
  (sql) =>
    makeKey(sql, { id: THIS, for: 'alice', expires: 500, ...key });
const token = () => issuedTicket(THIS);
const revokes = (where: string) =>
  aside(
    `update credentials set revoked_at = clock_timestamp(), revoked_by = owner_id where id = '${THIS}' and tenant_id ${where} '${acme}'`,
    1,
  );
/** The kernel says nothing against it, and does not make it. */
function unmade(): Step[] {
  const [asked, ...tried] = proposing({ ends: 60 }, 'authority');
  return asked === undefined ? [] : [{ ...asked, expect: 'null' }, ...tried];
}
const CLIENT = `select bailiwick.issue_key($1, $2, 'New', null, null, '{memory:read}', $3, now() + interval '1 minute', $4)`;

const making: SqlAttack[] = [
  {
    ...session,
    name: 'making a key with a client that ends earlier',
    gain: 'a credential that nobody ever has to make anew',
    rule: 'D7 D12',
    given: made({ kind: 'client' }),
    steps: [opened(token, 'true'), ...proposing({ ends: 501 }, 'lifetime')],
  },
  ...(['client', 'session'] as const).map(
    (kind): SqlAttack => ({
      ...session,
      name: `making a key with a ${kind} that was revoked, in a transaction from before`,
      gain: 'a thief makes another key while its victim ends them all',
      rule: 'D7 D17',
      given: made({ kind }),
      changes: true,
      steps: [opened(token, 'true'), revokes('='), ...unmade()],
    }),
  ),
  {
    ...works,
    name: 'a session makes a key that outlives it, while its twin in another tenant is revoked',
    gain: 'whoever signs in could make no key for a program',
    rule: 'D3 D7',
    given: together(made({ kind: 'session' }), twins),
    steps: [opened(token, 'true'), revokes('<>'), ...proposing({ ends: DAY }, null)],
  },
  ...([HUNG.client, HUNG.session] as const).map(
    ({ kind, id }): SqlAttack => ({
      ...session,
      name: `putting an API key in the place of a ${kind}`,
      gain: 'a credential of another kind than the one that somebody made',
      rule: 'D7',
      given: arrangeHung,
      steps: [
        open('alice'),
        step(
          `select bailiwick.rotate_key($1, $2, 'bwk_Next', $3, now() + interval '1 minute', '1 hour')`,
          'key',
          [id, NEXT, digestOf('next')],
        ),
      ],
    }),
  ),
  {
    ...works,
    name: 'a client is made with a public key and nothing else by which it is known',
    gain: 'no program could sign for itself',
    rule: 'D7',
    given: twins,
    steps: [
      open('alice'),
      step(CLIENT, 'null', [NEXT, scout, DELEGATIONS.scout.id, PUBLIC_KEY]),
      aside(
        `select row(tenant_id, kind, hint, digest, public_key->>'kty', entity_id, pinned_id)::text from credentials where id = $1`,
        `(${acme},client,,,EC,${scout},${DELEGATIONS.scout.id})`,
        [NEXT],
      ),
    ],
  },
  {
    ...session,
    name: 'making what is neither a key nor a client',
    gain: 'a credential with which nobody proves anything',
    rule: 'D7',
    steps: [open('alice'), step(CLIENT, '23514', [NEXT, alice, null, null])],
  },
  ...Object.entries({
    'a colleague': () => ticket('bob'),
    'an agent, its own': () => ticket('scout'),
    'a stranger': () => ticket('mallory'),
  }).map(
    ([who, make]): SqlAttack => ({
      ...session,
      name: `ending a session as ${who}`,
      gain: 'to lock somebody out',
      rule: 'D7 D26',
      given: together(arrangeHung, twins),
      steps: [opened(make, 'true'), step('select bailiwick.revoke_key($1)', 'null', [HUNG.agentSession.id])],
    }),
  ),
];

export const SESSIONS: readonly SqlAttack[] = [...starting, ...ending, ...making];
