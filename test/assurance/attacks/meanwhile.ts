// Attacks by whoever holds a transaction open while the credential it was opened with is ended (bailiwick.still_proven; D7, D17): what
// is made in it would outlive the end. And that making and ending wait for each other, seen by the lock that is left on the row.

import { AGENTS, USERS } from '../../../src/demo/cast.ts';
import { arrangeKeys, KEYS, keyTicket } from '../../policies/credentials.ts';
import { together } from './hops.ts';
import { acme, alice } from './proposals.ts';
import { aside, open, opened, type SqlAttack, type Step, step } from './stage.ts';
import { proposing } from './wanted.ts';
import { twins } from './worlds.ts';

const scout = AGENTS.scout.id;
const late = {
  group: 'delegation',
  gain: 'a thief makes another key while its victim ends them all',
} as const;
const both = together(arrangeKeys, twins);

const epoch = (id: string, where: string) =>
  `update entities set credential_epoch = clock_timestamp() where id = '${id}' and tenant_id ${where} '${acme}'`;
const revoke = (id: string, where: string) =>
  `update credentials set revoked_at = clock_timestamp(), revoked_by = owner_id where id = '${id}' and tenant_id ${where} '${acme}'`;

/** Which entities this transaction has locked or changed. */
export const held = (...ids: readonly string[]): Step =>
  aside(
    `select coalesce(string_agg(tenant_id || '/' || id, ',' order by tenant_id, id), '') from entities where xmax::text = pg_current_xact_id()::text`,
    [...ids]
      .sort()
      .map((id) => `${acme}/${id}`)
      .join(),
  );
const make = (entity: string): Step =>
  step(
    `select bailiwick.issue_key(gen_random_uuid(), $1, 'New', 'bwk_News', repeat('0', 64), '{memory:read}', null, now() + interval '1 hour')`,
    'null',
    [entity],
  );

const works = { ...late, control: true } as const;

export const MEANWHILE: readonly SqlAttack[] = [
  {
    ...late,
    name: 'making a key with a token after all tokens of its bearer were ended, in a transaction from before',
    rule: 'D7 D17',
    changes: true,
    steps: [open('alice'), aside(epoch(alice, '='), 1), ...proposingAll('authority')],
  },
  {
    ...late,
    name: 'making a key with a key that was revoked, in a transaction from before',
    rule: 'D7 D17',
    given: arrangeKeys,
    changes: true,
    steps: [
      opened(() => keyTicket(KEYS.alice.digest), 'true'),
      aside(revoke(KEYS.alice.id, '='), 1),
      ...proposingAll('authority'),
    ],
  },
  {
    ...works,
    name: 'a key is made while other keys, other people and twins in another tenant are ended',
    gain: 'to end the credentials of one would end those of others',
    rule: 'D3 D7',
    given: both,
    steps: [
      opened(() => keyTicket(KEYS.alice.digest), 'true'),
      aside(epoch(alice, '<>'), 1),
      aside(epoch(USERS.bob.id, '='), 1),
      aside(revoke(KEYS.alice.id, '<>'), 1),
      aside(revoke(KEYS.bob.id, '='), 1),
      ...proposing({}, null),
    ],
  },
  {
    ...works,
    name: 'whoever makes a key keeps its maker and its holder from being ended until it is there',
    rule: 'D7 D17',
    given: twins,
    steps: [open('alice'), held(), make(scout), held(alice, scout)],
  },
  {
    ...works,
    name: 'whoever stops an agent waits for keys of its that are being made',
    rule: 'D7 D17',
    given: twins,
    steps: [
      open('alice'),
      held(),
      step('select bailiwick.revoke_agent($1) is not null', 'true', [scout]),
      held(scout),
    ],
  },
];

/** The kernel says nothing against it, and does not make it. */
function proposingAll(word: string): Step[] {
  const [asked, ...made] = proposing({}, word);
  return asked === undefined ? [] : [{ ...asked, expect: 'null' }, ...made];
}
