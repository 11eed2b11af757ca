// The three phases on a store of agents: what each refuses, and what old and new code get in it.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { delegate, revoke, withSession } from '../../src/library/bailiwick.ts';
import { all, count, MEMORIES, openStore, phases, type Store, uuid } from './adopted.ts';

let store: Store;
let before: unknown;
beforeAll(async () => {
  store = await openStore();
  before = await store.catalog();
});
afterAll(() => store.drop());

test('nothing is done before a phase without the one before it', async () => {
  for (const action of ['shadow', 'strict', 'report', 'validate', 'status', 'rollback']) {
    const { code, err } = await store.adopt(action);
    expect([action, code, err]).toEqual([
      action,
      1,
      expect.stringContaining('nothing is adopted in this database'),
    ]);
  }
  expect(await store.catalog()).toEqual(before);
});

test('backfill gives every row an owner, puts aside what nobody can place, and says so', async () => {
  const lines = (await store.adopted('backfill')).split('\n');
  expect(lines.slice(0, 4)).toEqual([
    'accounts      owned',
    'memories      owned; in quarantine: 3 ambiguous, 2 unplaced',
    'participants  owned',
    'rooms         owned; in quarantine: 2 unplaced',
  ]);
  // what stands in the tables was digested before, too
  expect(lines.filter((line) => line.startsWith('memories:'))).toEqual([
    expect.stringMatching(/^memories: owned, 62 rows of 4 owners, digest -?\d+, the same as before$/),
  ]);
  expect(lines.filter((line) => line.includes('each sees the same both ways'))).toHaveLength(4);
  expect(await phases(store)).toEqual(all('owned'));
  // as many as `plan` counts on the same rows: 40 by agent, 12 by room, 5 by the one participant, the rest aside
  const owners = await store.rows<{ account: string; n: number }>(
    `select a.name as account, count(*)::int as n from store.memories m join store.accounts a on bailiwick_adoption.id('user', a.id::text) = m.bailiwick_owner
      group by 1 order by 1`,
  );
  expect(owners.reduce((sum, { n }) => sum + n, 0)).toBe(62);
  expect(owners.map(({ account }) => account)).toEqual(['account 1', 'account 2', 'account 3', 'account 4']);
  const { out } = await store.adopt('strict');
  expect([out, (await store.adopt('strict')).err]).toEqual([
    '',
    expect.stringContaining('strict comes after shadow'),
  ]);
});

test('what is installed is open to nobody but whoever opens sessions', async () => {
  const { rows, role } = { rows: store.rows, role: store.role };
  const callable = async (who: string, schema: string) =>
    (
      await rows<{ f: string }>(
        `select distinct p.proname as f from pg_proc p where p.pronamespace = '${schema}'::regnamespace
            and has_function_privilege('${who}', p.oid, 'execute') order by 1`,
      )
    ).map(({ f }) => f);
  expect(await callable('public', 'bailiwick')).toEqual([]);
  expect(await callable('public', 'bailiwick_adoption')).toEqual([]);
  expect(await callable(role, 'bailiwick_adoption')).toEqual(['entity']);
  const kernel = await callable(role, 'bailiwick');
  expect(kernel).toEqual(expect.arrayContaining(['open', 'close', 'owner', 'revoke_delegation']));
  expect(kernel.filter((f) => /^(sealed|mac|verify|install_key|ensure_|by_|establish)/.test(f))).toEqual([]);
  expect(
    await rows(
      `select c.oid::regclass::text as t from pg_class c where c.relkind in ('r', 'v', 'm')
          and c.relnamespace in ('bailiwick'::regnamespace, 'bailiwick_adoption'::regnamespace)
          and has_table_privilege('${role}', c.oid, 'select, insert, update, delete')`,
    ),
  ).toEqual([]);
});

