// Guarantees of bailiwick.unseen (prisma/policies/09-events.sql) about places: whoever goes on where they were loses nothing and hears nothing
// twice, in whichever order transactions end and wherever a look was cut short.
//
// Every order is made certain by connections that stay open. What listeners keep of a look is written down here once more, because the
// server's own (src/api/streaming.ts) is tested with it in test/live.

import { expect } from 'vitest';
import { TENANTS, USERS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import { type Sql, ticket, trustTickets } from '../kit/as.ts';
import { test as cast, itself } from '../kit/cast.ts';
import { FIRST, ids, KINDS, look, NOTHING, record, UPTO } from './happened.ts';

const { alice } = USERS;

const test = cast.extend('trusting', { scope: 'file', auto: true }, ({ database }) => trustTickets(database));

/** Alice, in a transaction that stays open until it is said how it ends. */
const begin = async (sql: Sql) => {
  await sql.rows('begin isolation level read committed');
  await sql.rows('select bailiwick.open($1, $2)', ticket('alice'));
};
const write = async (sql: Sql) => {
  const id = newId();
  await record(sql, 'memory.updated', 'memory', id);
  return id;
};

test('a first look shows nothing that was, and everything that comes is seen from there on', async ({
  as,
}) => {
  const before = await as('alice', { commit: true }, write);
  const first = await as('alice', itself, (sql) => look(sql, { since: null }));
  expect(first).toMatchObject({ live: true, more: false, events: [] });
  expect(await as('alice', itself, (sql) => look(sql, { since: null, most: 0 }))).toMatchObject({
    more: false,
  });
  const after = [await as('alice', { commit: true }, write), await as('alice', { commit: true }, write)];
  const next = await as('alice', itself, (sql) => look(sql, { since: first.snapshot }));
  expect(ids(next)).toEqual(after);
  expect(ids(next)).not.toContain(before);
  expect(ids(await as('alice', itself, (sql) => look(sql, { since: next.snapshot })))).toEqual([]);
});

test('what is no place is an error, and no answer', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    for (const values of [
      ['x', null],
      ['1:2', null],
      ['5:2:', null],
      ['1:9:9,3', null],
      [NOTHING, 'x'],
    ]) {
      expect(
        await sql.outcome('select bailiwick.unseen($1, $2, 0, $3, 10)', [...values, KINDS]),
        String(values),
      ).toBe('22P02');
    }
  });
});

test('a transaction that began first and ends last is seen when it has ended, once', async ({ as, raw }) => {
  const { snapshot } = await as('alice', itself, (sql) => look(sql, { since: null }));
  await raw((slow) =>
    raw(async (quick) => {
      await begin(slow);
      const late = await write(slow);
      await begin(quick);
      const early = await write(quick);
      await quick.rows('commit');
      const one = await as('alice', itself, (sql) => look(sql, { since: snapshot }));
      expect(ids(one)).toEqual([early]);
      await slow.rows('commit');
      const two = await as('alice', itself, (sql) => look(sql, { since: one.snapshot }));
      expect(ids(two)).toEqual([late]);
      expect(ids(await as('alice', itself, (sql) => look(sql, { since: two.snapshot })))).toEqual([]);
      // whoever has not looked meanwhile sees both
      expect(ids(await as('alice', itself, (sql) => look(sql, { since: snapshot })))).toEqual([late, early]);
    }),
  );
});

test('a transaction that is undone leaves no gap and nothing behind', async ({ as, raw }) => {
  const { snapshot } = await as('alice', itself, (sql) => look(sql, { since: null }));
  await raw((undone) =>
    raw(async (kept) => {
      await begin(undone);
      await write(undone);
      await begin(kept);
      const id = await write(kept);
      await undone.rows('rollback');
      await kept.rows('commit');
      expect(ids(await as('alice', itself, (sql) => look(sql, { since: snapshot })))).toEqual([id]);
    }),
  );
});

