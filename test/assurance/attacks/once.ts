// Attacks on what may be used once or no longer (bailiwick.spend, keep_refresh, find_refresh, use_refresh; RFC 9449 section 11.1,
// RFC 9700 section 4.14): used again, used up for somebody else, forgotten too early. Only the server asks, in nobody's name.

import { serviceTicket } from '../../policies/credentials.ts';
import { opened, type SqlAttack, type Step, step } from './stage.ts';

const token = { group: 'sealed context', rule: 'JWT sender' } as const;
const refresh = { group: 'sealed context', rule: 'D17' } as const;
const served = opened(serviceTicket, 'true');
/** Longer than what is lost when a column keeps milliseconds only. */
const moment: Step = step('select pg_sleep(0.004) is not null', 'true');

const digest = (letter: string) => letter.repeat(64);
const [ONE, OTHER, THIRD] = [digest('1'), digest('2'), digest('3')];
const spent = (expect: string, mark: string, lasts = '1 minute'): Step =>
  step('select bailiwick.spend($1, clock_timestamp() + $2::interval)', expect, [mark, lasts]);
const kept = (mark: string, payload = '{}', lasts = '1 minute'): Step =>
  step('select bailiwick.keep_refresh($1, $2, clock_timestamp() + $3::interval) is not null', 'true', [
    mark,
    payload,
    lasts,
  ]);
const found = (expect: string, mark: string): Step =>
  step('select bailiwick.find_refresh($1)', expect, [mark]);
const used = (expect: string, mark: string): Step => step('select bailiwick.use_refresh($1)', expect, [mark]);

export const ONCE: readonly SqlAttack[] = [
  {
    ...token,
    name: 'using a proof of possession, or a token that was revoked, again',
    gain: 'whoever saw a request once can send it again',
    changes: true,
    steps: [served, spent('true', ONE), spent('false', ONE), spent('true', OTHER), spent('false', ONE)],
  },
  {
    ...token,
    name: 'having what was used forgotten, by asking about what is over',
    gain: 'whoever saw a request once can send it again, a little later',
    changes: true,
    steps: [
      served,
      spent('true', ONE),
      spent('true', OTHER, '-1 ms'),
      spent('true', THIRD),
      spent('false', ONE),
    ],
  },
  {
    ...token,
    control: true,
    name: 'what was used counts as used until its time is over, and no longer',
    gain: 'the memory of what was used never ends',
    steps: [
      served,
      spent('true', ONE),
      spent('true', OTHER, '1 ms'),
      moment,
      spent('true', OTHER),
      spent('false', ONE),
    ],
  },
  {
    ...refresh,
    name: 'using a refresh token twice',
    gain: 'a stolen refresh token goes on beside the one that took over from it',
    changes: true,
    steps: [
      served,
      kept(ONE),
      used('true', ONE),
      used('false', ONE),
      step(`select bailiwick.find_refresh($1) ? 'consumed'`, 'true', [ONE]),
    ],
  },
  {
    ...refresh,
    name: 'using a refresh token that is not there, or making one anew',
    gain: 'a session in the name of whose token it would be',
    changes: true,
    steps: [
      served,
      kept(OTHER),
      used('false', ONE),
      found('null', ONE),
      step(`select bailiwick.keep_refresh($1, '{"mine": 1}', now())`, '23505', [OTHER]),
    ],
  },
  {
    ...refresh,
    control: true,
    name: 'a refresh token is found as it was kept, and when it was used, whatever becomes of others',
    gain: 'nobody stays signed in',
    steps: [
      served,
      moment,
      kept(ONE, '{"session": 1}'),
      kept(OTHER, '{"session": 2}'),
      used('true', OTHER),
      found('{"session":1}', ONE),
      step(
        `select (r->>'session')::int = 2 and (r->>'consumed')::numeric > extract(epoch from transaction_timestamp()) + 0.002
           from bailiwick.find_refresh($1) r`,
        'true',
        [OTHER],
      ),
      used('true', ONE),
    ],
  },
  {
    ...refresh,
    control: true,
    name: 'a refresh token is forgotten after its time, with the next that is kept, and not before',
    gain: 'refresh tokens are lost early, or kept for ever',
    steps: [
      served,
      kept(ONE, '{}', '1 ms'),
      kept(OTHER),
      moment,
      kept(THIRD),
      found('null', ONE),
      found('{}', OTHER),
      found('{}', THIRD),
    ],
  },
];
