// Guarantees of prisma/policies/26-permissions.sql: who sees an owner's rules about actions, and that the owner in person makes, changes
// and removes them and nobody else does. What the rules say of an action stands in judging.test.ts.

import { expect } from 'vitest';
import { DELEGABLE } from '../../src/capabilities.ts';
import { AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { PERMISSIONS } from '../../src/demo/permissions.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange, insertion } from './arrangement.ts';
import { serviceTicket } from './credentials.ts';
import { delegate, EVERYTHING, granted, REACHES_NOTHING, suspend } from './given.ts';
import { hidesFromTheDead, keepsProvenance, keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';
import { keepRule, TWIN_RULE } from './permissions.ts';

const SEEN = 'select id from permissions';
const CHANGE = `update permissions set note = 'Changed'`;
const REMOVE = 'delete from permissions';
const { alice, bob, mallory } = USERS;
const { scout, scribe, late, rogue, bobot, mimic } = AGENTS;

const of = (who: string) => PERMISSIONS.filter(({ owner }) => owner === who).map(({ id }) => id);
const general = (who: string) =>
  PERMISSIONS.filter(({ owner, agent }) => owner === who && agent === undefined).map(({ id }) => id);
const ids = (...some: readonly (readonly string[])[]) => some.flat().sort();

const keep = (sql: Sql, row: Readonly<Record<string, unknown>>) => {
  const said = { tenant_id: TENANTS.acme.id, id: newId(), service: 'mail', action: 'send', effect: 'allow' };
  const { text, values } = insertion('permissions', { ...said, ...row });
  return sql.outcome(text, values);
};

keepsTenantsApart('permissions');
hidesFromTheDead('permissions');
keepsProvenance('permissions', { delegated: false });
takesOnlyColumns('permissions', {
  insert: [
    ...['tenant_id', 'id', 'owner_id', 'agent_id', 'service', 'action', 'effect', 'note'],
    ...['updated_at', 'created_by', 'request_id'],
  ],
  update: ['effect', 'note', 'updated_at'],
  remove: true,
});

test('no agent makes, changes or removes a rule, neither as itself nor through whatever delegation', async ({
  as,
}) => {
  const delegation = newId<DelegationId>();
  const given = (sql: Sql) =>
    delegate(sql, { id: delegation, from: 'alice', to: 'scout', capabilities: EVERYTHING });
  for (const [who, acting] of [
    ['scout', itself],
    ['scout', through.scout],
    ['scout', through.scoutInGarden],
    ['scout', { delegation }],
    ['scribe', through.scribe],
    ['late', through.late],
    ['rogue', through.rogue],
    ['bobot', through.bobot],
    ['mimic', through.mimic],
  ] as const) {
    await as(who, { ...acting, given }, async (sql) => {
      expect(await sql.touched(CHANGE), who).toBe(0);
      expect(await sql.touched(REMOVE), who).toBe(0);
      for (const owner_id of [alice.id, bob.id, mallory.id, AGENTS[who].id]) {
        for (const agent_id of [null, AGENTS[who].id]) {
          expect(await keep(sql, { owner_id, agent_id }), who).toBe('42501');
        }
      }
    });
  }
});

test('a colleague, an administrator and somebody of another tenant see, change and remove their own alone', async ({
  as,
}) => {
  for (const who of ['bob', 'ada', 'mallory'] as const) {
    await as(who, itself, async (sql) => {
      expect(await sql.list(SEEN), who).toEqual(ids(of(who)));
      expect(await sql.list(`${CHANGE} returning id`), who).toEqual(ids(of(who)));
      expect(await keep(sql, { owner_id: alice.id }), who).toBe('42501');
      expect(await keep(sql, { owner_id: alice.id, agent_id: scout.id }), who).toBe('42501');
      expect(await sql.touched(`${REMOVE} where owner_id = '${alice.id}'`), who).toBe(0);
      expect(await sql.touched(REMOVE), who).toBe(of(who).length);
    });
  }
});

test('without a context and to the server itself there are no rules', async ({ as, raw }) => {
  await as('alice', itself, async () => undefined);
  for (const shown of [serviceTicket(), undefined]) {
    await raw(async (sql) => {
      await sql.rows('begin');
      if (shown !== undefined) {
        await sql.rows('select bailiwick.open($1, $2)', shown);
      }
      expect(await sql.list(SEEN)).toEqual([]);
      expect(await sql.touched(CHANGE)).toBe(0);
      expect(await sql.touched(REMOVE)).toBe(0);
      expect(await keep(sql, { owner_id: alice.id })).toBe('42501');
    });
  }
});

test('an agent as itself sees none, not even the one about it', async ({ as }) => {
  for (const who of ['scout', 'scribe', 'bobot', 'mimic'] as const) {
    expect(await as(who, itself, (sql) => sql.list(SEEN)), who).toEqual([]);
  }
});

/** A rule about each of alice's agents. */
const ABOUT = { scout: newId(), scribe: newId(), late: newId(), rogue: newId() };
const aboutEach = async (sql: Sql) => {
  for (const [name, id] of Object.entries(ABOUT) as [keyof typeof ABOUT, string][]) {
    const agent = AGENTS[name].id;
    await keepRule(sql, { id, owner: alice.id, agent, service: 'mail', action: '*', effect: 'ask' });
  }
};

test('an agent sees no rule about another through which it does not act: one beside it, below it or above another of its chains', async ({
  as,
}) => {
  const own = newId<DelegationId>();
  const given = async (sql: Sql) => {
    await aboutEach(sql);
    await delegate(sql, { id: own, from: 'alice', to: 'scribe', capabilities: EVERYTHING });
  };
  const scouts = PERMISSIONS.flatMap(({ id, agent }) => (agent === 'scout' ? [id] : []));
  expect(await as('scout', { ...through.scout, given }, (sql) => sql.list(SEEN))).toEqual(
    ids(general('alice'), scouts, [ABOUT.scout]),
  );
  expect(await as('scribe', { delegation: own, given }, (sql) => sql.list(SEEN))).toEqual(
    ids(general('alice'), [ABOUT.scribe]),
  );
});

for (const [state, { who, made, after }] of Object.entries(REACHES_NOTHING)) {
  test(`nothing is seen through a delegation that ${state}`, async ({ as }) => {
    const acting = granted(who, EVERYTHING, after, made);
    expect(await as(who, acting, (sql) => sql.list(SEEN))).toEqual([]);
  });
}

test('nothing is seen through a delegation that does not name rules, or by a sub-agent when one above does not', async ({
  as,
}) => {
  const [without, above, below] = [newId<DelegationId>(), newId<DelegationId>(), newId<DelegationId>()];
  const others = DELEGABLE.filter((word) => !word.startsWith('permission:'));
  const given = async (sql: Sql) => {
    await delegate(sql, { id: without, from: 'alice', to: 'scribe', capabilities: others });
    await delegate(sql, { id: above, from: 'alice', to: 'scout', capabilities: others, redelegate: 1 });
    await delegate(sql, { id: below, from: 'scout', to: 'scribe', parent: above, capabilities: EVERYTHING });
  };
  for (const delegation of [without, below, through.scribe.delegation]) {
    expect(await as('scribe', { delegation, given }, (sql) => sql.list(SEEN))).toEqual([]);
  }
});

test('a token does with rules what it names and nothing else', async ({ as }) => {
  const all = of('alice').length;
  for (const [scopes, sees, changes, removes, makes] of [
    [['approval:read', 'approval:create', 'approval:update', 'credential:read'], 0, 0, 0, '42501'],
    [['permission:read'], all, 0, 0, '42501'],
    [['permission:update'], 0, all, 0, '42501'],
    [['permission:delete'], 0, 0, all, '42501'],
    [['permission:create'], 0, 0, 0, '1'],
  ] as const) {
    await as('alice', { scopes }, async (sql) => {
      expect(await sql.touched(SEEN), `${scopes}`).toBe(sees);
      expect(await sql.touched(CHANGE), `${scopes}`).toBe(changes);
      expect(await sql.touched(REMOVE), `${scopes}`).toBe(removes);
      expect(await keep(sql, { owner_id: alice.id }), `${scopes}`).toBe(makes);
    });
  }
  for (const change of [CHANGE, REMOVE]) {
    expect(await as('alice', { given: suspend('alice') }, (sql) => sql.touched(change))).toBe(0);
  }
});

// Another rule about the same would be a change that no version tells of as what it is.
test('what a rule is about, whose it is and where it comes from is changed by nobody, its owner included', async ({
  as,
}) => {
  const moved = {
    service: 'mail',
    action: 'send',
    agent_id: scribe.id,
    owner_id: bob.id,
    tenant_id: TENANTS.globex.id,
    id: newId(),
    created_at: '2026-01-01',
    created_by: bob.id,
    request_id: newId(),
  };
  for (const [who, acting] of [
    ['alice', itself],
    ['scout', through.scout],
    ['ada', itself],
  ] as const) {
    await as(who, acting, async (sql) => {
      for (const [column, value] of Object.entries(moved)) {
        const set = `update permissions set ${column} = $1 where owner_id = $2`;
        expect(await sql.outcome(set, [value, alice.id]), `${who}: ${column}`).toBe('42501');
      }
    });
  }
});

test("a rule is about no agent but one of its owner's", async ({ as }) => {
  await as('alice', { given: arrange }, async (sql) => {
    for (const agent_id of [bobot.id, mimic.id, WORLDS.garden.id, alice.id, newId()]) {
      expect(await keep(sql, { owner_id: alice.id, agent_id }), agent_id).toBe('23503');
    }
    expect(await keep(sql, { owner_id: alice.id, agent_id: rogue.id })).toBe('1');
  });
});

test('there are no two rules about the same, neither about one agent nor about all', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    for (const agent_id of [null, scout.id]) {
      const row = { owner_id: alice.id, agent_id };
      expect(await keep(sql, { ...row, effect: 'deny' })).toBe('1');
      for (const effect of ['allow', 'ask', 'deny']) {
        expect(await keep(sql, { ...row, effect }), `${agent_id}`).toBe('23505');
      }
      for (const other of [{ service: 'shop' }, { action: 'send.*' }, { agent_id: late.id }]) {
        // what differs in one respect is about something else; that about late is there the second time
        const there = 'agent_id' in other && agent_id !== null;
        expect(await keep(sql, { ...row, ...other }), JSON.stringify(other)).toBe(there ? '23505' : '1');
      }
    }
  });
});

