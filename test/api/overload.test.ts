// Beyond capacity, with the whole product on a real database: who is refused, how, and that nothing came of it; who is not refused meanwhile.
// Operations are held by a lock on a table, so that nothing here depends on how fast anything is. Whose turn it is: fair-queue.test.ts.

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { makeApiKey } from '../../src/auth/api-key.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { migrate } from '../kit/as.ts';
import { listen } from '../kit/stream.ts';
import { install, type Product } from '../scale/product.ts';

const installation = await install();
afterAll(() => installation.end());

const PING = '{ viewer { live } }';
const HELD = '{ memories(first: 1) { edges { cursor } } }';
/** As long as a statement may take, so that only the lock ends anything. */
const PATIENT = {
  STATEMENT_TIMEOUT_MS: '30000',
  TRANSACTION_TIMEOUT_MS: '60000',
  POOL_SIZE: '6',
  MAX_QUEUE_MS: '60000',
};

/** Nothing here is about time, and a first request loads much. */
const SLOW = { timeout: 60_000 };
vi.setConfig({ testTimeout: 120_000 });

async function start(settings: Record<string, string>): Promise<Product> {
  const product = await installation.start({ ...PATIENT, ...settings });
  onTestFinished(() => product.stop());
  expect((await product.query('ada', HELD)).status).toBe(200);
  return product;
}

/** Holds everything that asks for memories, until it is let go. */
async function hold() {
  const over = Promise.withResolvers<void>();
  const waiting = Promise.withResolvers<() => Promise<number>>();
  const holding = migrate(installation.database, async ({ client }) => {
    await client.query('begin');
    await client.query('lock table memories in access exclusive mode');
    waiting.resolve(async () => {
      const { rows } = await client.query<{ n: number }>(
        "select count(*)::int as n from pg_locks where not granted and relation = 'memories'::regclass",
      );
      return rows[0]?.n ?? 0;
    });
    await over.promise;
    await client.query('rollback');
  });
  const letGo = async () => {
    over.resolve();
    await holding;
  };
  onTestFinished(letGo);
  return { held: await waiting.promise, letGo };
}

test('a tenant that has all it may have, and as many waiting as may wait, is refused at once; others and health are answered', async () => {
  const { query, origin } = await start({
    MAX_CONCURRENT: '3',
    MAX_CONCURRENT_PER_TENANT: '2',
    MAX_QUEUED: '2',
  });
  const { held, letGo } = await hold();
  const inWork = [query('alice', HELD), query('bob', HELD)];
  await expect.poll(held, SLOW).toBe(2);
  const asked = Array.from({ length: 7 }, () => query('alice', HELD));
  const refused: Awaited<(typeof asked)[number]>[] = [];
  for (const one of asked) {
    one.then((answer) => refused.push(answer));
  }
  // of seven that came to a queue of two, those are refused that are too many, whichever they are
  await expect.poll(() => refused.length, SLOW).toBe(5);
  for (const answer of refused) {
    expect([answer.status, codesOf(answer)]).toEqual([503, ['UNAVAILABLE']]);
    expect(answer.body.errors?.[0]?.message).toContain('nothing was done');
    expect(Number(answer.headers.get('retry-after'))).toSatisfy(
      (seconds: number) => Number.isInteger(seconds) && seconds >= 1 && seconds <= 3,
    );
  }
  expect(await held()).toBe(2);
  expect(dataOf(await query('mallory', PING))).toEqual({ viewer: { live: true } });
  for (const path of ['/healthz', '/readyz']) {
    expect((await fetch(origin + path)).status).toBe(200);
  }
  expect(refused).toHaveLength(5);
  await letGo();
  const answered = await Promise.all([...inWork, ...asked]);
  expect(answered.filter(({ status }) => status === 200)).toHaveLength(4);
});

test('who has waited for too long is refused, and whoever comes to a server that is free again is not', async () => {
  const { query } = await start({ MAX_CONCURRENT: '1', MAX_QUEUE_MS: '50' });
  const { held, letGo } = await hold();
  const inWork = query('alice', HELD);
  await expect.poll(held, SLOW).toBe(1);
  const late = await query('mallory', PING);
  expect([late.status, codesOf(late)]).toEqual([503, ['UNAVAILABLE']]);
  await letGo();
  expect((await inWork).status).toBe(200);
  expect((await query('mallory', PING)).status).toBe(200);
});

test('a mutation that is refused so has done nothing and left nothing, and one that waited is done once', async () => {
  const { query } = await start({ MAX_CONCURRENT: '2', MAX_QUEUED: '3' });
  const { held, letGo } = await hold();
  const tag = `overload-${crypto.randomUUID()}`;
  const asked = Array.from({ length: 12 }, (_, n) =>
    query('alice', documents.CreateMemoryDocument, { input: { content: `number ${n}`, tags: [tag] } }),
  );
  await expect.poll(held, SLOW).toBe(2);
  let refused = 0;
  for (const one of asked) {
    one.then(({ status }) => {
      refused += status === 503 ? 1 : 0;
    });
  }
  await expect.poll(() => refused, SLOW).toBe(7);
  await letGo();
  const answers = await Promise.all(asked);
  const done = answers.flatMap(({ status }, n) => (status === 200 ? [`number ${n}`] : []));
  expect(done).toHaveLength(5);
  const left = await migrate(installation.database, async ({ list }) => ({
    memories: await list('select content from memories where $1 = any(tags) order by content', [tag]),
    audit: await list('select request_id from audit_entries where request_id = any($1::uuid[])', [
      answers.filter(({ status }) => status === 503).map(({ requestId }) => requestId),
    ]),
  }));
  expect(left).toEqual({ memories: done.sort(), audit: [] });
});

