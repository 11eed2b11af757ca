// That receipts are kept before an answer leaves: what happens where they cannot be, how many are kept of many operations at once, and
// how few where a tenant wants one in so many.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { fromGlobalId, toGlobalId } from '../../src/api/global-id.ts';
import { TENANTS } from '../../src/demo/cast.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { raw } from '../kit/as.ts';
import { type Asking, type RunningServer, startServer } from '../kit/server.ts';
import { listen } from '../kit/stream.ts';
import { SETTLED_MS, write } from '../live/heard.ts';
import { test } from '../services/kept.ts';
import { taken } from './read.ts';

const AS_SCOUT: Asking = { delegation: 'scout' };
const ONE = toGlobalId('Memory', MEMORIES[0]?.id ?? '');

/** Does something while no receipt can be written. */
async function unable<Result>({ database }: RunningServer, work: () => Promise<Result>): Promise<Result> {
  const may = (verb: string) =>
    raw(
      database,
      (sql) =>
        sql.rows(
          `${verb} execute on function bailiwick.leave_receipts(jsonb) ${verb === 'grant' ? 'to' : 'from'} bailiwick_runtime`,
        ),
      database.adminUrl,
    );
  await may('revoke');
  try {
    return await work();
  } finally {
    await may('grant');
  }
}

test('where no receipt can be written nothing is shown to an agent, which is told so, and owners notice nothing', async ({
  kept: { server },
}) => {
  const { query } = server;
  await taken(server);
  await unable(server, async () => {
    const answer = await query('scout', documents.NodeDocument, { id: ONE }, AS_SCOUT);
    expect([answer.status, ...codesOf(answer)]).toEqual([503, 'UNAVAILABLE']);
    expect(answer.body.errors?.[0]?.message).toMatch(/could not be written down/);
    expect(answer.body.data ?? null).toBeNull();
    expect(answer.text).not.toContain(ONE);
    expect(server.log).toContainEqual(
      expect.objectContaining({
        requestId: answer.requestId,
        code: 'UNAVAILABLE',
        reason: expect.stringMatching(/not kept beside it: permission denied for function leave_receipts/),
      }),
    );
    // what reads nothing of an owner’s needs none
    dataOf(await query('scout', documents.ViewerDocument, {}, AS_SCOUT));
    expect(dataOf(await query('alice', documents.NodeDocument, { id: ONE })).node).not.toBeNull();
  });
  expect(dataOf(await query('scout', documents.NodeDocument, { id: ONE }, AS_SCOUT)).node).not.toBeNull();
  const left = await taken(server);
  expect(left.map(({ kind, operation, row_id }) => [kind, operation, row_id])).toEqual([
    ['Memory', 'node', MEMORIES[0]?.id],
  ]);
});

test('a change that an agent has made is kept all the same, and the answer says to read again', async ({
  kept: { server },
}) => {
  const id = await write(server, 'as it was');
  const answer = await unable(server, () =>
    server.query('scout', documents.UpdateMemoryDocument, { input: { id, content: 'changed' } }, AS_SCOUT),
  );
  expect(codesOf(answer)).toEqual(['UNAVAILABLE']);
  expect(answer.body.errors?.[0]?.message).toMatch(/is changed/);
  const contents = await server.migrate((sql) =>
    sql.list('select content from memories where id = $1', [fromGlobalId(id).id]),
  );
  expect(contents).toEqual(['changed']);
});

test('a stream tells an agent nothing meanwhile, and all of it afterwards', async ({ kept: { server } }) => {
  const stream = await listen(
    server,
    'scout',
    'subscription { memoryChanged { id memory { content } } }',
    AS_SCOUT,
  );
  const id = await unable(server, async () => {
    const made = await write(server, 'not to be told yet');
    await sleep(SETTLED_MS);
    expect(stream.got).toEqual([]);
    return made;
  });
  await stream.until(1);
  expect(stream.got[0]?.data?.memoryChanged?.id).toBe(id);
  stream.close();
});

test('of many operations at once none is lost, and each is one statement beside its own', async ({
  kept: { server },
}) => {
  await taken(server);
  const many = Array.from({ length: 60 }, () =>
    server.query('scout', documents.NodeDocument, { id: ONE }, AS_SCOUT),
  );
  const scribes = Array.from({ length: 20 }, () =>
    server.query('scribe', documents.MemoriesDocument, { first: 50 }, { delegation: 'scribe' }),
  );
  const answers = await Promise.all([...many, ...scribes]);
  expect(answers.flatMap(codesOf)).toEqual([]);
  const left = await taken(server);
  const times = (operation: string) =>
    new Set(left.filter((one) => one.operation === operation).map((one) => one.times));
  expect([times('node'), times('memories')]).toEqual([new Set([60]), new Set([20])]);
  // what is read under a delegation is known before the end goes out, with the receipts; in person the end goes out at once
  const waits = [
    await server.query('alice', documents.NodeDocument, { id: ONE }),
    await server.query('scout', documents.NodeDocument, { id: ONE }, AS_SCOUT),
  ].map((answer) => server.cost(answer).roundTrips);
  expect(waits).toEqual([1, 2]);
});

test('a call to a service that an agent has made is answered, whatever it has read', async ({
  kept: { server, id },
}) => {
  await taken(server);
  const input = { credentialId: id, call: 'issues.list', parameters: { repo: 'bailiwick' } };
  const { callService } = dataOf(
    await server.query('scout', documents.CallServiceDocument, { input }, AS_SCOUT),
  );
  expect(callService.__typename).toBe('ServiceAnswer');
  // the server has used the secret, and nobody has seen it
  expect((await taken(server)).filter(({ kind }) => kind === 'ServiceSecret')).toEqual([]);
});

test('a tenant that wants one in a thousand gets hardly any, and one that wants all gets all', async () => {
  const server = await startServer();
  try {
    const every = (count: number) =>
      server.migrate((sql) =>
        sql.touched('update tenants set receipt_every = $1 where tenant_id = $2', [count, TENANTS.acme.id]),
      );
    const reads = async (count: number) => {
      await taken(server);
      for (let n = 0; n < count; n += 10) {
        await Promise.all(
          Array.from({ length: 10 }, () =>
            server.query('scout', documents.NodeDocument, { id: ONE }, AS_SCOUT),
          ),
        );
      }
      return (await taken(server)).reduce((sum, { times }) => sum + times, 0);
    };
    expect(await reads(50)).toBe(50);
    await every(1000);
    // that ten or more of a hundred leave one happens once in 10^17 runs
    expect(await reads(100)).toBeLessThan(10);
    await every(2);
    // fewer than 10 or more than 90 of a hundred: once in 10^16
    const half = await reads(100);
    expect(half).toBeGreaterThan(10);
    expect(half).toBeLessThan(90);
  } finally {
    await server.stop();
  }
});
