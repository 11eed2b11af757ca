// What happens to whoever fails again and again: refused before anybody is asked, and nobody else pays for it. How
// failures are counted, and for how long: test/auth/failures.test.ts.

import { expect } from 'vitest';
import { makeApiKey } from '../../src/auth/api-key.ts';
import { codesOf, readAnswer } from '../kit/answer.ts';
import { type Front, PING, test, token } from './front.ts';

const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
const bad = () => bearer(`${token('alice')}x`);
const stranger = () => bearer(token('alice', { sub: 'nobody' }));

/** Lets different credentials fail, from one address. */
async function fail(front: Front, times: number, headers: Record<string, string> = {}): Promise<void> {
  const answers = await Promise.all(Array.from({ length: times }, () => front.ask({ ...bad(), ...headers })));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
}

const statusOf = async (asked: Promise<Response>) => (await asked).status;

test('after sixty failures a minute, an address is answered 429 before anybody is asked', async ({
  open,
}) => {
  const front = await open();
  await fail(front, 60);
  const [verified, opened] = [front.verified(), front.opened()];
  const causes = [
    bad(),
    stranger(),
    { authorization: 'x' },
    { 'x-api-key': makeApiKey().key },
    bearer(token('alice')),
  ];
  const texts = new Set<string>();
  for (const headers of causes) {
    const response = await front.ask(headers);
    expect(Number(response.headers.get('retry-after'))).toSatisfy(
      (seconds: number) => Number.isInteger(seconds) && seconds >= 1 && seconds <= 60,
    );
    expect(response.headers.get('www-authenticate')).toBeNull();
    const answer = await readAnswer(response);
    expect([answer.status, ...codesOf(answer)]).toEqual([429, 'LIMIT_EXCEEDED']);
    texts.add(answer.text);
  }
  expect(texts.size).toBe(1);
  expect([front.verified(), front.opened()]).toEqual([verified, opened]);
});

test('what the database refuses counts as what the verifier refuses', async ({ open }) => {
  const front = await open({ failures: { perCredential: 3 } });
  const headers = stranger();
  for (let time = 0; time < 3; time += 1) {
    expect(await statusOf(front.ask(headers))).toBe(401);
  }
  const opened = front.opened();
  expect(await statusOf(front.ask(headers))).toBe(429);
  expect(front.opened()).toBe(opened);
});

test('a made-up API key that asks for nothing but the schema has not proved itself', async ({ open }) => {
  const front = await open({ failures: { perSource: 3 } });
  const headers = { 'x-api-key': makeApiKey().key };
  expect(await statusOf(front.ask(headers, '{ __typename }'))).toBe(200);
  await fail(front, 3);
  expect(await statusOf(front.ask(headers))).toBe(429);
});

test('an operation that is refused before the database is asked proves nothing', async ({ open }) => {
  const aliases = Array.from({ length: 60 }, (_, index) => `a${index}: __typename`).join(' ');
  const front = await open({ failures: { perSource: 3 } });
  const headers = { 'x-api-key': makeApiKey().key };
  expect(await statusOf(front.ask(headers, '{ nope }'))).toBe(400);
  expect(await statusOf(front.ask(headers, `{ ${aliases} viewer { live } }`))).toBe(413);
  await fail(front, 3);
  expect(await statusOf(front.ask(headers))).toBe(429);
});

test('without a trusted proxy, no header makes another address', async ({ open }) => {
  const front = await open({ failures: { perSource: 3 } });
  for (let time = 0; time < 3; time += 1) {
    await fail(front, 1, { 'x-forwarded-for': `10.0.0.${time}`, forwarded: `for=10.0.0.${time}` });
  }
  expect(await statusOf(front.ask({ ...bad(), 'x-forwarded-for': '10.0.0.9' }))).toBe(429);
});

test('behind a trusted proxy, what the client writes before it makes no other address', async ({ open }) => {
  const front = await open({ failures: { perSource: 3 }, trustProxy: 1 });
  for (let time = 0; time < 3; time += 1) {
    await fail(front, 1, { 'x-forwarded-for': `10.0.0.${time}, 203.0.113.7` });
  }
  expect(await statusOf(front.ask({ ...bad(), 'x-forwarded-for': '10.0.0.9, 203.0.113.7' }))).toBe(429);
  expect(await statusOf(front.ask({ ...bad(), 'x-forwarded-for': '203.0.113.7, 203.0.113.8' }))).toBe(401);
});

test('whoever proved themselves is served from behind an address where others fail', async ({ open }) => {
  const front = await open({ failures: { perSource: 3 } });
  const proved = bearer(token('alice'));
  expect(await statusOf(front.ask(proved))).toBe(200);
  await fail(front, 3);
  expect(await statusOf(front.ask(proved))).toBe(200);
  expect(await statusOf(front.ask(bearer(token('alice'))))).toBe(429);
});

test('other addresses do not pay for it', async ({ open }) => {
  const front = await open({ failures: { perSource: 3 }, trustProxy: 1 });
  await fail(front, 3, { 'x-forwarded-for': '203.0.113.7' });
  const elsewhere = { ...bearer(token('alice')), 'x-forwarded-for': '203.0.113.8' };
  expect(await statusOf(front.ask(elsewhere))).toBe(200);
});

test('whoever presents nothing is told so however often, and makes nobody else wait', async ({ open }) => {
  const front = await open({ failures: { perSource: 3 } });
  for (let time = 0; time < 5; time += 1) {
    expect(await statusOf(front.ask({}))).toBe(401);
    expect(await statusOf(front.ask({ 'delegation-id': '7' }))).toBe(401);
  }
  expect(await statusOf(front.ask(bearer(token('alice'))))).toBe(200);
  await fail(front, 3);
  expect(await statusOf(front.ask({}))).toBe(401);
});

test('what is wrong with an operation is no failure of its credential', async ({ open }) => {
  const front = await open({ failures: { perSource: 1, perCredential: 1 } });
  const headers = bearer(token('alice'));
  expect(await statusOf(front.ask(headers, '{ nope }'))).toBe(400);
  expect(await statusOf(front.ask({ ...headers, 'delegation-id': '7' }))).toBe(400);
  expect(await statusOf(front.ask({ ...headers, 'content-type': 'text/plain' }))).toBe(415);
  expect(await statusOf(front.ask(headers, PING))).toBe(200);
});
