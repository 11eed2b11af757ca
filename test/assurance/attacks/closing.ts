// Attacks on the end of a request (bailiwick.close, S14): closed by another request, or with something left on the connection
// for its next user (P17, P25): settings, cursors, channels, locks.

import { newId, type RequestId } from '../../../src/ids.ts';
import { MEMORIES, plant } from './seals.ts';
import { open, type SqlAttack, type Step, step } from './stage.ts';

const REQUEST = newId<RequestId>();
const OTHER = newId<RequestId>();
const CLOSE = 'select bailiwick.close($1)';
const closing = {
  group: 'sealed context',
  rule: 'S14',
  gain: 'an answer that belongs to another request leaves the server',
} as const;
const begun: Step = open('alice', { requestId: REQUEST });

const LEFT: Readonly<Record<string, readonly [leave: string, look: string, expect: string | number]>> = {
  'a cursor that outlives its transaction': [
    'declare kept cursor with hold for select id from memories',
    'select from pg_cursors',
    0,
  ],
  'a channel': ['listen rumours', 'select from pg_listening_channels()', 0],
  'an advisory lock': [
    'select pg_advisory_lock(4711) is not null',
    `select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`,
    0,
  ],
  'no time limit': [`set statement_timeout = '1h'`, "select current_setting('statement_timeout')", '5s'],
  'read-only transactions': [
    'set default_transaction_read_only = on',
    "select current_setting('transaction_read_only')",
    'off',
  ],
  'another isolation level': [
    `set default_transaction_isolation = 'serializable'`,
    "select current_setting('transaction_isolation')",
    'read committed',
  ],
  'a search path': [
    `set search_path = 'pg_temp'`,
    "select current_setting('search_path')",
    '"$user", public',
  ],
  'a setting of one’s own': [
    `select set_config('bailiwick.note', 'kept', false)`,
    `select coalesce(current_setting('bailiwick.note', true), '')`,
    '',
  ],
  'its context, set for the session': [
    `select set_config('bailiwick.context', current_setting('bailiwick.context'), false) is not null`,
    `select coalesce(current_setting('bailiwick.context', true), '')`,
    '',
  ],
};
/** What the leaving itself answers, where that is a value. */
const answers: Readonly<Record<string, string>> = {
  'an advisory lock': 'true',
  'a setting of one’s own': 'kept',
  'its context, set for the session': 'true',
};

export const CLOSING: readonly SqlAttack[] = [
  {
    ...closing,
    name: 'closing with the id of another request',
    steps: [begun, step(CLOSE, '28000', [OTHER])],
  },
  { ...closing, name: 'closing without saying which request', steps: [begun, step(CLOSE, '28000', [null])] },
  { ...closing, name: 'closing where no request was opened', steps: [step(CLOSE, '28000', [OTHER])] },
  { ...closing, name: 'closing a made-up context', steps: [plant('x'), step(CLOSE, '28000', [REQUEST])] },
  {
    ...closing,
    name: 'reading on after closing',
    gain: 'a statement that comes late still has the authority of its request',
    steps: [begun, step(CLOSE, REQUEST, [REQUEST]), step(MEMORIES, 0), step('select from tenants', 0)],
  },
  {
    ...closing,
    name: 'a cursor of one context, read after the context is gone',
    rule: 'S4 S5',
    gain: 'rows of one request in another',
    steps: [
      begun,
      step('declare kept cursor for select id from memories', 'null'),
      plant(''),
      step('fetch all from kept', 0),
    ],
  },
  ...Object.entries(LEFT).map(
    ([what, [leave, look, expect]]): SqlAttack => ({
      ...closing,
      name: `leaving ${what} on the connection`,
      rule: 'S14 P17 P25',
      gain: 'rows or limits of one request in the next on the same connection',
      login: true,
      steps: [
        begun,
        step(leave, answers[what] ?? 'null'),
        step(CLOSE, REQUEST, [REQUEST]),
        step('commit', 'null'),
        step('begin', 'null'),
        step(look, expect),
        step(MEMORIES, 0),
      ],
    }),
  ),
  {
    ...closing,
    control: true,
    name: 'the next request on a connection that was closed is its own',
    gain: 'nobody could use a pool',
    login: true,
    steps: [
      begun,
      step(CLOSE, REQUEST, [REQUEST]),
      step('commit', 'null'),
      step('begin', 'null'),
      open('bob', { requestId: OTHER }),
      step(MEMORIES, 4),
      step(CLOSE, OTHER, [OTHER]),
    ],
  },
];
