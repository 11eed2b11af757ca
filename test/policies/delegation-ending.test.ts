// Who may end a delegation, and that nothing brings it back (revoke_delegation, narrow_delegation, revoke_agent; rules D15,
// D16, D18). A caller who may not end it learns nothing of it: the answer is null, as for one that is not there.

import { expect } from 'vitest';
import { type ActorName, AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { DEAD, delegate, suspend } from './given.ts';

const SCOUT = DELEGATIONS.scout.id;
const SCRIBE = DELEGATIONS.scribe.id;
const REVOKE = 'select bailiwick.revoke_delegation($1) is not null';
const NARROW = 'select bailiwick.narrow_delegation($1, now() + $2::interval)';
const KILL = 'select bailiwick.revoke_agent($1)';

const ENDED = `select revoked_by from delegations where id = $1 and revoked_at is not null`;

type Case = readonly [who: ActorName, acting: Acting, target: string];
const refused: Readonly<Record<string, Case>> = {
  'the delegate of a hop below it': ['scribe', through.scribe, SCOUT],
  'the delegate of a hop below it, as itself': ['scribe', itself, SCOUT],
  'an agent beside it': ['late', itself, SCOUT],
  'an agent beside a hop': ['late', itself, SCRIBE],
  'a colleague': ['bob', itself, SCOUT],
  "a colleague's agent": ['bobot', through.bobot, SCOUT],
  'a stranger': ['mallory', itself, SCOUT],
  "a stranger's agent": ['mimic', through.mimic, SCOUT],
  'the administrator with a token that is not for administering': [
    'ada',
    { scopes: ['delegation:read', 'delegation:update'] },
    SCOUT,
  ],
  'the administrator with a token that is not for ending': ['ada', { scopes: ['tenant:administer'] }, SCOUT],
  'the owner with a token that is not for ending': [
    'alice',
    { scopes: ['delegation:read', 'delegation:create'] },
    SCOUT,
  ],
  'the owner when suspended': ['alice', { given: suspend('alice') }, SCOUT],
  'the delegate when suspended': ['scout', { given: suspend('scout') }, SCOUT],
  'an agent whose own delegation is revoked': [
    'scout',
    { ...through.scout, given: DEAD['the delegation is revoked'] },
    SCRIBE,
  ],
  'an agent that acts through an expired one': ['late', through.late, DELEGATIONS.late.id],
};
for (const [who, [actor, acting, target]] of Object.entries(refused)) {
  test(`a delegation cannot be ended by ${who}`, async ({ as }) => {
    await as(actor, acting, async (sql) => {
      expect(await sql.value(REVOKE, [target])).toBe(false);
      expect(await sql.value(NARROW, [target, '1 minute'])).toBeNull();
    });
  });
}

const allowed: Readonly<Record<string, Case>> = {
  'its delegator': ['alice', itself, SCOUT],
  'the owner at the root, two hops above': ['alice', itself, SCRIBE],
  'the agent that granted it, through its own': ['scout', through.scout, SCRIBE],
  'the agent that granted it, as itself': ['scout', itself, SCRIBE],
  'its delegate, who renounces it through it': ['scribe', through.scribe, SCRIBE],
  'its delegate, who renounces it as itself': ['scout', itself, SCOUT],
  'its delegate, even when it has expired': ['late', itself, DELEGATIONS.late.id],
  'the administrator of the tenant': ['ada', itself, SCOUT],
};
for (const [who, [actor, acting, target]] of Object.entries(allowed)) {
  test(`a delegation is ended by ${who}`, async ({ as }) => {
    await as(actor, acting, async (sql) => {
      expect(await sql.value(REVOKE, [target])).toBe(true);
    });
  });
}

test('the administrator of another tenant ends nothing here', async ({ as }) => {
  const given = (sql: Sql) =>
    sql.touched(`update users set role = 'admin' where id = $1`, [USERS.mallory.id]);
  await as('mallory', { given }, async (sql) => {
    expect(await sql.value('select bailiwick.administered_tenant()')).toBe(TENANTS.globex.id);
    expect(await sql.value(REVOKE, [SCOUT])).toBe(false);
    expect(await sql.value(KILL, [AGENTS.scout.id])).toBeNull();
  });
});

test('a delegation that is ended names who ended it, and ending it again changes neither time nor name', async ({
  as,
  migrate,
}) => {
  const id = await migrate((sql) => delegate(sql, { from: 'alice', to: 'late' }));
  const ended = () =>
    migrate((sql) => sql.rows('select revoked_at, revoked_by from delegations where id = $1', [id]));
  await as('late', { commit: true }, (sql) => sql.rows(REVOKE, [id]));
  const first = await ended();
  expect(first).toMatchObject([{ revoked_by: AGENTS.late.id }]);
  await as('alice', { commit: true }, (sql) => sql.rows(REVOKE, [id]));
  await as('ada', { commit: true }, (sql) => sql.rows(NARROW, [id, '1 day']));
  expect(await ended()).toEqual(first);
});

test('what ended stays ended: nobody can write its columns, not even with the right to end it', async ({
  as,
}) => {
  await as('alice', itself, async (sql) => {
    expect(await sql.value(REVOKE, [SCOUT])).toBe(true);
    expect(await sql.outcome('update delegations set revoked_at = null, revoked_by = null')).toBe('42501');
    expect(await sql.outcome(`update delegations set expires_at = now() + interval '1 day'`)).toBe('42501');
    expect(await sql.list(ENDED, [SCOUT])).toEqual([USERS.alice.id]);
  });
});

test('the kernel itself may write three columns of a delegation and delete none', async ({ migrate }) => {
  const writable = await migrate((sql) =>
    sql.list(`select attname from pg_attribute where attrelid = 'delegations'::regclass and attnum > 0
                and has_column_privilege('bailiwick_kernel', 'delegations', attnum, 'update')`),
  );
  expect(writable).toEqual(['expires_at', 'revoked_at', 'revoked_by']);
  const others = `select p from unnest(array['delete', 'insert', 'truncate']) p where has_table_privilege('bailiwick_kernel', 'delegations', p)`;
  expect(await migrate((sql) => sql.list(others))).toEqual([]);
});

test('an expiry moves only to an earlier time', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    const expiry = () =>
      sql.value(`select extract(epoch from expires_at - now())::int from delegations where id = $1`, [SCOUT]);
    const before = await expiry();
    await sql.rows(NARROW, [SCOUT, '60 days']);
    expect(await expiry()).toBe(before);
    await sql.rows(NARROW, [SCOUT, '1 hour']);
    expect(await expiry()).toBe(3600);
    await sql.rows(NARROW, [SCOUT, '2 hours']);
    expect(await expiry()).toBe(3600);
    expect(await sql.value(NARROW, [SCOUT, '-1 day'])).toBeNull();
    expect(await expiry()).toBe(3600);
  });
});

