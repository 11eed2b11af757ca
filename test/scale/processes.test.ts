// Several server processes on one database, each a process of the operating system: what one knows the others know, as soon as they have to.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
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

const installation = await install();
afterAll(() => installation.end());

/** Nothing here is about how fast a machine is, but for what is said in milliseconds. */
const SLOW = { timeout: 60_000 };
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });
const PING = '{ viewer { live } }';
const HEARD = 'subscription { memoryChanged { change event id memory { content } } }';

const [a, b] = [await installation.spawn(), await installation.spawn()];
const query = (text: string) => JSON.stringify({ query: text });

test('attempts that fail at one server count at the other: there are as many of them in all as with one', async () => {
  const { authorization = '' } = await a.credentials('bob');
  const forged = { authorization: `${authorization}x` };
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
  const alice = await a.credentials('alice');
  expect((await a.post(alice, query(PING))).status).toBe(200);
  const { authorization = '' } = alice;
  const stranger = () =>
    b.post({ authorization: `${authorization}${randomBytes(4).toString('hex')}` }, query(PING));
  await expect
    .poll(async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, stranger));
      return answers.every(({ status }) => status === 429);
    }, SLOW)
    .toBe(true);
  // blocked at a too, of which nobody asked anything
  await expect
    .poll(async () => (await a.post({ authorization: `${authorization}y` }, query(PING))).status, SLOW)
    .toBe(429);
  expect((await b.post(alice, query(PING))).status).toBe(200);
});

// the address is blocked from here on, except for whoever has proved themselves; so each test has servers of its own
test('what is written through one server is heard at the other, and a revocation through one ends a stream of the other', async () => {
  const [one, other] = [await installation.spawn(), await installation.spawn()];
  const scout = await listen(other, 'alice', HEARD);
  const agent = await listen(
    {
      origin: other.origin,
      credentials: async () => ({
        ...(await other.credentials('scout')),
        'delegation-id': DELEGATIONS.scout.id,
      }),
    },
    'scout',
    HEARD,
  );
  expect([scout.status, agent.status]).toEqual([200, 200]);
  const input = { content: 'through another process' };
  dataOf(await one.query('alice', documents.CreateMemoryDocument, { input }));
  for (const stream of [scout, agent]) {
    const [next] = await stream.until(1);
    expect(next?.data?.memoryChanged).toMatchObject({ change: 'CREATED', memory: input });
  }
  dataOf(
    await one.query('alice', documents.RevokeDelegationDocument, {
      input: { id: toGlobalId('Delegation', DELEGATIONS.scout.id) },
    }),
  );
  await agent.end(SLOW.timeout);
  expect(agent.got.at(-1)?.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  expect(scout.ended).toBe(false);
  scout.close();
  await Promise.all([one.stop(), other.stop()]);
});

test('the ticket key is changed by starting one server after another: both serve, until the old one is ended', async () => {
  const old = await installation.spawn();
  const secret = randomBytes(32).toString('base64url');
  const changed = await installation.spawn({ TICKET_KEY: secret });
  const serve = async (server: typeof old) => {
    const answer = await server.post(await server.credentials('alice'), query(PING));
    return answer.status === 200 ? 200 : codesOf(answer)[0];
  };
  expect([await serve(old), await serve(changed)]).toEqual([200, 200]);
  const { kid } = ticketKey(loadSecret(undefined, installation.env.DATA_DIR as string, 'ticket.key'));
  await migrate(installation.database, ({ touched }) =>
    touched('update bailiwick.context_key set active = false where kid = $1', [kid]),
  );
  expect(await serve(old)).not.toBe(200);
  expect(await serve(changed)).toBe(200);
  await migrate(installation.database, ({ touched }) =>
    touched('update bailiwick.context_key set active = true where kid = $1', [kid]),
  );
  await Promise.all([old.stop(), changed.stop()]);
});

test('several processes of one command serve one port; one that is killed is replaced, and all end together', async () => {
  const several = await installation.spawn({ SHUTDOWN_MS: '1000' }, ['--processes', '2']);
  const serve = async () =>
    (await several.post({ ...(await several.credentials('bob')), connection: 'close' }, query(PING))).status;
  const backends = () =>
    migrate(installation.database, ({ list }) =>
      list(
        "select pid::text from pg_stat_activity where application_name = 'bailiwick neighbours' and datname = current_database()",
      ),
    );
  const alone = (await backends()).length;
  expect(several.said()).toContain('2 processes');
  expect(await serve()).toBe(200);
  const { pid = 0 } = several.child;
  const children = await childrenOf(pid);
  expect(children).toHaveLength(2);
  process.kill(children[0] as number, 'SIGKILL');
  await expect.poll(async () => (await childrenOf(pid)).includes(children[0] as number), SLOW).toBe(false);
  // the other one goes on meanwhile
  expect(await serve()).toBe(200);
  await expect.poll(async () => (await childrenOf(pid)).length, SLOW).toBe(2);
  await expect.poll(async () => (await backends()).length, SLOW).toBe(alone);
  const replaced = await childrenOf(pid);
  await several.stop();
  expect(several.child.exitCode).toBe(0);
  for (const one of replaced) {
    expect(() => process.kill(one, 0)).toThrow('ESRCH');
  }
  await expect(serve()).rejects.toThrow();
});

/** The processes that a process has started. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}
