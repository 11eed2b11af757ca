// What every answer of the server has, whatever was asked of it; the pages beside GraphQL; and what is refused before
// GraphQL is reached.

import { connect } from 'node:net';
import { expect } from 'vitest';
import { isUuid } from '../../src/ids.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { asAdmin } from '../kit/database.ts';
import { test } from '../kit/server.ts';

const PING = '{ viewer { live requestId } }';

/** Sends bytes as they are; the answer's head and body. */
function send(origin: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let answer = '';
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer')));
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

/** A problem document (RFC 9457), held to what is true of all of them. */
async function problemOf(response: Response): Promise<{ status: number; code: string }> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = (await response.json()) as Record<string, unknown>;
  expect(problem).toEqual({
    type: 'about:blank',
    title: expect.any(String),
    status: response.status,
    detail: expect.any(String),
    code: expect.any(String),
    requestId: response.headers.get('x-request-id'),
  });
  return { status: response.status, code: String(problem.code) };
}

test('nobody is answered with 401 and how to authenticate', async ({ query }) => {
  const answer = await query('nobody', PING);
  expect([answer.status, ...codesOf(answer)]).toEqual([401, 'UNAUTHENTICATED']);
  expect(answer.headers.get('www-authenticate')).toBe('Bearer');
});

test('whatever is wrong with a credential, the answer is the same', async ({ server, query }) => {
  const { authorization = '' } = await server.credentials('alice');
  const [head = '', claims = ''] = authorization.slice(7).split('.');
  const headers: Record<string, string>[] = [
    { authorization: 'Bearer x' },
    { authorization: `Bearer ${head}.${claims}.AAAA` },
    { authorization: authorization.replace('Bearer', 'Basic') },
    { authorization, 'delegation-id': '019a0000-0000-7005-8000-0000000b0b07' },
    { authorization, 'delegation-id': '019a0000-0000-7005-8000-ffffffffffff' },
    { 'delegation-id': '019a0000-0000-7005-8000-0000000b0b07' },
    { 'x-api-key': 'secret' },
  ];
  const answers = await Promise.all(
    headers.map((presented) => query('nobody', PING, undefined, { headers: presented })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
  expect(new Set(answers.map((answer) => answer.headers.get('www-authenticate')))).toEqual(
    new Set(['Bearer']),
  );
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
});

test('GET never executes, and says what does', async ({ server }) => {
  const address = `${server.origin}/graphql?query=${encodeURIComponent(PING)}`;
  const headers = { ...(await server.credentials('alice')), accept: 'application/json' };
  for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const response = await fetch(address, { method, headers });
    expect(response.headers.get('allow')).toBe('POST');
    expect(await problemOf(response)).toEqual({ status: 405, code: 'BAD_USER_INPUT' });
  }
  expect((await fetch(address, { method: 'HEAD', headers })).status).toBe(405);
});

test('paths that are not there are a problem document', async ({ server }) => {
  for (const path of [
    '/',
    '/graphql/',
    '/graphqls',
    '/admin',
    '/.env',
    '/healthz/x',
    '//',
    '//x',
    '/%00',
    '/a?b=//',
    '/development/identities',
  ]) {
    expect([path, await problemOf(await fetch(`${server.origin}${path}`))]).toEqual([
      path,
      { status: 404, code: 'NOT_FOUND' },
    ]);
  }
  expect(await problemOf(await fetch(`${server.origin}/`, { method: 'POST', body: '{}' }))).toEqual({
    status: 404,
    code: 'NOT_FOUND',
  });
  expect(server.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});

test('a target that is no address is not a failure of the server', async ({ server }) => {
  for (const target of ['http://[', '//', '*', 'http://a:b:c/']) {
    const answer = await send(
      server.origin,
      `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    expect([target, answer.split(' ')[1]]).toEqual([target, '404']);
    expect(answer).toMatch(/x-request-id: [0-9a-f-]{36}/i);
  }
});

test('what is not HTTP is refused as a problem with a request id too', async ({ server }) => {
  const broken = [
    'GARBAGE\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
    'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
  ];
  for (const bytes of broken) {
    const answer = await send(server.origin, bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 4(00|31) /);
    expect(answer).toMatch(/application\/problem\+json/);
    const [, id] = /x-request-id: (\S+)/i.exec(answer) ?? [];
    expect(isUuid(id)).toBe(true);
    expect(answer).toContain(`"requestId":"${id}"`);
  }
});

test('every answer has a request id of its own and forbids storing and sniffing', async ({ server }) => {
  const asked = ['/healthz', '/readyz', '/nothing', '/graphql'];
  const responses = await Promise.all(
    asked.map((path) => fetch(`${server.origin}${path}`, { headers: { 'x-request-id': 'mine' } })),
  );
  responses.push(await fetch(`${server.origin}/graphql`, { method: 'POST', body: '' }));
  const ids = responses.map(({ headers }) => headers.get('x-request-id'));
  expect(ids.every(isUuid)).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { headers } of responses) {
    expect([headers.get('x-content-type-options'), headers.get('cache-control')]).toEqual([
      'nosniff',
      'no-store',
    ]);
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('access-control-allow-origin')).toBeNull();
  }
});

test('the request id of an answer is that of the operation, its log line and its rows', async ({
  server,
  query,
}) => {
  const answer = await query<{ viewer: { requestId: string } }>('alice', PING);
  expect(dataOf(answer).viewer.requestId).toBe(answer.requestId);
  expect(server.log).toContainEqual(
    expect.objectContaining({ requestId: answer.requestId, path: '/graphql', status: 200 }),
  );
});

test('a trace is carried on to the log, and a malformed one is not', async ({ server, query }) => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  const lineOf = async (traceparent: string) => {
    const { requestId } = await query('alice', PING, undefined, { headers: { traceparent } });
    return server.log.find((line) => line.requestId === requestId && line.msg === 'request');
  };
  expect(await lineOf(`00-${trace}-00f067aa0ba902b7-01`)).toMatchObject({ traceId: trace });
  for (const malformed of [
    `ff-${trace}-00f067aa0ba902b7-01`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    'x',
    `00-${trace}-00f067aa0ba902b7-01, x`,
  ]) {
    expect(await lineOf(malformed)).not.toHaveProperty('traceId');
  }
});

test('no token, variable or content of a request is logged', async ({ server, query }) => {
  const { authorization = '' } = await server.credentials('alice');
  const secret = 'the combination is 4711';
  await query('alice', 'query ($q: String!) { searchMemories(query: $q) { edges { cursor } } }', {
    q: secret,
  });
  await query('nobody', `{ agents(filter: { name: "${secret}" }) { nope } }`, undefined, {
    headers: { authorization: `${authorization}x` },
  });
  await fetch(`${server.origin}/graphql?token=${encodeURIComponent(secret)}`);
  const written = JSON.stringify(server.log);
  expect(written).not.toContain(secret);
  expect(written).not.toContain(authorization.slice(7, 60));
});

test('whoever asks for application/graphql-response+json gets it, with the same content', async ({
  query,
}) => {
  const json = await query('alice', '{ viewer { live } }', undefined, {
    headers: { accept: 'application/json' },
  });
  const graphql = await query('alice', '{ viewer { live } }', undefined, {
    headers: { accept: 'application/graphql-response+json' },
  });
  expect(json.headers.get('content-type')).toMatch(/^application\/json/);
  expect(graphql.headers.get('content-type')).toMatch(/^application\/graphql-response\+json/);
  expect(graphql.text).toBe(json.text);
  const refused = await query('alice', '{ nope }', undefined, {
    headers: { accept: 'application/graphql-response+json' },
  });
  expect([refused.status, ...codesOf(refused)]).toEqual([400, 'BAD_USER_INPUT']);
});

test('the process is up, and ready as long as it reaches its database', async ({ server }) => {
  const ready = () => fetch(`${server.origin}/readyz`);
  expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
  expect((await ready()).status).toBe(200);
  const { name, adminUrl } = server.database;
  const maintenance = new URL(adminUrl);
  maintenance.pathname = 'postgres';
  const allow = (limit: number) =>
    asAdmin(maintenance.href, async (client) => {
      await client.query(`alter database ${name} connection limit ${limit}`);
      if (limit === 0) {
        await client.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = $2',
          [name, 'bailiwick_runtime'],
        );
      }
    });
  await allow(0);
  try {
    expect(await problemOf(await ready())).toEqual({ status: 503, code: 'UNAVAILABLE' });
    expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
    const operation = await server.query('alice', PING);
    expect([operation.status, ...codesOf(operation)]).toEqual([503, 'UNAVAILABLE']);
  } finally {
    await allow(-1);
  }
  expect((await ready()).status).toBe(200);
  expect(codesOf(await server.query('alice', PING))).toEqual([]);
});
