// Guarantees of prisma/policies/27-approvals.sql: who sees what agents have asked for, who asks at all, and that nobody changes or removes
// a request. What a request may say stands in asking.test.ts, what becomes of one in deciding.test.ts.

import { expect } from 'vitest';
import { DELEGABLE } from '../../src/capabilities.ts';
import { AGENTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { APPROVALS } from '../../src/demo/permissions.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange, NARROW } from './arrangement.ts';
import { serviceTicket } from './credentials.ts';
import { delegate, EVERYTHING, granted, REACHES_NOTHING, suspend } from './given.ts';
import { hidesFromTheDead, keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';
import { REQUESTS, TWIN_REQUESTS, WAITING } from './permissions.ts';
import { about, ask, asScout, ROW } from './requests.ts';
import { arrangeWrapped } from './wrapped.ts';

const SEEN = 'select id from approvals';
const { alice } = USERS;
const { scout, scribe } = AGENTS;
const of = (who: string) => APPROVALS.flatMap(({ id, owner }) => (owner === who ? [id] : [])).sort();

keepsTenantsApart('approvals', { changes: false });
hidesFromTheDead('approvals');
takesOnlyColumns('approvals', {
  insert: [
    ...['tenant_id', 'id', 'owner_id', 'agent_id', 'service', 'action', 'arguments', 'digest', 'reason'],
    ...['version', 'chain', 'expires_at', 'created_by', 'delegation_id', 'request_id'],
  ],
  update: [],
});

test('nobody changes or removes a request, neither its owner nor who asked', async ({ as }) => {
  for (const [who, acting] of [
    ['alice', itself],
    ['scout', through.scout],
    ['scout', granted('scout', EVERYTHING)],
    ['scout', itself],
    ['bob', itself],
    ['ada', itself],
    ['mallory', itself],
    ['mimic', through.mimic],
  ] as const) {
    await as(who, acting, async (sql) => {
      for (const set of [
        `decision = 'approved'`,
        `decision = 'approved', decided_at = now(), decided_by = '${alice.id}'`,
        'redeemed_at = null',
        'redemption_id = null',
        `note = 'Yes'`,
        `digest = digest`,
        `arguments = arguments`,
        `version = version`,
        `chain = '{}'`,
        `expires_at = now() + interval '1 day'`,
        `agent_id = agent_id`,
        `owner_id = owner_id`,
      ]) {
        expect(await sql.outcome(`update approvals set ${set}`), `${who}: ${set}`).toBe('42501');
      }
      expect(await sql.outcome('delete from approvals'), who).toBe('42501');
    });
  }
});

test('a person asks for nothing, neither in an own name nor in that of an agent', async ({ as }) => {
  for (const who of ['alice', 'bob', 'ada', 'mallory'] as const) {
    await as(who, { given: arrangeWrapped }, async (sql) => {
      for (const agent_id of [USERS[who].id, scout.id]) {
        for (const delegation_id of [DELEGATIONS.scout.id, null]) {
          for (const version of [ROW.version, 'x']) {
            const row = { agent_id, delegation_id, version, chain: [DELEGATIONS.scout.id] };
            expect(await ask(sql, row), who).toBe('42501');
            expect(await ask(sql, { ...row, created_by: scout.id }), who).toBe('42501');
          }
        }
      }
    });
  }
});

test('without a context and to the server itself there is nothing to see and nothing to ask', async ({
  as,
  raw,
}) => {
  await as('alice', itself, async () => undefined);
  for (const shown of [serviceTicket(), undefined]) {
    await raw(async (sql) => {
      await sql.rows('begin');
      if (shown !== undefined) {
        await sql.rows('select bailiwick.open($1, $2)', shown);
      }
      expect(await sql.list(SEEN)).toEqual([]);
      expect(
        await ask(sql, { created_by: scout.id, delegation_id: DELEGATIONS.scout.id, request_id: newId() }),
      ).toBe('42501');
    });
  }
});

test('a colleague, an administrator and somebody of another tenant see what their own agents have asked for', async ({
  as,
}) => {
  for (const who of ['bob', 'ada', 'mallory'] as const) {
    expect(await as(who, itself, (sql) => sql.list(SEEN)), who).toEqual(of(who));
  }
  const given = arrange;
  expect(await as('bob', { given }, (sql) => sql.list(SEEN))).toEqual([WAITING.bobot]);
  expect(await as('ada', { given }, (sql) => sql.list(SEEN))).toEqual([]);
});

test('an agent as itself sees nothing of what it has asked for, and asks for nothing', async ({ as }) => {
  for (const who of ['scout', 'scribe', 'bobot', 'mimic'] as const) {
    await as(who, { given: arrange }, async (sql) => {
      expect(await sql.list(SEEN), who).toEqual([]);
      expect(await ask(sql, { agent_id: AGENTS[who].id }), who).toBe('42501');
      const forged = { delegation_id: DELEGATIONS[who].id, chain: [DELEGATIONS[who].id] };
      expect(await ask(sql, { agent_id: AGENTS[who].id, ...forged }), who).toBe('42501');
    });
  }
});

test('an agent sees nothing that another has asked for, neither the one above it nor the one below', async ({
  as,
}) => {
  const below = newId<DelegationId>();
  const given = async (sql: Sql) => {
    await arrange(sql);
    const parent = DELEGATIONS.scout.id;
    await delegate(sql, { id: below, from: 'scout', to: 'scribe', parent, capabilities: EVERYTHING });
  };
  const seen = (acting: Acting, who: 'scout' | 'scribe') =>
    as(who, { ...acting, given }, (sql) => sql.list('select distinct agent_id from approvals'));
  expect(await seen(through.scout, 'scout')).toEqual([scout.id]);
  expect(await seen({ delegation: below }, 'scribe')).toEqual([scribe.id]);
});

for (const [state, { who, made, after }] of Object.entries(REACHES_NOTHING)) {
  test(`nothing is seen or asked for through a delegation that ${state}`, async ({ as }) => {
    const { delegation, given } = granted(who, EVERYTHING, after, made);
    const arranged = async (sql: Sql) => {
      await arrange(sql);
      await given?.(sql);
    };
    await as(who, { delegation, given: arranged }, async (sql) => {
      expect(await sql.list(SEEN)).toEqual([]);
      for (const version of [ROW.version, 'x']) {
        expect(await ask(sql, { agent_id: AGENTS[who].id, version })).toBe('42501');
      }
    });
  });
}

test('nothing is asked for through a delegation or with a token that does not name it, or by a sub-agent when one above may not', async ({
  as,
}) => {
  const [without, above, below] = [newId<DelegationId>(), newId<DelegationId>(), newId<DelegationId>()];
  const others = DELEGABLE.filter((word) => word !== 'approval:create');
  const given = async (sql: Sql) => {
    await arrangeWrapped(sql);
    await delegate(sql, { id: without, from: 'alice', to: 'scribe', capabilities: others });
    await delegate(sql, { id: above, from: 'alice', to: 'scout', capabilities: others, redelegate: 1 });
    await delegate(sql, { id: below, from: 'scout', to: 'scribe', parent: above, capabilities: EVERYTHING });
  };
  for (const delegation of [without, below, through.scribe.delegation]) {
    await as('scribe', { delegation, given }, async (sql) => {
      expect(await ask(sql, { agent_id: scribe.id })).toBe('42501');
      expect(await ask(sql, { agent_id: scribe.id, ...about('mail', 'messages.send') })).toBe('42501');
    });
  }
  for (const scopes of [['approval:read', 'permission:read'], ['memory:create']]) {
    await as('scout', { ...asScout, scopes }, async (sql) => {
      expect(await ask(sql), `${scopes}`).toBe('42501');
      expect(await ask(sql, about('mail', 'messages.send')), `${scopes}`).toBe('42501');
    });
  }
});

test('what was asked for is seen with a token and through a delegation that name it, and with no others', async ({
  as,
}) => {
  for (const scopes of [['approval:create'], ['approval:update'], ['permission:read', 'activity:read']]) {
    expect(await as('alice', { scopes }, (sql) => sql.list(SEEN)), `${scopes}`).toEqual([]);
    expect(await as('scout', { ...through.scout, scopes }, (sql) => sql.list(SEEN)), `${scopes}`).toEqual([]);
  }
  const others = DELEGABLE.filter((word) => word !== 'approval:read');
  expect(await as('scout', granted('scout', others), (sql) => sql.list(SEEN))).toEqual([]);
  expect(await as('alice', { given: suspend('alice') }, (sql) => sql.list(SEEN))).toEqual([]);
});

test('the kernel decides and redeems, and does nothing else to a request', async ({ migrate }) => {
  const may = (verb: string) =>
    migrate((sql) =>
      sql.list(
        `select attname from pg_attribute where attrelid = 'approvals'::regclass and attnum > 0
            and has_column_privilege('bailiwick_kernel', 'approvals', attnum, $1)`,
        [verb],
      ),
    );
  expect(await may('insert')).toEqual([]);
  expect(await may('update')).toEqual(
    ['decided_at', 'decided_by', 'decision', 'note', 'redeemed_at', 'redemption_id'].sort(),
  );
  const others = `select p from unnest(array['delete', 'truncate']) p where has_table_privilege('bailiwick_kernel', 'approvals', p)`;
  expect(await migrate((sql) => sql.list(others))).toEqual([]);
});

test('alice sees all that her agents have asked for, and nothing of her twin; scout and mimic what they have asked for', async ({
  as,
}) => {
  expect(await as('alice', itself, (sql) => sql.list(SEEN))).toEqual(of('alice'));
  expect(await as('scout', through.scout, (sql) => sql.list(SEEN))).toEqual(of('alice'));
  expect(await as('mimic', through.mimic, (sql) => sql.list(SEEN))).toEqual(of('mallory'));
  const seen = await as('alice', { given: arrange }, (sql) => sql.list(SEEN));
  const laid = [...Object.values(REQUESTS).map(({ id }) => id), WAITING.scout, WAITING.scribe, WAITING.late];
  expect(seen).toEqual(expect.arrayContaining([...of('alice'), ...laid]));
  expect(seen.filter((id) => Object.values<string>(TWIN_REQUESTS).includes(id))).toEqual([]);
  expect(seen).not.toContain(WAITING.bobot);
  const reader = { delegation: NARROW.reader.id, given: arrange };
  expect(await as('rogue', reader, (sql) => sql.list(SEEN))).toEqual([WAITING.rogue]);
});
