// What is usual for an agent: who has it learned and frozen, who sees it, and what it holds.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { fromGlobalId, toGlobalId } from '../../src/api/global-id.ts';
import { SCOPES } from '../../src/capabilities.ts';
import { AGENTS } from '../../src/demo/cast.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { granted } from '../kit/granted.ts';
import { type RunningServer, test } from '../kit/server.ts';
import { AS_SCOUT, baseline, call, compare, freeze, note, reset, SCOUT } from './usual.ts';

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);
const without = (capability: string) => SCOPES.filter((scope) => scope !== capability);
const INPUT = { input: { agentId: SCOUT } };
/** Everything that is written down of baselines, and of what was done with them. */
const state = ({ migrate }: RunningServer) =>
  migrate((sql) =>
    sql.rows(`select (select jsonb_agg(b order by id) from baselines b) as baselines,
      (select count(*)::int from audit_entries where event in ('baseline.frozen', 'baseline.reset')) as done`),
  );

test('nobody but the owner in person freezes or begins anew, be there a baseline or not', async ({
  server,
  query,
}) => {
  const { asking } = await granted(server, ['agent:read', 'baseline:read', 'activity:read']);
  const refused = async () => {
    const before = await state(server);
    for (const document of [documents.FreezeBaselineDocument, documents.ResetBaselineDocument].map(String)) {
      expect(codesOf(await query('nobody', document, INPUT))).toEqual(['UNAUTHENTICATED']);
      for (const [actor, acting, outcome] of [
        ['bob', {}, 'NotFound'],
        ['ada', {}, 'NotFound'],
        ['mallory', {}, 'NotFound'],
        ['bobot', { delegation: 'bobot' }, 'NotFound'],
        ['scribe', { delegation: 'scribe' }, 'NotFound'],
        // who knows of the agent may know that this is not theirs to do
        ['scout', {}, 'FORBIDDEN'],
        ['scout', asking, 'FORBIDDEN'],
        ['alice', { scopes: ['agent:read', 'baseline:read'] }, 'FORBIDDEN'],
        ['alice', { scopes: without('agent:read') }, 'NotFound'],
      ] as const) {
        const answer = await query(actor, document, INPUT, acting);
        const [done] = Object.values((answer.body.data ?? {}) as Record<string, { __typename: string }>);
        expect([actor, codesOf(answer)[0] ?? done?.__typename]).toEqual([actor, outcome]);
      }
    }
    expect(await state(server)).toEqual(before);
  };
  await refused();
  await reset(query);
  await refused();
});

test('a threshold that is none is refused, and so are calls that are none, or too many', async ({
  query,
}) => {
  for (const threshold of [0, 0.04, 1.01, -1]) {
    const answer = await query('alice', documents.FreezeBaselineDocument, {
      input: { agentId: SCOUT, threshold },
    });
    expect([threshold, ...codesOf(answer)]).toEqual([threshold, 'BAD_USER_INPUT']);
    expect(answer.body.errors?.[0]?.message).toMatch(/threshold/);
  }
  for (const [wrong, code] of [
    [[call({ host: '' })], 'BAD_USER_INPUT'],
    [[call({ port: 0 })], 'BAD_USER_INPUT'],
    [[call({ fingerprint: 'x'.repeat(129) })], 'BAD_USER_INPUT'],
    [Array.from({ length: 501 }, () => call()), 'LIMIT_EXCEEDED'],
  ] as const) {
    const answer = await query('alice', documents.CompareToBaselineDocument, {
      agentId: SCOUT,
      calls: [...wrong],
    });
    expect(codesOf(answer)).toEqual([code]);
  }
});

