// Guarantees of prisma/policies/24-service-credentials.sql: who may know that there is a credential for a service, who makes, changes
// and deletes one, and that nobody has it sent elsewhere than it was kept for. What has it used stands in services.test.ts, the
// secret itself in service-secrets.test.ts.

import { expect } from 'vitest';
import { DELEGABLE } from '../../src/capabilities.ts';
import { AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { insertion } from './arrangement.ts';
import { delegate, EVERYTHING, granted, REACHES_NOTHING, suspend } from './given.ts';
import { hidesFromTheDead, keepsProvenance, keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';
import { SAID } from './services.ts';

const SEEN = 'select id from service_credentials';
const CHANGE = `update service_credentials set label = 'Changed'`;
const { alice, bob } = USERS;
const { tracker, weather, post, parts, exchange } = SERVICES;
const ids = (...some: { id: string }[]) => some.map(({ id }) => id).sort();
const keep = (sql: Sql, row: Readonly<Record<string, unknown>>) => {
  const { text, values } = insertion('service_credentials', {
    ...{ tenant_id: TENANTS.acme.id, id: newId(), ...SAID },
    ...row,
  });
  return sql.outcome(text, values);
};
/** Without secrets a credential can be deleted. */
const bare = (sql: Sql) => sql.rows('delete from service_secrets');

keepsTenantsApart('service_credentials');
hidesFromTheDead('service_credentials');
keepsProvenance('service_credentials', { delegated: false });
takesOnlyColumns('service_credentials', {
  insert: [
    ...[
      'tenant_id',
      'id',
      'owner_id',
      'agent_id',
      'service',
      'label',
      'kind',
      'scopes',
      'owner_only',
      'origin',
    ],
    ...['header', 'prefix', 'calls', 'expires_at', 'updated_at', 'created_by', 'request_id'],
  ],
  update: ['agent_id', 'label', 'scopes', 'owner_only', 'calls', 'expires_at', 'rotated_at', 'updated_at'],
  remove: true,
});

test('no agent makes, changes or deletes a credential, neither as itself nor through whatever delegation', async ({
  as,
}) => {
  const delegation = newId<DelegationId>();
  for (const [who, acting] of [
    ['scout', itself],
    ['scout', through.scout],
    ['scout', { delegation }],
    ['scribe', through.scribe],
    ['bobot', through.bobot],
    ['mimic', through.mimic],
  ] as const) {
    const given = async (sql: Sql) => {
      await bare(sql);
      await delegate(sql, { id: delegation, from: 'alice', to: 'scout', capabilities: EVERYTHING });
    };
    await as(who, { ...acting, given }, async (sql) => {
      expect(await sql.touched(CHANGE), who).toBe(0);
      expect(await sql.touched('delete from service_credentials'), who).toBe(0);
      for (const owner_id of [alice.id, bob.id, AGENTS[who].id]) {
        expect(await keep(sql, { owner_id }), who).toBe('42501');
      }
    });
  }
});

test('a colleague, an administrator and somebody of another tenant see, change and delete their own alone', async ({
  as,
}) => {
  for (const [who, own] of [
    ['bob', ids(parts)],
    ['ada', []],
    ['mallory', ids(exchange)],
  ] as const) {
    await as(who, { given: bare }, async (sql) => {
      expect(await sql.list(SEEN), who).toEqual(own);
      expect(await sql.list(`${CHANGE} returning id`), who).toEqual(own);
      expect(await sql.touched(CHANGE), who).toBe(own.length);
      expect(await keep(sql, { owner_id: alice.id }), who).toBe('42501');
      expect(await sql.touched(`delete from service_credentials where owner_id = '${alice.id}'`)).toBe(0);
      expect(await sql.touched('delete from service_credentials'), who).toBe(own.length);
    });
  }
});

test('an agent as itself sees none, not even the one that is for it', async ({ as }) => {
  for (const who of ['scout', 'scribe', 'bobot', 'mimic'] as const) {
    expect(await as(who, itself, (sql) => sql.list(SEEN)), who).toEqual([]);
  }
});

test('one that is for a single agent is seen by no other, not by the agent above it either', async ({
  as,
}) => {
  const seen = `${SEEN} where id = '${post.id}'`;
  expect(await as('scout', through.scout, (sql) => sql.list(seen))).toEqual([]);
  for (const who of ['scout', 'late', 'rogue'] as const) {
    const acting = granted(who, EVERYTHING);
    expect(await as(who, acting, (sql) => sql.list(seen)), who).toEqual([]);
    expect(await as(who, acting, (sql) => sql.list(SEEN)), who).toEqual(ids(tracker, weather));
  }
});

for (const [state, { who, made, after }] of Object.entries(REACHES_NOTHING)) {
  test(`nothing is seen through a delegation that ${state}`, async ({ as }) => {
    const acting = granted(who, EVERYTHING, after, made);
    expect(await as(who, acting, (sql) => sql.list(SEEN))).toEqual([]);
  });
}

test('nothing is seen through a delegation that does not name credentials, or by a sub-agent when one above does not', async ({
  as,
}) => {
  const [without, above, below] = [newId<DelegationId>(), newId<DelegationId>(), newId<DelegationId>()];
  const others = DELEGABLE.filter((word) => !word.startsWith('credential:'));
  const given = async (sql: Sql) => {
    await delegate(sql, { id: without, from: 'alice', to: 'scribe', capabilities: others });
    await delegate(sql, { id: above, from: 'alice', to: 'scout', capabilities: others, redelegate: 1 });
    await delegate(sql, { id: below, from: 'scout', to: 'scribe', parent: above, capabilities: EVERYTHING });
  };
  for (const delegation of [without, below, through.scribe.delegation]) {
    expect(await as('scribe', { delegation, given }, (sql) => sql.list(SEEN))).toEqual([]);
  }
});

test('a token does with credentials what it names and nothing else', async ({ as }) => {
  for (const [scopes, sees, changes, deletes, makes] of [
    [['secret:read', 'credential:execute', 'key:read', 'memory:read'], 0, 0, 0, '42501'],
    [['credential:read'], 3, 0, 0, '42501'],
    [['credential:update'], 0, 3, 0, '42501'],
    [['credential:delete'], 0, 0, 3, '42501'],
    [['credential:create'], 0, 0, 0, '1'],
  ] as const) {
    await as('alice', { scopes, given: bare }, async (sql) => {
      expect(await sql.touched(SEEN), `${scopes}`).toBe(sees);
      expect(await sql.touched(CHANGE), `${scopes}`).toBe(changes);
      expect(await sql.touched('delete from service_credentials'), `${scopes}`).toBe(deletes);
      expect(await keep(sql, { owner_id: alice.id }), `${scopes}`).toBe(makes);
    });
  }
  expect(await as('alice', { given: suspend('alice') }, (sql) => sql.touched(CHANGE))).toBe(0);
});

// Whoever could move it would have it sent to himself, and read it there.
test('where a secret goes, in which header, for which service and of what kind is changed by nobody, its owner included', async ({
  as,
}) => {
  const moved = {
    origin: 'https://elsewhere.invalid',
    header: 'x-elsewhere',
    prefix: '',
    service: 'elsewhere',
    kind: 'oauth_token',
    last_used_at: '2026-01-01',
    last_used_by: bob.id,
    owner_id: bob.id,
    tenant_id: TENANTS.globex.id,
    created_by: bob.id,
  };
  for (const [who, acting] of [
    ['alice', itself],
    ['scout', through.scout],
    ['ada', itself],
  ] as const) {
    await as(who, acting, async (sql) => {
      for (const [column, value] of Object.entries(moved)) {
        const set = `update service_credentials set ${column} = $1 where id = $2`;
        expect(await sql.outcome(set, [value, tracker.id]), `${who}: ${column}`).toBe('42501');
      }
    });
  }
});

test("a credential is for no agent but one of its owner's, neither from the beginning nor later", async ({
  as,
}) => {
  await as('alice', itself, async (sql) => {
    for (const agent_id of [AGENTS.bobot.id, AGENTS.mimic.id, WORLDS.garden.id, alice.id, newId()]) {
      expect(await keep(sql, { owner_id: alice.id, agent_id }), agent_id).toBe('23503');
      const set = 'update service_credentials set agent_id = $1 where id = $2';
      expect(await sql.outcome(set, [agent_id, weather.id]), agent_id).toBe('23503');
    }
    expect(await keep(sql, { owner_id: alice.id, agent_id: AGENTS.rogue.id })).toBe('1');
  });
});

test('a credential whose secret is still there is not deleted', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    const remove = 'delete from service_credentials where id = $1';
    // PostgreSQL 18 has a code of its own for it
    expect(await sql.outcome(remove, [tracker.id])).toMatch(/^(23001|23503)$/);
    expect(await sql.touched('delete from service_secrets where id = $1', [tracker.id])).toBe(1);
    expect(await sql.outcome(remove, [tracker.id])).toBe('1');
  });
});

