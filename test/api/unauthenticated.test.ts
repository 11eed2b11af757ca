// Every refusal of a credential looks the same from outside, whoever refused it and why; the log knows why, and knows
// no credential. What is wrong with each credential: test/auth.

import { connect } from 'node:net';
import { expect } from 'vitest';
import { makeApiKey } from '../../src/auth/api-key.ts';
import { leavesAt, STEP } from '../../src/auth/unauthenticated.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { BailiwickError, ERROR_CODES } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { ecKey, forge } from '../auth/forge.ts';
import { startKeyServer } from '../auth/key-server.ts';
import { HELD, proofMemory, prove, thumbprint } from '../auth/prove.ts';
import { type Front, lineOf, test, token } from './front.ts';

const CHALLENGE = 'Bearer, DPoP algs="ES256 RS256"';
const REMOTE = 'https://remote.example';
const stranger = ecKey('issuing');
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

function bound(htu: string, cnf = { jkt: thumbprint(HELD) }): Record<string, string> {
  const text = token('alice', { cnf });
  const iat = Math.floor(Date.now() / 1000);
  return { authorization: `DPoP ${text}`, dpop: prove(text, HELD, { claims: { htu, iat } }) };
}

/** One way of presenting nothing good for each place that can refuse it, by the reason that the log has for it. */
function causes({ origin }: Front): readonly (readonly [reason: string, headers: Record<string, string>])[] {
  const used = bound(`${origin}/graphql`);
  return [
    ['anonymous', {}],
    ['scheme', { authorization: 'Basic YWxpY2U6c2VjcmV0' }],
    ['api-key', { 'x-api-key': 'secret' }],
    ['dpop', { authorization: 'DPoP a.b.c' }],
    ['delegation', { 'delegation-id': newId() }],
    ['form', bearer('x')],
    ['signature', bearer(forge(stranger, { payload: claimsOf(token('alice')) }))],
    ['expired', bearer(token('alice', { iat: 1, exp: 2 }))],
    ['iss', bearer(token('alice', { iss: 'https://nobody.example' }))],
    ['keys', bearer(token('alice', { iss: REMOTE }))],
    ['binding', bearer(token('alice', { cnf: { jkt: thumbprint(HELD) } }))],
    ['dpop-htu', bound('https://other.example/graphql')],
    ['scheme', { ...used, authorization: used.authorization?.replace('DPoP', 'Proof') ?? '' }],
    ['database', bearer(token('alice', { sub: 'nobody' }))],
    ['database', bearer(token('alice', { tenant: 'nowhere' }))],
    ['database', { ...bearer(token('alice')), 'delegation-id': newId() }],
    ['database', { 'x-api-key': makeApiKey().key }],
  ];
}

/** A token of scribe, for alice and below scout, that names somebody else as having acted before. */
const actedBefore = (sub: string) =>
  token('alice', { act: { sub: 'scribe', act: { sub } }, delegation_id: DELEGATIONS.scribe.id });

const claimsOf = (text: string) => JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString());

/** All that a client can see of an answer, but the time of day and the request's own id. */
async function seen(response: Response): Promise<string> {
  const { date, 'x-request-id': id = '', ...headers } = Object.fromEntries(response.headers);
  expect(date).toBeDefined();
  const body = (await response.text()).replaceAll(id, 'id');
  return JSON.stringify([response.status, response.statusText, headers, body]);
}

test('whatever is wrong with a credential and whoever finds out, status, headers and body are the same', async ({
  open,
}) => {
  await using keys = await startKeyServer();
  keys.respond((_, response) => response.writeHead(500).end());
  const front = await open({ proofs: proofMemory(), remote: { issuer: REMOTE, jwksUri: keys.uri } });
  const answers = new Set<string>();
  for (const [, headers] of causes(front)) {
    answers.add(await seen(await front.ask(headers)));
  }
  const replayed = bound(`${front.origin}/graphql`);
  expect((await front.ask(replayed)).status).toBe(200);
  answers.add(await seen(await front.ask(replayed)));
  expect([...answers]).toHaveLength(1);
  const [status, , headers, body] = JSON.parse([...answers][0] ?? '') as [number, string, object, string];
  expect(status).toBe(401);
  expect(headers).toMatchObject({ 'www-authenticate': CHALLENGE, 'cache-control': 'no-store' });
  const message = ERROR_CODES.UNAUTHENTICATED.meaning;
  expect(JSON.parse(body)).toEqual({
    errors: [{ message, extensions: { code: 'UNAUTHENTICATED', requestId: 'id' } }],
  });
});

test('in whatever form an answer is accepted, a refusal is a refusal and never another answer', async ({
  open,
}) => {
  const front = await open({ failures: { perSource: 1000 } });
  for (const accept of ['text/html', 'application/graphql-response+json', 'text/event-stream', 'image/png']) {
    const answers = new Set<string>();
    for (const [, headers] of causes(front)) {
      answers.add(await seen(await front.ask({ ...headers, accept })));
    }
    expect([accept, answers.size]).toEqual([accept, 1]);
    const [status, , headers] = JSON.parse([...answers][0] ?? '');
    expect([accept, status]).toEqual([accept, 401]);
    expect(headers['content-type']).toMatch(/^application\/(json|graphql-response\+json); charset=utf-8$/);
  }
});

