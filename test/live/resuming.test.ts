// Going on where a stream broke off, and what streams are bounded by.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { dataOf } from '../kit/answer.ts';
import { raw } from '../kit/as.ts';
import { startServer, test } from '../kit/server.ts';
import { listen } from '../kit/stream.ts';
import { AGENT, events, MEMORIES, SETTLED_MS, write } from './heard.ts';

test('a client that comes back goes on where it was: nothing is lost and nothing comes twice', async ({
  server,
}) => {
  const first = await listen(server, 'alice', MEMORIES);
  const before = await write(server, 'heard');
  await first.until(1);
  first.close();
  const missed = [await write(server, 'missed'), await write(server, 'missed too')];
  const gone = await write(server, 'missed and gone');
  await server.query('alice', documents.DeleteMemoryDocument, { input: { id: gone } });
  const second = await listen(server, 'alice', MEMORIES, {}, first.lastEventId);
  await second.until(3);
  const after = await write(server, 'and on');
  await second.until(4);
  await sleep(SETTLED_MS);
  expect(events(second)).toEqual([
    ...missed.map((id) => ['CREATED', 'memory.created', id]),
    ['DELETED', 'memory.deleted', gone],
    ['CREATED', 'memory.created', after],
  ]);
  expect(events(second).map(([, , id]) => id)).not.toContain(before);
  second.close();
});

test('going on within what came at once loses and repeats nothing', async ({ server, query }) => {
  const first = await listen(server, 'alice', MEMORIES);
  const begun = first.lastEventId;
  first.close();
  const input = { memories: Array.from({ length: 100 }, (_, n) => ({ content: `many ${n}` })) };
  for (let n = 0; n < 3; n += 1) {
    dataOf(await query('alice', documents.CreateMemoriesDocument, { input }));
  }
  const seen = new Map<string, number>();
  let place = begun;
  for (let part = 0; part < 3; part += 1) {
    const stream = await listen(server, 'alice', MEMORIES, {}, place);
    await stream.until(40, 15_000);
    stream.close();
    place = stream.lastEventId;
    for (const [, , id] of events(stream)) {
      seen.set(String(id), (seen.get(String(id)) ?? 0) + 1);
    }
  }
  const rest = await listen(server, 'alice', MEMORIES, {}, place);
  await sleep(2 * SETTLED_MS);
  for (const [, , id] of events(rest)) {
    seen.set(String(id), (seen.get(String(id)) ?? 0) + 1);
  }
  rest.close();
  expect(seen.size).toBe(300);
  expect(Math.max(...seen.values())).toBe(1);
});

test('a place that is none of ours, or too old, is refused before there is a stream', async ({ server }) => {
  const place = (body: object) => Buffer.from(JSON.stringify(body)).toString('base64url');
  for (const wrong of [
    'x',
    place({ t: Date.now(), s: '1:2' }),
    place({ t: Date.now(), s: "1:2:'; drop table memories" }),
    place({ t: Date.now(), s: '5:2:' }),
    place({ t: Date.now(), s: '1:9:9,9,3' }),
    place({ t: Date.now() - 11 * 60_000, s: '1:2:' }),
  ]) {
    const refused = await listen(server, 'alice', MEMORIES, {}, wrong);
    expect([wrong, refused.got[0]?.errors?.[0]?.extensions.code]).toEqual([wrong, 'BAD_USER_INPUT']);
  }
});

test('streams are bounded, and one that was left makes room', async () => {
  const server = await startServer({ streams: 2 });
  try {
    const [one, two] = await Promise.all([listen(server, 'alice', MEMORIES), listen(server, 'alice', AGENT)]);
    const third = await listen(server, 'alice', MEMORIES);
    expect(third.got[0]?.errors?.[0]?.extensions.code).toBe('LIMIT_EXCEEDED');
    one?.close();
    await expect
      .poll(async () => {
        const next = await listen(server, 'alice', MEMORIES);
        next.close();
        return next.got.length;
      })
      .toBe(0);
    two?.close();
  } finally {
    await server.stop();
  }
});

test('a lost connection for notifications is made anew, and nothing is lost meanwhile', async () => {
  const server = await startServer();
  try {
    const alice = await listen(server, 'alice', MEMORIES);
    await server.migrate((sql) => sql.rows('select 1'));
    const end = `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'bailiwick listener' and datname = current_database()`;
    await raw(server.database, (sql) => sql.rows(end), server.database.adminUrl);
    const id = await write(server, 'while nobody hears');
    await alice.until(1);
    expect(events(alice)).toEqual([['CREATED', 'memory.created', id]]);
    alice.close();
  } finally {
    await server.stop();
  }
});

test('a server that stops ends its streams, so that their clients come back', async () => {
  const server = await startServer();
  const alice = await listen(server, 'alice', MEMORIES);
  await server.stop();
  await alice.end();
  expect(alice.got.at(-1)?.errors?.[0]?.extensions.code).toBe('UNAVAILABLE');
});
