// `bailiwick keys`: what must not be done is refused before anything is touched, a dry run changes nothing, whatever does not open
// is named and never shown, and after every rotation everything opens.
//
// Sealing, opening again and destroying are in test/db/custody.test.ts.

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { GRACE } from '../../src/db/custody/rotation.ts';
import { AGENTS, USERS } from '../../src/demo/cast.ts';
import { KEY_ENCRYPTION_KEY } from '../kit/keys.ts';
import { type Installation, install, SEEDED } from './sealed.ts';
import { transcript } from './transcript.ts';

const ALICE = USERS.alice.id;
const SCOUT = AGENTS.scout.id;
const ALICES =
  Object.keys(SEEDED)
    .find((name) => name.startsWith('memories.content'))
    ?.split(' ')[1] ?? '';
const VALUES = Object.keys(SEEDED).length;
/** alice, bob, mallory and the four agents that are told something. */
const HOLDERS = 7;

/** How many envelopes are under which version of a key. */
const versions = ({ sql }: Installation) =>
  sql(({ list }) =>
    list(
      `select format('%s under version %s', count(*), k.version) from data_keys k
         join (select content as stored from memories where sensitive union all select metadata #>> '{}' from memories where sensitive
               union all select system_prompt from agent_instructions union all select private_instructions from agent_instructions
               union all select secret from service_secrets union all select arguments #>> '{}' from approvals) v
           on starts_with(v.stored, 'bwe1.' || replace(k.id::text, '-', '')) group by k.version`,
    ),
  );

/** As if the last server had stopped sealing with what was retired. */
const later = ({ sql }: Installation) =>
  sql(({ touched }) => touched("update data_keys set retired_at = retired_at - interval '5 minutes'"));

test('what must not be done is refused, and nothing is touched', async () => {
  const installation = await install();
  const { keys, everything } = installation;
  const before = await everything();
  const cases: [line: string, fault: RegExp][] = [
    ['', /say which: status, verify, rotate data/],
    ['rotate', /say which/],
    ['status --tenant nowhere', /there is no tenant nowhere/],
    ['verify --column memories.tags', /memories\.tags is not encrypted/],
    ['seal --column content', /content is not encrypted/],
    ['verify --batch 0', /--batch must be a whole number from 1 to 5000/],
    ['verify --batch 5001', /--batch must be/],
    ['verify --batch 1.5', /--batch must be/],
    ['rotate data --pause 60001', /--pause must be a whole number from 0 to 60000/],
    ['rotate data --column memories.content', /leave --column out/],
    ['rotate kek --tenant acme', /leave --tenant out/],
    [
      'unseal',
      /only envelopes may stand in .*memories\.metadata, .*service_secrets\.secret.*: .* drop .*memories_metadata_sealed/,
    ],
    ['unseal --column memories.content', /only envelopes may stand in memories\.content:/],
    ['destroy', /destroy needs --tenant/],
    [`destroy --owner ${ALICE}`, /destroy needs --tenant/],
    ['destroy --tenant acme --owner alice', /--owner must be the id/],
    [`destroy --tenant globex --owner ${ALICE} --confirm ${ALICE}`, /there is no \S+ in globex/],
    ['destroy --tenant acme', /nobody can be asked here: say it with --confirm/],
    ['destroy --tenant acme --confirm globex', /not confirmed; nothing was destroyed/],
    [`destroy --tenant acme --owner ${ALICE} --confirm acme`, /not confirmed/],
    [`destroy --tenant acme --owner ${ALICE} --confirm ${SCOUT}`, /not confirmed/],
  ];
  for (const [line, fault] of cases) {
    const { code, out, err } = await keys(line);
    expect([line, code, out]).toEqual([line, 2, '']);
    expect(err).toMatch(fault);
  }
  expect(await everything()).toEqual(before);
});

