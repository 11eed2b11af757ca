// The operator's work on encrypted values: what was changed meanwhile is not overwritten, one damaged key or value keeps no other
// back, plain text is sealed and let in no more, and what was destroyed is gone, from a backup as well where it was to be.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { resealAll } from '../../src/db/custody/resealing.ts';
import { rotateDataKeys } from '../../src/db/custody/rotation.ts';
import { readUnsealed } from '../../src/db/sealing/phase.ts';
import { AGENTS, TENANTS, USERS, type UserName } from '../../src/demo/cast.ts';
import { APPROVALS } from '../../src/demo/permissions.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { CLEAR, CLOSED, type Contents, type Installation, install, SEEDED } from '../cli/sealed.ts';
import { testKeys } from '../kit/keys.ts';
import { openLane } from './lane.ts';

const ALICE = USERS.alice.id;
const BOB = USERS.bob.id;
const { scout, scribe, bobot } = AGENTS;
const PROMPT = 'agent_instructions.system_prompt';
const memoryOf = (word: string) => Object.keys(SEEDED).find((name) => SEEDED[name]?.includes(word)) ?? '';
const sealedOf = (who: UserName) =>
  [...Object.values(SERVICES), ...APPROVALS].flatMap(({ id, owner }) => (owner === who ? [id] : []));
const ROWS = [memoryOf('Iyer').split(' ')[1], scout.id, scribe.id, ...sealedOf('alice')];
const HERS = Object.keys(SEEDED).filter((name) => ROWS.some((id) => name.endsWith(` ${id}`)));
const VALUES = Object.keys(SEEDED).length;

const as = (names: readonly string[], what: string): Contents =>
  Object.fromEntries(names.map((name) => [name, what]));

/** The columns that let values in clear in. */
const open = ({ sql }: Installation) => sql(async ({ client }) => [...(await readUnsealed(client))].sort());

/** Puts values in clear into a column as they stood there before it was declared to be encrypted. */
const inClear = ({ sql }: Installation, table: string, column: string, condition: string, rows: string) =>
  sql(async ({ touched }) => {
    const name = `${table}_${column}_sealed`;
    await touched(`alter table ${table} drop constraint ${name}`);
    expect(await touched(`update ${table} set ${column} = 'clear ' || id where ${rows}`)).toBeGreaterThan(0);
    await touched(`alter table ${table} add constraint ${name} check (${condition}) not valid`);
  });

const PROMPTS = ['agent_instructions', 'system_prompt', "starts_with(system_prompt, 'bwe1.')"] as const;
const CONTENTS = ['memories', 'content', "not sensitive or starts_with(content, 'bwe1.')"] as const;

test('what somebody changes while it is being sealed anew is not overwritten', async () => {
  const installation = await install();
  const { sql, envelope } = installation;
  const at = {
    table: 'agent_instructions',
    column: 'system_prompt',
    rowId: scout.id,
    owner: 'alice',
  } as const;
  const changed = await envelope(at, 'scout', 'changed meanwhile');
  let interfered = 0;
  const outcome = await sql(async ({ client }) => {
    const query = async (text: string, values?: unknown[]) => {
      if (/^update public."agent_instructions" r set "system_prompt"/.test(text)) {
        interfered += 1;
        await sql(({ touched }) =>
          touched('update agent_instructions set system_prompt = $1 where id = $2', [changed, scout.id]),
        );
      }
      return client.query(text, values);
    };
    const pass = { client: { query } as unknown as pg.Client, keys: testKeys(), batch: 500, pauseMs: 0 };
    return rotateDataKeys(pass);
  });
  expect(interfered).toBe(1);
  expect(outcome.values).toMatchObject({ done: Object.keys(SEEDED).length - 1, faults: [] });
  expect(await installation.contents()).toEqual({
    ...SEEDED,
    [`${PROMPT} ${scout.id}`]: 'changed meanwhile',
  });
  // it is under the old key, and the next call takes it along
  const again = await sql(({ client }) => resealAll({ client, keys: testKeys(), batch: 500, pauseMs: 0 }));
  expect(again).toEqual({ done: 1, faults: [], gone: 0 });
  expect((await installation.contents())[`${PROMPT} ${scout.id}`]).toBe('changed meanwhile');
});