test('who may not know of it gets null, as where there is none', async ({ server, query }) => {
  await reset(query);
  const id = (await baseline(query))?.id ?? '';
  const [other, reader] = [
    await granted(server, ['agent:read', 'baseline:read', 'activity:read'], { to: 'late' }),
    await granted(server, ['agent:read', 'activity:read']),
  ];
  for (const [actor, asking] of [
    ['bob', {}],
    ['ada', {}],
    ['mallory', {}],
    ['alice', { scopes: without('baseline:read') }],
    ['scout', {}],
    ['scout', AS_SCOUT],
    ['scout', reader.asking],
    ['scribe', { delegation: 'scribe' }],
    // may read baselines, and sees its own alone
    ['late', other.asking],
    ['bobot', { delegation: 'bobot' }],
  ] as const) {
    expect([actor, await compare(query, { actor, asking, calls: [call()] })]).toEqual([actor, null]);
    expect(dataOf(await query(actor, documents.NodeDocument, { id }, asking)).node).toBeNull();
    const { node } = dataOf(await query(actor, documents.AgentBaselineDocument, { id: SCOUT }, asking));
    expect(node === null || !('baseline' in node) || node.baseline === null).toBe(true);
  }
  const none = toGlobalId('Agent', AGENTS.rogue.id);
  expect(await compare(query, { agentId: none })).toBeNull();
  expect(await compare(query, { calls: [call()] })).not.toBeNull();
});

test('while it is learned it holds what the log has since its beginning, the most frequent first', async ({
  query,
}) => {
  await reset(query);
  await note(query, [call(), call({ method: 'POST' }), call()]);
  const learned = await compare(query, { calls: [call()] });
  expect(learned?.usual).toEqual([
    { network: call(), times: 2 },
    { network: call({ method: 'POST' }), times: 1 },
  ]);
  expect(learned).toMatchObject({ learned: 3, enough: false, score: 0, compared: 1, deviating: [] });
  expect(await baseline(query)).toMatchObject({ status: 'LEARNING', frozenAt: null, usual: [], alert: null });
  // from before the beginning nothing is usual
  await reset(query);
  expect(await compare(query, { calls: [call()] })).toMatchObject({ learned: 0, usual: [] });
  // as far back as its owner says
  await reset(query, ago(4 * 3600));
  const back = await compare(query, { calls: [] });
  expect(back?.usual.map(({ network }) => network.host)).toContain('tracker.invalid');
  expect(back?.learned).toBeGreaterThanOrEqual(5);
});

test('twenty calls are enough to say what is usual, and nineteen are not', async ({ query }) => {
  await reset(query);
  await note(
    query,
    Array.from({ length: 19 }, () => call()),
  );
  expect(await compare(query, { calls: [] })).toMatchObject({ learned: 19, enough: false });
  await note(query, [call()]);
  expect(await compare(query, { calls: [] })).toMatchObject({ learned: 20, enough: true });
});

test('frozen it stays as it was, whatever the agent does, until its owner begins anew', async ({ query }) => {
  await reset(query);
  await note(query, [call()]);
  const frozen = await freeze(query, 0.7);
  expect(frozen).toMatchObject({
    __typename: 'Baseline',
    status: 'FROZEN',
    threshold: 0.7,
    usual: [{ network: call(), times: 1 }],
    agent: { id: SCOUT },
  });
  await note(query, [call({ host: 'elsewhere.example.org' })]);
  expect((await baseline(query))?.usual).toEqual([{ network: call(), times: 1 }]);
  expect(await compare(query, { calls: [call({ host: 'elsewhere.example.org' })] })).toMatchObject({
    score: 0.9,
  });
  // frozen again, it has what happened since, and the threshold that was
  expect(await freeze(query)).toMatchObject({ threshold: 0.7, usual: [{ times: 1 }, { times: 1 }] });
  expect(await reset(query)).toMatchObject({ status: 'LEARNING', usual: [], frozenAt: null, threshold: 0.7 });
});

test('where nobody has begun to learn, freezing takes what the log has', async ({ server, query }) => {
  await server.migrate((sql) => sql.touched('delete from baselines'));
  const frozen = await freeze(query);
  expect(frozen).toMatchObject({ status: 'FROZEN', threshold: 0.5 });
  const hosts = 'usual' in frozen ? frozen.usual.map(({ network }) => network.host) : [];
  expect(hosts).toEqual(expect.arrayContaining(['tracker.invalid', 'weather.invalid']));
});