test('outside GraphQL a refusal is one problem document for every cause', async ({ open }) => {
  const page = (cause?: Error) => async () => {
    throw new BailiwickError('UNAUTHENTICATED', cause?.message, { cause });
  };
  const pages = new Map([
    ['GET /a', page()],
    ['GET /b', page(new Error('the key is on fire'))],
  ]);
  const front = await open({ pages, proofs: proofMemory() });
  const answers = await Promise.all(['/a', '/b'].map((path) => fetch(front.origin + path)));
  const [a, b] = await Promise.all(answers.map(seen));
  expect(a).toBe(b);
  expect(a).toContain('application/problem+json');
  expect(answers[0]?.headers.get('www-authenticate')).toBe(CHALLENGE);
});

// Lower bounds: a busy machine makes it later, never earlier.
test('no refusal leaves before a whole step has passed, whoever refused', async ({ open }) => {
  const front = await open({ proofs: proofMemory() });
  for (const [reason, headers] of causes(front)) {
    const { ms } = await lineOf(front, (await front.ask(headers)).headers.get('x-request-id'));
    expect([reason, Number(ms) >= STEP]).toEqual([reason, true]);
  }
});

test('a refusal that takes longer than a step leaves after a whole number of steps', async ({ open }) => {
  await using keys = await startKeyServer();
  const slow = 2 * STEP + 5;
  keys.respond((_, response) => setTimeout(() => response.writeHead(500).end(), slow));
  const front = await open({ remote: { issuer: REMOTE, jwksUri: keys.uri } });
  const answer = await front.ask(bearer(token('alice', { iss: REMOTE })));
  const { ms } = await lineOf(front, answer.headers.get('x-request-id'));
  // a timer may go off a little early, but not by the rest of a step
  expect(Number(ms)).toBeGreaterThanOrEqual(leavesAt(slow - 2));
});

test('no connection to the database is held while a refusal waits', async ({ open }) => {
  const lent: number[] = [];
  const front = await open({
    onLog: (line, { lent: now }) => {
      if (line.event === 'auth.refused') {
        lent.push(now());
      }
    },
  });
  for (const [reason, headers] of causes(front)) {
    if (reason === 'database') {
      await front.ask(headers);
    }
  }
  expect(lent).toEqual([0, 0, 0, 0]);
});

test('each refusal is logged once, with its reason and no credential', async ({ open }) => {
  await using keys = await startKeyServer();
  keys.respond((_, response) => response.writeHead(500).end());
  const front = await open({ proofs: proofMemory(), remote: { issuer: REMOTE, jwksUri: keys.uri } });
  for (const [reason, headers] of causes(front)) {
    const requestId = (await front.ask(headers)).headers.get('x-request-id');
    const presents = 'authorization' in headers || 'x-api-key' in headers;
    const logged = front.log.filter((line) => line.requestId === requestId && line.msg !== 'request');
    expect([reason, ...logged]).toEqual([
      reason,
      expect.objectContaining({
        level: presents ? 40 : 30,
        event: 'auth.refused',
        reason,
        detail: expect.any(String),
        source: '127.0.0.1',
        ...(presents ? { credential: expect.stringMatching(/^[A-Za-z0-9_-]{16}$/) } : {}),
      }),
    ]);
    for (const value of Object.values(headers)) {
      const secret = value.split(' ').at(-1) ?? '';
      const [, claims = secret] = secret.split('.');
      expect(secret.length > 5 && JSON.stringify(front.log).includes(claims)).toBe(false);
    }
  }
  // one credential, one name
  const names = front.log.filter(({ event }) => event === 'auth.refused').map(({ credential }) => credential);
  expect(new Set(names.filter((name) => name !== undefined)).size).toBe(
    names.filter((name) => name !== undefined).length,
  );
});

test('whom a token names as having acted before stands in the log, refused or not, and must be in the chain', async ({
  open,
}) => {
  const front = await open();
  const noted = () =>
    front.log
      .filter(({ event }) => event === 'auth.actors')
      .map(({ level, priorActors }) => [level, priorActors]);
  const refused = await front.ask(bearer(actedBefore('rogue')));
  expect(refused.status).toBe(401);
  expect(await seen(refused)).toBe(await seen(await front.ask(bearer(token('alice', { sub: 'nobody' })))));
  expect((await front.ask(bearer(actedBefore('scout')))).status).toBe(200);
  expect((await front.ask(bearer(token('alice')))).status).toBe(200);
  expect(noted()).toEqual([
    [30, ['rogue']],
    [30, ['scout']],
  ]);
});

test('whoever hangs up is refused all the same', async ({ open }) => {
  const front = await open();
  const { port } = new URL(front.origin);
  const body = JSON.stringify({ query: '{ viewer { live } }' });
  const { authorization } = bearer(token('alice', { sub: 'nobody' }));
  const socket = connect(Number(port), '127.0.0.1', () => {
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: ${authorization}\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
      () => socket.destroy(),
    );
  });
  await expect.poll(() => front.log.filter(({ reason }) => reason === 'database').length).toBe(1);
  expect(front.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});

test('a scheme that the server does not take is not offered', async ({ open }) => {
  const front = await open();
  const answer = await front.ask(bound(`${front.origin}/graphql`));
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
});

test('what is malformed for everybody is called so, and is no refusal', async ({ open }) => {
  const front = await open();
  const answer = await front.ask({ ...bearer(token('alice')), 'x-api-key': makeApiKey().key });
  expect(answer.status).toBe(400);
  expect(front.log.filter(({ event }) => event === 'auth.refused')).toEqual([]);
});