// What the server builds its requests from: a header or an address of another form could carry a second one.
test('a credential says nothing that no request could be made of', async ({ migrate }) => {
  const wrong = [
    ...[
      `service = ''`,
      `service = 'GitHub'`,
      `service = 'a b'`,
      `service = repeat('a', 65)`,
      `service = '-a'`,
    ],
    ...[
      `label = ''`,
      `label = repeat('x', 201)`,
      `kind = 'password'`,
      `scopes = array_fill('x'::text, '{101}')`,
    ],
    ...[
      `origin = ''`,
      `origin = 'ftp://a.invalid'`,
      `origin = 'https://'`,
      `origin = 'https://a.invalid/path'`,
    ],
    ...[
      `origin = 'https://a.invalid?x'`,
      `origin = 'https://a.invalid#x'`,
      `origin = 'https://me@a.invalid'`,
    ],
    ...[`origin = 'https://a .invalid'`, `origin = E'https://a.invalid\\nx'`, `origin = 'a.invalid'`],
    ...[`origin = 'https://' || repeat('a', 300)`, `header = ''`, `header = 'X-Key'`, `header = 'a b'`],
    ...[`header = E'a\\r\\nb'`, `header = repeat('a', 65)`, `prefix = repeat('x', 33)`, `prefix = E'x\\n'`],
    ...[`prefix = 'ü'`, `calls = '{}'`, `calls = 'null'`, `calls = '"x"'`],
    `calls = jsonb_build_array(repeat('x', 100001))`,
  ];
  await migrate(async (sql) => {
    await sql.rows('begin');
    for (const set of wrong) {
      const text = `update service_credentials set ${set} where id = '${tracker.id}'`;
      expect(await sql.outcome(text), set).toBe('23514');
    }
    await sql.rows('rollback');
  });
});