test('without the key that wraps, nothing opens and no key is printed', async () => {
  const { keys, everything } = await install();
  const before = await everything();
  const env = { KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64url') };
  for (const line of ['verify', 'rotate data --no-wait', 'rotate tenant', 'rotate kek']) {
    const { code, out, err } = await keys(line, { env });
    expect([line, code]).toEqual([line, 1]);
    expect(out + err).toContain('bailiwick: ');
    expect(out + err).not.toContain(env.KEY_ENCRYPTION_KEY);
  }
  // a rotation that was begun is noted; no key and no value is another
  const after = await everything();
  for (const all of [before, after]) {
    all.delete('bailiwick.key_rotations');
  }
  expect(after).toEqual(before);
});

test('a dry run says how much it would be, and changes nothing', async () => {
  const { keys, everything } = await install({ erasable: true });
  const before = await everything();
  const cases: [line: string, said: RegExp][] = [
    [
      'rotate data',
      /would make 7 data keys.*\n.*system_prompt +4 values\n(?:.*\n)*.*memories\.content +2 values/,
    ],
    ['rotate data --tenant globex', /would make 2 data keys/],
    ['rotate tenant', /would make keys for 2 tenants, and wrap 7 data keys/],
    ['rotate kek', /would have a new key take over from env:\w+, and wrap 4 keys of tenants/],
    ['seal', /would seal\n(?: +\S+ +0 values\n){5}/],
  ];
  for (const [line, said] of cases) {
    const { code, out } = await keys(`${line} --dry-run`);
    expect([line, code]).toEqual([line, 0]);
    expect(out).toMatch(said);
  }
  const destroy = await keys(`destroy --tenant acme --owner ${ALICE} --dry-run`);
  expect([destroy.code, destroy.out]).toEqual([0, '']);
  expect(destroy.err).toContain(`This destroys 3 keys of owner ${ALICE}.`);
  expect(await everything()).toEqual(before);
});

test('whatever does not open is named by row and reason, and not a word of what is stored is printed', async () => {
  const { keys, sql, remember, envelope } = await install();
  expect(await keys('verify')).toEqual({
    code: 0,
    out: `${VALUES} values open, 0 were destroyed, 0 do not open\n`,
    err: expect.stringContaining(`opened: ${VALUES} of ${VALUES}\n`),
  });
  const [altered, moved, shapeless] = [
    await remember('alice', 'altered-canary'),
    await remember('alice', 'moved-canary'),
    await remember('bob', 'shapeless-canary'),
  ];
  const at = {
    table: 'agent_instructions',
    column: 'system_prompt',
    rowId: AGENTS.bobot.id,
    owner: 'bob',
  } as const;
  const foreign = await envelope(at, 'scout', 'foreign-canary');
  await sql(async ({ touched }) => {
    const set = async (text: string, values: unknown[]) => expect(await touched(text, values)).toBe(1);
    await set(
      "update memories set content = overlay(content placing case substr(content, 60, 1) when 'A' then 'B' else 'A' end from 60) where id = $1",
      [altered],
    );
    await set('update memories set content = (select content from memories where id = $1) where id = $2', [
      ALICES,
      moved,
    ]);
    await set("update memories set metadata = to_jsonb('bwe1.shapeless-stored'::text) where id = $1", [
      shapeless,
    ]);
    await set('update agent_instructions set system_prompt = $1 where id = $2', [foreign, at.rowId]);
    await touched('alter table agent_instructions drop constraint agent_instructions_system_prompt_sealed');
    await set("update agent_instructions set system_prompt = 'plain-canary' where id = $1", [
      AGENTS.mimic.id,
    ]);
  });

  const found = await keys('verify');
  expect(found.code).toBe(1);
  const lines = found.out.trim().split('\n');
  const wanted: [cell: string, reason: RegExp][] = [
    [`memories.content of row ${altered}`, /: not what was written there: altered, or moved/],
    [`memories.content of row ${moved}`, /: not what was written there: altered, or moved/],
    [`memories.metadata of row ${shapeless}`, /: begins like an envelope and is none$/],
    [
      `agent_instructions.system_prompt of row ${at.rowId}`,
      /: sealed with a key that its holder does not have/,
    ],
    [
      `agent_instructions.system_prompt of row ${AGENTS.mimic.id}`,
      /: in clear, where only envelopes may stand$/,
    ],
  ];
  for (const [cell, reason] of wanted) {
    expect(lines.find((line) => line.startsWith(`${cell} in tenant `))).toMatch(reason);
  }
  expect(lines.at(-1)).toBe(`${VALUES + 6 - 5} values open, 0 were destroyed, 5 do not open`);
  expect(lines).toHaveLength(6);

  const json = await keys('verify --json');
  expect(json.code).toBe(1);
  const { opened, faults } = JSON.parse(json.out) as {
    opened: number;
    faults: { rowId: string; reason: string }[];
  };
  expect(opened).toBe(VALUES + 1);
  expect(faults.map(({ rowId, reason }) => `${rowId} ${reason}`).sort()).toEqual(
    [
      `${altered} altered`,
      `${moved} altered`,
      `${shapeless} shape`,
      `${at.rowId} key`,
      `${AGENTS.mimic.id} plain`,
    ].sort(),
  );
  expect(found.out + found.err + json.out + json.err).not.toMatch(/canary|stored|bwe1\./);
  expect((await keys('verify --column memories.metadata')).out.split('\n')).toHaveLength(3);
  expect((await keys('verify --tenant globex')).out).toContain(`row ${AGENTS.mimic.id}`);
  expect((await keys('status')).code).toBe(1);
});

test('the status shows keys of every level and what every column holds, for people and for machines', async () => {
  const { keys } = await install();
  const { code, out } = await keys('status');
  expect(code).toBe(0);
  expect(out).toMatch(/^key-encryption key {2}env:[0-9a-f]{16}\nbackups +stay readable .*no ERASURE_DIR\n\n/);
  expect(out).toMatch(/\nacme +1 +env:[0-9a-f]{16} +\S+ +5 +0 +0\nglobex +1 +env:\w+ +\S+ +2 +0 +0\n/);
  expect(out).toMatch(/\nmemories\.metadata +2 +0 +0 +envelopes only\n/);
  const machine = JSON.parse((await keys('status --json --tenant acme')).out) as Record<string, unknown>;
  expect(machine).toMatchObject({
    fine: true,
    erasure: false,
    tenants: [{ tenant: 'acme', version: 1, dataKeys: 5, retired: 0, destroyed: 0, unfinished: 0 }],
  });
  expect(machine.columns).toContainEqual({
    column: 'memories.content',
    sealed: 1,
    retired: 0,
    plain: 0,
    closed: true,
  });
});

test('every holder gets a new key, everything opens under it, and nothing is left under the old ones', async () => {
  const installation = await install();
  const { keys, sql, contents } = installation;
  const first = await keys('rotate data --no-wait');
  expect(first.code).toBe(0);
  const said =
    /^7 new data keys, 18 values sealed anew\nfinished by the same command in (\d+) s, when no server/;
  const seconds = Number(said.exec(first.out)?.[1]);
  expect(seconds).toBeLessThanOrEqual(GRACE);
  expect(seconds).toBeGreaterThan(GRACE - 20);
  expect(await contents()).toEqual(SEEDED);
  expect(await versions(installation)).toEqual([`${VALUES} under version 2`]);
  expect(
    await sql(({ value }) => value('select count(*)::int from data_keys where retired_at is not null')),
  ).toBe(HOLDERS);
  // not over yet: servers may still seal with the old keys
  expect((await keys('status')).out).toContain('rotation unfinished');
  await later(installation);
  expect((await keys('rotate data')).out).toBe('went on: 0 new data keys, 0 values sealed anew\n');
  expect((await keys('status')).code).toBe(0);
  // and the next one is another
  expect((await keys('rotate data --no-wait --tenant globex')).out).toMatch(/^2 new data keys, 5 values/);
  expect(await versions(installation)).toEqual(['13 under version 2', '5 under version 3']);
  expect(await contents()).toEqual(SEEDED);
});

test('a value that a late server sealed with the old key is sealed anew by the call that finishes', async () => {
  const installation = await install();
  const at = { table: 'memories', column: 'content', rowId: ALICES, owner: 'alice' } as const;
  const late = await installation.envelope(at, 'alice', 'late');
  await installation.keys('rotate data --no-wait');
  await installation.sql(({ touched }) =>
    touched('update memories set content = $1 where id = $2', [late, ALICES]),
  );
  await later(installation);
  expect((await installation.keys('rotate data')).out).toBe(
    'went on: 0 new data keys, 1 values sealed anew\n',
  );
  expect(await versions(installation)).toEqual([`${VALUES} under version 2`]);
  expect(await installation.contents()).toEqual({ ...SEEDED, [`memories.content ${ALICES}`]: 'late' });
});

test('ended in the middle, a rotation leaves everything readable and is taken up where it was', async () => {
  const installation = await install();
  const ending = new AbortController();
  const running = installation.keys('rotate data --no-wait --batch 1 --pause 60000', {
    signal: ending.signal,
  });
  while (!(await versions(installation)).includes('1 under version 2')) {
    await sleep(20);
  }
  ending.abort('SIGINT');
  const ended = await running;
  expect([ended.code, ended.out]).toEqual([1, '']);
  expect(ended.err).toContain('ended; what was done stays done, and the same command goes on from here\n');
  expect(await versions(installation)).toEqual(['1 under version 2', '17 under version 1']);
  expect(await installation.contents()).toEqual(SEEDED);

  const { out } = await installation.keys('rotate data --no-wait --batch 1 --pause 0');
  expect(out).toMatch(/^went on: 0 new data keys, 17 values sealed anew\n/);
  expect(await versions(installation)).toEqual([`${VALUES} under version 2`]);
  expect(await installation.contents()).toEqual(SEEDED);
});

test("a tenant's new key wraps the keys of its holders, and no value is touched", async () => {
  const { keys, sql, contents } = await install({ erasable: true });
  const stored = () => sql(({ list }) => list('select content from memories where sensitive'));
  const before = await stored();
  const [old] = await sql(({ list }) =>
    list(`select id from tenant_keys where tenant_id = (select id from tenants where slug = 'acme')`),
  );
  expect((await keys('rotate tenant --tenant acme')).out).toBe('5 data keys wrapped anew\n');
  expect(await stored()).toEqual(before);
  expect(await contents()).toEqual(SEEDED);
  expect(
    await sql(({ value }) => value('select count(*)::int from data_keys where tenant_key_id = $1', [old])),
  ).toBe(0);
  // the old one is not needed any more
  await sql(({ touched }) =>
    touched('update tenant_keys set wrapped = null, destroyed_at = now() where id = $1', [old]),
  );
  expect(await contents()).toEqual(SEEDED);
  expect((await keys('rotate tenant')).out).toBe('7 data keys wrapped anew\n');
  expect((await keys('verify')).code).toBe(0);
});

test('a new key-encryption key wraps the keys of tenants and those that sign tokens, and the old one can go', async () => {
  const { keys, env, sql, contents } = await install();
  await transcript('signing-keys rotate', env);
  const fresh = randomBytes(32).toString('base64url');
  const both = { KEY_ENCRYPTION_KEY: `${fresh},${KEY_ENCRYPTION_KEY}` };
  // keys of the environment take turns there
  const alone = await keys('rotate kek');
  expect([alone.code, alone.err]).toEqual([
    1,
    expect.stringContaining('put a new key first in KEY_ENCRYPTION_KEY'),
  ]);

  expect((await keys('rotate kek --dry-run', { env: both })).out).toMatch(
    /^would wrap 4 keys of tenants under env:/,
  );
  const signing = Number(await sql(({ value }) => value('select count(*) from bailiwick.signing_keys')));
  expect(signing).toBeGreaterThan(0);
  expect((await keys('rotate kek', { env: both })).out).toMatch(
    new RegExp(`^went on with env:[0-9a-f]{16}: ${4 + signing} keys wrapped anew\n$`),
  );
  expect(await contents(fresh)).toEqual(SEEDED);
  const only = { KEY_ENCRYPTION_KEY: fresh };
  expect((await keys('verify', { env: only })).code).toBe(0);
  expect((await keys('status', { env: only })).code).toBe(0);
  expect((await transcript('signing-keys rotate', { ...env, ...only })).code).toBe(0);
  expect((await keys('verify')).code).toBe(1);
});
