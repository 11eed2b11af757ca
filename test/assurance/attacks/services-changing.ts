// Attacks on what credentials for services say and on the secrets themselves (prisma/policies/24- and 25-): one that is sent elsewhere,
// made good for more, handed to oneself, kept in another's name or with another's secret; and records of its use forged.

import { SCOPES } from '../../../src/capabilities.ts';
import { type ActorName, AGENTS } from '../../../src/demo/cast.ts';
import { SERVICES } from '../../../src/demo/services.ts';
import { newId } from '../../../src/ids.ts';
import type { Acting } from '../../kit/as.ts';
import { arrangeWrapped, DATA_KEYS, DESTROYED, RETIRED_LONG_AGO, under } from '../../policies/wrapped.ts';
import { alice, bob, globex, made, rows } from './attempted.ts';
import { asUpper, type Given, pair, through } from './hops.ts';
import { itself } from './proposals.ts';
import { whole } from './served.ts';
import { open, type SqlAttack, type Step, step } from './stage.ts';

const { tracker, weather, post, parts } = SERVICES;
const CALLS = JSON.stringify([{ name: 'everything', method: 'DELETE', path: '/{path}' }]);
const ELSEWHERE = 'https://thief.invalid';

const change = (
  column: string,
  value: unknown,
  expect: string | number,
  { id }: { readonly id: string } = tracker,
) => step(`update service_credentials set ${column} = $1 where id = $2`, expect, [value, id]);
const keep = (expect: string | number, row: Readonly<Record<string, unknown>> = {}): Step =>
  made(
    'service_credentials',
    {
      ...{ owner_id: alice, service: 'tracker', label: 'Mine', kind: 'api_key', scopes: [] },
      ...{ origin: ELSEWHERE, calls: CALLS, ...row },
    },
    expect,
  );
const hide = (expect: string | number, row: Readonly<Record<string, unknown>>): Step =>
  made(
    'service_secrets',
    { owner_id: alice, secret_index: 'x', secret: under(DATA_KEYS.alice), ...row },
    expect,
  );
const replace = (expect: string | number, secret: string, { id }: { readonly id: string }): Step =>
  step('update service_secrets set secret = $1 where id = $2', expect, [secret, id]);

/** Where the secret goes, and how. */
const ROUTE: Readonly<Record<string, string>> = {
  origin: ELSEWHERE,
  header: 'x-echo',
  prefix: 'Leak ',
  service: 'thief',
  kind: 'oauth_token',
};
const routes = Object.entries(ROUTE);
/** As one token that may change and not read, and as one that may do everything. */
const rerouting: SqlAttack[] = (
  [
    ['a token that may change and not read', ['credential:read', 'credential:update']],
    ['a token for everything', SCOPES],
  ] as const
).map(
  ([who, scopes]): SqlAttack => ({
    ...rows,
    name: `changing where a credential goes with ${who}`,
    gain: 'the secret, sent to a place of one’s own at the next call',
    rule: 'D13',
    steps: [
      open('alice', { scopes }),
      ...routes.map(([column, value]) => change(column, value, '42501')),
      step(
        `insert into service_credentials (tenant_id, id, owner_id, service, label, kind, scopes, origin, calls)
         select tenant_id, id, owner_id, service, label, kind, scopes, $1, calls from service_credentials where id = $2
             on conflict (tenant_id, id) do update set origin = excluded.origin`,
        '42501',
        [ELSEWHERE, tracker.id],
      ),
      step(
        `merge into service_credentials t using (select $1::uuid as id) s on t.id = s.id
          when matched then update set origin = $2`,
        '42501',
        [tracker.id, ELSEWHERE],
      ),
    ],
  }),
);

/** Everything that an agent might want to be otherwise. */
const BY_AGENT: readonly Step[] = [
  change('calls', CALLS, 0),
  change('calls', CALLS, 0, weather),
  change('owner_only', false, 0),
  change('agent_id', AGENTS.scout.id, 0, post),
  change('agent_id', null, 0, post),
  change('scopes', ['everything'], 0),
  change('label', 'Changed', 0),
  change('expires_at', null, 0),
  ...routes.map(([column, value]) => change(column, value, '42501')),
  step('delete from service_secrets', 0),
  step('delete from service_credentials', 0),
  step(`update service_secrets set secret_index = 'x'`, 0),
  replace(0, under(DATA_KEYS.alice), weather),
  keep('42501'),
  keep('42501', { owner_id: AGENTS.scout.id }),
  keep('42501', { agent_id: AGENTS.scout.id }),
  hide('42501', { id: newId() }),
  hide('42501', { id: newId(), owner_id: AGENTS.scout.id, secret: under(DATA_KEYS.scout) }),
];
const byAgents: SqlAttack[] = (
  [
    ['that names all there is', 'scout', asUpper, [whole]],
    ['that lets it have them used', 'scout', through.scout, []],
    ['that names what cannot be delegated', 'scout', asUpper, [pair({ capabilities: SCOPES })]],
    ['which it does without', 'scout', itself, []],
  ] as readonly (readonly [string, ActorName, Acting, readonly Given[]])[]
).map(
  ([what, actor, acting, more]): SqlAttack => ({
    ...rows,
    name: `adding a call, or making oneself the agent that it is for, with a delegation ${what}`,
    gain: 'an agent decides itself what it may do with its owner’s credentials',
    rule: 'D13 D23',
    given: async (sql) => {
      await arrangeWrapped(sql);
      for (const one of more) {
        await one(sql);
      }
    },
    steps: [open(actor, acting), ...BY_AGENT],
  }),
);

