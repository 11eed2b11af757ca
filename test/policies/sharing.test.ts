// Guarantees of prisma/policies/18-memories.sql about what is shared in worlds: nobody shares but a member who is no guest, nobody sees
// it but those who take part in the world now, and it stays its owner's. What the kernel answers stands in 01-delegation.sql.

import { expect } from 'vitest';
import { type ActorName, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { type MemoryId, newId } from '../../src/ids.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { ATTIC, arrange, insertion, MEMBERS, memoryOf, NARROW, STUDY } from './arrangement.ts';
import { DEAD, granted, suspend } from './given.ts';
import { GUESTS, keepMemory, SHARED } from './sharing.ts';
import { DATA_KEYS, under } from './wrapped.ts';

const { alice, bob, ada } = USERS;
const { garden, workshop } = WORLDS;
const SEEN = `select id from memories where shared`;
type Place = keyof typeof SHARED;
const these = (...places: readonly Place[]) => places.map((place) => SHARED[place]).sort();

const share = (sql: Sql, owner_id: string, world_id: string | null, row: object = {}) => {
  const memory = { tenant_id: TENANTS.acme.id, id: newId(), content: 'New.', tags: [], shared: true };
  const { text, values } = insertion('memories', { ...memory, owner_id, world_id, ...row });
  return sql.outcome(text, values);
};
const change = (sql: Sql, set: string, id: string | undefined) =>
  sql.outcome(`update memories set ${set} where id = $1`, [id]);
const arranged = (acting: Acting = itself): Acting => ({ ...acting, given: arrange });
/** Through a delegation of alice's to scout that is made for the case. */
const sent = (world: string, verbs = ['read', 'create', 'update', 'delete']): Acting => {
  const acting = granted(
    'scout',
    verbs.map((verb) => `memory:${verb}`),
    undefined,
    { world },
  );
  const given = async (sql: Sql) => {
    await arrange(sql);
    await acting.given?.(sql);
  };
  return { ...acting, given };
};

const SEES: Readonly<Record<string, readonly [ActorName, Acting, ...Place[]]>> = {
  alice: ['alice', itself, 'alice garden', 'alice study', 'alice attic', 'bob garden', 'bob study'],
  'bob, who has left the Study': [
    'bob',
    itself,
    'bob garden',
    'bob study',
    'bob attic',
    'bob workshop',
    'alice garden',
  ],
  'the administrator, a guest in the Study': ['ada', itself, 'alice study', 'bob study'],
  'scout through a delegation without a world': [
    'scout',
    through.scout,
    'alice garden',
    'alice study',
    'alice attic',
  ],
  'scout in the Garden': ['scout', through.scoutInGarden, 'alice garden', 'bob garden'],
  'late in the Garden': ['late', { delegation: NARROW.gardener.id }, 'alice garden', 'bob garden'],
  scribe: ['scribe', through.scribe, 'alice garden', 'alice study', 'alice attic'],
  'scout as itself': ['scout', itself],
  late: ['late', through.late],
  rogue: ['rogue', through.rogue],
  bobot: ['bobot', through.bobot, 'bob garden', 'bob study', 'bob attic', 'bob workshop'],
  mimic: ['mimic', through.mimic, 'mallory vault'],
};
for (const [who, [actor, acting, ...places]] of Object.entries(SEES)) {
  test(`of what is shared, ${who} sees ${places.length}, and changes, takes back or deletes nothing of others`, async ({
    as,
  }) => {
    await as(actor, arranged(acting), async (sql) => {
      expect(await sql.list(SEEN)).toEqual(these(...places));
      const owner = await sql.value(`select bailiwick.describe() -> 'owner' ->> 'id'`);
      const others = 'where shared and owner_id <> $1';
      for (const set of ["kind = 'changed'", 'shared = false', "content = ''"]) {
        expect(await sql.outcome(`update memories set ${set} ${others}`, [owner]), set).toBe('0');
      }
      expect(await sql.outcome(`delete from memories ${others}`, [owner])).toBe('0');
      expect(await sql.outcome(`select from memories ${others} for update`, [owner])).toBe('0');
    });
  });
}

test('in another tenant the twin of a member sees what is shared there, and nothing of it is seen here', async ({
  as,
}) => {
  const elsewhere = 'select id from memories where shared and tenant_id = $1';
  await as('mallory', arranged(), async (sql) => {
    expect(await sql.list(SEEN)).toEqual(these('mallory vault', 'alice garden'));
    expect(await sql.list(elsewhere, [TENANTS.acme.id])).toEqual([]);
  });
  for (const who of ['alice', 'bob'] as const) {
    expect(await as(who, arranged(), (sql) => sql.list(elsewhere, [TENANTS.globex.id])), who).toEqual([]);
  }
});

test('nobody shares where they are no member, only a guest, or nobody can be', async ({ as }) => {
  await as('alice', arranged(), async (sql) => {
    expect(await share(sql, alice.id, workshop.id)).toBe('42501');
    expect(await share(sql, alice.id, ATTIC)).toBe('42501');
    expect(await share(sql, alice.id, null)).toBe('42501');
    expect(await change(sql, 'shared = true', memoryOf('alice'))).toBe('42501');
    expect(await change(sql, "kind = 'changed'", SHARED['alice attic'])).toBe('42501');
  });
  await as('ada', arranged(), async (sql) => {
    expect(await share(sql, ada.id, STUDY)).toBe('42501');
    expect(await share(sql, ada.id, garden.id)).toBe('42501');
    expect(await change(sql, 'shared = true', GUESTS)).toBe('42501');
    // and what is not shared she writes there
    expect(await share(sql, ada.id, STUDY, { shared: false })).toBe('1');
    expect(await change(sql, "kind = 'changed'", GUESTS)).toBe('1');
  });
  for (const [who, acting] of [
    ['bob', itself],
    ['ada', itself],
    ['scout', itself],
    ['mallory', itself],
  ] as const) {
    expect(await as(who, acting, (sql) => share(sql, alice.id, garden.id)), who).toBe('42501');
  }
});

test('an agent whose chain names no world shares nothing, and changes nothing that is shared, but takes it back', async ({
  as,
}) => {
  await as('scout', arranged(through.scout), async (sql) => {
    expect(await share(sql, alice.id, garden.id)).toBe('42501');
    expect(await change(sql, 'shared = true', memoryOf('alice', 'garden'))).toBe('42501');
    expect(await change(sql, "kind = 'changed'", SHARED['alice garden'])).toBe('42501');
    expect(await share(sql, alice.id, garden.id, { shared: false })).toBe('1');
    expect(await change(sql, 'shared = false', SHARED['alice garden'])).toBe('1');
  });
});

test('an agent that is sent to one world sees and shares nothing in another', async ({ as }) => {
  await as('scout', sent(STUDY), async (sql) => {
    expect(await sql.list(SEEN)).toEqual(these('alice study', 'bob study'));
    expect(await share(sql, alice.id, garden.id)).toBe('42501');
    expect(await change(sql, 'shared = true', memoryOf('alice', 'garden'))).toBe('0');
    expect(await share(sql, alice.id, STUDY)).toBe('1');
  });
});

test('an agent shares with the right to create or to update, each for itself, and sees with the right to read', async ({
  as,
}) => {
  await as('scout', sent(garden.id, ['read', 'create']), async (sql) => {
    expect(await change(sql, 'shared = true', memoryOf('alice', 'garden'))).toBe('0');
    expect(await share(sql, alice.id, garden.id)).toBe('1');
  });
  await as('scout', sent(garden.id, ['read', 'update']), async (sql) => {
    expect(await share(sql, alice.id, garden.id)).toBe('42501');
    expect(await change(sql, 'shared = true', memoryOf('alice', 'garden'))).toBe('1');
  });
  expect(await as('scout', sent(garden.id, ['create', 'update']), (sql) => sql.list(SEEN))).toEqual([]);
});

const LIMIT = 'update delegations set world_id = $1 where id = $2';
for (const [state, end] of Object.entries(DEAD)) {
  test(`nothing shared is seen, and nothing is shared, through scout in the Garden when ${state}`, async ({
    as,
  }) => {
    const given = async (sql: Sql) => {
      await arrange(sql);
      await sql.rows(LIMIT, [garden.id, through.scout.delegation]);
    };
    const dead = async (sql: Sql) => {
      await given(sql);
      await end(sql);
    };
    await as('scout', { ...through.scout, given: dead }, async (sql) => {
      expect(await sql.list(SEEN)).toEqual([]);
      expect(await share(sql, alice.id, garden.id)).toBe('42501');
    });
    await as('scout', { ...through.scout, given }, async (sql) => {
      expect(await sql.list(SEEN)).toEqual(these('alice garden', 'bob garden'));
      expect(await share(sql, alice.id, garden.id)).toBe('1');
    });
  });
}

test('what is sensitive is not shared, nor what stands in no world, whoever writes it', async ({
  as,
  migrate,
}) => {
  const sealed = under(DATA_KEYS.alice);
  const secret = { sensitive: true, content: sealed, metadata: JSON.stringify(sealed) };
  await as('alice', arranged(), async (sql) => {
    expect(await share(sql, alice.id, garden.id, secret)).toBe('23514');
    expect(await share(sql, alice.id, garden.id, { ...secret, shared: false })).toBe('1');
    const make = `update memories set sensitive = true, content = $2, metadata = $3 where id = $1`;
    const made = (id: string | undefined) => sql.outcome(make, [id, sealed, secret.metadata]);
    expect(await made(SHARED['alice garden'])).toBe('23514');
    expect(await made(memoryOf('alice', 'garden'))).toBe('1');
  });
  const set = (sql: Sql, where: string) =>
    sql.touched(`update memories set shared = true where ${where}`).catch(({ code }) => code);
  expect(await migrate((sql) => set(sql, 'world_id is null'))).toBe('23514');
});

test('who has left still has what they shared, and takes it back or deletes it, but neither changes nor shares it', async ({
  as,
}) => {
  const left = SHARED['bob study'];
  await as('bob', arranged(), async (sql) => {
    expect(await change(sql, "kind = 'changed'", left)).toBe('42501');
    expect(await change(sql, 'shared = true', left)).toBe('42501');
    expect(await share(sql, bob.id, STUDY)).toBe('42501');
    expect(await change(sql, "shared = false, kind = 'changed'", left)).toBe('1');
    expect(await change(sql, 'shared = true', left)).toBe('42501');
  });
  await as('bob', arranged(), async (sql) => {
    expect(await sql.touched('delete from memories where id = $1', [left])).toBe(1);
  });
});

test('what is shared is hidden as soon as the member has left, it was taken back, or the world is not active', async ({
  as,
  migrate,
}) => {
  const id = newId<MemoryId>();
  await migrate((sql) => keepMemory(sql, { id, owner: alice.id, world: garden.id, shared: true }));
  const ends: Readonly<Record<string, readonly [end: string, undo: string]>> = {
    'has left': [
      `update world_members set entity_id = '${ada.id}' where id = '${MEMBERS.garden.id}'`,
      `update world_members set entity_id = '${bob.id}' where id = '${MEMBERS.garden.id}'`,
    ],
    'was taken back': [
      `update memories set shared = false where id = '${id}'`,
      `update memories set shared = true where id = '${id}'`,
    ],
    'is archived': [
      `update entities set status = 'archived' where id = '${garden.id}'`,
      `update entities set status = 'active' where id = '${garden.id}'`,
    ],
  };
  for (const [how, [end, undo]] of Object.entries(ends)) {
    await as('bob', itself, async (sql) => {
      expect(await sql.list(SEEN), how).toEqual([id]);
      await migrate((other) => other.rows(end));
      expect(await sql.list(SEEN), how).toEqual([]);
      const shares = how === 'was taken back' ? '1' : '42501';
      expect(await share(sql, bob.id, garden.id), how).toBe(shares);
      await migrate((other) => other.rows(undo));
      expect(await sql.list(`${SEEN} and owner_id <> $1`, [bob.id]), how).toEqual([id]);
    });
  }
  await migrate((sql) => sql.rows('delete from memories where id = $1', [id]));
});

test('a suspended world shows its guests and members nothing, and its owner what is theirs', async ({
  as,
}) => {
  const given = async (sql: Sql) => {
    await arrange(sql);
    await suspend('garden')(sql);
  };
  await as('alice', { given }, async (sql) => {
    expect(await sql.list(`${SEEN} and world_id = $1`, [garden.id])).toEqual(these('alice garden'));
    expect(await change(sql, 'shared = true', memoryOf('alice', 'garden'))).toBe('42501');
  });
});

test('a member shares what is theirs and takes it back, and so does an agent that is sent there', async ({
  as,
}) => {
  for (const [who, acting] of [
    ['alice', itself],
    ['scout', through.scoutInGarden],
    ['late', { delegation: NARROW.gardener.id }],
  ] as const) {
    await as(who, arranged(acting), async (sql) => {
      const mine = memoryOf('alice', 'garden');
      expect(await share(sql, alice.id, garden.id), who).toBe('1');
      expect(await change(sql, 'shared = true', mine), who).toBe('1');
      expect(await change(sql, "kind = 'changed'", mine), who).toBe('1');
      expect(await change(sql, 'shared = false', mine), who).toBe('1');
    });
  }
});
