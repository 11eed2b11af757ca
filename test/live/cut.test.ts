// Looks that are cut: more waits than is looked at in one go, while transactions begin and end in between. Nothing is lost and nothing
// comes twice, in one stream and from one to the next.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { fromGlobalId, toGlobalId } from '../../src/api/global-id.ts';
import { TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { seedCast } from '../../src/demo/seed.ts';
import { newId } from '../../src/ids.ts';
import { dataOf } from '../kit/answer.ts';
import { ISSUER, raw, type Sql, ticket, trustTickets } from '../kit/as.ts';
import { testKeys } from '../kit/keys.ts';
import { test as base, type RunningServer } from '../kit/server.ts';
import { type Listening, listen } from '../kit/stream.ts';
import { record } from '../policies/happened.ts';
import { events, MEMORIES, SETTLED_MS } from './heard.ts';

const test = base.extend('trusting', { scope: 'file', auto: true }, async ({ server: { database } }) => {
  // whoever is slow here is slow in SQL, by tickets of the kit's own
  await seedCast(database.migratorUrl, { issuer: ISSUER, keys: testKeys() });
  await trustTickets(database);
});

const GARDEN = toGlobalId('World', WORLDS.garden.id);
const heard = (stream: Listening) => events(stream).map(([, , id]) => fromGlobalId(id ?? '').id);

/** Writes memories through the API, so many at once. */
async function many(
  { query }: Pick<RunningServer, 'query'>,
  count: number,
  more: object = {},
): Promise<string[]> {
  const memories = Array.from({ length: count }, (_, n) => ({ content: `one of many, ${n}`, ...more }));
  const { createMemories: made } = dataOf(
    await query('alice', documents.CreateMemoriesDocument, { input: { memories } }),
  );
  return 'memories' in made ? made.memories.map(({ id }) => fromGlobalId(id).id) : [];
}

/** Begins to write one in a transaction that goes on. */
async function begin(sql: Sql): Promise<string> {
  const id = newId();
  await sql.rows('begin isolation level read committed');
  await sql.rows('select bailiwick.open($1, $2)', ticket('alice'));
  const made = `insert into memories (tenant_id, id, owner_id, content, tags) values ($1, $2, $3, 'slow', '{}')`;
  await sql.rows(made, [TENANTS.acme.id, id, USERS.alice.id]);
  await record(sql, 'memory.created', 'memory', id);
  return id;
}

/** The first so many from a place, and where to go on after them, whatever came with them. */
async function part(server: RunningServer, place: string, count: number) {
  const stream = await listen(server, 'alice', MEMORIES, {}, place);
  await stream.until(count, 15_000);
  stream.close();
  return { ids: heard(stream).slice(0, count), place: stream.places[count - 1] ?? '' };
}

test('what began before them and ends while three hundred wait comes once, wherever the client goes on', async ({
  server,
}) => {
  const first = await listen(server, 'alice', MEMORIES);
  const begun = first.lastEventId;
  first.close();
  await raw(server.database, async (slow) =>
    raw(server.database, async (slower) => {
      const all = [await begin(slow), ...(await many(server, 100)), await begin(slower)];
      all.push(...(await many(server, 100)), ...(await many(server, 100)));
      const one = await part(server, begun, 30);
      await slow.rows('commit');
      const two = await part(server, one.place, 90);
      const three = await part(server, two.place, 5);
      await slower.rows('commit');
      all.push(...(await many(server, 150)));
      const rest = await listen(server, 'alice', MEMORIES, {}, three.place);
      await rest.until(all.length - one.ids.length - two.ids.length - three.ids.length, 15_000);
      await sleep(SETTLED_MS);
      const found = [...one.ids, ...two.ids, ...three.ids, ...heard(rest)];
      expect(found.toSorted()).toEqual(all.toSorted());
      rest.close();
    }),
  );
});

test('while ten write at once, each who listens hears each once, whoever began first', async ({ server }) => {
  const streams = await Promise.all([
    listen(server, 'alice', MEMORIES),
    listen(server, 'alice', 'subscription { memoryChanged { id } }'),
    listen(server, 'scout', MEMORIES, { delegation: 'scout' }),
  ]);
  const written = await Promise.all(Array.from({ length: 10 }, () => many(server, 60)));
  const all = written.flat().toSorted();
  await Promise.all(streams.map((stream) => stream.until(all.length, 20_000)));
  await sleep(SETTLED_MS);
  for (const stream of streams) {
    expect(stream.got.map(({ data }) => fromGlobalId(data?.memoryChanged?.id ?? '').id).toSorted()).toEqual(
      all,
    );
    stream.close();
  }
});

test('of three hundred that are shared at once a fellow hears each once, and nobody else any', async ({
  server,
}) => {
  const [bob, ada] = await Promise.all([listen(server, 'bob', MEMORIES), listen(server, 'ada', MEMORIES)]);
  const all = await many(server, 300, { worldId: GARDEN, shared: true });
  // woken by nothing else
  await bob.until(300, 15_000);
  await many(server, 120, { worldId: GARDEN });
  await sleep(SETTLED_MS);
  expect(heard(bob).toSorted()).toEqual(all.toSorted());
  expect(heard(ada)).toEqual([]);
  bob.close();
  ada.close();
});

test('a row that is there is not said to be gone', async ({ server }) => {
  const alice = await listen(server, 'alice', MEMORIES);
  const [id = ''] = await many(server, 1);
  await alice.until(1);
  // somebody who acts for alice says so, and it is not true
  await raw(server.database, async (sql) => {
    await sql.rows('begin isolation level read committed');
    await sql.rows('select bailiwick.open($1, $2)', ticket('alice'));
    await record(sql, 'memory.deleted', 'memory', id);
    await sql.rows('commit');
  });
  await sleep(SETTLED_MS);
  expect(events(alice)).toEqual([['CREATED', 'memory.created', toGlobalId('Memory', id)]]);
  alice.close();
});
