// Guarantees of prisma/policies/09-events.sql about what is announced, and to whom: the kernel alone keeps what happened, nobody hears of
// what is not theirs to see, and nothing is announced that was refused or undone. Places and their order: events-order.test.ts; who may
// go on listening: listeners.test.ts.

import { expect } from 'vitest';
import { SCOPES } from '../../src/capabilities.ts';
import { AGENTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { APPROVALS } from '../../src/demo/permissions.ts';
import { newId } from '../../src/ids.ts';
import type { Acting } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { memoryOf } from './arrangement.ts';
import { serviceTicket } from './credentials.ts';
import { DEAD, granted } from './given.ts';
import { ids, KINDS, type Kind, look, NOTHING, record } from './happened.ts';

const { alice, bob } = USERS;
const { scout, scribe, bobot } = AGENTS;
const NOW = 'select pg_current_snapshot()::text';

type Who = 'alice' | 'ada' | 'bob' | 'mallory' | 'scout' | 'scribe' | 'late' | 'rogue' | 'bobot' | 'mimic';
type Voice = readonly [who: Who, acting: Acting];
const fewer = (kind: Kind): Acting => ({ scopes: SCOPES.filter((scope) => scope !== `${kind}:read`) });
const VOICES = {
  alice: ['alice', itself],
  scout: ['scout', through.scout],
  'scout in the garden': ['scout', through.scoutInGarden],
  'scout as itself': ['scout', itself],
  scribe: ['scribe', through.scribe],
  'late, whose delegation has expired': ['late', through.late],
  'rogue, whose delegation is revoked': ['rogue', through.rogue],
  bob: ['bob', itself],
  bobot: ['bobot', through.bobot],
  'the administrator': ['ada', itself],
  mallory: ['mallory', itself],
  mimic: ['mimic', through.mimic],
} as const satisfies Readonly<Record<string, Voice>>;
type Name = keyof typeof VOICES;

test('nobody but the kernel reads, writes or removes what happened, and nobody announces anything', async ({
  as,
  migrate,
}) => {
  for (const [who, acting] of Object.values(VOICES)) {
    await as(who, acting, async (sql) => {
      for (const text of [
        'select from bailiwick.events',
        `insert into bailiwick.events (tenant_id, owner_id, kind, event, id) values ($1, $1, 'memory', 'x', $1)`,
        `update bailiwick.events set event = 'x'`,
        'delete from bailiwick.events',
        'truncate bailiwick.events',
        `select bailiwick.announce(null, 'memory.created', 'memory', $1, null)`,
      ]) {
        expect(await sql.outcome(text, text.includes('$1') ? [alice.id] : []), `${who}: ${text}`).toBe(
          '42501',
        );
      }
    });
  }
  const rights = `select p from unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'trigger']) p
    where has_table_privilege('bailiwick_kernel', 'bailiwick.events', p)`;
  expect(await migrate((sql) => sql.list(rights))).toEqual(['delete', 'insert', 'select']);
});

test('whoever opens no context, or is the server itself, hears of nothing', async ({ raw, as }) => {
  await as('alice', { commit: true }, (sql) =>
    record(sql, 'memory.updated', 'memory', memoryOf('alice') ?? ''),
  );
  await raw(async (sql) => {
    expect(await look(sql, { since: NOTHING })).toMatchObject({ live: false, events: [], more: false });
    expect(await look(sql, { since: null })).toMatchObject({ live: false, events: [] });
    await sql.rows('begin');
    await sql.rows('select bailiwick.open($1, $2)', serviceTicket());
    expect(await look(sql, { since: NOTHING })).toMatchObject({ live: false, events: [] });
  });
});

test('what the server throws away is older than a quarter of an hour, and nobody else throws anything away', async ({
  as,
  raw,
  migrate,
}) => {
  const put = `insert into bailiwick.events (tenant_id, owner_id, kind, event, id, recorded_at)
    values ($1, $1, 'memory', $2, $1, clock_timestamp() - $3::interval)`;
  const ages = { 'past.it': '15 minutes 1 second', 'within.it': '14 minutes 50 seconds' };
  await migrate(async (sql) => {
    for (const [event, age] of Object.entries(ages)) {
      await sql.rows(put, [alice.id, event, age]);
    }
  });
  const FORGET = 'select bailiwick.forget_events()';
  const left = () =>
    migrate((sql) => sql.list('select event from bailiwick.events where tenant_id = $1', [alice.id]));
  expect(await raw((sql) => sql.value(FORGET))).toBe(false);
  for (const [who, acting] of Object.values(VOICES)) {
    expect(await as(who, { ...acting, commit: true }, (sql) => sql.value(FORGET)), who).toBe(false);
  }
  expect(await left()).toEqual(['past.it', 'within.it']);
  await raw(async (sql) => {
    await sql.rows('begin');
    await sql.rows('select bailiwick.open($1, $2)', serviceTicket());
    expect(await sql.value(FORGET)).toBe(false);
    await sql.rows('commit');
  });
  expect(await left()).toEqual(['within.it']);
  await migrate((sql) => sql.rows('delete from bailiwick.events where tenant_id = $1', [alice.id]));
});

const MEMORY = memoryOf('alice') ?? '';
const nothing: Readonly<Record<string, readonly [event: string, kind: string, id: string | null]>> = {
  'that was refused': ['memory.update_refused', 'memory', MEMORY],
  'of a kind that nobody listens to': ['permission.created', 'permission', newId()],
  'that is about nothing': ['memory.updated', 'memory', null],
  'about a request that there is not': ['approval.asked', 'approval', newId()],
  'about a request of another tenant': ['approval.asked', 'approval', APPROVALS[2]?.id ?? ''],
  'about a delegation that there is not': ['delegation.granted', 'delegation', newId()],
  'about a delegation of another tenant': ['delegation.granted', 'delegation', DELEGATIONS.mimic.id],
  'about an agent that there is not': ['agent.updated', 'agent', newId()],
  'about an agent of another tenant': ['agent.updated', 'agent', AGENTS.mimic.id],
};
for (const [what, event] of Object.entries(nothing)) {
  test(`something ${what} is announced to nobody`, async ({ as, migrate }) => {
    const kept = 'select count(*)::int from bailiwick.events';
    const before = await migrate((sql) => sql.value(kept));
    await as('alice', { commit: true }, (sql) => record(sql, ...event));
    expect(await migrate((sql) => sql.value(kept))).toBe(before);
  });
}

test('what is undone is announced to nobody', async ({ as, raw }) => {
  const since = String(await raw((sql) => sql.value(NOW)));
  await as('alice', itself, async (sql) => {
    await record(sql, 'memory.updated', 'memory', MEMORY);
    expect(ids(await look(sql, { since }))).toEqual([MEMORY]);
  });
  await as('alice', { commit: true }, async (sql) => {
    await sql.rows('savepoint before');
    await record(sql, 'memory.deleted', 'memory', MEMORY);
    await sql.rows('rollback to savepoint before');
  });
  expect(ids(await as('alice', itself, (sql) => look(sql, { since })))).toEqual([]);
});

test('what somebody says happened to another’s memory, or in another’s log, reaches that other nowhere', async ({
  as,
  raw,
}) => {
  const since = String(await raw((sql) => sql.value(NOW)));
  const [theirs, entry] = [memoryOf('bob') ?? '', newId()];
  await as('alice', { commit: true }, async (sql) => {
    await record(sql, 'memory.deleted', 'memory', theirs, { worldId: WORLDS.workshop.id });
    await record(sql, 'activity.recorded', 'activity', entry);
    await record(sql, 'memory.created', 'memory', theirs, { ids: [theirs] });
  });
  for (const name of Object.keys(VOICES).filter((one) => !['alice', 'scout', 'scribe'].includes(one))) {
    const [who, acting] = VOICES[name as Name];
    expect(ids(await as(who, acting, (sql) => look(sql, { since }))), name).toEqual([]);
  }
});

type Happens = {
  readonly by: Voice;
  readonly kind: Kind;
  readonly event: string;
  readonly id: string;
  readonly detail?: object;
  readonly heard: readonly Name[];
};
const inGarden = memoryOf('alice', 'garden') ?? '';
const [gone, goneInGarden, entry] = [newId(), newId(), newId()];
const asScout: Voice = ['scout', through.scout];
const inPerson: Voice = ['alice', itself];
const HAPPENS: Readonly<Record<string, Happens>> = {
  'a request': {
    ...{ by: asScout, kind: 'approval', event: 'approval.asked', id: APPROVALS[0]?.id ?? '' },
    heard: ['alice', 'scout'],
  },
  'a decision': {
    ...{ by: inPerson, kind: 'approval', event: 'approval.approved', id: APPROVALS[0]?.id ?? '' },
    heard: ['alice', 'scout'],
  },
  'an entry of the log': {
    ...{ by: asScout, kind: 'activity', event: 'activity.recorded', id: entry },
    heard: ['alice', 'scout'],
  },
  'a delegation': {
    ...{ by: inPerson, kind: 'delegation', event: 'delegation.narrowed', id: DELEGATIONS.scribe.id },
    // a chain that is limited to a world hears of what stands in that world, and of nothing else
    heard: ['alice', 'scout', 'scout as itself', 'scribe'],
  },
  'an agent': {
    ...{ by: inPerson, kind: 'agent', event: 'agent.updated', id: scout.id },
    heard: ['alice', 'scout', 'scout as itself'],
  },
  'an agent, and what an administrator does to it': {
    ...{ by: ['ada', itself], kind: 'agent', event: 'agent.suspended', id: bobot.id },
    heard: ['bob'],
  },
  'a memory': {
    ...{ by: inPerson, kind: 'memory', event: 'memory.created', id: MEMORY },
    heard: ['alice', 'scout', 'scribe'],
  },
  'a memory in a world': {
    ...{ by: inPerson, kind: 'memory', event: 'memory.created', id: inGarden },
    heard: ['alice', 'scout', 'scribe', 'scout in the garden'],
  },
  'a memory that is gone': {
    ...{ by: asScout, kind: 'memory', event: 'memory.deleted', id: gone },
    heard: ['alice', 'scout', 'scribe'],
  },
  'a memory that is gone from a world': {
    ...{ by: asScout, kind: 'memory', event: 'memory.deleted', id: goneInGarden },
    detail: { worldId: WORLDS.garden.id },
    heard: ['alice', 'scout', 'scribe', 'scout in the garden'],
  },
};
for (const [what, { by, kind, event, id, detail, heard }] of Object.entries(HAPPENS)) {
  test(`${what} is heard of by ${heard.join(', ')} and nobody else, and by nobody whose token does not name it`, async ({
    as,
    raw,
  }) => {
    const since = String(await raw((sql) => sql.value(NOW)));
    const [who, acting] = by;
    await as(who, { ...acting, commit: true }, (sql) => record(sql, event, kind, id, detail));
    for (const [name, [listener, listening]] of Object.entries(VOICES) as [Name, Voice][]) {
      const hears = await as(listener, listening, (sql) => look(sql, { since }));
      const expected = heard.includes(name) ? [{ kind, event, id }] : [];
      expect(
        hears.events.map((one) => ({ kind: one.kind, event: one.event, id: one.id })),
        name,
      ).toEqual(expected);
      if (!heard.includes(name)) {
        continue;
      }
      const others = KINDS.filter((one) => one !== kind);
      expect((await as(listener, listening, (sql) => look(sql, { since, kinds: others }))).events).toEqual(
        [],
      );
      const poor = { ...listening, ...fewer(kind) };
      expect((await as(listener, poor, (sql) => look(sql, { since }))).events, name).toEqual([]);
    }
  });
}

test('an agent hears of no kind that its delegation does not name, but of delegations that are its own', async ({
  as,
  raw,
}) => {
  const since = String(await raw((sql) => sql.value(NOW)));
  await as('scout', { ...through.scout, commit: true }, async (sql) => {
    await record(sql, 'approval.asked', 'approval', APPROVALS[0]?.id ?? '');
    await record(sql, 'activity.recorded', 'activity', entry);
    await record(sql, 'agent.updated', 'agent', scribe.id);
    await record(sql, 'memory.updated', 'memory', MEMORY);
    await record(sql, 'delegation.revoked', 'delegation', DELEGATIONS.scribe.id);
  });
  const own = [DELEGATIONS.scribe.id];
  const hears = (capabilities: readonly string[]) =>
    as('scout', granted('scout', capabilities), async (sql) => ids(await look(sql, { since })));
  expect(await hears(['user:read'])).toEqual(own);
  expect(await hears(['approval:read'])).toEqual([APPROVALS[0]?.id, ...own]);
  expect(await hears(['activity:read'])).toEqual([entry, ...own]);
  expect(await hears(['agent:read'])).toEqual([scribe.id, ...own]);
  expect(await hears(['memory:read'])).toEqual([MEMORY, ...own]);
});

for (const [state, given] of Object.entries(DEAD)) {
  test(`nothing is heard through scout when ${state}, and that is said`, async ({ as }) => {
    await as('scout', { ...through.scout, commit: true }, (sql) =>
      record(sql, 'memory.updated', 'memory', MEMORY),
    );
    await as('scout', { ...through.scout, given }, async (sql) => {
      expect(await look(sql, { since: NOTHING })).toMatchObject({ live: false, events: [] });
      expect(await look(sql, { since: null })).toMatchObject({ live: false });
    });
  });
}

test('who is alive is told so, and a token that has expired is not', async ({ as }) => {
  for (const [name, [who, acting]] of Object.entries(VOICES) as [Name, Voice][]) {
    const { live } = await as(who, acting, (sql) => look(sql, { since: null }));
    expect(live, name).toBe(!(name.startsWith('late') || name.startsWith('rogue')));
  }
  const over = { tokenExpiresAt: new Date(Date.now() - 1) };
  expect(await as('alice', over, (sql) => look(sql, { since: NOTHING }))).toMatchObject({
    live: false,
    events: [],
  });
});

test('of several rows there is an event for each, in their order, and each in its own world', async ({
  as,
  raw,
}) => {
  const since = String(await raw((sql) => sql.value(NOW)));
  await as('alice', { commit: true }, (sql) =>
    record(sql, 'memory.created', 'memory', MEMORY, { ids: [inGarden, gone, MEMORY] }),
  );
  expect(ids(await as('alice', itself, (sql) => look(sql, { since })))).toEqual([inGarden, gone, MEMORY]);
  expect(ids(await as('scout', through.scoutInGarden, (sql) => look(sql, { since })))).toEqual([inGarden]);
});

test('a notification names the tenant and whom it concerns, and only when it is kept', async ({
  as,
  raw,
}) => {
  await raw(async (listener) => {
    const heard: string[] = [];
    listener.client.on('notification', ({ channel, payload }) => heard.push(`${channel} ${payload}`));
    for (const kind of KINDS) {
      await listener.rows(`listen bailiwick_${kind}`);
    }
    await as('alice', itself, (sql) => record(sql, 'memory.updated', 'memory', MEMORY));
    await as('ada', { commit: true }, (sql) => record(sql, 'agent.suspended', 'agent', bobot.id));
    await as('scout', { ...through.scout, commit: true }, (sql) =>
      record(sql, 'approval.asked', 'approval', APPROVALS[0]?.id ?? ''),
    );
    await expect.poll(() => heard.length).toBe(2);
    const acme = await as('ada', itself, (sql) => sql.value('select bailiwick.tenant_id()'));
    expect(heard).toEqual([
      `bailiwick_agent ${acme} ${bob.id} ${bobot.id}`,
      `bailiwick_approval ${acme} ${alice.id} ${scout.id}`,
    ]);
  });
});
