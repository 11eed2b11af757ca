// Guarantees of prisma/policies/30-access-receipts.sql: nobody but an owner in person sees what agents have read, nobody but the server
// writes it down, and it counts right whoever counts at once. How long it is kept: activity-noting.test.ts.

import { expect } from 'vitest';
import { SCOPES } from '../../src/capabilities.ts';
import { type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import { type Acting, type Sql, ticket } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange, memoryOf } from './arrangement.ts';
import { serviceTicket, signedTicket } from './credentials.ts';
import { EVERYTHING, granted } from './given.ts';
import { keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';
import { OF_BOBOT, RECEIPTS } from './receipts.ts';
import { SHARED } from './sharing.ts';

const { alice, bob } = USERS;
const { scout, bobot } = AGENTS;
const { garden } = WORLDS;
const LEAVE = 'select bailiwick.leave_receipts($1)';
const SEEN = `select id from access_receipts where id = any ($1)`;
const ALL = [...Object.values(RECEIPTS), OF_BOBOT];
const of = (...agents: readonly (keyof typeof AGENTS)[]) => agents.map((agent) => RECEIPTS[agent]);

keepsTenantsApart('access_receipts', { changes: false });
takesOnlyColumns('access_receipts', { insert: [], update: [] });

const read = (row: Readonly<Record<string, unknown>> = {}) => ({
  ...{ tenant_id: TENANTS.acme.id, owner_id: alice.id, agent_id: scout.id, operation: 'memories' },
  ...{ kind: 'Memory', row_id: memoryOf('alice'), delegation_id: DELEGATIONS.scout.id, request_id: newId() },
  ...row,
});

/** Does something in a transaction that the server opened for itself, which is kept. */
async function serving<Result>(sql: Sql, work: () => Promise<Result>): Promise<Result> {
  await sql.rows('begin');
  await sql.rows('select bailiwick.open($1, $2)', serviceTicket());
  const result = await work();
  await sql.rows('commit');
  return result;
}

const leave = (sql: Sql, ...rows: readonly object[]) =>
  serving(sql, () => sql.outcome(LEAVE, [JSON.stringify(rows)]));

const SEES: Readonly<Record<string, readonly [ActorName, Acting, readonly string[]]>> = {
  alice: ['alice', itself, [...of('scout', 'scribe', 'late', 'rogue'), OF_BOBOT]],
  'bob, whose agent has read what alice shares': ['bob', itself, of('bobot')],
  'the administrator': ['ada', itself, []],
  mallory: ['mallory', itself, of('mimic')],
  'scout, of whom it tells': ['scout', through.scout, []],
  'scout in the Garden': ['scout', through.scoutInGarden, []],
  'scout as itself': ['scout', itself, []],
  'scout, whose delegation names whatever there is': ['scout', granted('scout', EVERYTHING), []],
  scribe: ['scribe', through.scribe, []],
  late: ['late', through.late, []],
  bobot: ['bobot', through.bobot, []],
  mimic: ['mimic', through.mimic, []],
  'alice, whose token is for everything else': [
    'alice',
    { scopes: SCOPES.filter((scope) => scope !== 'receipt:read') },
    [],
  ],
};
for (const [who, [actor, acting, seen]] of Object.entries(SEES)) {
  test(`${who} sees ${seen.length === 0 ? 'no receipt' : `${seen.length} of them`}, and changes and removes none`, async ({
    as,
  }) => {
    const given = async (sql: Sql) => {
      await arrange(sql);
      await acting.given?.(sql);
    };
    await as(actor, { ...acting, given }, async (sql) => {
      expect(await sql.list(SEEN, [ALL])).toEqual([...seen].sort());
      for (const text of [
        'update access_receipts set times = 1',
        'delete from access_receipts',
        'truncate access_receipts',
        'select from access_receipts for update',
        'insert into access_receipts select * from access_receipts',
      ]) {
        expect(await sql.outcome(text), text).toBe('42501');
      }
    });
  });
}

test('nobody but the server leaves a receipt, with whatever ticket, and not without one', async ({
  as,
  raw,
}) => {
  for (const [who, acting] of [
    ['alice', itself],
    ['ada', itself],
    ['bob', itself],
    ['mallory', itself],
    ['scout', itself],
    ['scout', through.scout],
    ['scribe', through.scribe],
    ['mimic', through.mimic],
  ] as const) {
    await as(who, acting, async (sql) => {
      expect(await sql.outcome(LEAVE, [JSON.stringify([read()])]), who).toBe('28000');
      expect(await sql.outcome(LEAVE, ['[]']), who).toBe('28000');
    });
  }
  await raw(async (sql) => {
    await sql.rows('begin');
    expect(await sql.outcome(LEAVE, [JSON.stringify([read()])])).toBe('28000');
    expect(await sql.outcome('select bailiwick.open($1, $2)', signedTicket({ service: 'receipts' }))).toBe(
      '28000',
    );
    expect(await sql.outcome(LEAVE, [JSON.stringify([read()])])).toBe('28000');
    await sql.rows('rollback');
  });
});

const COUNT = 'select id from access_receipts';

test('what is no receipt is left by nobody, not even by the server', async ({ raw, migrate }) => {
  const before = await migrate((sql) => sql.list(COUNT));
  await raw(async (sql) => {
    for (const [what, row, code] of [
      ['an agent that there is not', { agent_id: newId() }, '23503'],
      ['an agent of another tenant', { agent_id: AGENTS.mimic.id }, '23503'],
      ['a person', { agent_id: alice.id }, '23503'],
      ['nobody’s row', { kind: 'Thing', owner_id: null }, '23502'],
      ['no row', { row_id: null }, '23502'],
      ['a kind that is no type', { kind: 'memories; drop table memories' }, '23514'],
      ['no operation', { operation: '' }, '23514'],
      ['an operation without end', { operation: 'x'.repeat(201) }, '23514'],
    ] as const) {
      expect(await leave(sql, read(row)), what).toBe(code);
    }
    expect(await leave(sql)).toBe('1');
  });
  expect(await migrate((sql) => sql.list(COUNT))).toEqual(before);
});

const COUNTED = `select agent_id, operation, kind, row_id, times from access_receipts order by operation, row_id`;
const forget = (sql: Sql) => sql.rows('delete from access_receipts');

test('each row is counted by day, operation and agent, once for each time that it was read', async ({
  raw,
  as,
  migrate,
}) => {
  const [one, other] = [newId(), newId()].sort();
  const row = (row_id: string | undefined, operation = 'memories') =>
    read({ row_id, operation, kind: 'Approval' });
  const last = read({ row_id: one, kind: 'Approval' });
  await raw(async (sql) => {
    expect(await leave(sql, row(one), row(other), row(one), row(one, 'node'))).toBe('1');
    expect(await leave(sql, last, { ...row(one), agent_id: AGENTS.scribe.id })).toBe('1');
  });
  const said = { operation: 'memories', kind: 'Approval' };
  const counted = await as('alice', itself, (sql) => sql.rows(`${COUNTED}, agent_id`));
  expect(counted).toEqual([
    { ...said, agent_id: scout.id, row_id: one, times: 3 },
    { ...said, agent_id: AGENTS.scribe.id, row_id: one, times: 1 },
    { ...said, agent_id: scout.id, row_id: other, times: 1 },
    { ...said, agent_id: scout.id, operation: 'node', row_id: one, times: 1 },
  ]);
  const latest = `select day = (now() at time zone 'UTC')::date as today, first_at < last_at as later, last_at <= now() as past,
      delegation_id, request_id from access_receipts where times = 3`;
  expect(await migrate((sql) => sql.rows(latest))).toEqual([
    { today: true, later: true, past: true, delegation_id: last.delegation_id, request_id: last.request_id },
  ]);
  const DAY = 'update access_receipts set day = day - 1';
  await migrate((sql) => sql.rows(DAY));
  expect(await raw((sql) => leave(sql, row(one)))).toBe('1');
  expect(await as('alice', itself, (sql) => sql.touched(COUNTED))).toBe(5);
  await migrate(forget);
});

test('a receipt is of whoever owns what was read, whatever the server says, and whoever reads', async ({
  raw,
  as,
  migrate,
}) => {
  await migrate(arrange);
  await migrate(forget);
  const by = { agent_id: bobot.id, owner_id: bob.id, delegation_id: DELEGATIONS.bobot.id };
  const shared = SHARED['alice garden'];
  const gone = newId();
  await raw(async (sql) => {
    const rows = [
      read({ ...by, row_id: shared }),
      read({ ...by, kind: 'World', row_id: garden.id }),
      read({ ...by, kind: 'User', row_id: alice.id }),
      read({ ...by, kind: 'Agent', row_id: scout.id }),
      // an id of another kind is none of these, and what is gone is of whom the server says
      read({ ...by, kind: 'Credential', row_id: alice.id }),
      read({ ...by, kind: 'World', row_id: shared }),
      read({ ...by, row_id: garden.id }),
      read({ ...by, row_id: gone }),
    ];
    expect(await leave(sql, ...rows)).toBe('1');
  });
  const seen = (who: 'alice' | 'bob' | 'mallory') =>
    as(who, itself, (sql) => sql.list(`select kind || ' ' || row_id from access_receipts`));
  expect(await seen('alice')).toEqual(
    [`Memory ${shared}`, `World ${garden.id}`, `User ${alice.id}`, `Agent ${scout.id}`].sort(),
  );
  expect(await seen('bob')).toEqual(
    [`Credential ${alice.id}`, `World ${shared}`, `Memory ${garden.id}`, `Memory ${gone}`].sort(),
  );
  // in the other tenant the twin of the same id is somebody else's
  expect(await seen('mallory')).toEqual([]);
  await migrate(forget);
});

test('of servers that count the same rows at once each is counted, and none waits for the other forever', async ({
  raw,
  as,
  migrate,
}) => {
  const ids = Array.from({ length: 40 }, () => newId());
  const rows = ids.map((row_id) => read({ row_id, kind: 'Approval' }));
  const count = (list: readonly object[]) =>
    raw(async (sql) => {
      for (let n = 0; n < 10; n += 1) {
        expect(await leave(sql, ...list)).toBe('1');
      }
    });
  await Promise.all([count(rows), count(rows.toReversed()), count(rows), count(rows.toReversed())]);
  const counts = 'select distinct times from access_receipts';
  expect(await as('alice', itself, (sql) => sql.list(counts))).toEqual(['40']);
  expect(await as('alice', itself, (sql) => sql.touched(COUNTED))).toBe(ids.length);
  await migrate(forget);
});

test('a chain is told that what it reads is written down, and so often as its tenant says; nobody else is', async ({
  raw,
  as,
  migrate,
}) => {
  const told = (shown: readonly [string, string], begin = 'begin') =>
    raw(async (sql) => {
      await sql.rows(begin);
      return await sql.value(`select (bailiwick.open($1, $2) -> 'receipts')::boolean`, shown);
    });
  await as('alice', itself, async () => undefined);
  for (const who of ['alice', 'ada', 'scout'] as const) {
    expect(await told(ticket(who)), who).toBe(false);
  }
  expect(await told(serviceTicket())).toBe(false);
  const scouts = ticket('scout', through.scout);
  const viewing = signedTicket({ ...claimsOf(ticket('alice')), view_as: DELEGATIONS.scout.id });
  expect(await told(viewing, 'begin read only'), 'an owner who looks on').toBe(false);
  expect(await told(scouts)).toBe(true);
  const often = (every: number) =>
    migrate((sql) => sql.rows('update tenants set receipt_every = $1 where slug = $2', [every, 'acme']));
  const counted = async () => {
    let times = 0;
    for (let n = 0; n < 60; n += 1) {
      times += (await told(ticket('scout', through.scout))) === true ? 1 : 0;
    }
    return times;
  };
  await often(1000);
  // one in a thousand: six of sixty happen once in a hundred billion
  expect(await counted()).toBeLessThan(6);
  await often(2);
  const half = await counted();
  expect(half).toBeGreaterThan(5);
  expect(half).toBeLessThan(55);
  for (const never of [0, 1001, null]) {
    expect(await often(never as number).catch(({ code }) => code), String(never)).toMatch(/^235(14|02)$/);
  }
  await often(1);
});

/** What a ticket says. */
const claimsOf = ([text]: readonly [string, string]): object =>
  JSON.parse(text.slice(text.indexOf('{'))) as object;
