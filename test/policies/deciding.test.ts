// Guarantees of bailiwick.decide_approval (prisma/policies/06-permissions.sql): that the owner in person decides and nobody else, once, in time
// and on what was shown. Redeeming stands in redeeming.test.ts, what happens at the same time in deciding-at-once.test.ts.

import { expect } from 'vitest';
import { AGENTS, USERS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import { itself, test, through } from '../kit/cast.ts';
import { NARROW } from './arrangement.ts';
import { serviceTicket } from './credentials.ts';
import { CHANGED, decide, OTHER, on, redeem, refuses, row, set } from './decided.ts';
import { EVERYTHING, granted, suspend } from './given.ts';
import { ASKED, keepRule, REQUESTS, TWIN_REQUESTS, WAITING } from './permissions.ts';

const { alice } = USERS;
const waiting = WAITING.scout;
refuses('decision', 'approval', {
  'there is none': ['alice', itself, newId()],
  "it is of a colleague's agent": ['alice', itself, WAITING.bobot],
  "it is of an agent of alice's, for a colleague": ['bob', itself, waiting],
  "it is of an agent of alice's, for an administrator": ['ada', itself, waiting],
  "it is of an agent of alice's, for somebody of another tenant": ['mallory', itself, waiting],
  "it is of another tenant's": ['alice', itself, WAITING.mimic],
  "it is of alice's twin": ['alice', itself, TWIN_REQUESTS.waiting],
  'the agent decides on what it has asked for': ['scout', through.scout, waiting],
  'the agent decides through a delegation of everything there is': [
    'scout',
    granted('scout', EVERYTHING),
    waiting,
  ],
  'an agent decides through a delegation that names it': [
    'rogue',
    { delegation: NARROW.usurper.id },
    WAITING.rogue,
  ],
  'the agent above decides on what one below has asked for': [
    'scout',
    granted('scout', EVERYTHING),
    WAITING.scribe,
  ],
  'the agent as itself': ['scout', itself, waiting],
  'a token that names everything else': [
    'alice',
    { scopes: EVERYTHING.filter((word) => word !== 'approval:update') },
    waiting,
  ],
  'a token that has expired': ['alice', { tokenExpiresAt: new Date(Date.now() - 1) }, waiting],
  'the owner is suspended': ['alice', { given: suspend('alice') }, waiting],
  'it is hidden, decided and of another digest': ['bob', itself, REQUESTS.approved.id, { digest: OTHER }],
});
refuses('decision', 'decided', {
  'it was approved': ['alice', itself, REQUESTS.approved.id],
  'it was rejected': ['alice', itself, REQUESTS.rejected.id],
  'it was rejected, and is rejected again': ['alice', itself, REQUESTS.rejected.id, { decision: 'rejected' }],
  'it was redeemed': ['alice', itself, REQUESTS.redeemed.id, { decision: 'rejected' }],
  'it was approved and has expired, and the digest is another': [
    'alice',
    itself,
    REQUESTS.expired.id,
    { digest: OTHER },
  ],
});
refuses('decision', 'expired', {
  'its end is past': ['alice', itself, REQUESTS.lapsed.id],
  'its end is past, and it is rejected': ['alice', itself, REQUESTS.lapsed.id, { decision: 'rejected' }],
  'its end is past, and the digest is another': ['alice', itself, REQUESTS.lapsed.id, { digest: OTHER }],
  'its end is this moment': [
    'alice',
    { given: set(waiting, 'expires_at = transaction_timestamp()') },
    waiting,
  ],
});
refuses('decision', 'digest', {
  'it is of something else': ['alice', itself, waiting, { digest: OTHER }],
  'it is of nothing': ['alice', itself, waiting, { digest: null }],
  'it is written otherwise': ['alice', itself, waiting, { digest: ASKED.digest.toUpperCase() }],
  'it is of something else, and rejected': [
    'alice',
    itself,
    waiting,
    { digest: OTHER, decision: 'rejected' },
  ],
  'it is of something else, and the rules are others': [
    'alice',
    itself,
    REQUESTS['changed and waiting'].id,
    { digest: OTHER },
  ],
});
refuses('decision', 'changed', {
  'the rules are others': ['alice', { given: CHANGED }, waiting],
  'it was asked for under others': ['alice', itself, REQUESTS['changed and waiting'].id],
  'a rule about the agent above is another': [
    'alice',
    {
      given: (sql) =>
        keepRule(sql, { id: newId(), owner: alice.id, agent: AGENTS.rogue.id, ...ASKED, effect: 'allow' }),
    },
    REQUESTS['of two hops'].id,
  ],
  'the policies of the database are others': [
    'alice',
    { given: (sql) => sql.rows(`update bailiwick.policy_state set checksum = 'other'`) },
    waiting,
  ],
});

test('a decision that is none is an error, and nothing is decided', async ({ as }) => {
  await as('alice', on(itself), async (sql) => {
    const call = 'select bailiwick.decide_approval($1, $2, $3, $4)';
    for (const [decision, note] of [
      ['maybe', null],
      ['', null],
      [null, null],
      ['Approved', null],
      ['approved', ''],
      ['approved', 'x'.repeat(501)],
    ]) {
      expect(await sql.outcome(call, [waiting, ASKED.digest, decision, note]), `${decision}`).toBe('23514');
    }
    expect(await row(sql, waiting)).toMatchObject({ decision: null, note: null, decided_by: null });
  });
});

const approved = REQUESTS.approved.id;
test('without a context and to the server itself there is nothing to decide or to redeem, and a made-up context is an error', async ({
  as,
  raw,
}) => {
  await as('alice', itself, async () => undefined);
  for (const shown of [serviceTicket(), undefined]) {
    await raw(async (sql) => {
      await sql.rows('begin');
      if (shown !== undefined) {
        await sql.rows('select bailiwick.open($1, $2)', shown);
      }
      expect(await decide(sql, waiting)).toBe('approval');
      expect(await redeem(sql, approved)).toBe('approval');
    });
  }
  await raw(async (sql) => {
    await sql.rows('begin');
    await sql.rows(`select set_config('bailiwick.context', 's1|x', true)`);
    for (const call of [
      'decide_approval(null, null, null, null)',
      'redeem_approval(null, null, null, null)',
    ]) {
      expect(await sql.outcome(`select bailiwick.${call}`), call).toBe('28000');
    }
  });
});

test('alice in person approves and rejects, with a word of her own, once', async ({ as }) => {
  for (const [decision, then] of [
    ['approved', 'rejected'],
    ['rejected', 'approved'],
  ] as const) {
    await as('alice', { ...on(itself), scopes: ['approval:update'] }, async (sql) => {
      expect(await decide(sql, waiting, { decision, note: 'For once' })).toBeNull();
      expect(await decide(sql, waiting, { decision: then })).toBe('decided');
      expect(await row(sql, waiting)).toEqual({
        ...{ decision, note: 'For once', decided_by: alice.id, decided: true },
        ...{ redemption_id: null, redeemed: null },
      });
    });
  }
});

test('what the rules no longer ask for is rejected all the same, and so is what a chain asked for that has ended', async ({
  as,
}) => {
  await as('alice', on(itself), async (sql) => {
    const changed = REQUESTS['changed and waiting'].id;
    expect(await decide(sql, changed, { decision: 'rejected' })).toBeNull();
    // through a delegation that has expired: approving it would lead to nothing, and does no harm
    expect(await decide(sql, WAITING.late, { decision: 'rejected' })).toBeNull();
    expect(await decide(sql, WAITING.rogue)).toBeNull();
    expect(await decide(sql, REQUESTS['of two hops'].id)).toBeNull();
  });
});
