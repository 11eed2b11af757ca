// Guarantees of bailiwick.decide_approval, redeem_approval and use_service (prisma/policies/06-permissions.sql, 07-services.sql) where two do
// something at the same time: one approval is decided on once and redeemed once, and a chain that is ended meanwhile redeems nothing.
//
// Every order is made certain by a lock that somebody holds. What is kept here stays: each test has a delegation of its own.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { SERVICES } from '../../src/demo/services.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import { type Acting, type Sql, ticket, trustTickets } from '../kit/as.ts';
import { test as cast } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { delegate, EVERYTHING } from './given.ts';
import { ASKED, keepRequest } from './permissions.ts';

const { tracker } = SERVICES;
const TRACKED = { service: 'tracker', action: 'issues.create' } as const;

const test = cast
  .extend('arranged', { scope: 'file', auto: true }, async ({ database, migrate }) => {
    await trustTickets(database);
    await migrate(arrange);
  })
  .extend('approved', async ({ migrate }) => {
    const [id, delegation] = [newId(), newId<DelegationId>()];
    return {
      delegation,
      /** Has scout ask through a delegation of its own, and alice approve. */
      keep: (of: Partial<typeof TRACKED> & { readonly decision?: 'approved' } = {}) =>
        migrate(async (sql) => {
          await delegate(sql, { id: delegation, from: 'alice', to: 'scout', capabilities: EVERYTHING });
          await keepRequest(sql, { id, agent: 'scout', chain: [delegation], ...of });
          return id;
        }),
      kept: () =>
        migrate((sql) =>
          sql.rows('select decision, redeemed_at is not null as redeemed from approvals where id = $1', [id]),
        ),
    };
  });

/** Speaks as somebody, in a transaction that stays open. */
const begin = async (sql: Sql, who: 'alice' | 'scout', acting: Acting = {}) => {
  await sql.rows('begin isolation level read committed');
  await sql.rows('select bailiwick.open($1, $2)', ticket(who, acting));
};
const redeem = (sql: Sql, id: string) =>
  sql.value('select bailiwick.redeem_approval($1, $2, $3, $4)', [
    id,
    ASKED.service,
    ASKED.action,
    ASKED.digest,
  ]);
const decide = (sql: Sql, id: string, decision: string) =>
  sql.value('select bailiwick.decide_approval($1, $2, $3, null)', [id, ASKED.digest, decision]);
const use = (sql: Sql, id: string) =>
  sql.value(
    `select coalesce(u ->> 'problem', u ->> 'refusal', 'used') from bailiwick.use_service($1, $2, $3, $4, $5) u`,
    [...[tracker.id, TRACKED.action, newId(), id, ASKED.digest]],
  );
const revoke = (sql: Sql, delegation: DelegationId) =>
  sql.value('select bailiwick.revoke_delegation($1) is not null', [delegation]);

/** Waits until a connection waits for somebody else's lock. */
const held = async (watcher: Sql, { client }: Sql) => {
  const pid = (client as unknown as { readonly processID: number }).processID;
  for (let tries = 0; tries < 300; tries += 1) {
    if ((await watcher.list('select pid from pg_locks where pid = $1 and not granted', [pid])).length > 0) {
      return;
    }
    await sleep(10);
  }
  throw new Error('nobody waits');
};

