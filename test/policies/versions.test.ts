// Guarantees of prisma/policies/06-permissions.sql about what a verdict is good for: its version, which changes with the rules about an
// action and with nothing else, what is to be asked under it, and what would be said if there were other rules.
// What the rules say of an action stands in judging.test.ts.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { PERMISSIONS } from '../../src/demo/permissions.ts';
import { newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { EVERYTHING, granted } from './given.ts';
import { fill, HOPS, TWIN_AGENT } from './permissions.ts';
import { asked, authorize, preview } from './verdicts.ts';
import { arrangeWrapped } from './wrapped.ts';

const { alice, bob } = USERS;
const { scout, scribe, late, rogue, bobot, mimic } = AGENTS;
const acme = TENANTS.acme.id;

test("an agent of somebody else's is not previewed, nor a person, a world or what there is not", async ({
  as,
}) => {
  await as('alice', { given: arrange }, async (sql) => {
    for (const agent of [bobot.id, mimic.id, TWIN_AGENT, alice.id, bob.id, WORLDS.garden.id, newId()]) {
      expect(await preview(sql, agent), agent).toBeNull();
    }
    for (const delegation of [
      DELEGATIONS.bobot.id,
      DELEGATIONS.scribe.id,
      DELEGATIONS.mimic.id,
      HOPS.upper,
      newId(),
    ]) {
      expect(await preview(sql, scout.id, delegation), delegation).toBeNull();
    }
    expect(await preview(sql, bobot.id, DELEGATIONS.bobot.id)).toBeNull();
    expect(await preview(sql, scribe.id, DELEGATIONS.scout.id)).toBeNull();
    expect(await preview(sql, scout.id)).not.toBeNull();
  });
  for (const who of ['bob', 'ada', 'mallory'] as const) {
    expect(await as(who, itself, (sql) => preview(sql, scout.id, DELEGATIONS.scout.id)), who).toBeNull();
  }
});

test('nothing is previewed through a delegation, whatever it names', async ({ as }) => {
  for (const acting of [through.scout, granted('scout', EVERYTHING)]) {
    await as('scout', acting, async (sql) => {
      expect(await preview(sql, scout.id)).toBeNull();
      expect(await preview(sql, scout.id, DELEGATIONS.scout.id, ['weather', 'forecast'])).toBeNull();
    });
  }
});

test('what is asked for has the version of its verdict, and what is allowed or denied has none', async ({
  as,
}) => {
  await as('scout', through.scout, async (sql) => {
    const { version } = (await authorize(sql, 'mail', 'messages.send')) ?? {};
    expect(version).toMatch(/^[0-9a-f]{64}$/);
    expect(await asked(sql)).toBe(version);
    expect(await asked(sql, 'tracker', 'issues.list')).toBeNull();
    expect(await asked(sql, 'mail', 'accounts.close')).toBeNull();
  });
});

test('nothing is to be asked where the right to ask is missing or fifty requests wait, decided and expired ones not counted', async ({
  as,
}) => {
  for (const acting of [
    { ...through.scout, scopes: ['permission:read', 'approval:read'] },
    itself,
    through.scoutInGarden,
  ]) {
    expect(await as('scout', acting, (sql) => asked(sql))).toBeNull();
  }
  expect(await as('scribe', granted('scribe', ['approval:read']), (sql) => asked(sql))).toBeNull();
  const filled =
    (most: number, then = '') =>
    async (sql: Sql) => {
      await arrangeWrapped(sql);
      await fill(sql, 'scout', DELEGATIONS.scout.id, most);
      await sql.rows(then === '' ? 'select' : `update approvals set ${then} where agent_id = '${scout.id}'`);
    };
  const told = (most: number, then?: string) =>
    as('scout', { ...through.scout, given: filled(most, then) }, (sql) => asked(sql));
  expect(await told(50)).toBeNull();
  expect(await told(60)).toBeNull();
  expect(await told(49)).not.toBeNull();
  expect(
    await told(60, `created_at = now() - interval '1 day', expires_at = now() - interval '1 second'`),
  ).not.toBeNull();
  const decided = `decision = 'rejected', decided_at = now(), decided_by = owner_id`;
  expect(await told(60, decided)).not.toBeNull();
});

// What an approval is bound to.
test('a version changes when a rule that fits is added, changed or removed, and when the policies are others', async ({
  as,
}) => {
  await as('alice', { given: arrangeWrapped }, async (sql) => {
    const version = async () => (await preview(sql, scout.id))?.version;
    const seen = new Set([await version()]);
    const key = newId();
    const rule = (agent: string | null, service: string, action: string, id = newId()) =>
      sql.rows(
        `insert into permissions (tenant_id, id, owner_id, agent_id, service, action, effect) values ($1, $2, $3, $4, $5, $6, 'ask')`,
        [acme, id, alice.id, agent, service, action],
      );
    for (const [what, change] of Object.entries({
      'one about everything of its service': () => rule(null, 'mail', '*', key),
      'one about how it begins': () => rule(null, '*', 'messages.*'),
      'one about the agent': () => rule(scout.id, '*', '*'),
      'its effect': () => sql.rows(`update permissions set effect = 'allow' where id = $1`, [key]),
      'its note, and that it was changed': () =>
        sql.rows(
          `update permissions set note = 'x', updated_at = now() + interval '1 minute' where id = $1`,
          [key],
        ),
      'its removal': () => sql.rows('delete from permissions where id = $1', [key]),
      'the policies': async () => {
        await sql.rows('reset role');
        await sql.rows(`update bailiwick.policy_state set checksum = 'other'`);
        await sql.rows('set local role bailiwick_runtime');
      },
    })) {
      await change();
      const now = await version();
      expect(seen.has(now), what).toBe(false);
      seen.add(now);
    }
  });
});

test('a version stays when a rule is added, changed or removed that does not fit', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    const version = async () => (await preview(sql, scout.id))?.version;
    const before = await version();
    for (const [agent, service, action] of [
      [late.id, 'mail', '*'],
      [rogue.id, '*', '*'],
      [null, 'shop', '*'],
      [null, 'mail', 'messages.read'],
      [null, 'mail', 'messages.send.*'],
      [null, 'mail', 'message.*'],
    ] as const) {
      const rule = `insert into permissions (tenant_id, id, owner_id, agent_id, service, action, effect) values ($1, $2, $3, $4, $5, $6, 'deny')`;
      await sql.rows(rule, [acme, newId(), alice.id, agent, service, action]);
      expect(await version(), `${agent} ${service} ${action}`).toBe(before);
    }
    await sql.rows(
      `update permissions set effect = 'ask', updated_at = now() where effect = 'deny' and action <> 'accounts.*'`,
    );
    expect(await version()).toBe(before);
    await sql.rows(`delete from permissions where service in ('shop', 'weather')`);
    expect(await version()).toBe(before);
  });
});