test('what old code writes has an owner, and cannot say itself whose it is', async () => {
  const owner = async (memory: string) =>
    (
      await store.rows<{ name: string }>(
        `select a.name from store.memories m join store.accounts a on bailiwick_adoption.id('user', a.id::text) = m.bailiwick_owner where m.id = '${uuid(memory)}'`,
      )
    )[0]?.name;
  await store.old(
    `insert into store.memories (id, agent_id, content) values ('${uuid('new')}', '${uuid('g2')}', '{}')`,
  );
  expect(await owner('new')).toBe('account 2');
  await store.old(`update store.memories set agent_id = '${uuid('g3')}' where id = '${uuid('new')}'`);
  expect(await owner('new')).toBe('account 3');
  await store.old(
    `update store.memories set bailiwick_owner = null, content = '{"a": 1}' where id = '${uuid('new')}'`,
  );
  expect(await owner('new')).toBe('account 3');
  await store.old(
    `insert into store.memories (id, agent_id, content, bailiwick_owner) values ('${uuid('own')}', '${uuid('g2')}', '{}', '${uuid('any')}')`,
  );
  expect(await owner('own')).toBe('account 2');
  // the agent itself moves: everything that is placed by it goes along, also by way of a room
  await store.old(`update store.agents set account_id = '${uuid('a4')}' where id = '${uuid('g3')}'`);
  expect(await owner('new')).toBe('account 4');
  await store.old(`update store.agents set account_id = '${uuid('a3')}' where id = '${uuid('g3')}'`);
  expect(await owner('new')).toBe('account 3');
  // a new account in one transaction with what it owns
  const client = await store.pool.connect();
  await client.query('begin');
  await client.query(`insert into store.accounts values ('${uuid('a9')}', '${uuid('s1')}', 'account 9')`);
  await client.query(`insert into store.agents values ('${uuid('g9')}', '${uuid('a9')}', 'agent 9')`);
  await client.query(
    `insert into store.memories (id, agent_id, content) values ('${uuid('mm')}', '${uuid('g9')}', '{}')`,
  );
  await client.query('commit');
  client.release();
  expect(await owner('mm')).toBe('account 9');
  // and moves to another tenant, with everything
  await store.old(`update store.accounts set server_id = '${uuid('s2')}' where id = '${uuid('a9')}'`);
  expect(
    await store.rows(
      `select bailiwick_tenant = bailiwick_adoption.id('tenant', '${uuid('s2')}') as there from store.memories where id = '${uuid('mm')}'`,
    ),
  ).toEqual([{ there: true }]);
  await store.old(
    `delete from store.memories where id in ('${uuid('new')}', '${uuid('mm')}', '${uuid('own')}')`,
  );
  await store.old(`delete from store.agents where id = '${uuid('g9')}'`);
  await store.old(`delete from store.accounts where id = '${uuid('a9')}'`);
  await expect(store.as({ user: uuid('a9') }, MEMORIES)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});

test('in shadow everything goes on as before, and what isolation would hide is counted', async () => {
  await store.adopted('shadow');
  expect(await phases(store)).toEqual(all('shadow'));
  expect(count(await store.old(MEMORIES))).toBe(62);
  await store.old(`update store.memories set content = '{"b": 1}' where id = '${uuid('m2')}'`);
  expect(count(await store.as({ user: uuid('a2') }, MEMORIES))).toBe(62);
  expect(
    count(
      await store.as({ user: uuid('a2') }, 'select count(*)::int as n from store.rooms', { readOnly: true }),
    ),
  ).toBe(6);
  const { code, out } = await store.adopt('report --json');
  const { findings, clear } = JSON.parse(out);
  expect([code, clear]).toEqual([1, false]);
  expect(new Set(findings.map(({ query }: { query: string }) => query))).toEqual(
    new Set([
      MEMORIES,
      'update store.memories set content = ? where id = ?',
      'select count(*)::int as n from store.rooms',
    ]),
  );
  const found = findings.map(
    (one: { table: string; verb: string; clause: string; rows: number; actors: Record<string, number> }) =>
      `${one.table} ${one.verb} ${one.clause} ${one.rows} ${Object.keys(one.actors)}`,
  );
  const own =
    count(
      await store.rows(`${MEMORIES} where bailiwick_owner = bailiwick_adoption.id('user', '${uuid('a2')}')`),
    ) ?? 0;
  const tenant =
    count(
      await store.rows(
        `${MEMORIES} where bailiwick_tenant = bailiwick_adoption.id('tenant', '${uuid('s1')}')`,
      ),
    ) ?? 0;
  expect(found.sort()).toEqual(
    [
      'memories read context 62 nobody',
      // the row as it was and as it is now, both of which a change must be able to see
      'memories read context 2 nobody',
      'memories update context 1 nobody',
      `memories read tenant ${62 - tenant} user:${uuid('a2')}`,
      `memories read owner ${tenant - own} user:${uuid('a2')}`,
      // in a transaction that could only read
      `rooms read tenant 4 user:${uuid('a2')}`,
      `rooms read owner 1 user:${uuid('a2')}`,
    ].sort(),
  );
});

test('strict is refused while something is unexplained, and nothing is changed by that', async () => {
  const { code, err } = await store.adopt('strict --period 0s');
  expect(code).toBe(1);
  expect(err).toContain('memories, read: 62 rows');
  expect((await store.adopt('strict')).err).toContain('which is not yet 24h');
  expect((await store.adopt('accept --all --reason short')).code).toBe(2);
  expect(await phases(store)).toEqual(all('shadow'));
});

test('a finding is accepted with a reason, and a table goes by itself', async () => {
  await store.adopted('accept --all --reason old-code-ends-today');
  expect((await store.adopt('report')).code).toBe(0);
  await store.adopted('strict --period 0s --table rooms');
  expect(await phases(store)).toEqual([
    'accounts shadow',
    'memories shadow',
    'participants shadow',
    'rooms strict',
  ]);
  await store.adopted('strict --period 0s');
  expect(await phases(store)).toEqual(all('strict'));
});

test('in strict old code gets nothing and writes nothing', async () => {
  expect(count(await store.old(MEMORIES))).toBe(0);
  expect(await store.old(`update store.memories set content = '{}' returning id`)).toEqual([]);
  expect(await store.old('delete from store.memories returning id')).toEqual([]);
  await expect(
    store.old(
      `insert into store.memories (id, agent_id, content) values (gen_random_uuid(), '${uuid('g2')}', '{}')`,
    ),
  ).rejects.toMatchObject({ code: '42501' });
});

test('in a session everybody has their own, and nothing of anybody else', async () => {
  for (const account of ['a1', 'a2', 'a3', 'a4']) {
    const [{ n } = { n: 0 }] = await store.rows<{ n: number }>(
      `${MEMORIES} where bailiwick_owner = bailiwick_adoption.id('user', '${uuid(account)}')`,
    );
    expect(count(await store.as({ user: uuid(account) }, MEMORIES))).toBe(n);
    expect(await store.as({ user: uuid(account) }, 'select name from store.accounts')).toHaveLength(1);
  }
  const a2 = { user: uuid('a2') };
  const foreign = `agent_id = '${uuid('g3')}'`;
  expect(
    await store.as(a2, `update store.memories set content = '{}' where ${foreign} returning id`),
  ).toEqual([]);
  await expect(
    store.as(
      a2,
      `insert into store.memories (id, agent_id, content) values (gen_random_uuid(), '${uuid('g3')}', '{}')`,
    ),
  ).rejects.toThrow();
  await expect(
    store.as(a2, `update store.memories set agent_id = '${uuid('g3')}' where agent_id = '${uuid('g2')}'`),
  ).rejects.toThrow();
  expect(
    await store.as(
      a2,
      `insert into store.memories (id, agent_id, content) values ('${uuid('x')}', '${uuid('g2')}', '{}') returning 1 as one`,
    ),
  ).toEqual([{ one: 1 }]);
  // nothing says whose this is, so it is whose session it is
  expect(
    await store.as(a2, `insert into store.memories (id, content) values ('${uuid('y')}', '{}') returning id`),
  ).toEqual([{ id: uuid('y') }]);
  expect(
    await store.as(
      a2,
      `delete from store.memories where id in ('${uuid('x')}', '${uuid('y')}') returning 1 as one`,
    ),
  ).toHaveLength(2);
});

test('an agent acts for its owner as far as a delegation goes, in the world it names, and no longer', async () => {
  const grant = (world?: string) =>
    withSession(
      store.pool,
      { user: uuid('a2') },
      (client) =>
        delegate(client, {
          to: { agent: uuid('g2') },
          capabilities: ['memory:read'],
          expiresAt: new Date(Date.now() + 600_000),
          ...(world === undefined ? {} : { world }),
        }),
      { key: store.key },
    );
  const agent = (delegation?: string) => ({
    agent: uuid('g2'),
    ...(delegation === undefined ? {} : { delegation }),
  });
  expect(count(await store.as(agent(), MEMORIES))).toBe(0);
  await store.as(
    { user: uuid('a2') },
    `insert into store.memories (id, content) values ('${uuid('nowhere')}', '{}')`,
  );
  const mine = count(await store.as({ user: uuid('a2') }, MEMORIES));
  const everywhere = await grant();
  expect(count(await store.as(agent(everywhere), MEMORIES))).toBe(mine);
  expect(await store.as(agent(everywhere), 'select from store.rooms')).toEqual([]);
  expect(await store.as(agent(everywhere), `update store.memories set content = '{}' returning id`)).toEqual(
    [],
  );
  const [room] = await store.as<{ id: string }>({ user: uuid('a2') }, 'select id from store.rooms limit 1');
  const there = await grant(room?.id);
  const inRoom = count(await store.as({ user: uuid('a2') }, `${MEMORIES} where room_id = '${room?.id}'`));
  expect(count(await store.as(agent(there), MEMORIES))).toBe(inRoom);
  expect(inRoom).toBeLessThan(mine ?? 0);
  await expect(store.as({ agent: uuid('g3'), delegation: everywhere }, MEMORIES)).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
  });
  await store.as({ user: uuid('a2') }, `delete from store.memories where id = '${uuid('nowhere')}'`);
  await withSession(store.pool, { user: uuid('a2') }, (client) => revoke(client, everywhere), {
    key: store.key,
  });
  expect(count(await store.as(agent(everywhere), MEMORIES))).toBe(0);
});

