// Guarantees of prisma/policies/27-approvals.sql: that an agent asks in its own name and through its own chain, only where the rules in force
// say so and not more than fifty times, and that the database has the arguments in no other form than encrypted.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { test, through } from '../kit/cast.ts';
import { arrange, Said } from './arrangement.ts';
import { delegate, EVERYTHING } from './given.ts';
import { fill, keepRule } from './permissions.ts';
import { about, ask, asScout } from './requests.ts';
import { arrangeWrapped, DATA_KEYS, DESTROYED, TWINS_ONLY, under } from './wrapped.ts';

const { alice, bob } = USERS;
const { scout, scribe, bobot } = AGENTS;

// Who asks, of whom, through what and when: what the owner decides by.
test('a request cannot name another owner, agent, maker, delegation, chain or request than the true ones', async ({
  as,
}) => {
  const lies = {
    'another owner': { owner_id: bob.id, arguments: JSON.stringify(under(DATA_KEYS.bob)) },
    'another owner and agent': {
      owner_id: bob.id,
      agent_id: bobot.id,
      arguments: JSON.stringify(under(DATA_KEYS.bob)),
    },
    'the agent as owner': { owner_id: scout.id, arguments: JSON.stringify(under(DATA_KEYS.scout)) },
    'a sub-agent': { agent_id: scribe.id },
    'a sub-agent, through its delegation': { agent_id: scribe.id, delegation_id: DELEGATIONS.scribe.id },
    "a colleague's agent": { agent_id: bobot.id },
    'the owner as maker': { created_by: alice.id },
    'no maker': { created_by: null },
    'another request': { request_id: newId() },
    'another delegation of its own': { delegation_id: DELEGATIONS.scoutInGarden.id },
    'no delegation': { delegation_id: null },
    'another chain': { chain: [DELEGATIONS.scoutInGarden.id] },
    'a longer chain': { chain: [DELEGATIONS.scout.id, DELEGATIONS.scribe.id] },
    'no chain': { chain: null },
    'an empty chain': { chain: [] },
    'another tenant': { tenant_id: TENANTS.globex.id },
  };
  await as('scout', { ...through.scout, given: arrange }, async (sql) => {
    for (const [lie, columns] of Object.entries(lies)) {
      expect(await ask(sql, columns), lie).toBe('42501');
    }
    expect(await ask(sql)).toBe('1');
  });
});

test('a request under another version of the rules is refused: made up, none, of before a change, of another action', async ({
  as,
}) => {
  let before = '';
  const given = async (sql: Sql) => {
    await arrangeWrapped(sql);
    before = String(
      await sql.value(
        `select (bailiwick.judge($1, $2, array[$3::uuid], 'mail', 'messages.send', null)).version`,
        [TENANTS.acme.id, alice.id, scout.id],
      ),
    );
    await keepRule(sql, { id: newId(), owner: alice.id, service: 'mail', action: '*', effect: 'ask' });
  };
  await as('scout', { ...through.scout, given }, async (sql) => {
    const now = String(await sql.value(`select bailiwick.asked('mail', 'messages.send')`));
    for (const version of ['', 'x', null, before, now.toUpperCase(), ` ${now}`, now.slice(1)]) {
      expect(await ask(sql, { version }), `${version}`).toBe('42501');
    }
    expect(
      await ask(sql, { ...about('shop', 'orders.place'), service: 'mail', action: 'messages.send' }),
    ).toBe('42501');
    expect(await ask(sql, { version: now })).toBe('1');
  });
});

test('what the rules allow or deny is not asked for', async ({ as }) => {
  await as('scout', asScout, async (sql) => {
    for (const [service, action] of [
      ['tracker', 'issues.list'],
      ['weather', 'forecast'],
      ['mail', 'accounts.close'],
      ['tracker', 'accounts.open'],
    ] as const) {
      expect(await ask(sql, about(service, action)), `${service} ${action}`).toBe('42501');
      expect(await ask(sql, { service, action }), `${service} ${action}`).toBe('42501');
    }
    expect(await ask(sql, about('tracker', 'issues.create'))).toBe('1');
  });
  const denied = { agent_id: bobot.id, owner_id: bob.id, arguments: JSON.stringify(under(DATA_KEYS.bob)) };
  await as('bobot', { ...through.bobot, given: arrangeWrapped }, async (sql) => {
    expect(await ask(sql, denied)).toBe('42501');
  });
});

test("where fifty of an agent's requests wait it asks for no more, and another agent of the owner's still does", async ({
  as,
}) => {
  const others = newId<DelegationId>();
  const given = (count: number) => async (sql: Sql) => {
    await arrangeWrapped(sql);
    await fill(sql, 'scout', DELEGATIONS.scout.id, count);
    await delegate(sql, { id: others, from: 'alice', to: 'scribe', capabilities: EVERYTHING });
  };
  expect(await as('scout', { ...through.scout, given: given(50) }, (sql) => ask(sql))).toBe('42501');
  const scribes = { delegation: others, given: given(50) };
  expect(await as('scribe', scribes, (sql) => ask(sql, { agent_id: scribe.id }))).toBe('1');
  await as('scout', { ...through.scout, given: given(49) }, async (sql) => {
    expect(await ask(sql)).toBe('1');
    expect(await ask(sql)).toBe('42501');
  });
});

