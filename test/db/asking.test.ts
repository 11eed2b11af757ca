// Equality with an encrypted value, through its blind index: finds what is equal, in whatever form the question comes, for whoever may
// read it, and refuses every other question.

import { expect } from 'vitest';
import { SERVICES } from '../../src/demo/services.ts';
import { through as chains, test } from '../kit/cast.ts';
import { openLane } from './lane.ts';

const { tracker, weather, exchange } = SERVICES;

test.for<readonly [string, object]>([
  ['a beginning', { secret: { startsWith: 'demo' } }],
  ['a part', { secret: { contains: 'demo' } }],
  ['an order', { secret: { gt: 'a' } }],
  ['the opposite', { secret: { not: tracker.secret } }],
  ['equality in any case', { secret: { equals: tracker.secret, mode: 'insensitive' } }],
  ['two questions at once', { secret: { equals: tracker.secret, in: [tracker.secret] } }],
  ['equality with what is no text', { secret: { equals: 7 } }],
  ['a part, below OR', { OR: [{ secret: { contains: 'demo' } }] }],
])('a question for %s is refused', async ([, where], { database }) => {
  const lane = await openLane(database);
  await lane.read('alice', async ({ db }) => {
    await expect(db.serviceSecret.findMany({ where: where as never })).rejects.toThrow(/which is encrypted/);
  });
});

test('a question below a selection is refused, for an indexed field too', async ({ database }) => {
  const lane = await openLane(database);
  const where = { content: tracker.secret };
  await lane.read('alice', async ({ db }) => {
    const asked = db.agent.findMany({ select: { memories: { where, select: { id: true } } } });
    await expect(asked).rejects.toThrow('filter on Memory.content, which is encrypted');
  });
});

test('nobody finds what they may not read, nor learns that it is there', async ({ database }) => {
  const lane = await openLane(database);
  const where = { secret: tracker.secret };
  for (const [actor, acting] of [
    ['bob', undefined],
    ['ada', undefined],
    ['mallory', undefined],
    ['scout', chains.scout],
  ] as const) {
    expect(await lane.read(actor, ({ db }) => db.serviceSecret.findMany({ where }), acting)).toEqual([]);
  }
});

test.for<readonly [string, object, readonly string[]]>([
  ['a value', { secret: tracker.secret }, [tracker.id]],
  ['equals', { secret: { equals: weather.secret } }, [weather.id]],
  [
    'one of several',
    { secret: { in: [weather.secret, tracker.secret, 'absent'] } },
    [weather.id, tracker.id],
  ],
  ['one of none', { secret: { in: [] } }, []],
  ['another value', { secret: `${tracker.secret}x` }, []],
  ['a value of somebody else', { secret: exchange.secret }, []],
  ['a value and another condition', { secret: tracker.secret, id: weather.id }, []],
  ['AND', { AND: [{ secret: tracker.secret }, { id: tracker.id }] }, [tracker.id]],
  ['OR', { OR: [{ secret: tracker.secret }, { secret: weather.secret }] }, [weather.id, tracker.id]],
  ['NOT', { NOT: { secret: tracker.secret }, id: { in: [tracker.id, weather.id] } }, [weather.id]],
  ['a relation', { credential: { secret: { is: { secret: tracker.secret } } } }, [tracker.id]],
  ['a relation in short', { credential: { secret: { secret: tracker.secret } } }, [tracker.id]],
])('what is equal is found: %s', async ([, where, ids], { database }) => {
  const lane = await openLane(database);
  const found = await lane.read('alice', ({ db }) => db.serviceSecret.findMany({ where: where as never }));
  expect(found.map(({ id }) => id).sort()).toEqual([...ids].sort());
  for (const { id, secret } of found) {
    expect(Object.values(SERVICES).find((held) => held.id === id)?.secret).toBe(secret);
  }
});

test('the same value has another index in another tenant, and is not the value', async ({
  database,
  migrate,
}) => {
  const lane = await openLane(database);
  for (const actor of ['alice', 'mallory'] as const) {
    await lane.run(actor, async ({ db }) => {
      const id = crypto.randomUUID();
      const held = { service: 'same', label: actor, kind: 'api_key', origin: 'https://same.invalid' };
      await db.serviceCredential.createMany({ data: { id, ...held } as never });
      await db.serviceSecret.createMany({ data: { id, secret: 'the very same secret' } as never });
    });
  }
  const rows = await migrate((sql) =>
    sql.rows<{ secret_index: string }>(
      `select s.secret_index from service_secrets s join service_credentials c using (tenant_id, id) where c.service = 'same'`,
    ),
  );
  expect(new Set(rows.map(({ secret_index }) => secret_index)).size).toBe(2);
  expect(JSON.stringify(rows)).not.toContain('same secret');
});
