// Attacks by listening (prisma/policies/09-events.sql): to what happens to others, through a chain that is not for it, past a place that was cut, with a
// ticket that is over. Who is who among the events that are there: test/policies/happened.ts.

import { TENANTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import { type Acting, type Sql, ticket } from '../../kit/as.ts';
import { serviceTicket } from '../../policies/credentials.ts';
import { DEAD } from '../../policies/given.ts';
import { arrangeEvents, KINDS, NOTHING, UPTO } from '../../policies/happened.ts';
import { asScout, rows } from './attempted.ts';
import { GARDEN, type Given, through, together } from './hops.ts';
import { itself } from './proposals.ts';
import { aside, open, opened, type SqlAttack, type Step, step } from './stage.ts';

const acme = TENANTS.acme.id;
const { bob } = USERS;
const NEW = newId();

type Where = {
  readonly since?: string;
  readonly upto?: string;
  readonly after?: number;
  readonly kinds?: readonly string[];
  readonly most?: number;
};
const UNSEEN = 'bailiwick.unseen($1, $2, $3, $4, $5)';
const values = ({ since = NOTHING, upto, after, kinds = KINDS, most = 1000 }: Where) => [
  ...[since, upto ?? null, after ?? null, kinds, most],
];
/** The ends of the ids that are told of, in their order. */
const hears = (expect: string, where: Where = {}): Step =>
  step(
    `select coalesce(string_agg(right(e->>'id', 3), ' ' order by n), '')
       from jsonb_array_elements(${UNSEEN}->'events') with ordinality x (e, n)`,
    expect,
    values(where),
  );
const says = (expect: object, where: Where = {}): Step =>
  step(`select ${UNSEEN} - '{snapshot,events}'::text[]`, JSON.stringify(expect), values(where));

type Voice = readonly [
  who: Parameters<typeof open>[0],
  acting: Acting,
  heard: Partial<Record<string, string>>,
];
const OWN = '020 021 022 023';
/** What each of them hears of each kind; of those not named nothing. */
const VOICES: Readonly<Record<string, Voice>> = {
  'an owner': [
    'alice',
    itself,
    {
      approval: `001 ${OWN} 003 008`,
      activity: '011 120 121 122 123 013 018',
      baseline: '021 220 221 222 223 023 028',
      delegation: '031 320 321 322 323 033 038',
      agent: '041 420 421 422 423 043 048',
      memory: '051 520 521 522 523 053 058 059 05a 05c 05d',
    },
  ],
  'an agent through its delegation': [
    'scout',
    asScout,
    {
      approval: '020 003',
      activity: '120 013',
      delegation: '031 320 321 322 323 033 037 038',
      agent: '041 420 421 422 423 043 048',
      memory: '051 520 521 522 523 053 058 059 05a 05d',
    },
  ],
  'an agent in one world': ['scout', { delegation: DELEGATIONS.scoutInGarden.id }, { memory: '059 05c 05d' }],
  'an agent as itself': ['scout', itself, { delegation: '320 033 037', agent: '420 043 047' }],
  'a sub-agent': [
    'scribe',
    through.scribe,
    { delegation: '321 033', memory: '051 520 521 522 523 053 058 059 05a 05d' },
  ],
  'a colleague': [
    'bob',
    itself,
    {
      ...{
        approval: '004 007',
        activity: '014 017',
        baseline: '024 027',
        delegation: '034 037 038',
        agent: '044 047 048',
      },
      memory: '054 057 05b 05c 05d 05e',
    },
  ],
  'an administrator': ['ada', itself, {}],
  'somebody of another tenant': [
    'mallory',
    itself,
    { approval: '005', activity: '015', baseline: '025', delegation: '035', agent: '045', memory: '055 05f' },
  ],
  'an agent of another tenant': [
    'mimic',
    { delegation: DELEGATIONS.mimic.id },
    { approval: '005', delegation: '035', agent: '045', memory: '055 05f' },
  ],
  'an agent whose delegation has expired': ['late', { delegation: DELEGATIONS.late.id }, {}],
  'an agent whose delegation was revoked': ['rogue', { delegation: DELEGATIONS.rogue.id }, {}],
  'an owner with a token for one kind': [
    'alice',
    { scopes: ['agent:read'] },
    { agent: '041 420 421 422 423 043 048' },
  ],
  'an agent with a token for what it asks': [
    'scout',
    { ...asScout, scopes: ['approval:read'] },
    { approval: '020 003' },
  ],
};
const voices = Object.entries(VOICES).map(
  ([what, [who, acting, heard]]): SqlAttack => ({
    ...rows,
    name: `listening as ${what} to what is somebody else’s`,
    gain: 'when and with what others work, as it happens',
    rule: 'P2 D3 D8',
    given: arrangeEvents,
    steps: [
      open(who, acting),
      ...KINDS.map((kind) => hears(heard[kind] ?? '', { kinds: [kind] })),
      hears('', { kinds: ['user', 'world', 'permission'] }),
      hears('', { kinds: [] }),
    ],
  }),
);

const approval = { kinds: ['approval'] };
const LIVE = { cut: false, live: true, more: false, worlds: [] };
const DEAF = { ...LIVE, live: false };
const places: readonly SqlAttack[] = [
  {
    ...rows,
    control: true,
    name: 'whoever listens goes on where they were',
    gain: 'what happens is lost, or comes again',
    rule: 'D8',
    given: arrangeEvents,
    steps: [
      open('alice'),
      hears(`001 ${OWN} 003 008`, approval),
      hears('021 022 023 003 008', { ...approval, since: UPTO(7) }),
      hears('020', { ...approval, since: UPTO(1000, 6) }),
      hears('', { ...approval, since: UPTO(1000) }),
      hears('001 020', { ...approval, most: 2 }),
      hears('', { ...approval, upto: UPTO(1000), after: 1_000_000 }),
      hears('', { ...approval, upto: UPTO(7), after: 1_000_000 }),
      hears('001 020', { ...approval, upto: UPTO(7), after: 0 }),
      hears(`001 ${OWN} 003 008`, { ...approval, after: 1_000_000 }),
      hears(`001 ${OWN} 003 008`, { ...approval, upto: UPTO(1000), after: 0 }),
      says(LIVE, approval),
      says({ ...LIVE, cut: true, more: true }, { ...approval, most: 7 }),
      says({ ...LIVE, cut: true, more: true }, { ...approval, most: 2 }),
      // a look that was cut short stays at its snapshot until that has been seen, and then there may be more
      says({ ...LIVE, more: true }, { ...approval, upto: UPTO(7), after: 0 }),
      says({ ...LIVE, cut: true, more: true }, { ...approval, upto: UPTO(7), after: 0, most: 1 }),
      step(`select ${UNSEEN}->>'snapshot'`, UPTO(7), values({ upto: UPTO(7), after: 0 })),
      step(
        `select bailiwick.unseen(null, null, null, $1, 0) - 'snapshot'`,
        JSON.stringify({ cut: false, live: true, more: false, events: [], worlds: [GARDEN] }),
        [KINDS],
      ),
      step(
        `select bailiwick.unseen(null, null, null, $1, 0)->>'snapshot' = pg_current_snapshot()::text`,
        'true',
        [KINDS],
      ),
      step(`select ${UNSEEN}->>'snapshot' = pg_current_snapshot()::text`, 'true', values({})),
    ],
  },
  {
    ...rows,
    name: 'listening without a context, or as the server itself',
    gain: 'what happens in every tenant',
    rule: 'S4 S9',
    given: arrangeEvents,
    steps: [says(DEAF), hears(''), opened(() => serviceTicket(), 'true'), says(DEAF), hears('')],
  },
  ...Object.entries(DEAD).map(
    ([state, given]): SqlAttack => ({
      ...rows,
      name: `listening through a chain when ${state}`,
      gain: 'an agent that was stopped goes on',
      rule: 'D17',
      given: together(arrangeEvents, given),
      steps: [open('scout', asScout), says(DEAF), hears('')],
    }),
  ),
];

const still = (
  expect: readonly boolean[],
  ...make: readonly (() => readonly [unknown, unknown])[]
): Step => ({
  ...step('select bailiwick.still($1, $2)', JSON.stringify(expect)),
  values: () => {
    const all = make.map((one) => one());
    return [all.map(([text]) => text), all.map(([, mac]) => mac)];
  },
});
const good = () => ticket('alice');
const scouts = () => ticket('scout', asScout);
const ends: readonly SqlAttack[] = [
  {
    ...rows,
    name: 'going on listening with a ticket that opens nothing, or nothing but a context without authority',
    gain: 'what happens, after everything was ended',
    rule: 'D17 S2',
    steps: [
      still(
        [true, true, false, true],
        good,
        scouts,
        () => ['x', 'x'],
        () => ticket('mallory'),
      ),
      still(
        [false, false],
        () => ticket('alice', {}, undefined, Date.now() - 20_000),
        () => [good()[0], '00'],
      ),
      still([false, true], () => ticket('scribe', asScout), good),
      still([false], () => ticket('late', { delegation: DELEGATIONS.late.id })),
      still([false], () => serviceTicket()),
      still([]),
    ],
  },
  ...Object.entries(DEAD).map(
    ([state, given]): SqlAttack => ({
      ...rows,
      name: `going on listening through a chain when ${state}`,
      gain: 'an agent that was stopped goes on',
      rule: 'D17',
      given,
      steps: [still([false, true], scouts, () => ticket('mallory'))],
    }),
  ),
];

const happened = (age: string, since = 'clock_timestamp()'): string =>
  `insert into bailiwick.events (tenant_id, owner_id, kind, event, id, recorded_at)
   values ('${acme}', '${bob.id}', 'memory', 'memory.created', '${NEW}', ${since} - interval '${age}')`;
const aged =
  (...ages: readonly string[]): Given =>
  async (sql: Sql) => {
    for (const age of ages) {
      await sql.rows(happened(age));
    }
  };
/** Throws away, and says whether there may be more. */
const forgets = (more: boolean): Step => step('select bailiwick.forget_events()', String(more));
const left = (expect: number): Step => aside('select count(*)::int from bailiwick.events', expect);
const server = opened(serviceTicket, 'true');
const many =
  (count: number): Given =>
  async (sql: Sql) => {
    await sql.rows(`do $$ begin
      insert into bailiwick.events (tenant_id, owner_id, kind, event, id, recorded_at)
      select '${acme}', '${bob.id}', 'memory', 'memory.created', '${NEW}', clock_timestamp() - interval '1 day' - n * interval '1 second'
        from generate_series(1, ${count}) n;
    end $$`);
  };
const thrown: readonly SqlAttack[] = [
  {
    ...rows,
    name: 'throwing away what happened to others before they have heard of it',
    gain: 'others miss that their agents ask, or are stopped',
    rule: 'S9',
    given: aged('1 second', '14 minutes'),
    steps: [forgets(false), left(2), server, forgets(false), left(2)],
  },
  ...(['alice', 'ada', 'scout'] as const).map(
    (who): SqlAttack => ({
      ...rows,
      name: `throwing away what happened long ago, as ${who}`,
      gain: 'work for the server, whenever somebody likes',
      rule: 'S9',
      given: aged('16 minutes'),
      steps: [forgets(false), left(1), open(who), forgets(false), left(1)],
    }),
  ),
  {
    ...rows,
    control: true,
    name: 'what is older than a quarter of an hour is thrown away by the server, by the clock',
    gain: 'what happened is kept for ever',
    rule: 'D12',
    given: aged('14 minutes', '16 minutes', '1 day'),
    steps: [
      server,
      forgets(false),
      left(1),
      aside(happened('15 minutes'), 1),
      step('select pg_sleep(0.004) is not null', 'true'),
      forgets(false),
      left(1),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'no more is thrown away at once than nobody waits for, the oldest first, and whether there is more is said',
    gain: 'a statement that deletes for minutes',
    rule: 'D12',
    given: together(many(10_001), aged('1 second')),
    steps: [
      server,
      forgets(true),
      left(5002),
      aside(
        `select max(recorded_at) > clock_timestamp() - interval '1 day 5002 seconds' from bailiwick.events
          where recorded_at = (select min(recorded_at) from bailiwick.events)`,
        'true',
      ),
      forgets(true),
      left(2),
      forgets(false),
      left(1),
      aside(`select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`, 1),
    ],
  },
];

export const LISTENING: readonly SqlAttack[] = [...voices, ...places, ...ends, ...thrown];
