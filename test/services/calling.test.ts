// Using a secret without reading it: an agent has its owner's service called, over a real connection, and never sees the secret.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { fromGlobalId, toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { createOutgoing } from '../../src/outgoing/call.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { startServer } from '../kit/server.ts';
import { AS_SCOUT, allow, call, keep, REPO, SECRET, test } from './kept.ts';

test('an agent has a service called as its owner named it, with the secret in the header and nowhere in the answer', async ({
  kept,
}) => {
  const { id, service, server } = kept;
  service.respond((response, { headers }) => {
    const echo = {
      asked: headers.authorization,
      encoded: Buffer.from(`x:${SECRET}`).toString('base64'),
      number: 7,
    };
    response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(echo));
  });
  const input = {
    credentialId: id,
    call: 'issues.create',
    parameters: { repo: 'a/b c' },
    query: { dry: true },
    body: { title: 'Slugs' },
  };
  const answer = await server.query('scout', documents.CallServiceDocument, { input }, AS_SCOUT);
  expect(service.asked.at(-1)).toMatchObject({
    method: 'POST',
    path: '/repos/a%2Fb%20c/issues?dry=true',
    headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
    body: '{"title":"Slugs"}',
  });
  const { callService: outcome } = dataOf(answer);
  expect(outcome).toMatchObject({ __typename: 'ServiceAnswer', status: 201, truncated: false });
  expect(answer.text).not.toContain(SECRET);
  const { asked, encoded } = JSON.parse('body' in outcome ? (outcome.body ?? '') : '');
  expect(asked).toBe('Bearer [secret]');
  expect(encoded).toContain('[secret]');
  expect(JSON.stringify(server.log)).not.toContain(SECRET);
  expect(server.log).toContainEqual(
    expect.objectContaining({ event: 'service.called', credentialId: fromGlobalId(id).id, status: 201 }),
  );
});

test('a use is kept before it happens: who, for whom, through what, and when last', async ({ kept }) => {
  const { id, service, server } = kept;
  const { id: row } = fromGlobalId(id);
  const kept1 = () =>
    server.migrate((sql) =>
      sql.rows<{ actor_id: string; chain: string[]; detail: object; last_used_by: string }>(
        `select a.actor_id, a.owner_id, a.chain, a.detail, c.last_used_by from audit_entries a
           join service_credentials c on c.id = a.target_id
          where a.event = 'service.called' and a.target_id = '${row}' order by a.id desc limit 1`,
      ),
    );
  const whileAsked = Promise.withResolvers<Awaited<ReturnType<typeof kept1>>>();
  service.respond((response) => {
    kept1().then(whileAsked.resolve, whileAsked.reject);
    whileAsked.promise.then(() => response.writeHead(204).end());
  });
  await call(
    kept,
    'scout',
    { credentialId: id, call: 'issues.list', parameters: { repo: 'kept' } },
    AS_SCOUT,
  );
  expect(await whileAsked.promise).toEqual([
    {
      actor_id: AGENTS.scout.id,
      owner_id: USERS.alice.id,
      chain: [DELEGATIONS.scout.id],
      detail: { service: 'github', call: 'issues.list', approval: null },
      last_used_by: AGENTS.scout.id,
    },
  ]);
  const shown = dataOf(
    await server.query('alice', documents.ServiceCredentialsDocument, { filter: { service: 'github' } }),
  );
  expect(shown.serviceCredentials.edges.map(({ node }) => node)).toContainEqual(
    expect.objectContaining({
      id,
      lastUsedById: toGlobalId('Agent', AGENTS.scout.id),
      lastUsedAt: expect.any(String),
    }),
  );
});

test('while a service takes its time, no connection to the database is held', async ({ kept }) => {
  const { id, service, server } = kept;
  const asked = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  let waiting = 0;
  service.respond((response) => {
    waiting += 1;
    if (waiting === 10) {
      asked.resolve();
    }
    go.promise.then(() => response.writeHead(200, { 'content-type': 'text/plain' }).end('late'));
  });
  const input = { credentialId: id, call: 'issues.list', ...REPO };
  // twice as many as the pool has connections
  const calls = Array.from({ length: 10 }, () => call(kept, 'scout', input, AS_SCOUT));
  await asked.promise;
  const meanwhile = await server.query('alice', documents.ViewerDocument);
  expect(codesOf(meanwhile)).toEqual([]);
  go.resolve();
  for (const outcome of await Promise.all(calls)) {
    expect(outcome).toMatchObject({ status: 200, body: 'late' });
  }
});

test('a service that is silent, breaks off or is not there is an outcome that says so, and the use is kept', async ({
  kept,
}) => {
  const { id, service, server } = kept;
  const input = { credentialId: id, call: 'issues.list', ...REPO };
  service.respond((response) => response.destroy());
  expect(await call(kept, 'scout', input, AS_SCOUT)).toMatchObject({ fault: 'CONNECTION' });
  const hasty = await startServer({ outgoing: createOutgoing({ reach: 'loopback', timeoutMs: 200 }) });
  try {
    service.respond(() => undefined);
    await allow(hasty);
    const credentialId = await keep(hasty, { origin: service.origin });
    const silent = await call({ server: hasty }, 'scout', { ...input, credentialId }, AS_SCOUT);
    expect(silent).toMatchObject({ fault: 'TIMEOUT' });
  } finally {
    await hasty.stop();
  }
  const nowhere = await keep(server, { origin: 'http://127.0.0.1:1' });
  expect(await call(kept, 'scout', { ...input, credentialId: nowhere }, AS_SCOUT)).toMatchObject({
    fault: 'CONNECTION',
  });
  const trace = await server.migrate((sql) =>
    sql.value(
      `select count(*)::int from audit_entries where event = 'service.called' and target_id = '${fromGlobalId(nowhere).id}'`,
    ),
  );
  expect(trace).toBe(1);
});

test('a redirect is an answer and not followed, what is not text is left out, and what is long is cut', async ({
  kept,
}) => {
  const { id, service } = kept;
  const input = { credentialId: id, call: 'issues.list', ...REPO };
  const before = service.asked.length;
  service.respond((response) => response.writeHead(302, { location: `${service.origin}/elsewhere` }).end());
  expect(await call(kept, 'scout', input, AS_SCOUT)).toMatchObject({ status: 302, body: null });
  expect(service.asked).toHaveLength(before + 1);
  service.respond((response) => response.writeHead(200, { 'content-type': 'image/png' }).end('PNG'));
  expect(await call(kept, 'scout', input, AS_SCOUT)).toMatchObject({ contentType: 'image/png', body: null });
  service.respond((response) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end('é'.repeat(200_000)),
  );
  const long = await call(kept, 'scout', input, AS_SCOUT);
  expect(long).toMatchObject({ truncated: true });
  expect('body' in long ? long.body?.length : 0).toBeGreaterThan(100_000);
  expect('body' in long ? long.body : '').toMatch(/^é+$/);
});
