// Guarantees of prisma/policies/08-activity.sql: what the kernel notes is as true as its context, a call ends once and by whoever began
// it, and nobody who is let in by a request has anything thrown away.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId, type RequestId } from '../../src/ids.ts';
import { add, idOf } from '../activity/given.ts';
import { type Acting, type Database, open, raw, type Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { insertion } from './arrangement.ts';
import { DEAD, delegate } from './given.ts';
import { keepReceipt } from './receipts.ts';

const acme = TENANTS.acme.id;
const { alice } = USERS;
const { scout } = AGENTS;
const FINISH = 'select bailiwick.finish_call($1, $2, $3, $4)';

test('a call is ended by nobody but the agent that began it, through the same chain, once, and within the hour', async ({
  as,
}) => {
  const [started, other] = [newId(), newId()];
  const begun = (id: string) => async (sql: Sql) => {
    const { text, values } = insertion('activity_entries', {
      ...{
        tenant_id: acme,
        id,
        owner_id: alice.id,
        agent_id: scout.id,
        service: 'tracker',
        action: 'issues.list',
      },
      ...{ outcome: 'started', chain: [DELEGATIONS.scout.id], summary: 'bed: lower' },
      ...{ created_by: scout.id, delegation_id: DELEGATIONS.scout.id, request_id: newId() },
    });
    await sql.rows(text, values);
  };
  for (const [who, acting] of [
    ['alice', itself],
    ['scout', itself],
    ['scout', through.scoutInGarden],
    ['scribe', through.scribe],
    ['mallory', itself],
    ['mimic', through.mimic],
  ] as const) {
    await as(who, { ...acting, given: begun(started) }, async (sql) => {
      expect(await sql.value(FINISH, [newId(), started, 'succeeded', 1]), who).toBe(false);
    });
  }
  const late = idOf(3700);
  await as('scout', { ...through.scout, given: begun(late) }, async (sql) => {
    expect(await sql.value(FINISH, [newId(), late, 'succeeded', 1])).toBe(false);
  });
  await as('scout', { ...through.scout, given: begun(started) }, async (sql) => {
    expect(await sql.value(FINISH, [newId(), other, 'succeeded', 1])).toBe(false);
    expect(await sql.value(FINISH, [newId(), started, 'allowed', 1])).toBe(false);
    expect(await sql.value(FINISH, [idOf(600), started, 'succeeded', 1])).toBe(false);
    expect(await sql.value(FINISH, [newId(), null, 'succeeded', 1])).toBe(false);
    const id = newId();
    expect(await sql.value(FINISH, [id, started, 'failed', 12])).toBe(true);
    expect(await sql.value(FINISH, [newId(), started, 'succeeded', 1])).toBe(false);
    expect(await sql.value(FINISH, [newId(), id, 'succeeded', 1])).toBe(false);
    expect(
      await sql.rows(
        'select service, summary, outcome, duration_ms, started_id from activity_entries where id = $1',
        [id],
      ),
    ).toEqual([
      { service: 'tracker', summary: 'bed: lower', outcome: 'failed', duration_ms: 12, started_id: started },
    ]);
  });
});

test('a call that was let out is ended even if its chain has ended meanwhile', async ({ as }) => {
  const started = newId();
  const given = async (sql: Sql) => {
    const { text, values } = insertion('activity_entries', {
      ...{
        tenant_id: acme,
        id: started,
        owner_id: alice.id,
        agent_id: scout.id,
        service: 'tracker',
        action: 'a',
      },
      ...{ outcome: 'started', chain: [DELEGATIONS.scout.id], created_by: scout.id },
      ...{ delegation_id: DELEGATIONS.scout.id, request_id: newId() },
    });
    await sql.rows(text, values);
    await DEAD['the delegation is revoked'](sql);
  };
  await as('scout', { ...through.scout, given }, async (sql) => {
    expect(await sql.value(FINISH, [newId(), started, 'succeeded', 1])).toBe(true);
  });
});

test('of two who end one call at the same time, one ends it', async ({ as, migrate }) => {
  const started = newId();
  await as('scout', { ...through.scout, commit: true }, (sql) =>
    add(sql, { id: started, outcome: 'started', action: 'twice' }),
  );
  const finish = () =>
    as('scout', { ...through.scout, commit: true }, async (sql) => {
      const done = await sql.value(FINISH, [newId(), started, 'succeeded', 1]);
      await sql.rows('select pg_sleep(0.2)');
      return done;
    });
  expect((await Promise.all([finish(), finish(), finish()])).sort()).toEqual([false, false, true]);
  const ended = 'select count(*)::int from activity_entries where started_id = $1';
  expect(await migrate((sql) => sql.value(ended, [started]))).toBe(1);
  // what is kept would be in the way of the other cases
  await migrate((sql) => sql.rows(`delete from activity_entries where action = 'twice'`));
});

test('whoever opens no context, or comes in person, has nothing expire and nothing noted', async ({
  as,
  raw: nobody,
}) => {
  expect(await nobody((sql) => sql.value('select bailiwick.expire_activity(10)'))).toBe(0);
  for (const [who, acting] of [
    ['alice', itself],
    ['ada', itself],
    ['scout', through.scout],
  ] as const) {
    await as(who, acting, async (sql) => {
      expect(await sql.value('select bailiwick.expire_activity(1000)'), who).toBe(0);
      for (const call of [
        `note($1, 'mail', 'messages.send', null, 'allowed', null)`,
        'expire(10)',
        `ensure_partitions('activity_entries', 24)`,
        `ensure_partitions('pg_class', 24)`,
        `months_of('pg_class')`,
        'drop_activity_partitions()',
      ]) {
        const values = call.includes('$1') ? [newId()] : [];
        expect(await sql.outcome(`select bailiwick.${call}`, values), `${who}: ${call}`).toBe('42501');
      }
    });
  }
});

/** As the kernel, inside an actor's context. */
async function asKernel<Result>(
  database: Database,
  acting: Acting & { readonly actor: 'scout' | 'alice' },
  work: (sql: Sql) => Promise<Result>,
): Promise<Result> {
  return raw(
    database,
    async (sql) => {
      await sql.rows('begin');
      await open(sql.client, acting.actor, acting);
      await sql.rows('set local role bailiwick_kernel');
      return await work(sql);
    },
    database.adminUrl,
  );
}

test('the kernel notes what it decides in the name of the context, whatever the delegation says of the log', async ({
  database,
  as,
  migrate,
}) => {
  await as('scout', through.scout, async () => undefined);
  const note = 'select bailiwick.note($1, $2, $3, $4, $5, null)';
  const delegation = await migrate((sql) => delegate(sql, { from: 'alice', to: 'scout' }));
  const [id, requestId] = [newId(), newId<RequestId>()];
  const noted = await asKernel(database, { actor: 'scout', delegation, requestId }, async (sql) => {
    await sql.rows(note, [id, 'mail', 'messages.send', 'x'.repeat(600), 'asked']);
    return await sql.rows(
      `select owner_id, agent_id, created_by, delegation_id, request_id, chain, outcome, length(summary) as length
         from activity_entries where id = $1`,
      [id],
    );
  });
  expect(noted).toEqual([
    {
      ...{ owner_id: alice.id, agent_id: scout.id, created_by: scout.id, delegation_id: delegation },
      ...{ request_id: requestId, chain: [delegation], outcome: 'asked', length: 500 },
    },
  ]);
  await asKernel(database, { actor: 'scout', delegation }, async (sql) => {
    expect(await sql.outcome(note, [idOf(400), 'mail', 'messages.send', null, 'asked'])).toBe('22023');
    expect(await sql.outcome(note, [null, 'mail', 'messages.send', null, 'asked'])).toBe('22023');
  });
  await asKernel(database, { actor: 'alice' }, async (sql) => {
    const own = newId();
    await sql.rows(note, [own, 'mail', 'messages.send', null, 'allowed']);
    expect(await sql.list('select id from activity_entries where id = $1', [own])).toEqual([]);
  });
});

test('receipts that are past what their tenant keeps go with entries, no more at once than was asked for, and no others', async ({
  migrate,
}) => {
  await migrate(async (sql) => {
    const { tenants, entries } = LIMITS;
    await sql.rows('begin');
    await sql.rows('delete from access_receipts');
    await sql.rows(tenants, ['globex', 30]);
    const put = async (tenant: 'acme' | 'globex', ago: number) => {
      const [agent, owner] =
        tenant === 'acme' ? ([scout, alice] as const) : ([AGENTS.mimic, USERS.mallory] as const);
      const id = newId();
      await keepReceipt(sql, {
        tenant: TENANTS[tenant].id,
        id,
        owner: owner.id,
        agent: agent.id,
        row: id,
        ago,
      });
      return id;
    };
    // another tenant's limit is not theirs, and the last day is kept
    const stay = [await put('acme', 0), await put('acme', 400), await put('globex', 30)];
    const oldest = await put('acme', 500);
    const gone = [
      await put('acme', 401),
      await put('acme', 450),
      await put('globex', 31),
      await put('globex', 390),
    ];
    await sql.rows(entries, [idOf(500 * 86_400), alice.id, scout.id, acme]);
    const left = () => sql.list('select id from access_receipts');
    for (const none of [0, -5, null]) {
      expect(await sql.value('select bailiwick.expire($1)', [none])).toBe(0);
    }
    // an entry and the oldest receipt of the one tenant
    await sql.rows(tenants, ['globex', 3650]);
    expect(await sql.value('select bailiwick.expire(2)')).toBe(2);
    expect(await left()).not.toContain(oldest);
    expect(await left()).toHaveLength(stay.length + gone.length);
    expect(await sql.value(`select count(*)::int from activity_entries where action = 'of.long.ago'`)).toBe(
      0,
    );
    await sql.rows(tenants, ['globex', 30]);
    expect(await sql.value('select bailiwick.expire(3)')).toBe(3);
    expect(await sql.value('select bailiwick.expire(3)')).toBe(1);
    expect(await left()).toEqual(stay.sort());
    expect(await sql.value('select bailiwick.expire(3)')).toBe(0);
    await sql.rows('rollback');
  });
});

const LIMITS = {
  tenants: 'update tenants set activity_days = $2 where slug = $1',
  entries: `insert into activity_entries (tenant_id, id, owner_id, agent_id, service, action, outcome, chain, created_by,
      delegation_id, request_id) values ($4, $1, $2, $3, 'desk', 'of.long.ago', 'failed', '{}', $3, $1, $1)`,
};
