// Guarantees of bailiwick.revealed (prisma/policies/07-services.sql): whose secrets somebody may read, which is less than may be used
// and less than is the owner's. What the policies make of it stands in service-secrets.test.ts.

import { expect } from 'vitest';
import { SERVICES } from '../../src/demo/services.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { serviceTicket } from './credentials.ts';
import { EVERYTHING, granted, REACHES_NOTHING, suspend } from './given.ts';
import { BARE, KEPT } from './services.ts';

const REVEALED = 'select unnest(bailiwick.revealed())';
const { tracker, weather, post, parts, exchange } = SERVICES;

test('nothing is revealed without a context or to the server itself, and a made-up context is an error', async ({
  as,
  raw,
}) => {
  await as('alice', itself, async () => undefined);
  for (const shown of [serviceTicket(), undefined]) {
    await raw(async (sql) => {
      await sql.rows('begin');
      if (shown !== undefined) {
        await sql.rows('select bailiwick.open($1, $2)', shown);
      }
      expect(await sql.value('select bailiwick.revealed()')).toEqual([]);
    });
  }
  await raw(async (sql) => {
    await sql.rows('begin');
    await sql.rows(`select set_config('bailiwick.context', 's1|x', true)`);
    expect(await sql.outcome(REVEALED)).toBe('28000');
  });
});

test('nothing is revealed to who may not read secrets, whatever else may be done with them', async ({
  as,
}) => {
  const others = EVERYTHING.filter((word) => word !== 'secret:read');
  for (const [who, acting] of [
    ['ada', itself],
    ['alice', { scopes: others }],
    ['alice', { given: suspend('alice') }],
    ['scout', itself],
    ['scribe', itself],
    ['scout', through.scout],
    ['scout', through.scoutInGarden],
    ['scribe', through.scribe],
    ['scribe', granted('scribe', others)],
    ['late', through.late],
    ['rogue', through.rogue],
    ['bobot', through.bobot],
    ...Object.values(REACHES_NOTHING).map(
      ({ who: agent, made, after }) => [agent, granted(agent, EVERYTHING, after, made)] as const,
    ),
  ] as const) {
    expect(await as(who, acting, (sql) => sql.value('select bailiwick.revealed()')), who).toEqual([]);
  }
});

test("to an agent is revealed neither what is its owner's alone nor what is for another agent", async ({
  as,
}) => {
  for (const [who, some] of [
    ['scout', [weather]],
    ['rogue', [weather]],
    ['scribe', [weather, post]],
  ] as const) {
    const revealed = await as(who, granted(who, ['secret:read']), (sql) => sql.list(REVEALED));
    expect(revealed, who).toEqual(some.map(({ id }) => id).sort());
  }
  expect(await as('mimic', through.mimic, (sql) => sql.list(REVEALED))).toEqual([exchange.id]);
});

test('to an owner in person is revealed all of her own, and nothing of her twin', async ({ as }) => {
  const own = [tracker, weather, post].map(({ id }) => id);
  const spares = [...Object.values(KEPT.alice), ...Object.values(BARE.alice)];
  expect(await as('alice', itself, (sql) => sql.list(REVEALED))).toEqual([...own].sort());
  const given = arrange;
  expect(await as('alice', { given }, (sql) => sql.list(REVEALED))).toEqual([...own, ...spares].sort());
  expect(await as('bob', itself, (sql) => sql.list(REVEALED))).toEqual([parts.id]);
});
