// Guarantees of prisma/policies/06-permissions.sql: what an owner's rules say of an action, for whom, and to whom nothing is said.
// Who sees the rules stands in permissions.test.ts, versions and previews of them in versions.test.ts.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { PERMISSIONS } from '../../src/demo/permissions.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { serviceTicket } from './credentials.ts';
import { DEAD, delegate, EVERYTHING, granted, REACHES_NOTHING, suspend } from './given.ts';
import { keepRule } from './permissions.ts';
import { asked, authorize, type Effect, preview } from './verdicts.ts';

const { alice, bob } = USERS;
const { scout, scribe, bobot } = AGENTS;
const acme = TENANTS.acme.id;

/** A rule as a row of the table below has it: about whom, which service, which actions, and what it says. */
type Said = readonly [
  about: 'all' | 'scout' | 'scribe' | 'late',
  service: string,
  action: string,
  effect: Effect,
];
const only = (rules: readonly Said[]) => async (sql: Sql) => {
  await sql.rows('delete from permissions where owner_id = $1', [alice.id]);
  const made: string[] = [];
  for (const [about, service, action, effect] of rules) {
    const id = newId();
    made.push(id);
    const agent = about === 'all' ? {} : { agent: AGENTS[about].id };
    await keepRule(sql, { id, owner: alice.id, ...agent, service, action, effect });
  }
  return made;
};

const HIDDEN: Readonly<
  Record<string, readonly [who: 'scout' | 'scribe' | 'late' | 'rogue' | 'alice', acting: Acting]>
> = {
  'an agent as itself': ['scout', itself],
  'a delegation that names no rules': ['scribe', through.scribe],
  'a delegation that names other rights about them': [
    'scribe',
    granted(
      'scribe',
      EVERYTHING.filter((word) => word !== 'permission:read'),
    ),
  ],
  'a token that does not name them': [
    'alice',
    { scopes: EVERYTHING.filter((word) => word !== 'permission:read') },
  ],
  'a token that has expired': ['alice', { tokenExpiresAt: new Date(Date.now() - 1) }],
  'somebody suspended': ['alice', { given: suspend('alice') }],
  'a delegation of the cast that has expired': ['late', through.late],
  'a delegation of the cast that was revoked': ['rogue', through.rogue],
  ...Object.fromEntries(
    Object.entries(REACHES_NOTHING).map(([state, { who, made, after }]) => [
      `a delegation that ${state}`,
      [who, granted(who, EVERYTHING, after, made)] as const,
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(DEAD).map(([state, given]) => [
      `scout, when ${state}`,
      ['scout', { ...through.scout, given }] as const,
    ]),
  ),
};
for (const [what, [who, acting]] of Object.entries(HIDDEN)) {
  test(`nothing is said of any action, of those not known either: ${what}`, async ({ as }) => {
    await as(who, acting, async (sql) => {
      for (const action of ['issues.list', 'accounts.close', 'nothing']) {
        expect(await authorize(sql, 'tracker', action)).toBeNull();
        expect(await preview(sql, scout.id, null, ['tracker', action])).toBeNull();
      }
    });
  });
}

test('without a context and to the server itself nothing is said, asked or acted through, and a made-up context is an error', async ({
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
      expect(await authorize(sql, 'tracker', 'issues.list')).toBeNull();
      expect(await preview(sql, scout.id)).toBeNull();
      expect(await asked(sql)).toBeNull();
      expect(await sql.value('select bailiwick.acting()')).toEqual([]);
    });
  }
  await raw(async (sql) => {
    await sql.rows('begin');
    await sql.rows(`select set_config('bailiwick.context', 's1|x', true)`);
    for (const call of [
      `authorize('a', 'b')`,
      `asked('a', 'b')`,
      'acting()',
      `preview(null, null, 'a', 'b', null)`,
    ]) {
      expect(await sql.outcome(`select bailiwick.${call}`), call).toBe('28000');
    }
  });
});

test('the runtime role calls neither the verdict itself nor what redeems, whoever it names', async ({
  as,
}) => {
  await as('alice', itself, async (sql) => {
    for (const call of [
      `judge('${acme}', '${bob.id}', '{}', 'a', 'b', null)`,
      `judged(null, 'a', 'b')`,
      'agents_of(null)',
      `redeem(null, null, 'a', 'b', 'c')`,
    ]) {
      expect(await sql.outcome(`select bailiwick.${call}`), call).toBe('42501');
    }
  });
});

