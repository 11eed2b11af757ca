// Guarantees of what the kernel notes when it judges: bailiwick.note_verdict (prisma/policies/06-permissions.sql) and use_service (07-services.sql). Who
// may not read the rules has nothing recorded, an entry says what was decided and not what the caller says, and a refusal of another
// sort leaves none. What is noted at all: activity-noting.test.ts.

import { expect } from 'vitest';
import { AGENTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { newId, type RequestId } from '../../src/ids.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { on } from './decided.ts';
import { DEAD, EVERYTHING, granted } from './given.ts';
import { look, NOTHING } from './happened.ts';
import { ASKED, REQUESTS } from './permissions.ts';

const { alice } = USERS;
const { scout } = AGENTS;
const { tracker } = SERVICES;
const NOTE = 'select bailiwick.note_verdict($1, $2, $3, $4)';
const fewer = (word: string) => EVERYTHING.filter((other) => other !== word);

/** What this request has left in the log and for the audit, as the administrator sees it. Ends what the runtime role does here. */
const left = async (sql: Sql, requestId: RequestId) => {
  await sql.client.query('reset role');
  const log = await sql.rows(
    `select owner_id, agent_id, service, action, outcome, approval_id from activity_entries where request_id = $1 order by id`,
    [requestId],
  );
  const audit = await sql.rows(
    'select event, target_kind, target_id, detail from audit_entries where request_id = $1',
    [requestId],
  );
  return { log, audit };
};
const scouts = { owner_id: alice.id, agent_id: scout.id, approval_id: null };

type Who = 'alice' | 'scout' | 'scribe' | 'late' | 'rogue' | 'bobot' | 'mallory';
const NOBODY: Readonly<Record<string, readonly [who: Who, acting: Acting]>> = {
  'whose token does not name reading rules': [
    'scout',
    { ...through.scout, scopes: fewer('permission:read') },
  ],
  'whose delegation does not name it': ['scout', granted('scout', fewer('permission:read'))],
  'in a world': ['scout', through.scoutInGarden],
  'as itself': ['scout', itself],
  'below one that may': ['scribe', through.scribe],
  'through a delegation that has expired': ['late', through.late],
  'through a delegation that was revoked': ['rogue', through.rogue],
  ...Object.fromEntries(
    Object.entries(DEAD).map(([state, given]) => [
      `when ${state}`,
      ['scout', { ...through.scout, given }] as const,
    ]),
  ),
};
for (const [what, [who, acting]] of Object.entries(NOBODY)) {
  test(`no verdict is noted for an agent ${what}`, async ({ as }) => {
    const requestId = newId<RequestId>();
    const given = acting.given ?? (async () => undefined);
    await as(who, { ...acting, given, requestId }, async (sql) => {
      expect(await sql.outcome(NOTE, [newId(), 'mail', 'messages.send', null])).toBe('1');
      expect(await left(sql, requestId)).toEqual({ log: [], audit: [] });
    });
  });
}

test('nobody notes a verdict without a context', async ({ raw, migrate }) => {
  const entry = newId();
  await raw((sql) => sql.rows(NOTE, [entry, 'mail', 'messages.send', null]));
  expect(await migrate((sql) => sql.list('select id from audit_entries where id = $1', [entry]))).toEqual([]);
});

for (const [word, service, action, effect] of [
  ['allowed', 'tracker', 'issues.list', 'allow'],
  ['asked', 'mail', 'messages.send', 'ask'],
  ['denied', 'bank', 'accounts.close', 'deny'],
] as const) {
  test(`what is ${word} is noted as that once, in the log and for the audit, whatever the caller would rather have`, async ({
    as,
  }) => {
    const [requestId, approval] = [newId<RequestId>(), newId()];
    await as('scout', on({ ...through.scout, requestId }), async (sql) => {
      const rule = await sql.value(`select bailiwick.authorize($1, $2) ->> 'ruleId'`, [service, action]);
      await sql.rows(NOTE, [newId(), service, action, approval]);
      // of what happened, the entry of the log is what can be listened to
      const heard = (await look(sql, { since: NOTHING })).events.filter(
        ({ event }) => !event.endsWith('.happened'),
      );
      expect(heard.map(({ kind, event }) => [kind, event])).toEqual([['activity', 'activity.recorded']]);
      const { log, audit } = await left(sql, requestId);
      expect(log).toEqual([{ ...scouts, service, action, outcome: word }]);
      expect(audit).toEqual([
        {
          ...{ event: 'action.authorized', target_kind: 'action', target_id: null },
          detail: { service, action, effect, ruleId: rule, approvalId: approval },
        },
      ]);
      expect(await sql.list('select id from activity_entries where request_id = $1', [requestId])).toEqual(
        heard.map((event) => event.id),
      );
    });
  });
}

test('an owner in person has a verdict for the audit, and is not in the log of agents', async ({ as }) => {
  const requestId = newId<RequestId>();
  await as('alice', on({ requestId }), async (sql) => {
    await sql.rows(NOTE, [newId(), 'bank', 'accounts.close', null]);
    const { log, audit } = await left(sql, requestId);
    expect(log).toEqual([]);
    expect(audit).toMatchObject([{ event: 'action.authorized', detail: { effect: 'allow', ruleId: null } }]);
  });
});

const use = (sql: Sql, call: string, approval: string | null = null, entry: string | null = newId()) =>
  sql.value('select bailiwick.use_service($1, $2, $3, $4, $5)', [
    ...[tracker.id, call, entry, approval, ASKED.digest],
  ]);
const { 'approved for the tracker': good } = REQUESTS;
const deny = (sql: Sql) =>
  sql.rows(`update permissions set effect = 'deny' where owner_id = $1 and action = 'issues.list'`, [
    alice.id,
  ]);
const called = { ...scouts, service: 'tracker' };

test('a use that is refused for what is no rule leaves nothing in the log', async ({ as }) => {
  for (const [acting, call, approval] of [
    [{ ...through.scout, scopes: fewer('credential:read') }, 'issues.list', null],
    [{ ...through.scout, scopes: fewer('credential:execute') }, 'issues.list', null],
    [through.scout, 'issues.burn', null],
    [through.scout, 'issues.create', newId()],
  ] as const) {
    const requestId = newId<RequestId>();
    await as('scout', on({ ...acting, requestId }), async (sql) => {
      expect(await use(sql, call, approval)).toHaveProperty('refusal');
      expect(await left(sql, requestId)).toEqual({ log: [], audit: [] });
    });
  }
});

for (const [outcome, call, given] of [
  ['denied', 'issues.list', deny],
  ['asked', 'issues.create', async () => undefined],
] as const) {
  test(`a use that is refused by the rules is in the log as ${outcome}, and in it alone`, async ({ as }) => {
    const requestId = newId<RequestId>();
    await as('scout', on({ ...through.scout, given, requestId }), async (sql) => {
      expect(await use(sql, call)).toHaveProperty('refusal');
      expect(await left(sql, requestId)).toEqual({
        log: [{ ...called, action: call, outcome }],
        audit: [],
      });
    });
  });
}

test('a use that is let out is in the log as started, with the approval that was redeemed for it and no other', async ({
  as,
}) => {
  for (const [call, approval, redeemed] of [
    ['issues.list', null, null],
    ['issues.list', good.id, null],
    ['issues.create', good.id, good.id],
  ] as const) {
    const requestId = newId<RequestId>();
    await as('scout', on({ ...through.scout, requestId }), async (sql) => {
      const { startedId } = (await use(sql, call, approval)) as { startedId: string };
      const { log, audit } = await left(sql, requestId);
      expect(log).toEqual([{ ...called, action: call, outcome: 'started', approval_id: redeemed }]);
      expect(audit).toMatchObject([{ event: 'service.called', detail: { approval: redeemed } }]);
      expect(
        await sql.value('select chain from activity_entries where id = $1 and request_id = $2', [
          ...[startedId, requestId],
        ]),
      ).toEqual([DELEGATIONS.scout.id]);
    });
  }
});

test('an owner in person uses a service without an entry in the log, and is told of none', async ({ as }) => {
  const requestId = newId<RequestId>();
  await as('alice', on({ requestId }), async (sql) => {
    expect(await use(sql, 'issues.list')).toMatchObject({ startedId: null });
    const { log, audit } = await left(sql, requestId);
    expect(log).toEqual([]);
    expect(audit).toHaveLength(1);
  });
});
