// Nothing is lost and nothing comes twice, however often a look is cut and whatever ends in between; and nobody hears what somebody else
// made up.

import { expect } from 'vitest';
import { AGENTS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type EntityId, newId } from '../../src/ids.ts';
import { type Sql, ticket, trustTickets } from '../kit/as.ts';
import { test as cast, itself } from '../kit/cast.ts';
import { ids, look, record } from './happened.ts';

const test = cast.extend('trusting', { scope: 'file', auto: true }, ({ database }) => trustTickets(database));
const write = async (sql: Sql) => {
  const id = newId<EntityId>();
  await record(sql, 'memory.updated', 'memory', id);
  return id;
};

test('a look that was cut twice loses and repeats nothing, also where what began before ends in between', async ({
  as,
  raw,
}) => {
  const { snapshot: begun } = await as('alice', itself, (sql) => look(sql, { since: null }));
  await raw(async (slow) => {
    await slow.rows('begin isolation level read committed');
    await slow.rows('select bailiwick.open($1, $2)', ticket('alice'));
    const all = [await write(slow), await write(slow), await write(slow)];
    await as('alice', { commit: true }, async (sql) => {
      for (let n = 0; n < 4; n += 1) {
        all.push(await write(sql));
      }
    });
    const heard: string[] = [];
    let place: Parameters<typeof look>[1] = { since: begun };
    for (let n = 0; n < 10; n += 1) {
      const seen = await as('alice', itself, (sql) => look(sql, { ...place, most: 2 }));
      heard.push(...ids(seen));
      place = seen.cut
        ? { since: place.since, upto: seen.snapshot, after: seen.events.at(-1)?.seq ?? 0 }
        : { since: seen.snapshot };
      if (n === 0) {
        await slow.rows('commit');
      }
      if (!seen.more) {
        break;
      }
    }
    expect([...heard].sort()).toEqual([...all].sort());
  });
});

test('what somebody says happened to an agent, a delegation or a request of another reaches that other nowhere', async ({
  as,
}) => {
  const { snapshot: since } = await as('bob', itself, (sql) => look(sql, { since: null }));
  await as('alice', { commit: true }, async (sql) => {
    await record(sql, 'agent.updated', 'agent', AGENTS.bobot.id, { ids: [AGENTS.scout.id, newId()] });
    await record(sql, 'delegation.revoked', 'delegation', DELEGATIONS.bobot.id);
  });
  expect((await as('bob', itself, (sql) => look(sql, { since }))).events).toEqual([]);
});