// A rule that fits nothing would look as if it held something back.
test('a rule says nothing that no action could be', async ({ as }) => {
  const wrong = [
    ...['', 'GitHub', 'a b', '-a', 'git*', 'a'.repeat(65), '**'].map((service) => ({ service })),
    ...['', 'Issues', 'issues*', '.*', '*.*', 'a.*.b', 'a b', '1a', 'a'.repeat(64), '**'].map((action) => ({
      action,
    })),
    ...['', 'Allow', 'approve', 'none'].map((effect) => ({ effect })),
    ...['', 'x'.repeat(501)].map((note) => ({ note })),
  ];
  await as('alice', itself, async (sql) => {
    for (const columns of wrong) {
      expect(await keep(sql, { owner_id: alice.id, ...columns }), JSON.stringify(columns)).toBe('23514');
    }
    for (const column of ['service', 'action', 'effect']) {
      expect(await keep(sql, { owner_id: alice.id, [column]: null }), column).toBe('23502');
    }
    expect(await sql.outcome(`update permissions set effect = 'none'`)).toBe('23514');
    for (const columns of [
      { action: 'a.b-c_d.*' },
      { service: '*', action: '*', agent_id: late.id },
      { note: 'x'.repeat(500) },
    ]) {
      expect(await keep(sql, { owner_id: alice.id, ...columns }), JSON.stringify(columns)).toBe('1');
    }
  });
});

