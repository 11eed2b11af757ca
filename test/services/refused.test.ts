// Calls that are not made: whoever asks, for whatever reason they are refused, nothing leaves for the service.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS, USERS } from '../../src/demo/cast.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { createOutgoing } from '../../src/outgoing/call.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, startServer } from '../kit/server.ts';
import { AS_SCOUT, call, keep, REPO, test } from './kept.ts';

test('what the caller may not know of is not found: hidden, absent, another agent’s, through another chain', async ({
  kept,
}) => {
  const { id, service, server } = kept;
  const before = service.asked.length;
  const forScribe = await keep(server, {
    origin: service.origin,
    agentId: toGlobalId('Agent', AGENTS.scribe.id),
  });
  const absent = toGlobalId('ServiceCredential', '019a0000-0000-7010-8000-00000000dead');
  const asked: [Parameters<RunningServer['query']>[0], string, Asking][] = [
    ['bob', id, {}],
    ['ada', id, {}],
    ['mallory', id, {}],
    ['scout', id, {}],
    ['bobot', id, { delegation: 'bobot' }],
    ['scribe', id, { delegation: 'scribe' }],
    ['scout', id, { delegation: 'scoutInGarden' }],
    ['rogue', id, { delegation: 'rogue' }],
    ['late', id, { delegation: 'late' }],
    ['scout', forScribe, AS_SCOUT],
    ['alice', absent, {}],
    ['alice', id, { scopes: ['credential:execute'] }],
  ];
  const texts = new Set<string>();
  for (const [actor, credentialId, asking] of asked) {
    const input = { credentialId, call: 'issues.list', ...REPO };
    const answer = await server.query(actor, documents.CallServiceDocument, { input }, asking);
    expect(dataOf(answer).callService.__typename).toBe('NotFound');
    texts.add(answer.text);
  }
  expect(texts.size).toBe(1);
  expect(service.asked).toHaveLength(before);
});

test('who may see and not use, a call that is not named, and a credential past its end', async ({ kept }) => {
  const { id, service, server } = kept;
  const before = service.asked.length;
  const input = { credentialId: id, call: 'issues.list', ...REPO };
  expect(await call(kept, 'alice', input, { scopes: ['credential:read'] })).toMatchObject({
    why: 'AUTHORITY',
  });
  expect(await call(kept, 'scout', { ...input, call: 'repo.delete' }, AS_SCOUT)).toMatchObject({
    why: 'CALL',
  });
  const past = await keep(server, {
    origin: service.origin,
    expiresAt: new Date(Date.now() - 1).toISOString(),
  });
  expect(await call(kept, 'scout', { ...input, credentialId: past }, AS_SCOUT)).toMatchObject({
    why: 'EXPIRED',
  });
  expect(service.asked).toHaveLength(before);
});

test('parameters that do not fit, and a body where none goes', async ({ kept }) => {
  const { id, service, server } = kept;
  const before = service.asked.length;
  for (const more of [
    {},
    { parameters: { repo: '..' } },
    { parameters: { repo: 'a', other: 'b' } },
    { ...REPO, query: { a: {} } },
    { ...REPO, body: { a: 1 } },
  ]) {
    const input = { credentialId: id, call: 'issues.list', ...more };
    const answer = await server.query('scout', documents.CallServiceDocument, { input }, AS_SCOUT);
    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
  }
  expect(service.asked).toHaveLength(before);
});

test('a call that is not alone in its operation, and then nothing of the others is kept', async ({
  kept,
}) => {
  const { id, service, server } = kept;
  const before = service.asked.length;
  const text = (others: string) => `mutation {
    ${others}
    callService(input: { credentialId: "${id}", call: "issues.list", parameters: { repo: "x" } }) { __typename }
  }`;
  for (const others of [
    'createMemory(input: { content: "kept?" }) { __typename }',
    `twice: callService(input: { credentialId: "${id}", call: "issues.list", parameters: { repo: "x" } }) { __typename }`,
  ]) {
    const answer = await server.query('alice', text(others));
    expect(codesOf(answer)).toContain('BAD_USER_INPUT');
  }
  const kept1 = await server.migrate((sql) =>
    sql.value(`select count(*)::int from memories where content = 'kept?'`),
  );
  expect(kept1).toBe(0);
  expect(service.asked).toHaveLength(before);
});

test('a refusal leaves a trace, and no use', async ({ kept }) => {
  const { id, server } = kept;
  const input = { credentialId: id, call: 'repo.delete' };
  await call(kept, 'scout', input, AS_SCOUT);
  const trace = await server.migrate((sql) =>
    sql.rows<{ event: string; detail: object }>(
      'select event, detail from audit_entries order by id desc limit 1',
    ),
  );
  expect(trace).toMatchObject([
    { event: 'service.call_refused', detail: { reason: 'call', call: 'repo.delete' } },
  ]);
});

test('a service at an address that is not the Internet’s, when not developing', async ({ kept }) => {
  const { service } = kept;
  const closed = await startServer({ outgoing: createOutgoing({ reach: 'public', timeoutMs: 1000 }) });
  try {
    const before = service.asked.length;
    for (const origin of [service.origin, 'https://127.0.0.1', 'https://169.254.169.254', 'https://[::1]']) {
      const credentialId = await keep(closed, { origin });
      const input = { credentialId, call: 'issues.list', ...REPO };
      expect(await call({ server: closed }, 'alice', input)).toMatchObject({ fault: 'ADDRESS' });
    }
    expect(service.asked).toHaveLength(before);
  } finally {
    await closed.stop();
  }
});

test('a secret whose key was destroyed is gone, and nothing leaves', async ({ kept }) => {
  const { service, server } = kept;
  const before = service.asked.length;
  const input = { credentialId: toGlobalId('ServiceCredential', SERVICES.parts.id), call: 'parts.find' };
  await server.migrate((sql) =>
    sql.rows('update data_keys set wrapped = null, destroyed_at = now() where holder_id = $1', [
      USERS.bob.id,
    ]),
  );
  expect(await call(kept, 'bob', input)).toMatchObject({ why: 'GONE' });
  const events = await server.migrate((sql) =>
    sql.list(`select event from audit_entries where target_id = '${SERVICES.parts.id}'`),
  );
  expect(events).toEqual(['service.call_refused']);
  expect(service.asked).toHaveLength(before);
});
