// Guarantees of bailiwick.use_service (prisma/policies/07-services.sql) where the owner's rules have a say: what they deny is not done, what
// they ask for is done once with an approval of exactly that, and no approval is used up where nothing was done.
// All else about the use of credentials stands in services.test.ts, all else about approvals in deciding.test.ts.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { PERMISSIONS } from '../../src/demo/permissions.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { delegate, EVERYTHING, granted } from './given.ts';
import { ASKED, keepRequest, keepRule, REQUESTS, WAITING } from './permissions.ts';

const { alice } = USERS;
const { tracker, weather } = SERVICES;
const LIST = 'issues.list';
const CREATE = 'issues.create';
const { 'approved for the tracker': good } = REQUESTS;
const general = PERMISSIONS.find(({ owner, action }) => owner === 'alice' && action === '*')?.id;

type Given = {
  readonly approval?: string | null;
  readonly digest?: string | null;
  readonly entry?: string | null;
};
const use = (
  sql: Sql,
  id: string,
  call: string,
  { approval = null, digest = ASKED.digest, entry = newId() }: Given = {},
) => sql.value('select bailiwick.use_service($1, $2, $3, $4, $5)', [id, call, entry, approval, digest]);
const outcome = (sql: Sql, entry: string | null) =>
  sql.outcome('select bailiwick.use_service($1, $2, $3, $4, $5)', [
    tracker.id,
    CREATE,
    entry,
    good.id,
    ASKED.digest,
  ]);

/** All that a use could leave behind, as the administrator sees it. Ends what the runtime role does in this transaction. */
const traces = async (sql: Sql) => {
  await sql.client.query('reset role');
  return await sql.rows(
    `select 'entry' as trace from audit_entries where event = 'service.called'
     union all select 'note' from service_credentials where last_used_at is not null
     union all select 'redeemed' from approvals where redeemed_at is not null and id <> $1`,
    [REQUESTS.redeemed.id],
  );
};
const arranged =
  (then: (sql: Sql) => Promise<unknown> = async () => undefined) =>
  async (sql: Sql) => {
    await arrange(sql);
    await then(sql);
  };
const on = ({ given, ...acting }: Acting): Acting => ({ ...acting, given: arranged(given) });
const rule = (effect: 'allow' | 'ask' | 'deny', agent?: 'scout' | 'scribe' | 'rogue') => {
  const id = newId();
  const about = agent === undefined ? {} : { agent: AGENTS[agent].id };
  const made = { id, owner: alice.id, service: 'tracker', action: CREATE, effect, ...about };
  return { id, given: (sql: Sql) => keepRule(sql, made) };
};

const denied = rule('deny');
const deniedToScout = rule('deny', 'scout');
const TRACKERS: DelegationId = newId();
/** The tracker, for scribe below scout. */
const below = (then: (sql: Sql) => Promise<unknown>) => ({
  delegation: TRACKERS,
  given: async (sql: Sql) => {
    await then(sql);
    const parent = DELEGATIONS.scout.id;
    await delegate(sql, { id: TRACKERS, from: 'scout', to: 'scribe', parent, capabilities: EVERYTHING });
  },
});

type Case = readonly [who: 'scout' | 'scribe' | 'rogue', acting: Acting, answer: object, given?: Given];
const REFUSED: Readonly<Record<string, Case>> = {
  'the rules deny it': [
    'scout',
    { ...through.scout, given: denied.given },
    { refusal: 'denied', ruleId: denied.id },
  ],
  'the rules deny it, whatever was approved': [
    'scout',
    { ...through.scout, given: denied.given },
    { refusal: 'denied', ruleId: denied.id },
    { approval: good.id },
  ],
  'the rules deny it to the agent above': [
    'scribe',
    below(async (sql) => {
      await deniedToScout.given(sql);
      await rule('allow', 'scribe').given(sql);
    }),
    { refusal: 'denied', ruleId: deniedToScout.id },
  ],
  'the rules ask, and nothing was approved': [
    'scout',
    through.scout,
    { refusal: 'ask', ruleId: general, service: 'tracker' },
  ],
  'no rule says anything, and nothing was approved': [
    'scout',
    { ...through.scout, given: (sql) => sql.rows('delete from permissions') },
    { refusal: 'ask', ruleId: null, service: 'tracker' },
  ],
  'the approval is of something else': [
    'scout',
    through.scout,
    { refusal: 'redeem', problem: 'digest' },
    { approval: good.id, digest: 'cd'.repeat(32) },
  ],
  'the approval is of nothing that was named': [
    'scout',
    through.scout,
    { refusal: 'redeem', problem: 'digest' },
    { approval: good.id, digest: null },
  ],
  'the approval is of another service': [
    'scout',
    through.scout,
    { refusal: 'redeem', problem: 'digest' },
    { approval: REQUESTS.approved.id },
  ],
  'there is no such approval': [
    'scout',
    through.scout,
    { refusal: 'redeem', problem: 'approval' },
    { approval: newId() },
  ],
  "the approval is another agent's": [
    'rogue',
    granted('rogue', EVERYTHING),
    { refusal: 'redeem', problem: 'approval' },
    { approval: good.id },
  ],
  'the approval is that of the agent above': [
    'scribe',
    below(async () => undefined),
    { refusal: 'redeem', problem: 'approval' },
    { approval: good.id },
  ],
  'the approval was asked for through another delegation': [
    'scout',
    granted('scout', EVERYTHING),
    { refusal: 'redeem', problem: 'chain' },
    { approval: good.id },
  ],
  'the approval came under other rules': [
    'scout',
    { ...through.scout, given: rule('ask').given },
    { refusal: 'redeem', problem: 'changed' },
    { approval: good.id },
  ],
  'the agent may use credentials and not ask': [
    'scout',
    { ...through.scout, scopes: EVERYTHING.filter((word) => word !== 'approval:create') },
    { refusal: 'redeem', problem: 'approval' },
    { approval: good.id },
  ],
};
for (const [what, [who, acting, answer, given]] of Object.entries(REFUSED)) {
  test(`a use is refused and leaves nothing behind, in no approval either: ${what}`, async ({ as }) => {
    await as(who, on(acting), async (sql) => {
      expect(await use(sql, tracker.id, CREATE, given)).toEqual(answer);
      expect(await traces(sql)).toEqual([]);
    });
  });
}

