// Attacks on the log of what agents did, where the kernel writes it and throws it away (prisma/policies/08-activity.sql; note_verdict in 06): entries that
// say something else than what was decided, entries of another time, approvals that nobody gave, and what is thrown away too early or of
// somebody else's. What agents add themselves is refused in the probe; how calls end: calls-ending.ts; the months: months.ts.

import { firstIdOf } from '../../../src/activity/moment.ts';
import { SERVICES } from '../../../src/demo/services.ts';
import { ticket } from '../../kit/as.ts';
import { serviceTicket } from '../../policies/credentials.ts';
import { asScout, rows } from './attempted.ts';
import { noted as added } from './entries.ts';
import { asUpper, chain, type Given, together } from './hops.ts';
import {
  acme,
  bob,
  type Entry,
  entry,
  globex,
  idAt,
  locks,
  moment,
  now,
  scribe,
  there,
  told,
} from './logged.ts';
import { both, LETTER, OVER, request } from './requested.ts';
import { LIST, noted } from './served.ts';
import { aside, open, opened, type SqlAttack, type Step, step } from './stage.ts';
import { timelyId } from './timely.ts';
import { twins, unchecked } from './worlds.ts';

const STARTED = `current_setting('stage.started')::uuid`;

const NOTE = 'select bailiwick.note($1, $2, $3, $4, $5, null)::text';
const note = (expect: string, id: string): Step =>
  aside(
    `${NOTE.replace('$1', id)}`
      .replace('$2', `'stage'`)
      .replace('$3', `'run'`)
      .replace('$4', 'null')
      .replace('$5', `'asked'`),
    expect,
  );
const staged = (count: number): Step =>
  aside(`select count(*)::int from activity_entries where service = 'stage'`, count);
const verdict = (service: string, action: string): Step =>
  step('select bailiwick.note_verdict($1, $2, $3, null)::text', '', [timelyId(), service, action]);
const audited = (count: number): Step =>
  aside(
    `select count(*)::int from audit_entries where event = 'action.authorized' and request_id = bailiwick.request_id()`,
    count,
  );

