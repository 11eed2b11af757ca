// Guarantees of prisma/policies/28-activity-entries.sql: an agent adds what it did in its own name and of this moment, nobody changes
// or removes it, and nobody goes past the table to one of its months. What the kernel notes: activity-noting.test.ts.

import { expect } from 'vitest';
import { ACTIVITY, type Done } from '../../src/demo/activity.ts';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { APPROVALS } from '../../src/demo/permissions.ts';
import { newId } from '../../src/ids.ts';
import { add, idOf } from '../activity/given.ts';
import type { Acting } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { DEAD, delegate } from './given.ts';

const SEEN = 'select right(id::text, 12) from activity_entries';
const { alice, bob } = USERS;
const { scout, scribe, bobot } = AGENTS;
const of = (which: (done: Done) => boolean) =>
  ACTIVITY.filter(which)
    .map(({ last }) => last.padStart(12, '0'))
    .sort();

test("nobody adds an entry for an owner, an agent or a tenant that is not the chain's", async ({ as }) => {
  await as('scout', through.scout, async (sql) => {
    expect(await add(sql, { owner_id: bob.id })).toBe('42501');
    expect(await add(sql, { owner_id: scout.id })).toBe('42501');
    expect(await add(sql, { agent_id: scribe.id })).toBe('42501');
    expect(await add(sql, { agent_id: bobot.id })).toBe('42501');
    expect(await add(sql, { tenant_id: TENANTS.globex.id })).toBe('42501');
  });
  for (const [who, acting] of [
    ['bob', itself],
    ['ada', itself],
    ['mallory', itself],
    ['mimic', through.mimic],
    ['bobot', through.bobot],
    ['scribe', through.scribe],
  ] as const) {
    expect(await as(who, acting, (sql) => add(sql)), who).toBe('42501');
  }
});

test('an owner in person adds nothing, nor does an agent as itself', async ({ as }) => {
  expect(await as('alice', itself, (sql) => add(sql))).toBe('42501');
  expect(await as('alice', itself, (sql) => add(sql, { agent_id: alice.id, chain: [] }))).not.toBe('1');
  expect(await as('scout', itself, (sql) => add(sql))).toBe('42501');
  expect(await as('scout', itself, (sql) => add(sql, { owner_id: scout.id, chain: [] }))).not.toBe('1');
});

test('an entry does not lie about its chain, its request or its maker', async ({ as }) => {
  await as('scout', through.scout, async (sql) => {
    expect(await add(sql, { chain: [] })).toBe('42501');
    expect(await add(sql, { chain: [DELEGATIONS.scout.id, DELEGATIONS.scribe.id] })).toBe('42501');
    expect(await add(sql, { delegation_id: DELEGATIONS.scribe.id })).toBe('42501');
    expect(await add(sql, { request_id: newId() })).toBe('42501');
    expect(await add(sql, { created_by: alice.id })).toBe('42501');
  });
});

test('nothing is written into the past, nor ahead', async ({ as }) => {
  await as('scout', through.scout, async (sql) => {
    for (const seconds of [310, 86_400, 400 * 86_400, -310, -86_400, -40 * 366 * 86_400]) {
      expect(await add(sql, { id: idOf(seconds) }), `${seconds} seconds ago`).toBe('42501');
    }
    expect(await add(sql, { id: '00000000-0000-0000-0000-000000000000' })).toBe('42501');
    expect(await add(sql, { id: idOf(280) })).toBe('1');
    expect(await add(sql, { id: idOf(-280) })).toBe('1');
  });
});

test('what was decided only the kernel says, and what ends what', async ({ as }) => {
  await as('scout', through.scout, async (sql) => {
    for (const outcome of ['allowed', 'asked', 'denied']) {
      expect(await add(sql, { outcome }), outcome).toBe('42501');
    }
    expect(await add(sql, { outcome: 'forgotten' })).toBe('42501');
    expect(await add(sql, { started_id: newId() })).toBe('42501');
    expect(await add(sql, { created_at: new Date(0) })).toBe('42501');
    for (const outcome of ['started', 'succeeded', 'failed']) {
      expect(await add(sql, { outcome }), outcome).toBe('1');
    }
  });
});

test('an approval is named only by the agent that redeemed it, for that action', async ({ as }) => {
  const { id } = APPROVALS[0] ?? { id: '' };
  const redeemed: Acting = {
    ...through.scout,
    given: (sql) =>
      sql.touched(
        `update approvals set decision = 'approved', decided_at = now(), decided_by = owner_id, redeemed_at = now(),
           redemption_id = request_id where id = $1`,
        [id],
      ),
  };
  const mail = { service: 'mail', action: 'messages.send' };
  await as('scout', through.scout, async (sql) => {
    expect(await add(sql, { ...mail, approval_id: id })).toBe('42501');
    expect(await add(sql, { ...mail, approval_id: newId() })).toBe('42501');
  });
  await as('scout', redeemed, async (sql) => {
    expect(await add(sql, { approval_id: id })).toBe('42501');
    expect(await add(sql, { ...mail, action: 'messages.read', approval_id: id })).toBe('42501');
    expect(await add(sql, { ...mail, approval_id: id })).toBe('1');
  });
});

