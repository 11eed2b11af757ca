// Guarantees of prisma/policies/25-service-secrets.sql: who reads the secret of a credential for a service, who writes one, and that
// nothing but an envelope of its owner's stands there. To have a secret used is not to read it: that is in services.test.ts.

import { expect } from 'vitest';
import { DELEGABLE } from '../../src/capabilities.ts';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange, insertion } from './arrangement.ts';
import { delegate, EVERYTHING, granted, REACHES_NOTHING, suspend } from './given.ts';
import { keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';
import { BARE } from './services.ts';
import { DATA_KEYS, DESTROYED, RETIRED_LONG_AGO, TWINS_ONLY, under } from './wrapped.ts';

const SEEN = 'select id from service_secrets';
const CHANGE = `update service_secrets set secret_index = 'changed'`;
const acme = TENANTS.acme.id;
const { alice, bob } = USERS;
const { tracker, weather, post, parts, exchange } = SERVICES;
const ids = (...some: { id: string }[]) => some.map(({ id }) => id).sort();
const OWN = under(DATA_KEYS.alice);
const put = (sql: Sql, row: Readonly<Record<string, unknown>> = {}) => {
  const { text, values } = insertion('service_secrets', {
    ...{ tenant_id: acme, id: BARE.alice.shared, owner_id: alice.id, secret: OWN, secret_index: 'x' },
    ...row,
  });
  return sql.outcome(text, values);
};

keepsTenantsApart('service_secrets');
takesOnlyColumns('service_secrets', {
  insert: ['tenant_id', 'id', 'owner_id', 'secret', 'secret_index', 'updated_at'],
  update: ['secret', 'secret_index', 'updated_at'],
  remove: true,
});

test('no agent writes, replaces or deletes a secret, neither as itself nor through whatever delegation', async ({
  as,
}) => {
  const delegation = newId<DelegationId>();
  const given = async (sql: Sql) => {
    await arrange(sql);
    await delegate(sql, { id: delegation, from: 'alice', to: 'scout', capabilities: EVERYTHING });
  };
  for (const [who, acting] of [
    ['scout', itself],
    ['scout', through.scout],
    ['scout', { delegation }],
    ['scribe', through.scribe],
    ['mimic', through.mimic],
  ] as const) {
    await as(who, { ...acting, given }, async (sql) => {
      expect(await sql.touched(CHANGE), who).toBe(0);
      expect(await sql.touched('delete from service_secrets'), who).toBe(0);
      expect(await put(sql), who).toBe('42501');
      expect(await put(sql, { owner_id: AGENTS[who].id, secret: under(DATA_KEYS[who]) }), who).toBe('42501');
    });
  }
});

test('a colleague, an administrator and somebody of another tenant read, replace and delete their own alone', async ({
  as,
}) => {
  for (const [who, own] of [
    ['bob', ids(parts)],
    ['ada', []],
    ['mallory', ids(exchange)],
  ] as const) {
    await as(who, itself, async (sql) => {
      expect(await sql.list(SEEN), who).toEqual(own);
      expect(await sql.list(`${CHANGE} returning id`), who).toEqual(own);
      expect(await sql.touched(CHANGE), who).toBe(own.length);
      expect(await sql.touched(`delete from service_secrets where owner_id = '${alice.id}'`), who).toBe(0);
      expect(await sql.touched('delete from service_secrets'), who).toBe(own.length);
    });
    expect(await as(who, { given: arrange }, (sql) => put(sql)), who).toBe('42501');
  }
});

test('an agent as itself reads none, not even of the one that is for it', async ({ as }) => {
  for (const who of ['scout', 'scribe', 'bobot', 'mimic'] as const) {
    expect(await as(who, itself, (sql) => sql.list(SEEN)), who).toEqual([]);
  }
});

test('who may know of credentials, use them and do everything else there is does not thereby read a secret', async ({
  as,
}) => {
  expect(await as('scout', through.scout, (sql) => sql.list(SEEN))).toEqual([]);
  const others = [...EVERYTHING].filter((word) => word !== 'secret:read');
  expect(await as('scribe', granted('scribe', others), (sql) => sql.list(SEEN))).toEqual([]);
  expect(await as('alice', { scopes: others }, (sql) => sql.list(SEEN))).toEqual([]);
});

test("no agent reads what is the owner's alone or for another agent, whatever its delegation names", async ({
  as,
}) => {
  for (const [who, reads] of [
    ['scout', ids(weather)],
    ['late', ids(weather)],
    ['rogue', ids(weather)],
    ['scribe', ids(weather, post)],
  ] as const) {
    expect(await as(who, granted(who, EVERYTHING), (sql) => sql.list(SEEN)), who).toEqual(reads);
  }
});

test("what becomes the owner's alone or another agent's is read no more, from the next statement on", async ({
  as,
  migrate,
}) => {
  for (const set of ['owner_only = true', `agent_id = '${AGENTS.scout.id}'`]) {
    await as('scribe', granted('scribe', ['secret:read']), async (sql) => {
      expect(await sql.list(SEEN)).toEqual(ids(weather, post));
      await sql.client.query('reset role');
      await sql.rows(`update service_credentials set ${set} where id = '${post.id}'`);
      await sql.client.query('set local role bailiwick_runtime');
      expect(await sql.list(SEEN), set).toEqual(ids(weather));
    });
  }
  expect(await migrate((sql) => sql.touched(SEEN)), 'nothing was left behind').toBe(5);
});

for (const [state, { who, made, after }] of Object.entries(REACHES_NOTHING)) {
  test(`nothing is read through a delegation that ${state}`, async ({ as }) => {
    const acting = granted(who, EVERYTHING, after, made);
    expect(await as(who, acting, (sql) => sql.list(SEEN))).toEqual([]);
  });
}

test('nothing is read by a sub-agent when one above it may not, nor as somebody suspended', async ({
  as,
}) => {
  const [above, below] = [newId<DelegationId>(), newId<DelegationId>()];
  const others = DELEGABLE.filter((word) => word !== 'secret:read');
  const given = async (sql: Sql) => {
    await delegate(sql, { id: above, from: 'alice', to: 'scout', capabilities: others, redelegate: 1 });
    await delegate(sql, { id: below, from: 'scout', to: 'scribe', parent: above, capabilities: EVERYTHING });
  };
  expect(await as('scribe', { delegation: below, given }, (sql) => sql.list(SEEN))).toEqual([]);
  await as('alice', { given: suspend('alice') }, async (sql) => {
    expect(await sql.list(SEEN)).toEqual([]);
    expect(await sql.touched(CHANGE)).toBe(0);
    expect(await sql.touched('delete from service_secrets')).toBe(0);
  });
});

test('a token does with secrets what it names and nothing else, and overwrites or deletes none that it does not read', async ({
  as,
}) => {
  for (const [scopes, reads, replaces, deletes, puts] of [
    [['credential:read', 'credential:execute', 'memory:read'], 0, 0, 0, '42501'],
    [['secret:read'], 6, 0, 0, '42501'],
    [['credential:update'], 0, 0, 0, '42501'],
    [['credential:delete'], 0, 0, 0, '42501'],
    [['credential:update', 'secret:read'], 6, 6, 0, '42501'],
    [['credential:delete', 'secret:read'], 6, 0, 6, '42501'],
    [['credential:create'], 0, 0, 0, '1'],
  ] as const) {
    await as('alice', { scopes, given: arrange }, async (sql) => {
      expect(await sql.touched(SEEN), `${scopes}`).toBe(reads);
      expect(await sql.touched(CHANGE), `${scopes}`).toBe(replaces);
      expect(await sql.touched('delete from service_secrets'), `${scopes}`).toBe(deletes);
      expect(await put(sql), `${scopes}`).toBe(puts);
    });
  }
});

const REFUSED: Readonly<Record<string, string>> = {
  'plain text': weather.secret,
  'nothing at all in quotes': '',
  'the prefix alone': 'bwe1.',
  'another format': OWN.replace('bwe1', 'bwe2'),
  'something before the prefix': ` ${OWN}`,
  'a key that does not exist': under(newId()),
  "a colleague's key": under(DATA_KEYS.bob),
  'a key of an agent of hers': under(DATA_KEYS.scribe),
  'a key of her twin in another tenant': under(TWINS_ONLY),
  'a key of somebody in another tenant': under(DATA_KEYS.mallory),
  'a key that was destroyed': under(DESTROYED),
};
for (const [value, secret] of Object.entries(REFUSED)) {
  test(`${value} is refused as a secret, a new one and one that replaces another`, async ({ as }) => {
    await as('alice', { given: arrange }, async (sql) => {
      expect(await put(sql, { secret })).toBe('42501');
      for (const { id } of [tracker, weather, post]) {
        expect(await sql.outcome('update service_secrets set secret = $1 where id = $2', [secret, id])).toBe(
          '42501',
        );
      }
    });
  });
}

test('a secret is one, and belongs to a credential of the same owner', async ({ as }) => {
  await as('alice', { given: arrange }, async (sql) => {
    expect(await put(sql, { secret: null })).toBe('23502');
    expect(await put(sql, { secret_index: null })).toBe('23502');
    expect(await put(sql, { secret: under(DATA_KEYS.alice, 'x'.repeat(30_000)) })).toBe('23514');
    for (const id of [BARE.bob.shared, BARE.mallory.shared, newId()]) {
      expect(await put(sql, { id }), id).toBe('23503');
    }
    expect(await put(sql, { id: BARE.bob.shared, owner_id: bob.id, secret: under(DATA_KEYS.bob) })).toBe(
      '42501',
    );
    expect(await put(sql, { id: tracker.id })).toBe('23505');
  });
});

test('not even who writes past the policies puts plain text there, or moves a secret to another credential', async ({
  migrate,
}) => {
  await migrate(async (sql) => {
    await sql.rows('begin');
    for (const [set, code] of [
      [`secret = 'plain'`, '23514'],
      [`secret = ''`, '23514'],
      [`owner_id = '${bob.id}'`, '23503'],
      [`id = '${parts.id}'`, '23505'],
      [`id = '${newId()}'`, '23503'],
    ]) {
      expect(await sql.outcome(`update service_secrets set ${set} where id = '${tracker.id}'`), set).toBe(
        code,
      );
    }
    await sql.rows('rollback');
  });
});

test('the kernel reads an envelope and does nothing else', async ({ migrate }) => {
  const may = (verb: string) =>
    migrate((sql) =>
      sql.list(
        `select attname from pg_attribute where attrelid = 'service_secrets'::regclass and attnum > 0
            and has_column_privilege('bailiwick_kernel', 'service_secrets', attnum, $1)`,
        [verb],
      ),
    );
  expect(await may('select')).toEqual(['id', 'secret', 'tenant_id']);
  expect(await may('insert')).toEqual([]);
  expect(await may('update')).toEqual([]);
  const others = `select p from unnest(array['delete', 'truncate']) p where has_table_privilege('bailiwick_kernel', 'service_secrets', p)`;
  expect(await migrate((sql) => sql.list(others))).toEqual([]);
});

test('an agent reads what its owner leaves open to agents, when its delegation lets it read secrets', async ({
  as,
}) => {
  expect(await as('mimic', through.mimic, (sql) => sql.list(SEEN))).toEqual(ids(exchange));
  await as('mimic', through.mimic, async (sql) => {
    expect(await sql.value('select secret from service_secrets')).toMatch(/^bwe1\.[0-9a-f]{32}\.[\w-]+$/);
  });
});

test('alice in person reads, keeps, replaces and deletes every secret of hers', async ({ as }) => {
  expect(await as('alice', itself, (sql) => sql.list(SEEN))).toEqual(ids(tracker, weather, post));
  await as('alice', { given: arrange }, async (sql) => {
    expect(await put(sql)).toBe('1');
    const set = 'update service_secrets set secret = $1 where id = $2';
    expect(await sql.outcome(set, [OWN, tracker.id])).toBe('1');
    // a rotation is still on its way to it
    expect(await sql.outcome(set, [under(RETIRED_LONG_AGO), tracker.id])).toBe('1');
    expect(await sql.list('delete from service_secrets where id = $1 returning id', [post.id])).toEqual([
      post.id,
    ]);
  });
});