test('what is unusual is named with its weight, the gravest first, and each thing counts', async ({
  query,
}) => {
  await reset(query);
  await note(query, [call(), call({ host: 'other.example.org', method: 'PUT', port: 8443 })]);
  await freeze(query);
  const cases: [Partial<documents.ActivityNetworkInput>, number, string[]][] = [
    [{}, 0, []],
    [{ host: 'new.example.org' }, 0.9, ['HOST 0.9']],
    [{ port: 8443 }, 0.6, ['PORT 0.6']],
    [{ method: 'PUT' }, 0.4, ['METHOD 0.4']],
    [{ tls: false }, 0.8, ['TLS 0.8']],
    [{ fingerprint: 'other' }, 0.8, ['FINGERPRINT 0.8']],
    [{ method: 'PUT', port: 8443 }, 0.76, ['PORT 0.6', 'METHOD 0.4']],
    // a host of which nothing is known is compared with all, and has no certificate of its own
    [{ host: 'new.example.org', method: 'PUT', fingerprint: 'other' }, 0.9, ['HOST 0.9']],
    [{ host: 'new.example.org', method: 'DELETE' }, 0.94, ['HOST 0.9', 'METHOD 0.4']],
    // of what is not said, nothing is thought
    [{ method: null, port: null, tls: null, fingerprint: null }, 0, []],
  ];
  const said = await compare(query, { calls: cases.map(([more]) => call(more)) });
  expect(said).toMatchObject({ score: 0.94, compared: cases.length });
  for (const [more, score, deviations] of cases) {
    const found = await compare(query, { calls: [call(more)] });
    expect([more, found?.score]).toEqual([more, score]);
    expect(
      found?.deviating.flatMap((one) =>
        one.deviations.map(({ dimension, weight }) => `${dimension} ${weight}`),
      ),
    ).toEqual(deviations);
  }
  const scores = said?.deviating.map(({ score }) => score) ?? [];
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
});

test('calls of the log are compared with what was usual before, and named by their entries', async ({
  query,
}) => {
  const before = ago(0);
  await reset(query, before);
  await note(query, [call()]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const from = new Date().toISOString();
  const [usual, unusual] = await note(query, [call(), call({ host: 'new.example.org' })]);
  const found = await compare(query, { since: from });
  expect(found).toMatchObject({ learned: 1, compared: 2, score: 0.9 });
  expect(found?.deviating).toEqual([expect.objectContaining({ entryId: unusual })]);
  expect(JSON.stringify(found)).not.toContain(usual);
});

test('an agent compares what it is about to do with what is usual for it', async ({ server, query }) => {
  await reset(query);
  await note(query, [call()]);
  const [blind, reader] = [
    await granted(server, ['baseline:read']),
    await granted(server, ['baseline:read', 'activity:read']),
  ];
  const asked = (asking: typeof blind.asking) =>
    compare(query, { actor: 'scout', asking, calls: [call(), call({ method: 'DELETE' })] });
  // of one that follows the log, nothing is known to who may not read the log
  expect(await asked(blind.asking)).toMatchObject({ learned: 0, usual: [] });
  expect(await asked(reader.asking)).toMatchObject({ learned: 1, score: 0.4 });
  await freeze(query);
  expect(await asked(blind.asking)).toMatchObject({
    learned: 1,
    score: 0.4,
    deviating: [{ network: call({ method: 'DELETE' }), entryId: null }],
  });
});

test('what was done with a baseline stands in the audit log, with the refusals', async ({
  server,
  query,
}) => {
  const frozen = await query('alice', documents.FreezeBaselineDocument, {
    input: { agentId: SCOUT, threshold: 0.6 },
  });
  const refused = await query('bob', documents.FreezeBaselineDocument, INPUT);
  const events = (requestId: string) =>
    server.migrate((sql) =>
      sql.rows('select event, target_kind, target_id, detail from audit_entries where request_id = $1', [
        requestId,
      ]),
    );
  const id = fromGlobalId((await baseline(query))?.id ?? '').id;
  expect(await events(frozen.requestId)).toEqual([
    {
      event: 'baseline.frozen',
      target_kind: 'baseline',
      target_id: id,
      detail: { agentId: AGENTS.scout.id, threshold: 0.6 },
    },
  ]);
  expect(await events(refused.requestId)).toMatchObject([
    { event: 'baseline.freeze_refused', target_kind: 'agent', target_id: AGENTS.scout.id },
  ]);
});