test('nobody changes or removes an entry, not even an administrator', async ({ as }) => {
  for (const [who, acting] of [
    ['alice', itself],
    ['ada', itself],
    ['scout', through.scout],
    ['mallory', itself],
  ] as const) {
    await as(who, acting, async (sql) => {
      for (const text of [
        `update activity_entries set outcome = 'failed'`,
        `update activity_entries set summary = null`,
        'delete from activity_entries',
        'truncate activity_entries',
        'select from activity_entries for update',
        'lock table activity_entries in share mode',
        `insert into activity_entries (tenant_id, id) select tenant_id, id from activity_entries on conflict (tenant_id, id) do update set summary = ''`,
      ]) {
        expect(await sql.outcome(text), `${who}: ${text}`).toBe('42501');
      }
    });
  }
});

test('a month is closed by its own name, for reading and for writing, and whoever makes it', async ({
  as,
  migrate,
}) => {
  const months = await migrate((sql) =>
    sql.list(`select relname from pg_class where relispartition and relkind = 'r'`),
  );
  expect(months.length).toBeGreaterThan(13);
  await as('alice', itself, async (sql) => {
    for (const month of months) {
      for (const text of ['select from', 'delete from', 'truncate', 'insert into']) {
        const rest = text === 'insert into' ? 'default values' : '';
        expect(await sql.outcome(`${text} ${month} ${rest}`), `${text} ${month}`).toBe('42501');
      }
    }
  });
  const open = `select relname from pg_class c where relispartition and relkind = 'r'
    and not (relrowsecurity and relforcerowsecurity and not exists (select from pg_policy where polrelid = c.oid)
             and not has_any_column_privilege('bailiwick_runtime', c.oid, 'select')
             and not has_any_column_privilege('bailiwick_kernel', c.oid, 'select'))`;
  expect(await migrate((sql) => sql.list(open))).toEqual([]);
});

for (const [state, given] of Object.entries(DEAD)) {
  test(`nothing is read or added through scout when ${state}`, async ({ as }) => {
    await as('scout', { ...through.scout, given }, async (sql) => {
      expect(await sql.list(SEEN)).toEqual([]);
      expect(await add(sql)).toBe('42501');
    });
  });
}

test('reading needs its capability and adding needs its own', async ({ as, migrate }) => {
  const made = (capabilities: readonly string[]) =>
    migrate((sql) => delegate(sql, { from: 'alice', to: 'scout', capabilities }));
  const reads = await made(['activity:read']);
  await as('scout', { delegation: reads }, async (sql) => {
    expect(await sql.list(SEEN)).toEqual(of(({ agent }) => agent === 'scout'));
    expect(await add(sql, { chain: [reads] })).toBe('42501');
  });
  const neither = await made(['memory:read']);
  await as('scout', { delegation: neither }, async (sql) => {
    expect(await sql.list(SEEN)).toEqual([]);
    expect(await add(sql, { chain: [neither] })).toBe('42501');
  });
  await as('scout', { ...through.scout, scopes: ['activity:read'] }, async (sql) => {
    expect(await add(sql)).toBe('42501');
  });
  await as('alice', { scopes: ['memory:read'] }, async (sql) => expect(await sql.list(SEEN)).toEqual([]));
});

test('an owner sees the whole log of its agents, an agent its own part, and nobody anything else', async ({
  as,
}) => {
  const seen = (who: 'alice' | 'bob' | 'ada' | 'mallory' | 'scout' | 'bobot' | 'mimic', acting: Acting) =>
    as(who, acting, (sql) => sql.list(SEEN));
  expect(await seen('alice', itself)).toEqual(of(({ owner }) => owner === 'alice'));
  expect(await seen('bob', itself)).toEqual(of(({ owner }) => owner === 'bob'));
  expect(await seen('mallory', itself)).toEqual(of(({ owner }) => owner === 'mallory'));
  expect(await seen('ada', itself)).toEqual([]);
  expect(await seen('scout', through.scout)).toEqual(of(({ agent }) => agent === 'scout'));
  expect(await seen('scout', itself)).toEqual([]);
  expect(await seen('bobot', through.bobot)).toEqual([]);
  expect(await seen('mimic', through.mimic)).toEqual([]);
});

test('where a call went is a host, and at most a method, a port, whether it was encrypted and a fingerprint', async ({
  as,
}) => {
  await as('scout', through.scout, async (sql) => {
    for (const network of [
      '"example.org"',
      '{}',
      '{"method": "GET"}',
      '{"host": ""}',
      '{"host": null}',
      '{"host": "example.org", "port": 0}',
      '{"host": "example.org", "port": "443"}',
      '{"host": "example.org", "tls": null}',
      '{"host": "example.org", "authorization": "Bearer x"}',
      JSON.stringify({ host: 'x'.repeat(256) }),
      '{"host": "example.org", "fingerprint": ""}',
      '{"host": "example.org", "fingerprint": 7}',
      '{"host": "example.org", "fingerprint": null}',
      JSON.stringify({ host: 'example.org', fingerprint: 'x'.repeat(129) }),
    ]) {
      expect(await add(sql, { network }), network).toBe('23514');
    }
    expect(await add(sql, { network: '{"host": "example.org"}' })).toBe('1');
    const all = { host: 'example.org', method: 'GET', port: 443, tls: true, fingerprint: 'x'.repeat(128) };
    expect(await add(sql, { network: JSON.stringify(all) })).toBe('1');
  });
});