// service mail, action messages.drafts.send, of scout
const ONE: Readonly<Record<string, readonly [decides: number | null, effect: Effect, ...rules: Said[]]>> = {
  'nothing is said': [null, 'ask'],
  'what is said is about another service': [null, 'ask', ['all', 'shop', '*', 'allow']],
  'what is said is about another action': [null, 'ask', ['all', 'mail', 'messages.read', 'allow']],
  'what is said is about another agent': [null, 'ask', ['scribe', 'mail', '*', 'allow']],
  'what is said is about what it begins with, and no more': [
    null,
    'ask',
    ['all', 'mail', 'messages.drafts', 'allow'],
  ],
  'what is said is about what begins like a part of its name': [
    null,
    'ask',
    ['all', 'mail', 'messages.draft.*', 'allow'],
  ],
  'what is said is about what it ends with': [null, 'ask', ['all', 'mail', 'drafts.*', 'allow']],
  'all is allowed': [0, 'allow', ['all', '*', '*', 'allow']],
  'all is denied': [0, 'deny', ['all', '*', '*', 'deny']],
  'all is denied and the service allowed': [
    1,
    'allow',
    ['all', '*', '*', 'deny'],
    ['all', 'mail', '*', 'allow'],
  ],
  'all is denied and the agent allowed': [
    1,
    'allow',
    ['all', '*', '*', 'deny'],
    ['scout', '*', '*', 'allow'],
  ],
  'all is denied and the action allowed': [
    1,
    'allow',
    ['all', '*', '*', 'deny'],
    ['all', '*', 'messages.drafts.send', 'allow'],
  ],
  'a beginning is denied and a longer one allowed': [
    1,
    'allow',
    ['all', 'mail', 'messages.*', 'deny'],
    ['all', 'mail', 'messages.drafts.*', 'allow'],
  ],
  'a beginning is allowed and a longer one denied': [
    1,
    'deny',
    ['all', 'mail', 'messages.*', 'allow'],
    ['all', 'mail', 'messages.drafts.*', 'deny'],
  ],
  'the service is denied and a beginning allowed': [
    1,
    'allow',
    ['all', 'mail', '*', 'deny'],
    ['all', 'mail', 'messages.*', 'allow'],
  ],
  'the longest beginning is denied and the action allowed': [
    1,
    'allow',
    ['all', 'mail', 'messages.drafts.*', 'deny'],
    ['all', 'mail', 'messages.drafts.send', 'allow'],
  ],
  'the service is denied and the agent allowed, neither more exact': [
    0,
    'deny',
    ['all', 'mail', '*', 'deny'],
    ['scout', '*', '*', 'allow'],
  ],
  'the service is allowed and the action asked for, neither more exact': [
    1,
    'ask',
    ['all', 'mail', '*', 'allow'],
    ['all', '*', 'messages.*', 'ask'],
  ],
  'of three that are incomparable the strictest': [
    2,
    'deny',
    ['all', 'mail', '*', 'allow'],
    ['all', '*', 'messages.*', 'ask'],
    ['scout', '*', '*', 'deny'],
  ],
  'a strict rule than which another is more exact does not count': [
    2,
    'ask',
    ['all', '*', 'messages.*', 'deny'],
    ['all', 'mail', '*', 'allow'],
    ['scout', '*', 'messages.drafts.*', 'ask'],
  ],
  'one rule is more exact than all others': [
    3,
    'allow',
    ['all', 'mail', 'messages.drafts.send', 'deny'],
    ['scout', '*', 'messages.drafts.send', 'deny'],
    ['scout', 'mail', '*', 'deny'],
    ['scout', 'mail', 'messages.drafts.send', 'allow'],
  ],
};
for (const [what, [decides, effect, ...rules]] of Object.entries(ONE)) {
  test(`of an action of one agent is said '${effect}': ${what}`, async ({ as }) => {
    let made: string[] = [];
    const given = async (sql: Sql) => {
      made = await only(rules)(sql);
    };
    const action = ['mail', 'messages.drafts.send'] as const;
    const expected = () => ({ effect, ruleId: decides === null ? null : made[decides], agentId: scout.id });
    await as('scout', { ...through.scout, given }, async (sql) => {
      expect(await authorize(sql, ...action)).toMatchObject(expected());
    });
    await as('alice', { given }, async (sql) => {
      expect(await preview(sql, scout.id, null, action)).toMatchObject(expected());
      expect(await preview(sql, scout.id, DELEGATIONS.scout.id, action)).toMatchObject(expected());
    });
  });
}

