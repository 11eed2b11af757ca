// Calls that are far from what is usual: when the owner hears of them and by what, and who does not.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { granted } from '../kit/granted.ts';
import { type Listening, listen } from '../kit/stream.ts';
import { events, SETTLED_MS } from '../live/heard.ts';
import { REPO, test } from '../services/kept.ts';
import { AS_SCOUT, baseline, call, freeze, note, reset } from './usual.ts';

const CHANGED =
  'subscription { baselineChanged { change event id baseline { status alert { score entryId deviations { dimension value } } } } }';
const FAR = call({ host: 'far.example.org' });
const alertsOf = ({ got }: Listening) =>
  got.map(({ data }) => {
    const { event, baseline: row } = (data?.baselineChanged ?? {}) as {
      event?: string;
      baseline?: { alert: { score: number } | null };
    };
    return [event, row?.alert?.score ?? null];
  });

test('nothing is broken while it is learned, by what is usual, or by less than its owner has said', async ({
  kept: { server },
}) => {
  const { query } = server;
  await reset(query);
  const alice = await listen(server, 'alice', CHANGED);
  await note(query, [call(), FAR]);
  await freeze(query, 0.95);
  await note(query, [call(), FAR, call({ host: 'farther.example.org' })]);
  await freeze(query, 0.5);
  await note(query, [call(), FAR, call({ method: 'POST' })]);
  // of what was not said where it went, nothing is thought
  const entries = [{ service: 'shell', action: 'run', outcome: 'SUCCEEDED' as const }];
  dataOf(await query('scout', documents.RecordActivityDocument, { input: { entries } }, AS_SCOUT));
  expect(await baseline(query)).toMatchObject({ alertedAt: null, alert: null });
  await sleep(SETTLED_MS);
  expect(alertsOf(alice)).toEqual([
    ['baseline.frozen', null],
    ['baseline.frozen', null],
  ]);
  alice.close();
});

test('what another agent does breaks nothing of this one', async ({ kept: { server } }) => {
  const { query } = server;
  await reset(query);
  await note(query, [call()]);
  await freeze(query);
  const { asking } = await granted(server, ['activity:read', 'activity:create'], { to: 'late' });
  const entries = [{ service: 'web', action: 'pages.read', outcome: 'SUCCEEDED' as const, network: FAR }];
  dataOf(await query('late', documents.RecordActivityDocument, { input: { entries } }, asking));
  expect(await baseline(query)).toMatchObject({ alertedAt: null });
});

test('what is refused or rolled back breaks nothing', async ({ kept: { server } }) => {
  const { query } = server;
  await reset(query);
  await note(query, [call()]);
  await freeze(query);
  const entry = { service: 'web', action: 'pages.read', outcome: 'SUCCEEDED' as const };
  const entries = [
    { ...entry, network: FAR },
    { ...entry, service: 'No Service' },
  ];
  const answer = await query('scout', documents.RecordActivityDocument, { input: { entries } }, AS_SCOUT);
  expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
  const both = `mutation {
    a: recordActivity(input: { entries: [{ service: "web", action: "pages.read", outcome: SUCCEEDED, network: { host: "far.example.org" } }] }) { count }
    b: createMemory(input: { content: "" }) { __typename }
  }`;
  expect((await query('scout', both, {}, AS_SCOUT)).body.errors).toBeDefined();
  expect(await baseline(query)).toMatchObject({ alertedAt: null });
});

test('the farthest of what an agent records breaks it, and its owner hears of that and nobody else', async ({
  kept: { server },
}) => {
  const { query } = server;
  await reset(query);
  await note(query, [call()]);
  await freeze(query);
  const { asking } = await granted(server, ['baseline:read', 'activity:read', 'activity:create']);
  const [alice, scout, bob, ada, poor] = await Promise.all([
    listen(server, 'alice', CHANGED),
    listen(server, 'scout', CHANGED, asking),
    listen(server, 'bob', CHANGED),
    listen(server, 'ada', CHANGED),
    listen(server, 'alice', CHANGED, { scopes: ['activity:read'] }),
  ] as const);
  const [, far] = await note(query, [
    call({ port: 8443 }),
    { ...FAR, method: 'DELETE' },
    call({ tls: false }),
    call(),
  ]);
  await alice.until(1);
  expect(alice.got[0]?.data?.baselineChanged).toEqual({
    change: 'UPDATED',
    event: 'baseline.broken',
    id: (await baseline(query))?.id,
    baseline: {
      status: 'FROZEN',
      alert: {
        score: 0.94,
        entryId: far,
        deviations: [
          { dimension: 'HOST', value: 'far.example.org' },
          { dimension: 'METHOD', value: 'DELETE' },
        ],
      },
    },
  });
  await sleep(SETTLED_MS);
  expect([scout, bob, ada, poor].map(events)).toEqual([[], [], [], []]);
  for (const stream of [alice, scout, bob, ada, poor]) {
    stream.close();
  }
});

test('a call that the server makes breaks it too, and the answer of the service is the same', async ({
  kept: { id, server },
}) => {
  const { query } = server;
  await reset(query);
  await note(query, [call()]);
  await freeze(query);
  const alice = await listen(server, 'alice', CHANGED);
  const input = { credentialId: id, call: 'issues.list', ...REPO };
  const { callService: answer } = dataOf(
    await query('scout', documents.CallServiceDocument, { input }, AS_SCOUT),
  );
  expect(answer).toMatchObject({ __typename: 'ServiceAnswer', status: 200 });
  await alice.until(1);
  expect(events(alice).map(([, event]) => event)).toEqual(['baseline.broken']);
  const alert = (await baseline(query))?.alert;
  expect(alert?.deviations[0]).toEqual({ dimension: 'HOST', value: '127.0.0.1', weight: 0.9 });
  const { activity } = dataOf(
    await query('alice', documents.ActivityDocument, { first: 1, filter: { service: 'github' } }),
  );
  expect(alert?.entryId).toBe(activity.edges[0]?.node.id);
  // learned anew with that call in it, the next is as usual
  await freeze(query);
  dataOf(await query('scout', documents.CallServiceDocument, { input }, AS_SCOUT));
  expect(await baseline(query)).toMatchObject({ alertedAt: null });
  alice.close();
});

test('begun anew or frozen again, it is no longer broken', async ({ kept: { server } }) => {
  const { query } = server;
  for (const anew of [reset, freeze]) {
    await reset(query);
    await note(query, [call()]);
    await freeze(query);
    await note(query, [FAR]);
    expect(await baseline(query)).toMatchObject({ alertedAt: expect.any(String), alert: { score: 0.9 } });
    expect(await anew(query)).toMatchObject({ alertedAt: null, alert: null });
  }
});