const notes: readonly SqlAttack[] = [
  {
    ...rows,
    name: 'having something noted without a context, or of a person',
    gain: 'a log of agents in which there is what no agent did',
    rule: 'D27',
    steps: [note('', now(1)), staged(0), open('alice'), note('', now(2)), staged(0), told(0)],
  },
  {
    ...rows,
    name: 'having something noted of another time',
    gain: 'what is in the log was not done when it says',
    rule: 'D27',
    steps: [
      open('scout', asScout),
      note('22023', idAt(`clock_timestamp() - interval '6 minutes'`)),
      note('22023', idAt(`clock_timestamp() + interval '6 minutes'`)),
      note('22023', 'null'),
      staged(0),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'what is noted is told to whoever listens',
    gain: 'an owner is not told what is done',
    rule: 'D27',
    steps: [open('scout', asScout), note('', now(1)), staged(1), told(1)],
  },
  {
    ...rows,
    name: 'having a verdict noted by who may not read the rules',
    gain: 'a log full of what nobody did',
    rule: 'D8 D27',
    steps: [
      open('scout', { ...asScout, scopes: ['approval:create', 'activity:create'] }),
      verdict('mail', 'messages.send'),
      noted(0, 'asked'),
      audited(0),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'a verdict is noted as what it is, in the log and for the audit',
    gain: 'an owner does not learn what agents are denied',
    rule: 'D27',
    steps: [
      open('scout', asScout),
      verdict('mail', 'messages.send'),
      ...[noted(1, 'asked'), noted(0, 'allowed'), noted(0, 'denied'), audited(1)],
      verdict('tracker', LIST),
      ...[noted(1, 'asked'), noted(1, 'allowed'), noted(0, 'denied'), audited(2)],
      verdict('bank', 'accounts.close'),
      ...[noted(1, 'asked'), noted(1, 'allowed'), noted(1, 'denied'), audited(3)],
    ],
  },
  {
    ...rows,
    control: true,
    name: 'a call that an agent makes is in the log, and one of its owner is not',
    gain: 'an owner does not learn what is done in its name',
    rule: 'D27',
    steps: [
      open('scout', asScout),
      step(
        `select set_config('stage.started', r->>'startedId', true) is not null from bailiwick.use_service($1, $2, $3, null, null) r`,
        'true',
        [SERVICES.tracker.id, LIST, timelyId()],
      ),
      noted(1, 'started'),
      step(`select outcome from activity_entries where id = ${STARTED}`, 'started'),
      aside(
        `select count(*)::int from audit_entries where event = 'service.called' and request_id = bailiwick.request_id()`,
        1,
      ),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'an owner that has a call made in person is told of no entry',
    gain: 'an owner does not learn what is done in its name',
    rule: 'D27',
    steps: [
      open('alice'),
      step(
        `select r->>'startedId' is null and r ? 'startedId' from bailiwick.use_service($1, $2, $3, null, null) r`,
        'true',
        [SERVICES.tracker.id, LIST, timelyId()],
      ),
      noted(0, 'started'),
    ],
  },
];

const recent = (when: string, expect: boolean): Step =>
  aside(`select bailiwick.is_recent(bailiwick.id_at(${when}))`, String(expect));
const times: SqlAttack = {
  ...rows,
  control: true,
  name: 'an id is of now for five minutes, by the clock and not by the transaction',
  gain: 'what is in the log was not done when it says',
  rule: 'D12',
  steps: [
    moment,
    recent(`statement_timestamp() - interval '4 minutes 50 seconds'`, true),
    recent(`statement_timestamp() + interval '4 minutes 50 seconds'`, true),
    recent(`statement_timestamp() - interval '6 minutes'`, false),
    recent(`statement_timestamp() + interval '6 minutes'`, false),
    recent(`transaction_timestamp() - interval '5 minutes'`, false),
    recent(`transaction_timestamp() + interval '5 minutes'`, true),
    aside(`select bailiwick.id_at('2026-11-22T00:00:00Z')`, firstIdOf(new Date('2026-11-22T00:00:00Z'))),
    aside(
      `select bailiwick.new_id() between bailiwick.id_at(transaction_timestamp() + interval '2 ms') and bailiwick.id_at(clock_timestamp() + interval '5 seconds')`,
      'true',
    ),
    aside(`select substr(bailiwick.new_id()::text, 15, 1)`, '7'),
  ],
};

const past = (days: number, more: Entry = {}): Entry => ({
  ...{ service: 'past', id: idAt(`clock_timestamp() - interval '${days} days'`, days) },
  ...more,
});
const left = (expect: string): Step =>
  aside(
    `select coalesce(string_agg(right(id::text, 3) || case tenant_id when '${acme}' then '' else ' there' end, ', ' order by right(id::text, 3), tenant_id), '')
       from activity_entries where service = 'past'`,
    expect,
  );
const expires = (expect: number, batch = 10): Step =>
  step('select bailiwick.expire_activity($1)', expect, [batch]);
const old: Given = together(
  (sql) => sql.rows('update tenants set activity_days = 600 where tenant_id = $1', [globex]),
  there(
    ...[399, 401, 402, 500].map((days) => past(days)),
    ...[401, 599, 601].map((days) => past(days, { tenant: globex })),
  ),
);
/** An entry under the same id in both tenants, which one of them keeps longer. */
const twice: Given = together(
  (sql) => sql.rows('update tenants set activity_days = 600 where tenant_id = $1', [globex]),
  ...[acme, globex].map((tenant) =>
    unchecked(
      entry({ service: 'past', tenant, id: idAt(`transaction_timestamp() - interval '500 days'`, 500) }),
    ),
  ),
);
const expiry: readonly SqlAttack[] = [
  ...(['alice', 'ada', 'mallory'] as const).map(
    (who): SqlAttack => ({
      ...rows,
      name: `throwing away entries of the log, as ${who}`,
      gain: 'nobody learns what an agent did',
      rule: 'S9 D27',
      given: old,
      steps: [expires(0), opened(() => ticket(who), 'true'), expires(0)],
    }),
  ),
  {
    ...rows,
    control: true,
    name: 'the server throws away what is past its tenant’s limit, the oldest first and no more than asked for',
    gain: 'the log is kept for ever',
    rule: 'D27',
    given: old,
    steps: [
      opened(() => serviceTicket(), 'true'),
      locks(0),
      expires(2, 2),
      locks(1),
      left('399, 401, 401 there, 599 there, 601 there'),
      expires(2),
      left('399, 401 there, 599 there'),
      expires(0),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'what is past one tenant’s limit stays in another, under the same id',
    gain: 'one customer’s limit is another’s loss',
    rule: 'D3 D27',
    given: twice,
    steps: [opened(() => serviceTicket(), 'true'), expires(1), left('500 there')],
  },
  {
    ...rows,
    control: true,
    name: 'an entry whose time has come since the transaction began is thrown away',
    gain: 'the log is kept for longer than was said',
    rule: 'D12',
    given: there({ service: 'past', id: `bailiwick.id_at(transaction_timestamp() - interval '400 days')` }),
    steps: [opened(() => serviceTicket(), 'true'), moment, expires(1)],
  },
];

const ahead: SqlAttack = {
  ...rows,
  control: true,
  name: 'an agent adds an entry of five minutes from now, by the clock and not by the transaction',
  gain: 'servers whose clocks differ a little could add nothing',
  rule: 'D12',
  given: both(),
  steps: [
    open('scout', asUpper),
    moment,
    added(1, {}, `bailiwick.id_at(transaction_timestamp() + interval '5 minutes')`),
  ],
};

/** Whether the context has redeemed an approval of an action: only then may an entry name it. */
const redeemed = (expect: boolean, service: string = LETTER.service, action: string = LETTER.action): Step =>
  step('select bailiwick.redeemed($1, $2, $3)', String(expect), [OVER[0], service, action]);
const done: Given = together(both(), request(OVER[0], { redeemed: true }));
const named: Readonly<Record<string, readonly [given: Given, steps: readonly Step[]]>> = {
  'that stands in another tenant only': [
    together(done, twins, unchecked('delete from approvals where tenant_id = $1', acme)),
    [redeemed(false)],
  ],
  'of another owner': [
    together(done, unchecked('update approvals set owner_id = $1 where id = $2', bob, OVER[0])),
    [redeemed(false)],
  ],
  'of another agent': [
    together(done, unchecked('update approvals set agent_id = $1 where id = $2', scribe, OVER[0])),
    [redeemed(false)],
  ],
  'that nobody has redeemed': [together(both(), request(OVER[0])), [redeemed(false)]],
  'of another action': [done, [redeemed(false, 'shop'), redeemed(false, LETTER.service, 'messages.list')]],
};
const approvals: readonly SqlAttack[] = [
  ...Object.entries(named).map(
    ([what, [given, steps]]): SqlAttack => ({
      ...chain,
      name: `naming in the log an approval ${what}`,
      gain: 'what nobody approved stands in the log as approved',
      rule: 'D3 D24 D27',
      given,
      changes: true,
      steps: [open('scout', asScout), ...steps],
    }),
  ),
  {
    ...chain,
    control: true,
    name: 'an agent names in the log the approval that it has redeemed',
    gain: 'an owner does not find what became of an approval',
    rule: 'D27',
    given: done,
    steps: [open('scout', asScout), redeemed(true)],
  },
];

export const LOGGING: readonly SqlAttack[] = [...approvals, ...notes, times, ahead, ...expiry];
