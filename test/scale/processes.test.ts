// Several server processes on one database, each a process of the operating system: what one knows the others know, as soon as they have to.

import { randomBytes } from 'node:crypto';
import { afterAll, expect, test, vi } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { ticketKey } from '../../src/db/ticket.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { loadSecret } from '../../src/secret.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { migrate } from '../kit/as.ts';
import { listen } from '../kit/stream.ts';
import { install } from './product.ts';
import { from } from './tokens.ts';

const installation = await install();
afterAll(() => installation.end());

/** Nothing here is about how fast a machine is, but for what is said in milliseconds. */
const SLOW = { timeout: 60_000 };
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });
const PING = '{ viewer { live } }';
const HEARD = 'subscription { memoryChanged { change event id memory { content } } }';

const BEHIND_PROXY = { TRUST_PROXY: '1' };
const [a, b] = await Promise.all([installation.spawn(BEHIND_PROXY), installation.spawn(BEHIND_PROXY)]);
/** Whence those come who fail; everybody else comes from elsewhere, and is not held back with them. */
const THERE = from(1);
const query = (text: string) => JSON.stringify({ query: text });

test('attempts that fail at one server count at the other: there are as many of them in all as with one', async () => {
  const { authorization = '' } = await a.credentials('bob');
  const forged = { authorization: `${authorization}x`, ...THERE };
  const statuses: number[] = [];
  const ask = async (server: typeof a) => {
    const { status } = await server.post(forged, query(PING));
    statuses.push(status);
    return status;
  };
  for (let n = 0; n < 5; n += 1) {
    expect(await ask(a)).toBe(401);
    expect(await ask(b)).toBe(401);
  }
  // ten have failed, five of them here and five there, and each has told the other
  await expect.poll(() => ask(a), SLOW).toBe(429);
  await expect.poll(() => ask(b), SLOW).toBe(429);
  // the news take some milliseconds, in which a poll gets through at most; alone each would let five more fail
  expect(statuses.filter((status) => status === 401).length).toBeLessThan(15);
});

test('whoever has proved themselves at one server is let in by the other, although others fail from the same address', async () => {
  const { authorization = '' } = await a.credentials('alice');
  const alice = { authorization, ...THERE };
  expect((await a.post(alice, query(PING))).status).toBe(200);
  const stranger = () =>
    b.post({ ...THERE, authorization: `${authorization}${randomBytes(4).toString('hex')}` }, query(PING));
  await expect
    .poll(async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, stranger));
      return answers.every(({ status }) => status === 429);
    }, SLOW)
    .toBe(true);
  // blocked at a too, of which nobody asked anything
  await expect
    .poll(
      async () => (await a.post({ ...THERE, authorization: `${authorization}y` }, query(PING))).status,
      SLOW,
    )
    .toBe(429);
  expect((await b.post(alice, query(PING))).status).toBe(200);
});

test('what is written through one server is heard at the other, and a revocation through one ends a stream of the other', async () => {
  const scout = await listen(b, 'alice', HEARD);
  const agent = await listen(
    {
      origin: b.origin,
      credentials: async () => ({
        ...(await b.credentials('scout')),
        'delegation-id': DELEGATIONS.scout.id,
      }),
    },
    'scout',
    HEARD,
  );
  expect([scout.status, agent.status]).toEqual([200, 200]);
  const input = { content: 'through another process' };
  dataOf(await a.query('alice', documents.CreateMemoryDocument, { input }));
  for (const stream of [scout, agent]) {
    const [next] = await stream.until(1);
    expect(next?.data?.memoryChanged).toMatchObject({ change: 'CREATED', memory: input });
  }
  dataOf(
    await a.query('alice', documents.RevokeDelegationDocument, {
      input: { id: toGlobalId('Delegation', DELEGATIONS.scout.id) },
    }),
  );
  await agent.end(SLOW.timeout);
  expect(agent.got.at(-1)?.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  expect(scout.ended).toBe(false);
  scout.close();
});

test('the ticket key is changed by starting one server after another: both serve, until the old one is ended', async () => {
  const secret = randomBytes(32).toString('base64url');
  const changed = await installation.spawn({ TICKET_KEY: secret });
  const serve = async (server: typeof a) => {
    const answer = await server.post(await server.credentials('alice'), query(PING));
    return answer.status === 200 ? 200 : codesOf(answer)[0];
  };
  expect([await serve(a), await serve(changed)]).toEqual([200, 200]);
  const { kid } = ticketKey(loadSecret(undefined, installation.env.DATA_DIR as string, 'ticket.key'));
  await migrate(installation.database, ({ touched }) =>
    touched('update bailiwick.context_key set active = false where kid = $1', [kid]),
  );
  expect(await serve(a)).not.toBe(200);
  expect(await serve(changed)).toBe(200);
  await migrate(installation.database, ({ touched }) =>
    touched('update bailiwick.context_key set active = true where kid = $1', [kid]),
  );
  await changed.stop();
});
