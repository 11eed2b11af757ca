// Guarantees of prisma/policies/80-audit.sql: the log is written through one function and in no other way, and who did it
// is not for the caller to say.

import { expect } from 'vitest';
import { firstIdOf } from '../../src/activity/moment.ts';
import { policyChecksum } from '../../src/db/policies.ts';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId, type RequestId } from '../../src/ids.ts';
import { itself, test, through } from '../kit/cast.ts';

const RECORD = 'select bailiwick.audit($1, $2, $3, $4, $5)';

test('nobody reads, inserts, changes or removes an entry, not even an administrator', async ({ as }) => {
  const attempts = [
    'select from audit_entries',
    'select event from audit_entries',
    `insert into audit_entries (tenant_id, id, event, actor_id, owner_id, request_id, policy_checksum)
     select tenant_id, id, 'forged.event', id, id, id, '' from users`,
    `update audit_entries set event = 'forged.event'`,
    'delete from audit_entries',
    'truncate audit_entries',
    'copy audit_entries to stdout',
  ];
  for (const [who, acting] of [
    ['alice', itself],
    ['ada', itself],
    ['scout', through.scout],
    ['mallory', itself],
  ] as const) {
    await as(who, acting, async (sql) => {
      for (const text of attempts) {
        expect(await sql.outcome(text), `${who}: ${text}`).toBe('42501');
      }
    });
  }
});

test('the kernel adds entries and does nothing else to them', async ({ migrate }) => {
  const rights = `select p from unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p
                   where has_table_privilege('bailiwick_kernel', 'audit_entries', p)`;
  expect(await migrate((sql) => sql.list(rights))).toEqual(['insert']);
});

test("nothing is recorded in nobody's name", async ({ raw, migrate }) => {
  const id = newId();
  await raw(async (sql) => {
    await sql.rows('begin');
    expect(await sql.outcome(RECORD, [id, 'memory.deleted', null, null, null])).toBe('28000');
  });
  expect(await migrate((sql) => sql.list('select id from audit_entries where id = $1', [id]))).toEqual([]);
});

test('an event that is not of the form kind.verb is refused, and with it the change', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    for (const event of ['', 'memory', 'Memory.Deleted', 'memory.deleted ', "x'; --"]) {
      expect(await sql.outcome(RECORD, [newId(), event, null, null, null]), event).toBe('23514');
    }
    expect(await sql.outcome(RECORD, [newId(), null, null, null, null])).toBe('23502');
  });
});

// Whoever could choose the time of an entry could add to a month that was archived, or hide one in a month that nobody looks into.
test('an entry of another time is refused, and with it the change', async ({ as }) => {
  const MINUTE = 60_000;
  const made = (age: number) => `${firstIdOf(new Date(Date.now() - age)).slice(0, 14)}7${newId().slice(15)}`;
  await as('alice', itself, async (sql) => {
    for (const id of [
      made(6 * MINUTE),
      made(-6 * MINUTE),
      made(40 * 24 * 60 * MINUTE),
      '00000000-0000-7000-8000-000000000000',
      'f0000000-0000-4000-8000-000000000000',
    ]) {
      expect(await sql.outcome(RECORD, [id, 'memory.deleted', null, null, null]), id).toBe('22023');
    }
    for (const age of [0, 4 * MINUTE, -4 * MINUTE]) {
      expect(await sql.outcome(RECORD, [made(age), 'memory.deleted', null, null, null])).toBe('1');
    }
  });
});

test('an entry that was recorded cannot be recorded over', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    const id = newId();
    expect(await sql.outcome(RECORD, [id, 'memory.deleted', null, null, null])).toBe('1');
    expect(await sql.outcome(RECORD, [id, 'memory.created', null, null, null])).toBe('23505');
  });
});

test('a change that is rolled back leaves no entry', async ({ as, migrate }) => {
  const id = newId();
  await as('alice', itself, (sql) => sql.rows(RECORD, [id, 'memory.deleted', null, null, null]));
  expect(await migrate((sql) => sql.list('select id from audit_entries where id = $1', [id]))).toEqual([]);
});

test('tenant, actor, owner, chain, request and policies come from the context, target and detail from the caller', async ({
  as,
  migrate,
}) => {
  const [id, target, requestId] = [newId(), newId(), newId<RequestId>()];
  await as('scribe', { ...through.scribe, requestId, commit: true }, (sql) =>
    sql.rows(RECORD, [id, 'memory.read', 'memory', target, '{"fields": ["content"]}']),
  );
  const entries = await migrate((sql) =>
    sql.rows(
      `select *, abs(extract(epoch from now() - occurred_at)) < 60 as recent from audit_entries where id = $1`,
      [id],
    ),
  );
  expect(entries).toEqual([
    {
      tenant_id: TENANTS.acme.id,
      id,
      event: 'memory.read',
      actor_id: AGENTS.scribe.id,
      owner_id: USERS.alice.id,
      chain: [DELEGATIONS.scout.id, DELEGATIONS.scribe.id],
      request_id: requestId,
      target_kind: 'memory',
      target_id: target,
      detail: { fields: ['content'] },
      policy_checksum: policyChecksum(),
      occurred_at: expect.any(Date),
      recent: true,
    },
  ]);
});

// What is refused must be recorded too, also when it was refused because the authority was dead.
test('a refusal is recorded in the name of whoever was refused', async ({ as, migrate }) => {
  const id = newId();
  await as('rogue', { ...through.rogue, commit: true }, (sql) =>
    sql.rows(RECORD, [id, 'memory.refused', null, null, null]),
  );
  const entry = await migrate((sql) =>
    sql.rows('select actor_id, owner_id, chain from audit_entries where id = $1', [id]),
  );
  expect(entry).toEqual([
    { actor_id: AGENTS.rogue.id, owner_id: USERS.alice.id, chain: [DELEGATIONS.rogue.id] },
  ]);
});