test('a look is cut where it was asked to be, says so, and goes on after that place', async ({ as }) => {
  const { snapshot: since } = await as('alice', itself, (sql) => look(sql, { since: null }));
  const all: string[] = [];
  await as('alice', { commit: true }, async (sql) => {
    for (let n = 0; n < 7; n += 1) {
      all.push(await write(sql));
    }
  });
  const heard: string[] = [];
  let place: { readonly upto?: string; readonly after?: number } = {};
  let snapshot = '';
  for (const cut of [true, true, false]) {
    const seen = await as('alice', itself, (sql) => look(sql, { since, ...place, most: 3 }));
    expect(seen).toMatchObject({ cut, more: true, snapshot: place.upto ?? seen.snapshot });
    heard.push(...ids(seen));
    snapshot = seen.snapshot;
    place = { upto: snapshot, after: seen.events.at(-1)?.seq ?? 0 };
  }
  expect(heard).toEqual(all);
  const rest = await as('alice', itself, (sql) => look(sql, { since: snapshot, most: 3 }));
  expect(rest).toMatchObject({ cut: false, more: false, events: [] });
});

test('a look that was cut goes on with what was left of it and nothing else, and then with what has ended since, also where that began before', async ({
  as,
  raw,
}) => {
  const { snapshot: since } = await as('alice', itself, (sql) => look(sql, { since: null }));
  await raw(async (slow) => {
    await begin(slow);
    const late = [await write(slow), await write(slow)];
    const all: string[] = [];
    await as('alice', { commit: true }, async (sql) => {
      for (let n = 0; n < 4; n += 1) {
        all.push(await write(sql));
      }
    });
    const one = await as('alice', itself, (sql) => look(sql, { since, most: 2 }));
    expect([ids(one), one.more]).toEqual([all.slice(0, 2), true]);
    await slow.rows('commit');
    const newest = await as('alice', { commit: true }, write);
    const place = { since, upto: one.snapshot, after: one.events.at(-1)?.seq ?? 0 };
    const two = await as('alice', itself, (sql) => look(sql, place));
    expect([ids(two), two.cut, two.more]).toEqual([all.slice(2), false, true]);
    const three = await as('alice', itself, (sql) => look(sql, { since: two.snapshot }));
    expect([ids(three), three.more]).toEqual([[...late, newest], false]);
    expect(ids(await as('alice', itself, (sql) => look(sql, { since: three.snapshot })))).toEqual([]);
  });
});

test('of what a place has seen nothing is shown again, of what was running then all, and where a look was cut nothing newer', async ({
  as,
  migrate,
}) => {
  const events = Array.from({ length: 6 }, (_, n) => ({ xid: FIRST + n, id: newId() }));
  await migrate(async (sql) => {
    await sql.rows('delete from bailiwick.events');
    for (const { xid, id } of events) {
      await sql.rows(
        `insert into bailiwick.events (tenant_id, xid, owner_id, kind, event, id)
         values ($1, $2::text::xid8, $3, 'memory', 'memory.created', $4)`,
        [TENANTS.acme.id, String(xid), alice.id, id],
      );
    }
  });
  const of = (...places: readonly number[]) => places.map((n) => events[n]?.id);
  const shown = (where: Parameters<typeof look>[1]) =>
    as('alice', itself, async (sql) => ids(await look(sql, where)));
  expect(await shown({ since: NOTHING })).toEqual(of(0, 1, 2, 3, 4, 5));
  expect(await shown({ since: UPTO(2) })).toEqual(of(2, 3, 4, 5));
  expect(await shown({ since: UPTO(4, 1) })).toEqual(of(1, 4, 5));
  expect(await shown({ since: UPTO(6) })).toEqual([]);
  const { events: all } = await as('alice', itself, (sql) => look(sql, { since: NOTHING }));
  const after = (n: number) => all[n]?.seq ?? 0;
  expect(await shown({ since: NOTHING, upto: UPTO(3), after: after(0) })).toEqual(of(1, 2));
  expect(await shown({ since: NOTHING, upto: UPTO(3), after: after(2) })).toEqual([]);
  expect(await shown({ since: NOTHING, upto: UPTO(3, 1), after: after(0) })).toEqual(of(2));
  expect(await shown({ since: UPTO(1), upto: UPTO(6), after: after(4) })).toEqual(of(5));
  expect(await shown({ since: NOTHING, after: after(5) })).toEqual(of(0, 1, 2, 3, 4, 5));
});
