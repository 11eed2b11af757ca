// Who ends a key, and everything with which somebody proves who they are (prisma/policies/03-credentials.sql: revoke_key,
// end_credentials; 02-granting.sql: revoke_agent). Whoever may not learns nothing: the answer is null, as for what is not there.

import { expect } from 'vitest';
import { type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { arrangeKeys, digestOf, KEYS, makeKey } from './credentials.ts';
import { suspend } from './given.ts';

const REVOKE = 'select bailiwick.revoke_key($1)';
const END = 'select bailiwick.end_credentials($1)';
const ALIVE = 'select id from credentials where revoked_at is null';
const alice = USERS.alice.id;
const scout = AGENTS.scout.id;
const ids = (...keys: { id: string }[]) => keys.map(({ id }) => id).sort();
const all = ids(...Object.values(KEYS));
const strangerAdmin = async (sql: Sql) => {
  await sql.rows(`update users set role = 'admin' where id = $1`, [USERS.mallory.id]);
};

type Case = readonly [who: ActorName, acting: Acting, key: string, entity: string];
const refused: Readonly<Record<string, Case>> = {
  'a colleague': ['bob', itself, KEYS.alice.id, alice],
  "a colleague, of an agent's": ['bob', itself, KEYS.scout.id, scout],
  'a stranger': ['mallory', itself, KEYS.alice.id, alice],
  'the administrator of another tenant': ['mallory', { given: strangerAdmin }, KEYS.alice.id, alice],
  'an agent, of its own': ['scout', itself, KEYS.scout.id, scout],
  'an agent, of its own through a delegation': ['scout', through.scout, KEYS.scout.id, scout],
  'an agent, of its owner': ['scout', through.scout, KEYS.alice.id, alice],
  'the owner with a token that is not for it': [
    'alice',
    { scopes: ['key:read', 'key:create'] },
    KEYS.alice.id,
    alice,
  ],
  'the owner when suspended': ['alice', { given: suspend('alice') }, KEYS.alice.id, alice],
  'an administrator with a token that is not for administering': [
    'ada',
    { scopes: ['key:read', 'key:update'] },
    KEYS.alice.id,
    alice,
  ],
  'an administrator with a token that is not for keys': [
    'ada',
    { scopes: ['tenant:administer'] },
    KEYS.alice.id,
    alice,
  ],
  'anybody, where there is none': ['alice', itself, newId(), newId()],
  'an owner, of a world': ['alice', itself, newId(), WORLDS.garden.id],
};
for (const [who, [actor, acting, key, entity]] of Object.entries(refused)) {
  test(`no key is ended by ${who}`, async ({ as }) => {
    const given = async (sql: Sql) => {
      await arrangeKeys(sql);
      await acting.given?.(sql);
    };
    await as(actor, { ...acting, given }, async (sql) => {
      expect(await sql.value(REVOKE, [key])).toBeNull();
      expect(await sql.value(END, [entity])).toBeNull();
      await sql.rows('reset role');
      expect(await sql.list(ALIVE)).toEqual(all);
      expect(await sql.list('select id from entities where credential_epoch is not null')).toEqual([]);
    });
  });
}

const allowed: Readonly<Record<string, Case>> = {
  'its owner': ['alice', itself, KEYS.alice.id, alice],
  'the owner of the agent whose it is, and hers remain': ['alice', itself, KEYS.scout.id, scout],
  'an administrator': ['ada', itself, KEYS.alice.id, alice],
  "an administrator, of an agent's": ['ada', itself, KEYS.scout.id, scout],
};
for (const [who, [actor, acting, key, entity]] of Object.entries(allowed)) {
  test(`a key is ended by ${who}, who is named; no other, and not the twin in another tenant`, async ({
    as,
  }) => {
    const left = all.filter((id) => id !== key);
    const name = 'select distinct revoked_by from credentials where revoked_by is not null';
    for (const [call, target] of [
      [REVOKE, key],
      [END, entity],
    ] as const) {
      await as(actor, { ...acting, given: arrange }, async (sql) => {
        expect(await sql.value(call, [target])).toBeInstanceOf(Date);
        await sql.rows('reset role');
        expect(await sql.list(`${ALIVE} and tenant_id = '${TENANTS.acme.id}'`)).toEqual(
          left.filter((id) => id !== KEYS.mallory.id),
        );
        expect(await sql.value(`select count(*)::int from credentials where revoked_at is not null`)).toBe(1);
        expect(await sql.list(name)).toEqual([actor === 'ada' ? USERS.ada.id : alice]);
      });
    }
  });
}

test('ending a key again changes neither time nor name, and an ended key cannot be brought back', async ({
  as,
}) => {
  const given = async (sql: Sql) => {
    await makeKey(sql, { ...KEYS.alice, for: 'alice' });
    await sql.rows(`update credentials set revoked_at = now() - interval '1 hour', revoked_by = owner_id`);
  };
  const ended = `select revoked_by = owner_id and revoked_at < now() - interval '59 minutes' from credentials`;
  await as('ada', { given }, async (sql) => {
    expect(await sql.value(REVOKE, [KEYS.alice.id])).toBeInstanceOf(Date);
    expect(await sql.value(END, [alice])).toBeInstanceOf(Date);
    expect(await sql.value(ended)).toBe(true);
    expect(await sql.outcome('update credentials set revoked_at = null, revoked_by = null')).toBe('42501');
  });
});

test('what is ended for an entity is ended from that moment, for it alone', async ({ as }) => {
  await as('alice', { given: arrange }, async (sql) => {
    const moment = await sql.value('select bailiwick.end_credentials($1)::text', [scout]);
    expect(await sql.list('select id from entities where credential_epoch is not null')).toEqual([scout]);
    expect(await sql.value('select credential_epoch::text from entities where id = $1', [scout])).toBe(
      moment,
    );
    expect(await sql.value('select $1::timestamptz > transaction_timestamp()', [moment])).toBe(true);
    await sql.rows('reset role');
    expect(await sql.value('select count(*)::int from entities where credential_epoch is not null')).toBe(1);
    expect(await sql.value('select count(*)::int from delegations where revoked_by = $1', [alice])).toBe(1);
  });
});

for (const who of ['alice', 'ada'] as const) {
  test(`the kill switch ends the keys of the agent too, for ${who}, and nobody else's`, async ({ as }) => {
    await as(who, { given: arrange }, async (sql) => {
      expect(await sql.value('select bailiwick.revoke_agent($1)', [scout])).toHaveLength(3);
      await sql.rows('reset role');
      expect(await sql.list('select id from credentials where revoked_at is not null')).toEqual([
        KEYS.scout.id,
      ]);
    });
  });
}

// Whoever holds a stolen token could otherwise make a key while its owner ends them all, and keep it.
for (const [what, call] of [
  ['ends everything of its holder', END],
  ['stops its holder', 'select bailiwick.revoke_agent($1)'],
] as const) {
  test(`whoever ${what} waits for a key that is just being made, and ends it too`, async ({
    as,
    migrate,
  }) => {
    const make = `select bailiwick.issue_key('${newId()}', $1, 'New', 'bwk_News', $2, '{memory:read}', null, now() + interval '1 hour')`;
    await as('alice', { commit: true }, async (making) => {
      expect(await making.value(make, [scout, digestOf(what)])).toBeNull();
      await as('ada', itself, async (ending) => {
        await ending.rows(`set local lock_timeout = '50ms'`);
        expect(await ending.outcome(call, [scout])).toBe('55P03');
      });
    });
    await as('ada', { commit: true }, (ending) => ending.rows(call, [scout]));
    expect(await migrate((sql) => sql.list(ALIVE))).toEqual([]);
    await migrate((sql) => sql.rows('delete from credentials; update entities set credential_epoch = null'));
  });
}

test('a transaction that was open when its credential was ended makes no key', async ({ as, migrate }) => {
  await as('alice', itself, async (sql) => {
    await as('ada', { commit: true }, (ending) => ending.rows(END, [alice]));
    const make = `select bailiwick.issue_key('${newId()}', $1, 'New', 'bwk_News', $2, '{memory:read}', null, now() + interval '1 hour')`;
    expect(await sql.value(make, [alice, digestOf('too late')])).toBe('authority');
  });
  await migrate((sql) => sql.rows('update entities set credential_epoch = null'));
});