test('rules that are not there yet are previewed: beside the others, in the place of one, one taken away; and nothing is kept of it', async ({
  as,
}) => {
  const rule = (agentId: string | null, service: string, action: string, effect: string | null) => ({
    ...{ agentId, service, action, effect },
  });
  const ask = PERMISSIONS.find(({ owner, action }) => owner === 'alice' && action === '*')?.id;
  const list = PERMISSIONS.find(({ action }) => action === 'issues.list')?.id;
  const seen = ['tracker', 'issues.list'] as const;
  await as('alice', itself, async (sql) => {
    const before = await sql.list('select row_to_json(p)::text from permissions p');
    const told = async (instead: readonly object[], action: readonly [string, string] = seen) => {
      const { effect, ruleId } = (await preview(sql, scout.id, null, action, instead)) ?? {};
      return [effect, ruleId];
    };
    expect(await told([])).toEqual(['allow', list]);
    expect(await told([rule(scout.id, 'tracker', '*', 'deny')])).toEqual(['allow', list]);
    expect(await told([rule(null, 'tracker', 'issues.list', 'deny')])).toEqual(['allow', list]);
    expect(await told([rule(scout.id, 'tracker', 'issues.list', 'deny')])).toEqual(['deny', null]);
    expect(await told([rule(scout.id, 'tracker', 'issues.list', null)])).toEqual(['ask', ask]);
    const both = [rule(scout.id, 'tracker', 'issues.list', null), rule(null, '*', '*', null)];
    expect(await told(both)).toEqual(['ask', null]);
    expect(await told([rule(null, '*', '*', 'allow')], ['mail', 'messages.send'])).toEqual(['allow', null]);
    // of one agent, or of another service, it takes the place of nothing
    expect(await told([rule(late.id, '*', '*', null)], ['mail', 'messages.send'])).toEqual(['ask', ask]);
    expect(await told([rule(null, 'mail', '*', null)], ['mail', 'messages.send'])).toEqual(['ask', ask]);
    expect(await sql.list('select row_to_json(p)::text from permissions p')).toEqual(before);
  });
});

test('whoever acts through a chain is told who does, the first of them first, and a person nobody', async ({
  as,
}) => {
  const acting = (sql: Sql) => sql.value('select bailiwick.acting()');
  expect(await as('alice', itself, acting)).toEqual([]);
  expect(await as('scout', itself, acting)).toEqual([]);
  expect(await as('scout', through.scout, acting)).toEqual([scout.id]);
  expect(await as('scribe', through.scribe, acting)).toEqual([scout.id, scribe.id]);
  expect(await as('late', { delegation: HOPS.lower, given: arrange }, acting)).toEqual([rogue.id, late.id]);
});