test('a token that nobody has verified takes no place and costs nobody one, and new keys have places of their own', async () => {
  const { query, post, credentials } = await start({
    MAX_CONCURRENT: '3',
    MAX_CONCURRENT_PER_TENANT: '1',
    MAX_QUEUED: '0',
  });
  const { held, letGo } = await hold();
  const ping = JSON.stringify({ query: PING });
  const { authorization = '' } = await credentials('mallory');
  const forged = Array.from({ length: 8 }, () => post({ authorization: `${authorization}x` }, ping));
  expect(new Set((await Promise.all(forged)).map(({ status }) => status))).toEqual(new Set([401]));
  const inWork = [query('mallory', HELD)];
  await expect.poll(held, SLOW).toBe(1);
  expect((await query('mallory', PING)).status).toBe(503);
  // none of acme's places is taken by either
  const keys = Array.from({ length: 9 }, () => post({ 'x-api-key': makeApiKey().key }, ping));
  inWork.push(query('alice', HELD));
  await expect.poll(held, SLOW).toBe(2);
  for (const { status } of await Promise.all(keys)) {
    expect([401, 503]).toContain(status);
  }
  await letGo();
  expect((await Promise.all(inWork)).map(({ status }) => status)).toEqual([200, 200]);
});

test('a key counts as its tenant’s as soon as the database has said whose it is', async () => {
  const { query, post } = await start({
    MAX_CONCURRENT: '3',
    MAX_CONCURRENT_PER_TENANT: '1',
    MAX_QUEUED: '0',
  });
  const { createApiKey: made } = dataOf(
    await query('alice', documents.CreateApiKeyDocument, {
      input: { label: 'overload', capabilities: ['memory:read'] },
    }),
  );
  const key = { 'x-api-key': 'key' in made ? made.key : '' };
  const ping = JSON.stringify({ query: PING });
  expect((await post(key, ping)).status).toBe(200);
  const { held, letGo } = await hold();
  const inWork = query('alice', HELD);
  await expect.poll(held, SLOW).toBe(1);
  expect((await post(key, ping)).status).toBe(503);
  expect((await query('mallory', PING)).status).toBe(200);
  await letGo();
  expect((await inWork).status).toBe(200);
});

test('streams take no place while they wait, and each look has one in its turn', async () => {
  const server = await start({ MAX_CONCURRENT: '1', MAX_QUEUED: '5' });
  const streams = [];
  for (let n = 0; n < 3; n += 1) {
    streams.push(await listen(server, 'alice', 'subscription { memoryChanged { change event id } }'));
  }
  expect(streams.map(({ status }) => status)).toEqual([200, 200, 200]);
  const input = { content: 'heard by three' };
  dataOf(await server.query('alice', documents.CreateMemoryDocument, { input }));
  for (const stream of streams) {
    const [next] = await stream.until(1);
    expect(next?.data?.memoryChanged).toMatchObject({ change: 'CREATED' });
    stream.close();
  }
});

test('a mutation that calls a service has no place while the service takes its time', async () => {
  const { query } = await start({ MAX_CONCURRENT: '1', MAX_QUEUED: '0' });
  const called = Promise.withResolvers<ServerResponse>();
  const service = createServer((_, response) => called.resolve(response)).listen(0, '127.0.0.1');
  await once(service, 'listening');
  onTestFinished(() => service.closeAllConnections());
  onTestFinished(() => void service.close());
  const { createServiceCredential: kept } = dataOf(
    await query('alice', documents.CreateServiceCredentialDocument, {
      input: {
        service: 'github',
        label: 'Slow',
        kind: 'PERSONAL_ACCESS_TOKEN',
        secret: 'ghp_canary_0123456789',
        origin: `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
        calls: [{ name: 'slow', method: 'GET', path: '/slow' }],
      } as documents.CreateServiceCredentialInput,
    }),
  );
  const input = { credentialId: 'id' in kept ? kept.id : '', call: 'slow' };
  const calling = query('alice', documents.CallServiceDocument, { input });
  const response = await Promise.race([called.promise, calling.then(({ text }) => text)]);
  expect(response).toBeTypeOf('object');
  expect((await query('alice', PING)).status).toBe(200);
  (response as ServerResponse).writeHead(200, { 'content-type': 'text/plain' }).end('at last');
  expect(dataOf(await calling).callService).toMatchObject({ __typename: 'ServiceAnswer', status: 200 });
});

test('beside a flood of one tenant, whoever asks one thing after another is never refused', async () => {
  const { query } = await start({ MAX_QUEUED: '20', MAX_QUEUE_MS: '10000' });
  const state = { over: false, served: 0, refused: 0 };
  const flood = Array.from({ length: 30 }, async () => {
    while (!state.over) {
      const answer = await query('alice', HELD);
      expect([200, 503]).toContain(answer.status);
      state[answer.status === 200 ? 'served' : 'refused'] += 1;
    }
  });
  for (let n = 0; n < 10; n += 1) {
    expect((await query('mallory', HELD)).status).toBe(200);
  }
  await expect.poll(() => Math.min(state.served, state.refused), SLOW).toBeGreaterThan(0);
  state.over = true;
  await Promise.all(flood);
});