// scribe below scout
const TWO: Readonly<
  Record<
    string,
    readonly [decides: number | null, about: 'scout' | 'scribe', effect: Effect, ...rules: Said[]]
  >
> = {
  'nothing is said of either': [null, 'scribe', 'ask'],
  'the one above is denied and the one below allowed': [
    0,
    'scout',
    'deny',
    ['scout', 'mail', '*', 'deny'],
    ['scribe', 'mail', '*', 'allow'],
  ],
  'the one above is allowed and the one below denied': [
    1,
    'scribe',
    'deny',
    ['scout', 'mail', '*', 'allow'],
    ['scribe', 'mail', '*', 'deny'],
  ],
  'the one above is asked for and the one below allowed': [
    0,
    'scout',
    'ask',
    ['scout', 'mail', '*', 'ask'],
    ['scribe', 'mail', '*', 'allow'],
  ],
  'only the one above is allowed': [null, 'scribe', 'ask', ['scout', 'mail', '*', 'allow']],
  'only the one below is allowed': [null, 'scout', 'ask', ['scribe', 'mail', '*', 'allow']],
  'the one above is allowed more exactly than all are denied': [
    1,
    'scribe',
    'deny',
    ['scout', 'mail', 'messages.send', 'allow'],
    ['all', 'mail', '*', 'deny'],
  ],
  'both are allowed': [
    1,
    'scribe',
    'allow',
    ['scout', 'mail', '*', 'allow'],
    ['scribe', 'mail', '*', 'allow'],
  ],
  'all are denied': [0, 'scribe', 'deny', ['all', '*', '*', 'deny']],
};
for (const [what, [decides, about, effect, ...rules]] of Object.entries(TWO)) {
  test(`of an action of a sub-agent is said '${effect}', because of ${about}: ${what}`, async ({ as }) => {
    let made: string[] = [];
    const below = newId<DelegationId>();
    const given = async (sql: Sql) => {
      made = await only(rules)(sql);
      const [parent, capabilities] = [DELEGATIONS.scout.id, ['permission:read']];
      await delegate(sql, { id: below, from: 'scout', to: 'scribe', parent, capabilities });
    };
    const expected = () => ({
      ...{ effect, agentId: AGENTS[about].id },
      ruleId: decides === null ? null : made[decides],
    });
    await as('scribe', { delegation: below, given }, async (sql) => {
      expect(await authorize(sql, 'mail', 'messages.send')).toMatchObject(expected());
    });
    await as('alice', { given }, async (sql) => {
      expect(await preview(sql, scribe.id, below)).toMatchObject(expected());
    });
  });
}

test("a colleague's and a twin's rules count for nothing", async ({ as }) => {
  const given = async (sql: Sql) => {
    await arrange(sql);
    await keepRule(sql, {
      id: newId(),
      owner: bob.id,
      service: 'tracker',
      action: 'issues.list',
      effect: 'deny',
    });
  };
  await as('scout', { ...through.scout, given }, async (sql) => {
    // bob denies everything, and alice's twin the writing of files
    expect(await authorize(sql, 'tracker', 'issues.list')).toMatchObject({ effect: 'allow' });
    expect(await authorize(sql, 'desk', 'files.write')).toMatchObject({ effect: 'ask' });
  });
  const bobs = PERMISSIONS.find(({ owner }) => owner === 'bob')?.id;
  const reading = { scopes: ['permission:read'] };
  expect(await as('bob', reading, (sql) => preview(sql, bobot.id))).toMatchObject({
    effect: 'deny',
    ruleId: bobs,
  });
});

test('an owner in person is bound by no rule, and is told so whatever they say', async ({ as }) => {
  for (const who of ['alice', 'bob'] as const) {
    expect(await as(who, itself, (sql) => authorize(sql, 'mail', 'accounts.close')), who).toEqual({
      effect: 'allow',
      ruleId: null,
      agentId: null,
      version: null,
    });
    expect(await as(who, itself, (sql) => asked(sql)), who).toBeNull();
  }
});
