// Attacks on ending keys and credentials (bailiwick.revoke_key, end_credentials, revoke_agent, keys_used; D7, D13, D16, D26): by
// whom it does not concern, brought back, blamed on somebody else, or done to others along with it.

import { type ActorName, AGENTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import { type Acting, type Sql, ticket } from '../../kit/as.ts';
import { arrangeKeys, KEYS, keyTicket, serviceTicket } from '../../policies/credentials.ts';
import { suspend } from '../../policies/given.ts';
import { together } from './hops.ts';
import { acme, alice } from './proposals.ts';
import { works } from './rotating.ts';
import { aside, open, opened, type SqlAttack, type Step, step } from './stage.ts';
import { twins, unchecked } from './worlds.ts';

const scout = AGENTS.scout.id;
const SCOUT = DELEGATIONS.scout.id;
const moment: Step = step('select pg_sleep(0.004) is not null', 'true');
const strangerAdmin = (sql: Sql) =>
  sql.rows(`update users set role = 'admin' where id = $1`, [USERS.mallory.id]);

const REVOKE = 'select bailiwick.revoke_key($1)';
const END = 'select bailiwick.end_credentials($1)';
type Ending = readonly [rule: string, who: ActorName, acting: Acting, key: string, entity: string];
const refused: Readonly<Record<string, Ending>> = {
  'of a colleague': ['D26', 'bob', {}, KEYS.alice.id, alice],
  'of an agent of a colleague': ['D26', 'bob', {}, KEYS.scout.id, scout],
  'of a stranger': ['D3', 'mallory', {}, KEYS.alice.id, alice],
  'of another tenant, as administrator': ['D3', 'mallory', { given: strangerAdmin }, KEYS.alice.id, alice],
  'of oneself, as an agent': ['D13', 'scout', {}, KEYS.scout.id, scout],
  'of oneself, through a delegation': ['D13', 'scout', { delegation: SCOUT }, KEYS.scout.id, scout],
  'of the owner, through a delegation': ['D13', 'scout', { delegation: SCOUT }, KEYS.alice.id, alice],
  'of oneself, with a token that is not for it': [
    'D8',
    'alice',
    { scopes: ['key:read', 'key:create'] },
    KEYS.alice.id,
    alice,
  ],
  'of oneself, suspended': ['D19', 'alice', { given: suspend('alice') }, KEYS.alice.id, alice],
  'of the tenant, with a token that is not for administering': [
    'D13',
    'ada',
    { scopes: ['key:update'] },
    KEYS.alice.id,
    alice,
  ],
  'of the tenant, with a token that is not for keys': [
    'D8',
    'ada',
    { scopes: ['tenant:administer'] },
    KEYS.alice.id,
    alice,
  ],
  'that are not there': ['D26', 'alice', {}, newId(), newId()],
  'of a world': ['D7', 'alice', {}, newId(), WORLDS.garden.id],
  'of an agent that is one’s own in another tenant only': [
    'D3',
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
    KEYS.scout.id,
    scout,
  ],
};

const before = (acting: Acting) =>
  together(arrangeKeys, ...(acting.given === undefined ? [] : [acting.given]));
const EPOCHS = 'select count(*)::int from entities where credential_epoch is not null';
const left = (count: number) =>
  aside('select count(*)::int from credentials where revoked_at is null', count);

const endings: SqlAttack[] = [
  ...(
    [
      ['alice', 'alice', KEYS.alice.id],
      ['alice', 'scout', KEYS.scout.id],
      ['ada', 'alice', KEYS.alice.id],
      ['ada', 'scout', KEYS.scout.id],
    ] as const
  ).flatMap(([who, whose, key]): SqlAttack[] => {
    const entity = whose === 'alice' ? alice : scout;
    const by = USERS[who].id;
    const given = together(arrangeKeys, twins);
    const name = `tenant_id = '${acme}' and id = '${key}' and revoked_by = '${by}' and revoked_at > now() + interval '2 ms'`;
    return [
      {
        ...works,
        name: `${who} ends a key of ${whose}: that one, and no other`,
        rule: 'D7 D16',
        given,
        steps: [
          open(who),
          moment,
          step(`${REVOKE} is not null`, 'true', [key]),
          aside(`select count(*)::int from credentials where ${name}`, 1),
          left(6),
        ],
      },
      {
        ...works,
        name: `${who} ends everything with which ${whose} proves who that is, and nobody else’s`,
        rule: 'D7 D16',
        given,
        steps: [
          open(who),
          moment,
          step(`${END} is not null`, 'true', [entity]),
          aside(`select count(*)::int from credentials where ${name}`, 1),
          left(6),
          aside(
            `${EPOCHS} and tenant_id = '${acme}' and id = '${entity}' and credential_epoch > now() + interval '2 ms'`,
            1,
          ),
          aside(EPOCHS, 1),
        ],
      },
      ...(whose === 'alice'
        ? []
        : [
            {
              ...works,
              name: `${who} stops scout: its keys too, and no other’s`,
              rule: 'D7 D16',
              given,
              steps: [
                open(who),
                moment,
                step('select cardinality(bailiwick.revoke_agent($1))', 2, [scout]),
                aside(`select count(*)::int from credentials where ${name}`, 1),
                left(6),
              ],
            } satisfies SqlAttack,
          ]),
    ];
  }),
  {
    ...works,
    control: false,
    name: 'ending keys again, to take the blame away or to move the time',
    gain: 'a record that names somebody else',
    rule: 'D15 D18',
    given: together(arrangeKeys, (sql) =>
      sql.rows(`update credentials set revoked_at = now() - interval '1 hour', revoked_by = owner_id`),
    ),
    changes: true,
    steps: [
      open('ada'),
      step(`${REVOKE} < now()`, 'true', [KEYS.scout.id]),
      step(`${END} is not null`, 'true', [scout]),
      step('select cardinality(bailiwick.revoke_agent($1))', 2, [scout]),
      aside(
        `select bool_and(revoked_by = owner_id and revoked_at < now() - interval '59 minutes') from credentials`,
        'true',
      ),
    ],
  },
];

const AT = '2026-11-21T10:00:00Z';
const TELL = 'select bailiwick.keys_used($1)::int';
const uses = (id: string, at = AT) => [JSON.stringify([{ tenant: acme, id, at }])];
const telling: SqlAttack[] = [
  ...Object.entries({
    alice: () => ticket('alice'),
    'an administrator': () => ticket('ada'),
    'the bearer of the key': () => keyTicket(KEYS.alice.digest),
  }).map(
    ([who, make]): SqlAttack => ({
      ...works,
      control: false,
      name: `telling that a key was used, as ${who}`,
      gain: 'a key that is in use looks idle, or the other way round',
      rule: 'D7',
      given: arrangeKeys,
      steps: [opened(make, 'true'), step(TELL, '28000', uses(KEYS.alice.id))],
    }),
  ),
  {
    ...works,
    control: false,
    name: 'telling that a key was used, as nobody',
    gain: 'a key that is in use looks idle, or the other way round',
    rule: 'D7 S5',
    given: arrangeKeys,
    steps: [step(TELL, '28000', uses(KEYS.alice.id))],
  },
  {
    ...works,
    name: 'the server tells that a key was used, of that one, and never of an earlier time',
    gain: 'nobody could tell which keys are idle',
    rule: 'D7',
    given: together(arrangeKeys, twins),
    steps: [
      opened(serviceTicket, 'true'),
      step(TELL, 1, uses(KEYS.alice.id)),
      step(TELL, 1, uses(KEYS.alice.id, '2026-11-20T10:00:00Z')),
      step(TELL, 0, uses(newId())),
      aside('select count(*)::int from credentials where last_used_at is not null', 1),
      aside(`select tenant_id from credentials where last_used_at = '${AT}'`, acme),
    ],
  },
];

export const REVOKING: readonly SqlAttack[] = [
  ...Object.entries(refused).map(
    ([what, [rule, who, acting, key, entity]]): SqlAttack => ({
      group: 'delegation',
      name: `ending keys ${what}`,
      gain: 'people and their agents are locked out by whom it does not concern',
      rule,
      given: before(acting),
      steps: [
        open(who, acting),
        step(REVOKE, 'null', [key]),
        step(END, 'null', [entity]),
        aside(EPOCHS, 0),
        aside('select count(*)::int from credentials where revoked_at is not null', 0),
      ],
    }),
  ),
  ...endings,
  ...telling,
];