test("arguments in plain text, under another's key or under one that was destroyed are refused", async ({
  as,
}) => {
  await as('scout', { ...through.scout, given: arrange }, async (sql) => {
    for (const [what, value] of Object.entries({
      'plain text': 'In clear.',
      'an object in clear': { to: 'somebody' },
      "under the agent's own key": under(DATA_KEYS.scout),
      "under a colleague's key": under(DATA_KEYS.bob),
      "under the key of alice's twin": under(TWINS_ONLY),
      'under a key that was destroyed': under(DESTROYED),
      'under a key that there is not': under(newId()),
      'under a key in capitals': under(DATA_KEYS.alice.toUpperCase()),
      'of another format': under(DATA_KEYS.alice).replace('1', '2'),
      'an envelope in an object': { arguments: under(DATA_KEYS.alice) },
      'an envelope in a list': [under(DATA_KEYS.alice)],
      'a number': 1,
    })) {
      expect(await ask(sql, { arguments: JSON.stringify(value) }), what).toBe('42501');
    }
    expect(await ask(sql, { arguments: 'null' })).toBe('23514');
    expect(await ask(sql, { arguments: null })).toBe('23502');
    const long = `bwe1.${'a'.repeat(200_000)}`;
    expect(await ask(sql, { arguments: JSON.stringify(under(DATA_KEYS.alice, long)) })).toBe('23514');
  });
});

test('a request says nothing that could not be decided on: for longer than a week, without a digest, of every action', async ({
  as,
}) => {
  const general = async (sql: Sql) => {
    await arrangeWrapped(sql);
    await sql.rows('delete from permissions');
  };
  await as('scout', { ...through.scout, given: general }, async (sql) => {
    const asked = (service: string, action: string) => ({
      ...{ service, action, version: new Said(`bailiwick.asked('${service}', '${action}')`) },
    });
    const week = new Said(`now() + interval '7 days'`);
    for (const columns of [
      { expires_at: new Said(`now() + interval '7 days 1 minute'`) },
      { expires_at: new Said(`'infinity'`) },
      { digest: '' },
      { digest: 'AB'.repeat(32) },
      { digest: 'ab'.repeat(31) },
      { reason: '' },
      { reason: 'x'.repeat(501) },
      asked('*', 'messages.send'),
      asked('Mail', 'messages.send'),
      asked('mail', '*'),
      asked('mail', 'messages.*'),
      asked('mail', ''),
    ]) {
      expect(await ask(sql, columns), JSON.stringify(columns)).toBe('23514');
    }
    for (const column of ['expires_at', 'digest']) {
      expect(await ask(sql, { [column]: null }), column).toBe('23502');
    }
    expect(await ask(sql, { expires_at: week, reason: 'x'.repeat(500) })).toBe('1');
  });
});

test('scout asks through its delegation, and the request says who asked, through what and in which request', async ({
  as,
}) => {
  const id = newId();
  await as('scout', asScout, async (sql) => {
    expect(await ask(sql, { id, reason: 'It is Friday' })).toBe('1');
    const made = `
      select agent_id, owner_id, created_by, delegation_id, chain, request_id = bailiwick.request_id() as ours,
             version = bailiwick.asked(service, action) as current, decision, decided_at, redeemed_at
        from approvals where id = $1`;
    expect(await sql.rows(made, [id])).toEqual([
      {
        ...{ agent_id: scout.id, owner_id: alice.id, created_by: scout.id },
        ...{ delegation_id: DELEGATIONS.scout.id, chain: [DELEGATIONS.scout.id] },
        ...{ ours: true, current: true, decision: null, decided_at: null, redeemed_at: null },
      },
    ]);
  });
});

test('a sub-agent asks through the whole chain, as itself', async ({ as }) => {
  const below = newId<DelegationId>();
  const given = async (sql: Sql) => {
    await arrangeWrapped(sql);
    const [parent, capabilities] = [DELEGATIONS.scout.id, ['approval:read', 'approval:create']];
    await delegate(sql, { id: below, from: 'scout', to: 'scribe', parent, capabilities });
  };
  await as('scribe', { delegation: below, given }, async (sql) => {
    expect(await ask(sql)).toBe('42501');
    expect(await ask(sql, { agent_id: scribe.id, chain: [below] })).toBe('42501');
    expect(await ask(sql, { agent_id: scribe.id })).toBe('1');
    expect(await sql.rows('select agent_id, delegation_id, chain from approvals')).toEqual([
      { agent_id: scribe.id, delegation_id: below, chain: [DELEGATIONS.scout.id, below] },
    ]);
  });
});
