// Attacks on what the token service keeps (prisma/policies/04-tokens.sql; S3, D7, JWT keys): asked by anybody but the server
// itself, about what has ended or is another tenant's; and signing keys that take over from each other. What is used once stands
// in once.ts.

import { DELEGABLE, SCOPES } from '../../../src/capabilities.ts';
import { AGENTS, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { type KeyId, newId } from '../../../src/ids.ts';
import { ticket } from '../../kit/as.ts';
import {
  arrangeHung,
  arrangeKeys,
  HUNG,
  issuedTicket,
  KEYS,
  keyTicket,
  type MadeKey,
  makeKey,
  serviceTicket,
} from '../../policies/credentials.ts';
import { DEAD, suspend } from '../../policies/given.ts';
import { type Given, together } from './hops.ts';
import { opened, type SqlAttack, type Step, step } from './stage.ts';
import { twins } from './worlds.ts';

/** What can be delegated, and renouncing: the most that an agent's key allows. */
const OFFERED = DELEGABLE.length + 1;
const acme = TENANTS.acme.id;
const THIS = newId<KeyId>();
const DIGEST = '1'.repeat(64);
const server = { group: 'sealed context', rule: 'S3' } as const;
const served = opened(serviceTicket, 'true');

type Asked = readonly [gain: string, text: string, values?: readonly unknown[]];
const ASKED: Readonly<Record<string, Asked>> = {
  'ending a session': [
    'to lock anybody out',
    'select bailiwick.end_session($1, $2)',
    [acme, HUNG.session.id],
  ],
  'asking what a session is': [
    'who is signed in, for what and until when',
    'select bailiwick.credential_of($1, $2)',
    ['acme', HUNG.session.id],
  ],
  'keeping a refresh token': [
    'a refresh token for any session',
    `select bailiwick.keep_refresh($1, '{}', now())`,
    [DIGEST],
  ],
  'asking about a refresh token': [
    'what a token that was found stands for',
    'select bailiwick.find_refresh($1)',
    [DIGEST],
  ],
  'using up a refresh token': [
    'to have a session ended as if its token were stolen',
    'select bailiwick.use_refresh($1)',
    [DIGEST],
  ],
  'spending a token or a proof of possession': [
    'somebody else’s requests are taken for repetitions',
    `select bailiwick.spend($1, now() + interval '1 minute')`,
    [DIGEST],
  ],
  'reading the keys that sign': [
    'what signs every token, as it is wrapped',
    'select bailiwick.signing_keys()',
  ],
  'adding a key that signs': [
    'tokens in the name of anybody',
    `select bailiwick.add_signing_key('mine', 'ES256', '{}', '', now(), '')`,
  ],
};
const VOICES = {
  alice: () => ticket('alice'),
  'an administrator': () => ticket('ada'),
  'an agent through its delegation': () => ticket('scout', { delegation: DELEGATIONS.scout.id }),
  'the bearer of a key': () => keyTicket(KEYS.alice.digest),
  'the bearer of a token of ours': () => issuedTicket(HUNG.session.id),
  nobody: undefined,
} as const;

const voices: SqlAttack[] = Object.entries(ASKED).flatMap(([what, [gain, text, values = []]]) =>
  Object.entries(VOICES).map(
    ([who, make]): SqlAttack => ({
      ...server,
      name: `${what} as ${who}`,
      gain,
      given: together(arrangeKeys, arrangeHung),
      steps: [...(make === undefined ? [] : [opened(make, 'true')]), step(text, '28000', values)],
    }),
  ),
);

const made =
  (key: Partial<MadeKey> & Pick<MadeKey, 'kind'>): Given =>
  (sql) =>
    makeKey(sql, { id: THIS, for: 'alice', ...key });
const told = (expect: string, id: string, tenant = 'acme'): Step =>
  step(
    `select row(c->>'kind', c->>'tenantId', c->>'entityId', c->>'delegationId', jsonb_array_length(c->'capabilities'),
              c->'publicKey'->>'kty', c->>'label', (c->>'expiresAt')::numeric > extract(epoch from now()))::text
       from bailiwick.credential_of($1, $2) c where c is not null`,
    expect,
    [tenant, id],
  );
type Gone = readonly [given: Given, id: string, tenant?: string];
const gone: Readonly<Record<string, Gone>> = {
  'an API key': [arrangeKeys, KEYS.alice.id],
  'a session that is not there': [arrangeHung, newId()],
  'a session of another tenant': [arrangeHung, HUNG.session.id, 'globex'],
  'a session that was revoked': [made({ kind: 'session', revoked: true }), THIS],
  'a client that has expired': [made({ kind: 'client', expires: -1 }), THIS],
  'a session of somebody suspended': [together(arrangeHung, suspend('alice')), HUNG.session.id],
  'a session of an agent of somebody suspended': [
    together(arrangeHung, suspend('alice')),
    HUNG.agentSession.id,
  ],
  'a session in a suspended tenant': [
    together(arrangeHung, DEAD['the tenant is suspended']),
    HUNG.session.id,
  ],
};
const credentials: SqlAttack[] = [
  ...Object.entries(gone).map(
    ([what, [given, id, tenant]]): SqlAttack => ({
      ...server,
      name: `having a token issued on ${what}`,
      gain: 'tokens after the end of what they hang on, or of somebody else',
      rule: 'D7 D17 D19',
      given,
      steps: [served, told('0', id, tenant)],
    }),
  ),
  {
    ...server,
    name: 'having a token issued on a session that expired while the transaction waited',
    gain: 'tokens after the end of what they hang on',
    rule: 'D12',
    given: made({ kind: 'session', expires: `now() + interval '2 ms'` }),
    steps: [served, step('select pg_sleep(0.01) is not null', 'true'), told('0', THIS)],
  },
  {
    ...server,
    control: true,
    name: 'the server is told whose a client or session is, and the most that it allows',
    gain: 'no token of our own could be issued',
    rule: 'D7',
    given: together(arrangeHung, twins),
    steps: [
      served,
      told(`(session,${acme},${USERS.alice.id},,${SCOPES.length},,"Made for a test",t)`, HUNG.session.id),
      told(
        `(client,${acme},${AGENTS.scout.id},${DELEGATIONS.scout.id},${OFFERED},EC,"Made for a test",t)`,
        HUNG.boundClient.id,
      ),
    ],
  },
];

const added = (expect: string, kid: string, predecessor: string, hours = 1, algorithm = 'ES256'): Step =>
  step(
    `select bailiwick.add_signing_key($1, $2, '{"kty": "EC"}', '\\x0102', now() + make_interval(hours => $3), $4)`,
    expect,
    [kid, algorithm, hours, predecessor],
  );
const signs = (expect: string): Step =>
  step(
    `select string_agg(concat_ws(' ', k->>'kid', k->>'algorithm', k->>'privateKey', k->'publicKey'->>'kty'), ', ' order by n)
       from jsonb_array_elements(bailiwick.signing_keys()) with ordinality k (k, n)`,
    expect,
  );
const signing: SqlAttack[] = [
  {
    ...server,
    name: 'adding a signing key beside the one that took over, or in its place',
    gain: 'two processes sign with keys of which the other knows nothing',
    rule: 'JWT rotation',
    changes: true,
    steps: [
      served,
      added('true', 'first', ''),
      added('false', 'other', ''),
      added('false', 'first', 'somebody'),
      signs('first ES256 AQI= EC'),
    ],
  },
  {
    ...server,
    control: true,
    name: 'signing keys take over from each other, and are told in that order',
    gain: 'no key could ever be replaced',
    rule: 'JWT rotation',
    steps: [
      served,
      step('select bailiwick.signing_keys()', '[]'),
      added('true', 'third', 'second', 3),
      added('true', 'first', '', 1),
      added('true', 'rsa', '', 4, 'RS256'),
      added('true', 'second', 'first', 2),
      signs('first ES256 AQI= EC, second ES256 AQI= EC, third ES256 AQI= EC, rsa RS256 AQI= EC'),
    ],
  },
];

export const SIGNING: readonly SqlAttack[] = [...voices, ...credentials, ...signing];