for (const [what, of, done, first, second] of [
  ['redeemed by the agent itself', {}, redeem, null, 'redeemed'],
  ['used for a service', TRACKED, use, 'used', 'redeemed'],
] as const) {
  test(`of two that redeem one approval at once one waits and gets nothing: ${what}`, async ({
    approved,
    raw,
    migrate,
  }) => {
    const id = await approved.keep({ ...of, decision: 'approved' });
    await raw((one) =>
      raw(async (other) => {
        await begin(one, 'scout', approved);
        await begin(other, 'scout', approved);
        expect(await done(one, id)).toBe(first);
        const late = done(other, id);
        await migrate((watcher) => held(watcher, other));
        await one.rows('commit');
        expect(await late).toBe(second);
        await other.rows('commit');
      }),
    );
    expect(await approved.kept()).toEqual([{ decision: 'approved', redeemed: true }]);
  });

  test(`what one has not kept the other redeems: ${what}`, async ({ approved, raw, migrate }) => {
    const id = await approved.keep({ ...of, decision: 'approved' });
    await raw((one) =>
      raw(async (other) => {
        await begin(one, 'scout', approved);
        await begin(other, 'scout', approved);
        expect(await done(one, id)).toBe(first);
        const late = done(other, id);
        await migrate((watcher) => held(watcher, other));
        await one.rows('rollback');
        expect(await late).toBe(first);
        await other.rows('commit');
      }),
    );
    expect(await approved.kept()).toEqual([{ decision: 'approved', redeemed: true }]);
  });

  test(`a chain that is being ended redeems nothing: whoever is slower waits, and finds it ended: ${what}`, async ({
    approved,
    raw,
    migrate,
  }) => {
    const id = await approved.keep({ ...of, decision: 'approved' });
    await raw((alice) =>
      raw(async (scout) => {
        await begin(alice, 'alice');
        await begin(scout, 'scout', approved);
        expect(await revoke(alice, approved.delegation)).toBe(true);
        const late = done(scout, id);
        await migrate((watcher) => held(watcher, scout));
        await alice.rows('commit');
        expect(await late).toBe('approval');
        await scout.rows('commit');
      }),
    );
    expect(await approved.kept()).toEqual([{ decision: 'approved', redeemed: false }]);
  });

  test(`who ends a chain under which something is being redeemed waits until that is kept: ${what}`, async ({
    approved,
    raw,
    migrate,
  }) => {
    const id = await approved.keep({ ...of, decision: 'approved' });
    await raw((alice) =>
      raw(async (scout) => {
        await begin(alice, 'alice');
        await begin(scout, 'scout', approved);
        expect(await done(scout, id)).toBe(first);
        const ended = revoke(alice, approved.delegation);
        await migrate((watcher) => held(watcher, alice));
        await scout.rows('commit');
        expect(await ended).toBe(true);
        await alice.rows('commit');
      }),
    );
    expect(await approved.kept()).toEqual([{ decision: 'approved', redeemed: true }]);
  });
}

test('of two decisions at once the second finds the first', async ({ approved, raw, migrate }) => {
  const id = await approved.keep();
  await raw((one) =>
    raw(async (other) => {
      await begin(one, 'alice');
      await begin(other, 'alice');
      expect(await decide(one, id, 'rejected')).toBeNull();
      const late = decide(other, id, 'approved');
      await migrate((watcher) => held(watcher, other));
      await one.rows('commit');
      expect(await late).toBe('decided');
      await other.rows('commit');
    }),
  );
  expect(await approved.kept()).toEqual([{ decision: 'rejected', redeemed: false }]);
});

test('what is being approved is redeemed by whoever waits for that', async ({ approved, raw, migrate }) => {
  const id = await approved.keep();
  await raw((alice) =>
    raw(async (scout) => {
      await begin(alice, 'alice');
      await begin(scout, 'scout', approved);
      expect(await decide(alice, id, 'approved')).toBeNull();
      const late = redeem(scout, id);
      await migrate((watcher) => held(watcher, scout));
      await alice.rows('commit');
      expect(await late).toBeNull();
      await scout.rows('commit');
    }),
  );
  expect(await approved.kept()).toEqual([{ decision: 'approved', redeemed: true }]);
});

// An end is judged by the clock and not by when the transaction began.
test('a request whose end comes while a transaction is open is neither approved nor redeemed in it', async ({
  approved,
  raw,
  migrate,
}) => {
  const id = await approved.keep();
  const ends = () =>
    migrate((sql) => sql.rows('update approvals set expires_at = clock_timestamp() where id = $1', [id]));
  await raw(async (alice) => {
    await begin(alice, 'alice');
    await ends();
    expect(await decide(alice, id, 'approved')).toBe('expired');
  });
  await migrate((sql) =>
    sql.rows(
      `update approvals set decision = 'approved', decided_at = now(), decided_by = owner_id,
              expires_at = now() + interval '1 hour' where id = $1`,
      [id],
    ),
  );
  await raw(async (scout) => {
    await begin(scout, 'scout', approved);
    await ends();
    expect(await redeem(scout, id)).toBe('expired');
  });
});