test('what is validated is sound, and a row that was put elsewhere behind its back is found', async () => {
  const { tables, sound } = JSON.parse(await store.adopted('validate --json --all'));
  expect(sound).toBe(true);
  expect(
    tables.map(({ compared, different, misplaced, unowned }: Record<string, unknown>) => [
      compared,
      different,
      misplaced,
      unowned,
    ]),
  ).toEqual([
    [4, [], 0, 0],
    [4, [], 0, 0],
    [2, [], 0, 0],
    [4, [], 0, 0],
  ]);
  const move = (to: string) =>
    store.rows(
      `alter table store.memories disable trigger zzz_bailiwick_place;
       update store.memories set bailiwick_owner = bailiwick_adoption.id('user', '${uuid(to)}') where id = '${uuid('m1')}';
       alter table store.memories enable always trigger zzz_bailiwick_place`,
    );
  const [was] = await store.rows<{ name: string }>(
    `select a.name from store.accounts a join store.memories m on bailiwick_adoption.id('user', a.id::text) = m.bailiwick_owner where m.id = '${uuid('m1')}'`,
  );
  const to = was?.name === 'account 4' ? 'a3' : 'a4';
  await move(to);
  const broken = await store.adopt('validate --json --all --table memories');
  expect(broken.code).toBe(1);
  const [one] = JSON.parse(broken.out).tables;
  expect([one.misplaced, one.samples, one.same, one.changedOwners]).toEqual([1, [uuid('m1')], true, 0]);
  expect(one.different).not.toEqual([]);
  await store.rows(`update store.memories set bailiwick_owner = bailiwick_owner where id = '${uuid('m1')}'`);
  expect((await store.adopt('validate --all')).code).toBe(0);
});
