// Guarantees of prisma/policies/09-events.sql about what is shared in worlds: those hear of it who may read it now, and nobody has others
// hear of a world in which they take no part. What is not shared: events.test.ts.

import { expect } from 'vitest';
import { type ActorName, USERS, WORLDS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { test as cast, itself, through } from '../kit/cast.ts';
import { ATTIC, arrange, MEMBERS, memoryOf, NARROW, STUDY } from './arrangement.ts';
import { DEAD, suspend } from './given.ts';
import { ids, KINDS, look, NOTHING, record } from './happened.ts';
import { SHARED } from './sharing.ts';

const { bob } = USERS;
const { garden } = WORLDS;
const NOW = 'select pg_current_snapshot()::text';
const test = cast.extend('arranged', { scope: 'file', auto: true }, ({ migrate }) => migrate(arrange));

type Voice = readonly [who: ActorName, acting: Acting];
const VOICES = {
  alice: ['alice', itself],
  scout: ['scout', through.scout],
  'scout in the Garden': ['scout', through.scoutInGarden],
  'late in the Garden': ['late', { delegation: NARROW.gardener.id }],
  'scout as itself': ['scout', itself],
  scribe: ['scribe', through.scribe],
  late: ['late', through.late],
  bob: ['bob', itself],
  bobot: ['bobot', through.bobot],
  ada: ['ada', itself],
  mallory: ['mallory', itself],
  mimic: ['mimic', through.mimic],
} as const satisfies Readonly<Record<string, Voice>>;
type Name = keyof typeof VOICES;
const OWN: readonly Name[] = ['alice', 'scout', 'scribe'];
const GARDENERS: readonly Name[] = [...OWN, 'scout in the Garden', 'late in the Garden'];

type Happens = {
  readonly by: Voice;
  readonly event: string;
  readonly id: string | undefined;
  readonly detail?: object;
  readonly heard: readonly Name[];
};
const gone = newId();
const inGarden = { worldId: garden.id };
const HAPPENS: Readonly<Record<string, Happens>> = {
  'what a stranger says is gone from what is shared': {
    ...{ by: ['ada', itself], event: 'memory.deleted', id: gone, detail: { ...inGarden, shared: true } },
    heard: ['ada'],
  },
  'what somebody of another tenant says is gone from what is shared': {
    ...{ by: ['mallory', itself], event: 'memory.deleted', id: gone },
    ...{ detail: { worldId: STUDY, shared: true }, heard: ['mallory', 'mimic'] },
  },
  'what who has left says is gone from what is shared': {
    ...{ by: ['bob', itself], event: 'memory.deleted', id: gone, detail: { worldId: STUDY, shared: true } },
    heard: ['bob', 'bobot'],
  },
  'what an agent as itself says is gone from what is shared': {
    ...{ by: ['scout', itself], event: 'memory.deleted', id: gone, detail: { ...inGarden, shared: true } },
    heard: ['scout as itself'],
  },
  'what a member says of what another does not share': {
    ...{ by: ['bob', itself], event: 'memory.updated', id: memoryOf('alice', 'garden') },
    ...{ detail: { shared: true }, heard: ['bob', 'bobot'] },
  },
  'a memory that is not shared': {
    ...{ by: ['alice', itself], event: 'memory.updated', id: memoryOf('alice', 'garden'), heard: GARDENERS },
  },
  'a memory that is gone and was not shared': {
    ...{ by: ['alice', itself], event: 'memory.deleted', id: gone, detail: { ...inGarden, shared: false } },
    heard: GARDENERS,
  },
  'what is shared in an archived world': {
    ...{ by: ['alice', itself], event: 'memory.updated', id: SHARED['alice attic'], heard: OWN },
  },
  'what was shared by who has left': {
    ...{ by: ['bob', itself], event: 'memory.updated', id: SHARED['bob study'] },
    heard: ['bob', 'bobot', 'alice', 'ada'],
  },
  'what a guest says is gone from what is shared': {
    ...{ by: ['ada', itself], event: 'memory.deleted', id: gone, detail: { worldId: STUDY, shared: true } },
    heard: ['ada'],
  },
  'what a member says of what another shares': {
    ...{ by: ['bob', itself], event: 'memory.updated', id: SHARED['alice garden'], heard: ['bob', 'bobot'] },
  },
  'what is no longer shared': {
    ...{ by: ['alice', itself], event: 'memory.withdrawn', id: memoryOf('alice', 'garden') },
    ...{ detail: { shared: true }, heard: [...GARDENERS, 'bob'] },
  },
  'what is shared in a world with a guest': {
    ...{ by: ['alice', itself], event: 'memory.updated', id: SHARED['alice study'], heard: [...OWN, 'ada'] },
  },
  'what is shared': {
    ...{ by: ['alice', itself], event: 'memory.updated', id: SHARED['alice garden'] },
    heard: [...GARDENERS, 'bob'],
  },
  'what an agent shares where it is sent': {
    ...{ by: ['scout', through.scoutInGarden], event: 'memory.created', id: SHARED['alice garden'] },
    heard: [...GARDENERS, 'bob'],
  },
  'what a colleague shares': {
    ...{ by: ['bob', itself], event: 'memory.updated', id: SHARED['bob garden'] },
    heard: ['bob', 'bobot', 'alice', 'scout in the Garden', 'late in the Garden'],
  },
  'what is shared no more because it is gone': {
    ...{ by: ['alice', itself], event: 'memory.deleted', id: gone, detail: { ...inGarden, shared: true } },
    heard: [...GARDENERS, 'bob'],
  },
};
for (const [what, { by, event, id, detail, heard }] of Object.entries(HAPPENS)) {
  test(`${what} is heard of by ${heard.join(', ')} and nobody else`, async ({ as, raw }) => {
    const since = String(await raw((sql) => sql.value(NOW)));
    const [who, acting] = by;
    await as(who, { ...acting, commit: true }, (sql) => record(sql, event, 'memory', id ?? null, detail));
    for (const [name, [listener, listening]] of Object.entries(VOICES) as [Name, Voice][]) {
      const seen = await as(listener, listening, (sql) => look(sql, { since }));
      expect(ids(seen), name).toEqual(heard.includes(name) ? [id] : []);
      const others = KINDS.filter((kind) => kind !== 'memory');
      expect(ids(await as(listener, listening, (sql) => look(sql, { since, kinds: others }))), name).toEqual(
        [],
      );
      const poor = { ...listening, scopes: ['activity:read', 'memory:update'] };
      expect(ids(await as(listener, poor, (sql) => look(sql, { since }))), name).toEqual([]);
    }
  });
}

test('who has left, or whose world is not active, hears of nothing that was shared there before', async ({
  as,
  raw,
}) => {
  const since = String(await raw((sql) => sql.value(NOW)));
  await as('alice', { commit: true }, (sql) =>
    record(sql, 'memory.updated', 'memory', SHARED['alice garden']),
  );
  const left = (sql: Sql) => sql.touched('delete from world_members where id = $1', [MEMBERS.garden.id]);
  for (const given of [left, suspend('garden'), suspend('bob')]) {
    expect(ids(await as('bob', { given }, (sql) => look(sql, { since })))).toEqual([]);
  }
  expect(ids(await as('bob', itself, (sql) => look(sql, { since })))).toEqual([SHARED['alice garden']]);
});

for (const [state, end] of Object.entries(DEAD)) {
  test(`nothing shared is heard through scout in the Garden when ${state}`, async ({ as }) => {
    await as('bob', { commit: true }, (sql) => record(sql, 'memory.updated', 'memory', SHARED['bob garden']));
    const given = async (sql: Sql) => {
      await sql.rows('update delegations set world_id = $1 where id = $2', [
        garden.id,
        through.scout.delegation,
      ]);
      await end(sql);
    };
    expect(
      await as('scout', { ...through.scout, given }, (sql) => look(sql, { since: NOTHING })),
    ).toMatchObject({ worlds: [], events: [] });
  });
}

test('a context is told in which worlds it hears of what others share, and only where it listens to memories', async ({
  as,
}) => {
  const worlds: Readonly<Record<Name, readonly string[]>> = {
    alice: [garden.id, STUDY],
    scout: [],
    'scout in the Garden': [garden.id],
    'late in the Garden': [garden.id],
    'scout as itself': [],
    scribe: [],
    late: [],
    bob: [garden.id, WORLDS.workshop.id],
    bobot: [],
    ada: [STUDY],
    mallory: [garden.id, WORLDS.vault.id],
    mimic: [],
  };
  for (const [name, [who, acting]] of Object.entries(VOICES) as [Name, Voice][]) {
    await as(who, acting, async (sql) => {
      for (const since of [null, NOTHING]) {
        const told = [...(await look(sql, { since })).worlds];
        expect(told.sort(), name).toEqual([...worlds[name]].sort());
        expect((await look(sql, { since, kinds: ['agent', 'activity'] })).worlds, name).toEqual([]);
      }
    });
  }
  expect(worlds.alice).not.toContain(ATTIC);
});

test('a notification of what is shared names its world, and of what is not shared it does not', async ({
  as,
  raw,
}) => {
  await raw(async (listener) => {
    const heard: (string | undefined)[] = [];
    listener.client.on('notification', ({ payload }) => heard.push(payload));
    await listener.rows('listen bailiwick_memory');
    await as('bob', { commit: true }, async (sql) => {
      await record(sql, 'memory.updated', 'memory', memoryOf('bob', 'garden') ?? '');
      await record(sql, 'memory.created', 'memory', newId(), {
        ids: [memoryOf('bob'), SHARED['bob garden'], SHARED['bob workshop'], SHARED['bob study']],
      });
    });
    await expect.poll(() => heard.length).toBe(2);
    const acme = await as('ada', itself, (sql) => sql.value('select bailiwick.tenant_id()'));
    const worlds = [garden.id, WORLDS.workshop.id, STUDY].sort().join(' ');
    expect(heard).toEqual([`${acme} ${bob.id} ${bob.id}`, `${acme} ${bob.id} ${bob.id} ${worlds}`]);
  });
});