test('a damaged value and a damaged key are named, and everything else is sealed anew', async () => {
  const installation = await install();
  const { keys, sql } = installation;
  await sql(async ({ touched }) => {
    const flip = (column: string) =>
      `overlay(${column} placing case substr(${column}, 9, 1) when 'A' then 'B' else 'A' end from 9)`;
    await touched(`update data_keys set wrapped = ${flip('wrapped')} where holder_id = $1`, [bobot.id]);
    await touched(`update agent_instructions set system_prompt = system_prompt || 'AAAA' where id = $1`, [
      scout.id,
    ]);
  });
  const { code, out } = await keys('rotate data --no-wait');
  expect(code).toBe(1);
  expect(out).toMatch(/^7 new data keys, 15 values sealed anew\n/);
  expect(out).toMatch(
    new RegExp(`system_prompt of row ${scout.id} in tenant \\S+ does not open: not what was written`),
  );
  expect(
    out.match(new RegExp(`of row ${bobot.id} .* does not have, or whose secret is not there`, 'g')),
  ).toHaveLength(2);
  expect(await installation.contents()).toEqual({
    ...SEEDED,
    ...as([`${PROMPT} ${scout.id}`, `${PROMPT} ${bobot.id}`], CLOSED),
    [`agent_instructions.private_instructions ${bobot.id}`]: CLOSED,
  });
});

test('what was in clear is sealed, and then nothing in clear is let in', async () => {
  const installation = await install();
  const { keys, sql, contents } = installation;
  await inClear(installation, ...PROMPTS, 'true');
  await inClear(installation, ...CONTENTS, 'sensitive');
  const clear = Object.values(await contents()).filter((value) => value.startsWith(CLEAR));
  expect(clear).toHaveLength(6);
  expect(await open(installation)).toEqual([
    'agent_instructions_system_prompt_sealed',
    'memories_content_sealed',
  ]);
  const status = await keys('status');
  expect([status.code, status.out]).toEqual([
    1,
    expect.stringMatching(/system_prompt +0 +0 +4 +anything: call keys seal/),
  ]);
  expect((await keys('verify')).code).toBe(1);

  // one tenant's values do not say that the column holds no others
  expect((await keys('seal --tenant globex')).out).toBe('2 values sealed\n');
  expect(await open(installation)).toHaveLength(2);
  expect((await keys('seal --batch 1 --pause 0')).out).toBe('4 values sealed\n');
  expect(await open(installation)).toEqual([]);
  const expected = Object.fromEntries(
    Object.entries(SEEDED).map(([name, value]) => [
      name,
      /system_prompt|content/.test(name) ? `clear ${name.split(' ')[1]}` : value,
    ]),
  );
  expect(await contents()).toEqual(expected);
  expect((await keys('verify')).code).toBe(0);
  expect((await keys('status')).code).toBe(0);
  await sql(async ({ outcome, touched }) => {
    await touched('begin');
    expect(await outcome("update agent_instructions set system_prompt = 'clear'")).toBe('23514');
    await touched('rollback');
  });
});

// each constraint that waits is asked at every change of a row, so neither column can be sealed while the other is in clear
test('a row with two columns in clear is sealed', async () => {
  const { keys, sql, contents } = await install();
  const columns = ['system_prompt', 'private_instructions'];
  await sql(async ({ touched }) => {
    for (const column of columns) {
      await touched(`alter table agent_instructions drop constraint agent_instructions_${column}_sealed`);
    }
    await touched(
      "update agent_instructions set system_prompt = 'clear', private_instructions = 'clear' where id = $1",
      [scout.id],
    );
    for (const column of columns) {
      const constraint = `agent_instructions_${column}_sealed check (starts_with(${column}, 'bwe1.'))`;
      await touched(`alter table agent_instructions add constraint ${constraint} not valid`);
    }
  });
  expect(await keys('seal')).toMatchObject({ code: 0, out: '2 values sealed\n' });
  expect(await contents()).toEqual({
    ...SEEDED,
    ...as(
      columns.map((column) => `agent_instructions.${column} ${scout.id}`),
      'clear',
    ),
  });
});

