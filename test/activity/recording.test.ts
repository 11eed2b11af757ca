// Recording what an agent did: in its own name, through its chain, all of a batch or nothing of it.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { fromGlobalId, toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { APPROVALS } from '../../src/demo/permissions.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type RunningServer, test } from '../kit/server.ts';

type Input = documents.ActivityInput;
const entry = (more: Partial<Input> = {}): Input => ({
  service: 'tracker',
  action: 'issues.list',
  outcome: 'SUCCEEDED',
  ...more,
});
const record = (query: RunningServer['query'], entries: Input[]) =>
  query('scout', documents.RecordActivityDocument, { input: { entries } }, { delegation: 'scout' });
const COUNT = 'select count(*)::int from activity_entries';

test('nobody records in person, as itself, or without a capability for it', async ({ server, query }) => {
  const before = await server.migrate((sql) => sql.value(COUNT));
  const input = { entries: [entry()] };
  for (const [actor, asking] of [
    ['alice', {}],
    ['ada', {}],
    ['scout', {}],
    ['scout', { delegation: 'scoutInGarden' }],
    ['scout', { delegation: 'scout', scopes: ['activity:read'] }],
    ['scribe', { delegation: 'scribe' }],
    ['bobot', { delegation: 'bobot' }],
    ['mimic', { delegation: 'mimic' }],
    ['rogue', { delegation: 'rogue' }],
  ] as const) {
    const answer = await query(actor, documents.RecordActivityDocument, { input }, asking);
    expect([actor, ...codesOf(answer)]).toEqual([actor, 'FORBIDDEN']);
  }
  expect(await server.migrate((sql) => sql.value(COUNT))).toBe(before);
});

test('what is wrong with one entry keeps nothing of the batch, and says which', async ({ server, query }) => {
  const before = await server.migrate((sql) => sql.value(COUNT));
  const cases: [Partial<Input>, RegExp][] = [
    [{ service: 'Tracker' }, /service/],
    [{ service: '*' }, /service/],
    [{ action: 'issues.*' }, /action/],
    [{ summary: '' }, /summary/],
    [{ summary: 'x'.repeat(501) }, /summary/],
    [{ durationMs: -1 }, /durationMs/],
    [{ network: { host: '' } }, /network\.host/],
    [{ network: { host: 'example.org', port: 0 } }, /network\.port/],
    [{ network: { host: 'example.org', fingerprint: '' } }, /network\.fingerprint/],
    [{ network: { host: 'example.org', fingerprint: 'x'.repeat(129) } }, /network\.fingerprint/],
  ];
  for (const [wrong, fault] of cases) {
    const answer = await record(query, [entry(), entry(wrong)]);
    expect([fault.source, ...codesOf(answer)]).toEqual([fault.source, 'BAD_USER_INPUT']);
    expect(answer.body.errors?.[0]?.message).toMatch(fault);
  }
  expect(codesOf(await record(query, []))).toEqual(['BAD_USER_INPUT']);
  expect(
    codesOf(
      await record(
        query,
        Array.from({ length: 501 }, () => entry()),
      ),
    ),
  ).toEqual(['LIMIT_EXCEEDED']);
  expect(await server.migrate((sql) => sql.value(COUNT))).toBe(before);
});

test('what was decided cannot be recorded, because an agent does not decide', async ({ query }) => {
  const answer = await record(query, [entry({ outcome: 'ALLOWED' as never })]);
  expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
});

test('an approval that was not redeemed for it is refused, whether it is there or not', async ({
  server,
  query,
}) => {
  const before = await server.migrate((sql) => sql.value(COUNT));
  const [mine, , theirs] = APPROVALS;
  for (const id of [mine?.id, theirs?.id, USERS.alice.id]) {
    const approvalId = toGlobalId('Approval', id ?? '');
    expect(codesOf(await record(query, [entry(), entry({ approvalId })]))).toEqual(['FORBIDDEN']);
  }
  expect(await server.migrate((sql) => sql.value(COUNT))).toBe(before);
});

test('entries come back by their ids in the order given, as they were recorded', async ({ query }) => {
  const made = dataOf(
    await record(query, [
      entry({
        summary: 'first',
        durationMs: 12,
        network: { host: 'example.org', port: 443, tls: true, fingerprint: 't13d1516h2' },
      }),
      entry({ summary: 'second', outcome: 'FAILED' }),
      entry({ outcome: 'STARTED' }),
    ]),
  ).recordActivity;
  expect(made.count).toBe(3);
  const { edges } = dataOf(
    await query('alice', documents.ActivityDocument, { first: 3, filter: { service: 'tracker' } }),
  ).activity;
  expect(edges.map(({ node }) => node.id)).toEqual(made.ids.toReversed());
  expect(edges.map(({ node }) => node)).toMatchObject([
    { outcome: 'STARTED', summary: null, network: null },
    { outcome: 'FAILED', summary: 'second', durationMs: null },
    {
      outcome: 'SUCCEEDED',
      summary: 'first',
      durationMs: 12,
      network: { host: 'example.org', method: null, port: 443, tls: true, fingerprint: 't13d1516h2' },
      agentId: toGlobalId('Agent', AGENTS.scout.id),
      chain: [toGlobalId('Delegation', DELEGATIONS.scout.id)],
    },
  ]);
});

test('five hundred at once are one statement, one event of the audit, and none of them is lost', async ({
  server,
  query,
}) => {
  const entries = Array.from({ length: 500 }, (_, n) => entry({ service: 'busy', summary: `${n}` }));
  const answer = await record(query, entries);
  const { ids, count } = dataOf(answer).recordActivity;
  expect(count).toBe(500);
  expect(server.cost(answer).statements.filter((text) => text.includes('activity_entries'))).toHaveLength(1);
  const kept = await server.migrate((sql) =>
    sql.value(`select count(*)::int from activity_entries where service = 'busy' and request_id = $1`, [
      answer.requestId,
    ]),
  );
  expect(kept).toBe(500);
  const events = await server.migrate((sql) =>
    sql.rows('select event, target_id, detail from audit_entries where request_id = $1', [answer.requestId]),
  );
  const made = ids.map((id) => fromGlobalId(id).id);
  expect(events).toEqual([{ event: 'activity.recorded', target_id: made[0], detail: { ids: made } }]);
});