test('the kernel notes the use of a credential and does nothing else to it', async ({ migrate }) => {
  const table = 'service_credentials';
  const may = (verb: string) =>
    migrate((sql) =>
      sql.list(
        `select attname from pg_attribute where attrelid = $1::regclass and attnum > 0
            and has_column_privilege('bailiwick_kernel', $1, attnum, $2)`,
        [table, verb],
      ),
    );
  expect(await may('insert')).toEqual([]);
  expect(await may('update')).toEqual(['last_used_at', 'last_used_by']);
  const others = `select p from unnest(array['delete', 'truncate']) p where has_table_privilege('bailiwick_kernel', $1, p)`;
  expect(await migrate((sql) => sql.list(others, [table]))).toEqual([]);
});

test('an agent sees what its delegation lets it see: scout two, scribe also the one that is for it, mimic the one there is', async ({
  as,
}) => {
  expect(await as('scout', through.scout, (sql) => sql.list(SEEN))).toEqual(ids(tracker, weather));
  expect(await as('mimic', through.mimic, (sql) => sql.list(SEEN))).toEqual(ids(exchange));
  const [own, below] = [newId<DelegationId>(), newId<DelegationId>()];
  const capabilities = ['credential:read'];
  const parent = through.scout.delegation as DelegationId;
  const given = async (sql: Sql) => {
    await delegate(sql, { id: own, from: 'alice', to: 'scribe', capabilities });
    await delegate(sql, { id: below, from: 'scout', to: 'scribe', parent, capabilities });
  };
  for (const delegation of [own, below]) {
    expect(await as('scribe', { delegation, given }, (sql) => sql.list(SEEN))).toEqual(
      ids(tracker, weather, post),
    );
  }
});

test('alice in person sees, makes, changes and deletes her own', async ({ as }) => {
  await as('alice', { given: bare }, async (sql) => {
    expect(await sql.list(SEEN)).toEqual(ids(tracker, weather, post));
    expect(await keep(sql, { owner_id: alice.id, owner_only: true, expires_at: new Date() })).toBe('1');
    expect(
      await sql.list(
        `${CHANGE}, owner_only = false, agent_id = null, calls = '[]' where id = $1 returning id`,
        [post.id],
      ),
    ).toEqual([post.id]);
    expect(await sql.list('delete from service_credentials where id = $1 returning id', [post.id])).toEqual([
      post.id,
    ]);
  });
});
