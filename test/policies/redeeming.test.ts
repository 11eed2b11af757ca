// Guarantees of bailiwick.redeem_approval (prisma/policies/06-permissions.sql): that who asked redeems and nobody else, once, under the chain and
// the rules under which it was asked for. What happens at the same time stands in deciding-at-once.test.ts.

import { expect } from 'vitest';
import { AGENTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { type Case, CHANGED, OTHER, on, PAST, redeem, refuses, row, set } from './decided.ts';
import { DEAD, delegate, EVERYTHING, granted, REACHES_NOTHING } from './given.ts';
import { ASKED, HOPS, keepRequest, keepRule, REQUESTS, TWIN_REQUESTS, WAITING } from './permissions.ts';

const { alice } = USERS;
const { scout } = AGENTS;
const waiting = WAITING.scout;
const approved = REQUESTS.approved.id;
refuses('redemption', 'approval', {
  'there is none': ['scout', through.scout, newId()],
  'in person, by the owner who approved it': ['alice', itself, approved],
  'as itself, by the agent that asked': ['scout', itself, approved],
  "by a colleague's agent": ['bobot', through.bobot, approved],
  "by an agent of another tenant's": ['mimic', through.mimic, approved],
  "it is of the twin's agent": ['scout', through.scout, TWIN_REQUESTS.approved],
  'by another agent of the same owner': ['rogue', granted('rogue', EVERYTHING), approved],
  'by a sub-agent': [
    'scribe',
    granted('scribe', EVERYTHING, undefined, { from: 'scout', parent: DELEGATIONS.scout.id }),
    approved,
  ],
  'of a sub-agent, by the agent above it': ['scout', through.scout, REQUESTS['of a sub-agent'].id],
  'with a token that does not name asking': [
    'scout',
    { ...through.scout, scopes: EVERYTHING.filter((word) => word !== 'approval:create') },
    approved,
  ],
  'through a delegation that does not name asking': [
    'scout',
    granted(
      'scout',
      EVERYTHING.filter((word) => word !== 'approval:create'),
    ),
    approved,
  ],
  'through a chain limited to a world': [
    'scout',
    through.scoutInGarden,
    REQUESTS['through another chain'].id,
  ],
  'it is hidden, and for something else': [
    'rogue',
    granted('rogue', EVERYTHING),
    approved,
    { digest: OTHER },
  ],
  ...Object.fromEntries(
    Object.entries(DEAD).map(([state, given]): [string, Case] => [
      `through scout, when ${state}`,
      ['scout', { ...through.scout, given }, approved],
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(REACHES_NOTHING).map(([state, { who, made, after }]): [string, Case] => [
      `through a delegation that ${state}`,
      [who, granted(who, EVERYTHING, after, made), WAITING[who]],
    ]),
  ),
});
refuses('redemption', 'digest', {
  'it is for something else': ['scout', through.scout, approved, { digest: OTHER }],
  'it is for another service': ['scout', through.scout, approved, { service: 'mail' }],
  'it is for another action': ['scout', through.scout, approved, { action: 'files.read' }],
  'it is for nothing': ['scout', through.scout, approved, { service: null, action: null, digest: null }],
  'it is for something else, and through another chain': [
    'scout',
    through.scout,
    REQUESTS['through another chain'].id,
    { digest: OTHER },
  ],
});
refuses('redemption', 'chain', {
  'it was asked for through another delegation': [
    'scout',
    through.scout,
    REQUESTS['through another chain'].id,
  ],
  'through a delegation of the same rights, which is another': [
    'scout',
    granted('scout', EVERYTHING),
    approved,
  ],
  'it was redeemed, through another delegation': [
    'scout',
    {
      ...through.scout,
      given: set(REQUESTS['through another chain'].id, 'redeemed_at = now(), redemption_id = id'),
    },
    REQUESTS['through another chain'].id,
  ],
});
refuses('redemption', 'redeemed', {
  'it was redeemed before': ['scout', through.scout, REQUESTS.redeemed.id],
  'it was redeemed before, and is past its end': [
    'scout',
    { ...through.scout, given: set(REQUESTS.redeemed.id, PAST) },
    REQUESTS.redeemed.id,
  ],
});
refuses('redemption', 'rejected', {
  'the owner rejected it': ['scout', through.scout, REQUESTS.rejected.id],
  'the owner rejected it, and it is past its end': [
    'scout',
    { ...through.scout, given: set(REQUESTS.rejected.id, PAST) },
    REQUESTS.rejected.id,
  ],
});
refuses('redemption', 'expired', {
  'its end is past': ['scout', through.scout, REQUESTS.expired.id],
  'its end is past and nobody decided': ['scout', through.scout, REQUESTS.lapsed.id],
  'its end is past and the rules are others': [
    'scout',
    { ...through.scout, given: CHANGED },
    REQUESTS.expired.id,
  ],
  'its end is this moment': [
    'scout',
    { ...through.scout, given: set(approved, 'expires_at = transaction_timestamp()') },
    approved,
  ],
});
refuses('redemption', 'waiting', {
  'nobody has decided': ['scout', through.scout, waiting],
  'nobody has decided, and the rules are others': ['scout', { ...through.scout, given: CHANGED }, waiting],
});
refuses('redemption', 'changed', {
  'it was asked for under other rules': ['scout', through.scout, REQUESTS.changed.id],
  'a rule that fits was added': ['scout', { ...through.scout, given: CHANGED }, approved],
  'the action is denied now': [
    'scout',
    {
      ...through.scout,
      given: (sql) => keepRule(sql, { id: newId(), owner: alice.id, ...ASKED, effect: 'deny' }),
    },
    approved,
  ],
  'the action is allowed now': [
    'scout',
    {
      ...through.scout,
      given: (sql) => keepRule(sql, { id: newId(), owner: alice.id, ...ASKED, effect: 'allow' }),
    },
    approved,
  ],
  'the policies of the database are others': [
    'scout',
    { ...through.scout, given: (sql) => sql.rows(`update bailiwick.policy_state set checksum = 'other'`) },
    approved,
  ],
});

test('who asked redeems what was approved, once, and it is kept in which request', async ({ as }) => {
  await as('scout', on(through.scout), async (sql) => {
    const request = await sql.value('select bailiwick.request_id()');
    expect(await redeem(sql, approved)).toBeNull();
    for (const _ of [1, 2]) {
      expect(await redeem(sql, approved)).toBe('redeemed');
    }
    expect(await row(sql, approved)).toMatchObject({
      decision: 'approved',
      redemption_id: request,
      redeemed: true,
    });
  });
});

test('a sub-agent redeems what it asked for through the same chain, and not without the hop above', async ({
  as,
}) => {
  const [below, beside] = [newId<DelegationId>(), newId<DelegationId>()];
  const id = newId();
  const given = async (sql: Sql) => {
    await arrange(sql);
    const capabilities = ['approval:read', 'approval:create'];
    await delegate(sql, {
      id: below,
      from: 'scout',
      to: 'scribe',
      parent: DELEGATIONS.scout.id,
      capabilities,
    });
    await delegate(sql, { id: beside, from: 'alice', to: 'scribe', capabilities });
    await keepRequest(sql, {
      id,
      agent: 'scribe',
      chain: [DELEGATIONS.scout.id, below],
      decision: 'approved',
    });
  };
  expect(await as('scribe', { delegation: beside, given }, (sql) => redeem(sql, id))).toBe('chain');
  expect(await as('scribe', { delegation: below, given }, (sql) => redeem(sql, id))).toBeNull();
  const hops = { delegation: HOPS.lower, given: arrange };
  expect(await as('late', hops, (sql) => redeem(sql, REQUESTS['of two hops'].id))).toBe('waiting');
});

test('a redemption that is taken back leaves the approval as it was', async ({ as }) => {
  await as('scout', on(through.scout), async (sql) => {
    await sql.rows('savepoint before');
    expect(await redeem(sql, approved)).toBeNull();
    await sql.rows('rollback to savepoint before');
    expect(await redeem(sql, approved)).toBeNull();
    expect(await sql.value('select agent_id from approvals where id = $1', [approved])).toBe(scout.id);
  });
});