test('the kernel reads rules and does nothing else to them', async ({ migrate }) => {
  const rights = `
    select p from unnest(array['insert', 'update', 'references']) p where has_any_column_privilege('bailiwick_kernel', 'permissions', p)
     union all
    select p from unnest(array['delete', 'truncate', 'trigger']) p where has_table_privilege('bailiwick_kernel', 'permissions', p)`;
  expect(await migrate((sql) => sql.list(rights))).toEqual([]);
});

test('an agent that may read rules sees those about all agents and those about everybody it acts through', async ({
  as,
}) => {
  const below = newId<DelegationId>();
  const given = async (sql: Sql) => {
    await aboutEach(sql);
    const capabilities = ['permission:read'];
    await delegate(sql, {
      id: below,
      from: 'scout',
      to: 'scribe',
      parent: DELEGATIONS.scout.id,
      capabilities,
    });
  };
  const scouts = PERMISSIONS.flatMap(({ id, agent }) => (agent === 'scout' ? [id] : []));
  expect(await as('scribe', { delegation: below, given }, (sql) => sql.list(SEEN))).toEqual(
    ids(general('alice'), scouts, [ABOUT.scout, ABOUT.scribe]),
  );
  expect(await as('mimic', through.mimic, (sql) => sql.list(SEEN))).toEqual(ids(of('mallory')));
});

test('alice in person sees, makes, changes and removes all of her own, and none of her twin', async ({
  as,
}) => {
  const given = async (sql: Sql) => {
    await arrange(sql);
    await aboutEach(sql);
  };
  await as('alice', { given }, async (sql) => {
    const seen = await sql.list(SEEN);
    expect(seen).toEqual(expect.arrayContaining([...of('alice'), ...Object.values(ABOUT)]));
    expect(seen).not.toContain(TWIN_RULE);
    expect(await sql.list(`${CHANGE}, effect = 'deny', updated_at = now() returning id`)).toEqual(seen);
    expect(await keep(sql, { owner_id: alice.id, agent_id: late.id, note: 'Never' })).toBe('1');
    expect(await sql.touched(`${REMOVE} where id = $1`, [ABOUT.rogue])).toBe(1);
  });
});