const own = { owner_id: bob, secret: under(DATA_KEYS.bob) };
/** With a token or as somebody whose right ends before it. */
const OTHERS: Readonly<
  Record<string, readonly [rule: string, gain: string, ActorName, Acting, readonly Step[]]>
> = {
  'changing with a token for everything but that': [
    'D8',
    'a token for little does much',
    'alice',
    { scopes: SCOPES.filter((one) => one !== 'credential:update') },
    [change('calls', CALLS, 0), change('owner_only', false, 0), replace(0, under(DATA_KEYS.alice), tracker)],
  ],
  'keeping with a token for everything but that': [
    'D8',
    'a token for little does much',
    'alice',
    { scopes: SCOPES.filter((one) => one !== 'credential:create') },
    [keep('42501'), hide('42501', { id: newId() })],
  ],
  'deleting with a token for everything but that': [
    'D8',
    'what the owner needs is gone',
    'alice',
    { scopes: SCOPES.filter((one) => one !== 'credential:delete') },
    [step('delete from service_secrets', 0), step('delete from service_credentials', 0)],
  ],
  'changing and deleting a colleague’s by its id': [
    'D24',
    'a colleague’s credential does what one likes, or is gone',
    'bob',
    itself,
    [
      change('calls', CALLS, 0),
      change('agent_id', AGENTS.bobot.id, 0),
      replace(0, under(DATA_KEYS.bob), tracker),
      step('delete from service_secrets where id = $1', 0, [tracker.id]),
      step('delete from service_credentials where id = $1', 0, [tracker.id]),
      keep('42501'),
    ],
  ],
  'moving the secret of a colleague’s to one of one’s own': [
    'P31 D24',
    'the server opens it, and sends it where one likes',
    'bob',
    itself,
    [
      hide('42501', { ...own, id: newId(), secret: under(DATA_KEYS.alice) }),
      replace('42501', under(DATA_KEYS.alice), parts),
      step('update service_secrets set id = $1, owner_id = $2 where id = $3', '42501', [
        parts.id,
        bob,
        tracker.id,
      ]),
    ],
  ],
  'giving a secret of one’s own to a colleague’s, or to none that is there': [
    'D2 D24',
    'a colleague’s credential that proves who the attacker is, and makes his account hers',
    'bob',
    itself,
    [
      ...(
        [
          [tracker.id, '23505'],
          [newId(), '23503'],
        ] as const
      ).map(([id, refusal]) =>
        step(
          `insert into service_secrets (tenant_id, id, owner_id, secret, secret_index)
           select tenant_id, $1, owner_id, secret, 'x' from service_secrets where id = $2`,
          refusal,
          [id, parts.id],
        ),
      ),
    ],
  ],
  'keeping a secret that is none': [
    'P31',
    'secrets that lie open in every backup',
    'alice',
    itself,
    [
      ...['demo-7Qk2vXw9', under(DESTROYED), under(DATA_KEYS.bob), under(DATA_KEYS.scout)].flatMap(
        (secret) => [hide('42501', { id: tracker.id, secret }), replace('42501', secret, tracker)],
      ),
    ],
  ],
  'letting in an agent of somebody else’s': [
    'D3 D24',
    'a colleague’s agent is the one that a credential is for',
    'alice',
    itself,
    [AGENTS.bobot.id, AGENTS.mimic.id, bob].flatMap((agent) => [
      change('agent_id', agent, '23503'),
      keep('23503', { agent_id: agent }),
    ]),
  ],
  'forging when it was used and by whom, and where it comes from': [
    'D23 D27',
    'a record that accuses somebody else',
    'alice',
    itself,
    [
      ...[
        'last_used_at',
        'last_used_by',
        'created_at',
        'created_by',
        'request_id',
        'owner_id',
        'tenant_id',
        'id',
      ].map((column) => step(`update service_credentials set ${column} = ${column}`, '42501')),
      ...[{ last_used_by: bob }, { last_used_at: new Date() }, { created_at: new Date() }].map((row) =>
        keep('42501', row),
      ),
      ...[{ created_by: bob }, { request_id: newId() }, { tenant_id: globex }].map((row) =>
        keep('42501', row),
      ),
    ],
  ],
};

const NEW = newId();
const control: SqlAttack = {
  ...rows,
  control: true,
  name: 'an owner in person keeps a credential, changes what it is for, replaces its secret, and deletes it',
  gain: 'owners could not keep credentials',
  rule: 'D8',
  given: arrangeWrapped,
  steps: [
    open('alice'),
    keep(1, { id: NEW }),
    hide(1, { id: NEW }),
    ...(
      [
        ['calls', '[]'],
        ['agent_id', AGENTS.scribe.id],
        ['agent_id', null],
        ['label', 'Changed'],
        ['owner_only', false],
        ['expires_at', null],
      ] as const
    ).map(([column, value]) => change(column, value, 1, { id: NEW })),
    replace(1, under(RETIRED_LONG_AGO), { id: NEW }),
    ...['service_secrets', 'service_credentials'].map((table) =>
      step(`delete from ${table} where id = $1`, 1, [NEW]),
    ),
  ],
};

export const SERVED_OTHERWISE: readonly SqlAttack[] = [
  ...rerouting,
  ...byAgents,
  ...Object.entries(OTHERS).map(
    ([what, [rule, gain, actor, acting, steps]]): SqlAttack => ({
      ...rows,
      name: `credentials for services: ${what}`,
      gain,
      rule,
      // what the tables refuse has been begun: there, all rows are compared
      ...(!steps.some(({ expect }) => expect.startsWith('23')) && { given: arrangeWrapped }),
      steps: [open(actor, acting), ...steps],
    }),
  ),
  control,
];