for (const state of ['waiting', 'rejected', 'expired', 'redeemed'] as const) {
  test(`a use is refused and leaves nothing behind: the approval is ${state}`, async ({ as }) => {
    const id = newId();
    const given = arranged(async (sql) => {
      const asked = {
        id,
        agent: 'scout',
        chain: [DELEGATIONS.scout.id],
        service: 'tracker',
        action: CREATE,
      } as const;
      await keepRequest(sql, {
        ...asked,
        ...(state === 'waiting' ? {} : { decision: state === 'rejected' ? 'rejected' : 'approved' }),
        ...(state === 'expired' ? { expires: -1 } : {}),
        ...(state === 'redeemed' ? { redeemed: true } : {}),
      });
    });
    await as('scout', { ...through.scout, given }, async (sql) => {
      expect(await use(sql, tracker.id, CREATE, { approval: id })).toEqual({
        refusal: 'redeem',
        problem: state,
      });
      expect((await traces(sql)).length).toBe(state === 'redeemed' ? 1 : 0);
    });
  });
}

// What is refused for another reason is refused before anybody looks at an approval.
test('an approval is not used up by a use that is refused for another reason', async ({ as }) => {
  const ended = arranged((sql) =>
    sql.rows(`update service_credentials set expires_at = now() - interval '1 second' where id = $1`, [
      tracker.id,
    ]),
  );
  const gone = arranged((sql) => sql.rows('delete from service_secrets where id = $1', [tracker.id]));
  const fewer = (word: string) => EVERYTHING.filter((other) => other !== word);
  for (const [acting, refusal, call] of [
    [{ ...through.scout, given: ended }, 'expired', CREATE],
    [{ ...through.scout, given: gone }, 'gone', CREATE],
    [{ ...through.scout, given: arranged() }, 'call', 'issues.burn'],
    [{ ...through.scout, given: arranged(), scopes: fewer('credential:execute') }, 'authority', CREATE],
    [{ ...through.scout, given: arranged(), scopes: fewer('credential:read') }, 'credential', CREATE],
  ] as const) {
    await as('scout', acting, async (sql) => {
      expect(await use(sql, tracker.id, call, { approval: good.id })).toEqual({ refusal });
      expect(await traces(sql), refusal).toEqual([]);
    });
  }
});

test('an approval is not used up by a use that cannot be recorded', async ({ as }) => {
  await as('scout', on(through.scout), async (sql) => {
    expect(await outcome(sql, null)).toBe('23502');
    const entry = newId();
    await sql.rows('select bailiwick.audit($1, $2, null, null, null)', [entry, 'memory.read']);
    expect(await outcome(sql, entry)).toBe('23505');
    expect(await use(sql, tracker.id, CREATE, { approval: good.id })).toMatchObject({ service: 'tracker' });
  });
});

test('what the rules allow needs no approval, and uses none up that is named', async ({ as }) => {
  await as('scout', on(through.scout), async (sql) => {
    expect(await use(sql, tracker.id, LIST)).toMatchObject({ call: { name: LIST } });
    expect(await use(sql, tracker.id, LIST, { approval: good.id })).toMatchObject({ call: { name: LIST } });
    expect(await traces(sql)).toEqual([{ trace: 'entry' }, { trace: 'entry' }, { trace: 'note' }]);
  });
});

test('an owner in person is bound by no rule and needs no approval', async ({ as }) => {
  await as('alice', on({ given: denied.given }), async (sql) => {
    expect(await use(sql, tracker.id, CREATE)).toMatchObject({ call: { name: CREATE } });
    expect(await use(sql, weather.id, 'forecast', { approval: WAITING.scout })).toMatchObject({
      service: 'weather',
    });
    expect(await traces(sql)).not.toContainEqual({ trace: 'redeemed' });
  });
  expect(await as('alice', itself, (sql) => use(sql, tracker.id, CREATE))).toMatchObject({
    ownerId: alice.id,
  });
});

test('what was approved is done once, and recorded with the approval', async ({ as }) => {
  await as('scout', on(through.scout), async (sql) => {
    const approval = good.id;
    const request = await sql.value('select bailiwick.request_id()');
    expect(await use(sql, tracker.id, CREATE, { approval })).toMatchObject({
      ...{ service: 'tracker', ownerId: alice.id },
      call: { name: CREATE },
    });
    expect(await use(sql, tracker.id, CREATE, { approval })).toEqual({
      refusal: 'redeem',
      problem: 'redeemed',
    });
    expect(await traces(sql)).toEqual([{ trace: 'entry' }, { trace: 'note' }, { trace: 'redeemed' }]);
    expect(await sql.rows(`select detail from audit_entries where event = 'service.called'`)).toEqual([
      { detail: { service: 'tracker', call: CREATE, approval } },
    ]);
    expect(
      await sql.value('select redemption_id from approvals where id = $1 and tenant_id = $2', [
        ...[approval, TENANTS.acme.id],
      ]),
    ).toBe(request);
  });
});