test('shortening works on the next statement of whoever acts through it', async ({ as, migrate }) => {
  const id = await migrate((sql) => delegate(sql, { from: 'alice', to: 'late', begins: -60 }));
  await as('late', { delegation: id }, async (sql) => {
    expect(await sql.list('select distinct owner_id from memories')).toEqual([USERS.alice.id]);
    await as('alice', { commit: true }, (other) => other.rows(NARROW, [id, '-1 second']));
    expect(await sql.list('select distinct owner_id from memories')).toEqual([]);
  });
});

const cannotKill: Readonly<Record<string, readonly [ActorName, Acting]>> = {
  'a colleague': ['bob', itself],
  'a stranger': ['mallory', itself],
  'the agent itself': ['scout', itself],
  'the agent in the name of its owner': ['scout', through.scout],
  'another agent of its owner': ['late', itself],
  'its owner with a token that is not for ending': ['alice', { scopes: ['delegation:read'] }],
  'its owner when suspended': ['alice', { given: suspend('alice') }],
};
for (const [who, [actor, acting]] of Object.entries(cannotKill)) {
  test(`the kill switch does nothing for ${who}`, async ({ as }) => {
    await as(actor, acting, async (sql) => {
      expect(await sql.value(KILL, [AGENTS.scout.id])).toBeNull();
      expect(await sql.value(KILL, [newId()])).toBeNull();
    });
  });
}

for (const who of ['alice', 'ada'] as const) {
  test(`the kill switch ends everything that scout holds, and so what hangs from it, for ${who}`, async ({
    as,
  }) => {
    await as(who, itself, async (sql) => {
      const ended = (await sql.value(KILL, [AGENTS.scout.id])) as string[];
      expect(ended.sort()).toEqual([DELEGATIONS.scout.id, DELEGATIONS.scoutInGarden.id].sort());
      expect(
        await sql.list('select delegate_id from delegations where revoked_at is null and id = any ($1)', [
          ended,
        ]),
      ).toEqual([]);
      expect(await sql.value(KILL, [AGENTS.scout.id])).toEqual([]);
      expect(await sql.list(ENDED, [DELEGATIONS.bobot.id])).toEqual([]);
    });
  });
}

test('the kill switch stops the agent and its sub-agent on their next statement', async ({ as, migrate }) => {
  const [upper, lower] = await migrate(async (sql) => {
    const above = await delegate(sql, { from: 'alice', to: 'late', redelegate: 1 });
    return [above, await delegate(sql, { from: 'late', to: 'rogue', parent: above })];
  });
  const owners = 'select distinct owner_id from memories';
  await as('late', { delegation: upper }, (late) =>
    as('rogue', { delegation: lower }, async (rogue) => {
      expect([await late.list(owners), await rogue.list(owners)]).toEqual([
        [USERS.alice.id],
        [USERS.alice.id],
      ]);
      await as('alice', { commit: true }, (sql) => sql.rows(KILL, [AGENTS.late.id]));
      expect([await late.list(owners), await rogue.list(owners)]).toEqual([[], []]);
    }),
  );
});