test('a column that is not closed yet is put in clear again, and sealed once more', async () => {
  const installation = await install();
  const { keys, contents } = installation;
  await inClear(installation, ...PROMPTS, `id = '${scribe.id}'`);
  const scribes = { [`${PROMPT} ${scribe.id}`]: `clear ${scribe.id}` };
  expect((await keys('unseal --column agent_instructions.system_prompt --dry-run')).out).toMatch(
    /system_prompt +3 values/,
  );
  expect((await keys('unseal')).code).toBe(2);
  expect((await keys('unseal --column agent_instructions.system_prompt')).out).toBe(
    '3 values in clear again\n',
  );
  const prompts = Object.fromEntries(
    Object.entries({ ...SEEDED, ...scribes }).map(([name, value]) => [
      name,
      name.startsWith(PROMPT) ? `${CLEAR}${value}` : value,
    ]),
  );
  expect(await contents()).toEqual(prompts);
  expect(await open(installation)).toEqual(['agent_instructions_system_prompt_sealed']);
  expect(await keys('seal')).toMatchObject({ code: 0, out: '4 values sealed\n' });
  expect(await open(installation)).toEqual([]);
  expect(await contents()).toEqual({ ...SEEDED, ...scribes });
});

test('a rotation that takes longer than two minutes keeps nobody from changing what it has not come to', async () => {
  const { keys, sql, database } = await install();
  const ending = new AbortController();
  const running = keys('rotate data --batch 1 --pause 60000', { signal: ending.signal });
  while ((await sql(({ value }) => value('select count(*)::int from data_keys where version = 2'))) !== 7) {
    await sleep(20);
  }
  ending.abort();
  await running;
  await sql(({ touched }) => touched("update data_keys set retired_at = retired_at - interval '3 minutes'"));
  const lane = await openLane(database, { waitMs: 10_000, statementMs: 10_000, transactionMs: 20_000 });
  const [, id = ''] = memoryOf('Iyer').split(' ');
  const change = (data: object) =>
    lane.run('alice', ({ db }) => db.memory.updateMany({ where: { id }, data }));
  expect(await change({ tags: ['people', 'telephone'] })).toEqual({ count: 1 });
  expect(await change({ content: 'Dr. Iyer answers on Wednesdays.' })).toEqual({ count: 1 });
});

/** Every key as it is kept, and the way to put it back, as a backup would. */
async function backup({ sql }: Installation): Promise<() => Promise<unknown>> {
  const tables = ['tenant_keys', 'data_keys'] as const;
  const saved: [string, Record<string, unknown>[]][] = [];
  for (const table of tables) {
    saved.push([table, await sql(({ rows }) => rows(`select id, wrapped, destroyed_at from ${table}`))]);
  }
  return () =>
    sql(async ({ touched }) => {
      for (const [table, rows] of saved) {
        for (const { id, wrapped, destroyed_at } of rows) {
          await touched(`update ${table} set wrapped = $2, destroyed_at = $3 where id = $1`, [
            id,
            wrapped,
            destroyed_at,
          ]);
        }
      }
    });
}

const trail = ({ sql }: Installation) =>
  sql(({ rows }) =>
    rows(
      "select tenant_id, actor_id, owner_id, target_kind, target_id, detail from audit_entries where event = 'key.destroyed'",
    ),
  );

test("without secrets outside the database an owner's keys are destroyed there, and a backup opens as it did", async () => {
  const installation = await install();
  const { keys, contents } = installation;
  const restore = await backup(installation);
  const { code, out, err } = await keys(`destroy --tenant acme --owner ${ALICE} --confirm ${ALICE}`);
  expect([code, out]).toEqual([
    0,
    '3 keys destroyed, 0 erasure secrets forgotten\na running server forgets them within 60 s\n',
  ]);
  expect(err).toContain('Backups of the database are NOT covered: there is no ERASURE_DIR');
  expect(await contents()).toEqual({ ...SEEDED, ...as(HERS, CLOSED) });
  expect(await trail(installation)).toEqual([
    {
      tenant_id: TENANTS.acme.id,
      actor_id: '00000000-0000-0000-0000-000000000000',
      owner_id: ALICE,
      target_kind: 'owner',
      target_id: ALICE,
      detail: { keys: 3, holders: 3, backups: false },
    },
  ]);
  await restore();
  expect(await contents()).toEqual(SEEDED);
});

