// A query of a caller who is known goes out with the opening of its context, and counts only if the database established what was expected.

import { expect, vi } from 'vitest';
import { expectations } from '../../src/db/expected.ts';
import { type Session, withSession } from '../../src/db/session.ts';
import type { TokenClaims } from '../../src/db/ticket.ts';
import { ACTORS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import { test, through } from '../kit/cast.ts';
import { asAdmin, type TestDatabase } from '../kit/database.ts';
import { backendOf, claims, expectIsolated, hasEnded, openLane, ownersSeen, terminate } from './lane.ts';

/** A lane whose queries expect what was established before. */
async function expecting(database: TestDatabase) {
  const lane = await openLane(database);
  const opened = { ...lane.database, expectations: expectations() };
  const query = <Result>(of: TokenClaims, work: (session: Session) => Promise<Result>, repeatable = true) =>
    withSession(opened, { ...of, requestId: newId() }, { readOnly: true, repeatable }, work);
  return { lane, query };
}
const cost = async (session: Session) => {
  await ownersSeen(session);
  return session.course.roundTrips;
};
const administer = (database: TestDatabase, role: 'admin' | 'member') =>
  asAdmin(database.adminUrl, (client) =>
    client.query('update users set role = $2 where id = $1', [USERS.bob.id, role]),
  );

test('who is known saves a round trip, where the work may be done twice', async ({ database }) => {
  const { lane, query } = await expecting(database);
  const alice = claims('alice');
  expect([await query(alice, cost), await query(alice, cost), await query(alice, cost)]).toEqual([2, 1, 1]);
  expect(await query(alice, cost, false)).toBe(2);
  // by whatever token, but not with less in it
  expect(await query(claims('alice', { tokenExpiresAt: new Date(Date.now() + 300_000) }), cost)).toBe(1);
  expect(await query(claims('alice', { scopes: ['memory:read'] }), cost)).toBe(2);
  expect(await query(alice, ownersSeen)).toEqual([ACTORS.alice.id]);
  expect(await query(claims('scout', through.scout), ownersSeen)).toEqual([ACTORS.alice.id]);
  expect(await query(claims('scout', through.scout), ownersSeen)).toEqual([ACTORS.alice.id]);
  await expectIsolated(lane);
});

test('each request has its own id, and the database says so in rows', async ({ database }) => {
  const { query } = await expecting(database);
  const bob = claims('bob');
  const ids = ({ db, requestId }: Session) =>
    db.$queryRaw<{ id: string }[]>`select bailiwick.request_id()::text as id`.then(([row]) => [
      row?.id,
      requestId,
    ]);
  const seen = [await query(bob, ids), await query(bob, ids), await query(bob, ids)];
  expect(seen.every(([inside, outside]) => inside === outside)).toBe(true);
  expect(new Set(seen.flat()).size).toBe(3);
});

test('who is another since is asked for again, and sees what they are now', async ({ database }) => {
  const { query } = await expecting(database);
  const bob = claims('bob');
  const seen: boolean[] = [];
  const look = async (session: Session) => {
    seen.push(session.administrator);
    await ownersSeen(session);
    return session.administrator;
  };
  expect(await query(bob, look)).toBe(false);
  await administer(database, 'admin');
  expect(await query(bob, look)).toBe(true);
  await administer(database, 'member');
  expect(await query(bob, look)).toBe(false);
  // each change was met by work that had begun as what they were, and was done again
  expect(seen).toEqual([false, false, true, true, false]);
});

test('work that asks for nothing is not believed either', async ({ database }) => {
  const { query } = await expecting(database);
  const bob = claims('bob');
  const say = async (session: Session) => session.administrator;
  expect(await query(bob, say)).toBe(false);
  await administer(database, 'admin');
  expect(await query(bob, say)).toBe(true);
  await administer(database, 'member');
});

test('a delegation that was revoked since shows nothing, and is not noted as used', async ({ database }) => {
  const { query } = await expecting(database);
  const scribe = claims('scribe', through.scribe);
  expect(await query(scribe, ownersSeen)).toEqual([ACTORS.alice.id]);
  await asAdmin(database.adminUrl, (client) =>
    client.query('update delegations set revoked_at = now(), revoked_by = owner_id where id = $1', [
      DELEGATIONS.scribe.id,
    ]),
  );
  const established = vi.fn();
  const said: unknown[] = [];
  await expect(
    query(scribe, async (session) => {
      session.established.then(established, () => undefined);
      said.push(await ownersSeen(session).catch((error: Error) => error.name));
    }),
  ).resolves.toBeUndefined();
  // the context of an ended delegation is opened, and shows nothing
  expect(said).toEqual([[]]);
});

test('a credential that is gone since gets no answer, whatever its work would have said', async ({
  database,
}) => {
  const { lane, query } = await expecting(database);
  const mimic = claims('mimic', through.mimic);
  await query(mimic, ownersSeen);
  await asAdmin(database.adminUrl, (client) =>
    client.query("update identities set subject = 'mimic elsewhere' where subject = 'mimic'"),
  );
  const established = vi.fn();
  const work = async (session: Session) => {
    session.established.then(established, () => undefined);
    await ownersSeen(session).catch(() => undefined);
    return 'said all the same';
  };
  await expect(query(mimic, work)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  await expect(query(mimic, ownersSeen)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(established).not.toHaveBeenCalled();
  await expectIsolated(lane);
});

test('a connection that is lost with the opening is UNAVAILABLE, and the next query waits again', async ({
  database,
}) => {
  const { lane, query } = await expecting(database);
  const alice = claims('alice');
  const pid = await query(alice, backendOf);
  await terminate(database, pid);
  expect(await hasEnded(database, pid)).toBe(true);
  await query(alice, ownersSeen).catch((error: { code: string }) => expect(error.code).toBe('UNAVAILABLE'));
  expect(await query(alice, ownersSeen)).toEqual([ACTORS.alice.id]);
  await expectIsolated(lane);
});