test("with secrets outside the database an owner's values are gone from backups too, and nobody else's are", async () => {
  const installation = await install({ erasable: true });
  const { keys, contents, erasureDir = '' } = installation;
  const folder = join(erasureDir, TENANTS.acme.id);
  expect(await contents()).toEqual(SEEDED);
  expect((await readdir(folder)).sort()).toEqual(['0', ALICE, BOB, scout.id, scribe.id, bobot.id].sort());
  const restore = await backup(installation);
  const { code, out, err } = await keys(`destroy --tenant acme --owner ${ALICE} --confirm ${ALICE}`);
  expect([code, out]).toEqual([
    0,
    expect.stringContaining('3 keys destroyed, 3 erasure secrets forgotten, backups included\n'),
  ]);
  expect(err).toContain('backups of ERASURE_DIR must be destroyed too');
  expect(await trail(installation)).toMatchObject([
    { owner_id: ALICE, detail: { keys: 3, holders: 3, backups: true } },
  ]);
  expect((await readdir(folder)).sort()).toEqual(['0', BOB, bobot.id].sort());
  expect(await contents()).toEqual({ ...SEEDED, ...as(HERS, CLOSED) });
  // what was destroyed on purpose is no fault, and a rotation passes it by
  expect(await keys('verify')).toMatchObject({
    code: 0,
    out: `${VALUES - HERS.length} values open, ${HERS.length} were destroyed, 0 do not open\n`,
  });
  expect((await keys('rotate data --no-wait')).out).toMatch(/^4 new data keys, 8 values sealed anew\n/);

  // whoever has the backup and the key-encryption key reads nothing of hers
  await restore();
  expect(await contents()).toEqual({ ...SEEDED, ...as(HERS, CLOSED) });
  const { out: report } = await keys('verify');
  expect(report).toMatch(
    new RegExp(`^${VALUES - HERS.length} values open, 0 were destroyed, ${HERS.length} do not open$`, 'm'),
  );
});

test('one agent can be made to forget, and its owner keeps what is hers', async () => {
  const installation = await install({ erasable: true });
  const { keys, contents } = installation;
  const { code, out } = await keys(`destroy --tenant acme --owner ${scout.id} --confirm ${scout.id}`);
  expect([code, out]).toEqual([0, expect.stringContaining('1 keys destroyed, 1 erasure secrets forgotten')]);
  const scouts = HERS.filter((name) => name.endsWith(scout.id));
  expect(await contents()).toEqual({ ...SEEDED, ...as(scouts, CLOSED) });
});

test('a whole tenant is gone, from backups too, and the other one goes on', async () => {
  const installation = await install({ erasable: true });
  const { keys, contents, erasureDir = '' } = installation;
  const restore = await backup(installation);
  const destroy = () => keys('destroy --tenant acme --confirm acme');
  expect((await destroy()).out).toMatch(/^7 keys destroyed, 1 erasure secrets forgotten, backups included\n/);
  expect(await readdir(erasureDir)).toEqual([TENANTS.globex.id]);
  const globex = Object.keys(SEEDED).filter(
    (name) =>
      name.endsWith('bad03') || [AGENTS.mimic.id, ...sealedOf('mallory')].some((id) => name.endsWith(id)),
  );
  const acme = Object.keys(SEEDED).filter((name) => !globex.includes(name));
  const gone = { ...SEEDED, ...as(acme, CLOSED) };
  expect(await contents()).toEqual(gone);
  expect((await keys('verify')).code).toBe(0);
  await restore();
  expect(await contents()).toEqual(gone);
  // again, to the end: it does no harm
  expect((await destroy()).out).toMatch(/^7 keys destroyed, 0 erasure secrets forgotten/);
  expect((await destroy()).out).toMatch(/^0 keys destroyed/);
  expect((await keys('verify')).code).toBe(0);
});

test('a data key that does not open is named, and keeps no other from being wrapped anew', async () => {
  const { keys, sql } = await install();
  const [damaged = ''] = await sql(({ list }) =>
    list(`update data_keys set wrapped = 'A' || substr(wrapped, 2) || 'AAAA'
           where id = (select id from data_keys order by id limit 1) returning id`),
  );
  const { code, out } = await keys('rotate tenant');
  expect(code).toBe(1);
  expect(out).toContain('6 data keys wrapped anew\n');
  expect(out).toContain(`data_keys.wrapped of row ${damaged}`);
  expect((await keys('status')).out).toContain('rotation unfinished');
});
