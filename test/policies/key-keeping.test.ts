// Guarantees of prisma/policies/05-keys.sql: who may have the first key of a tenant or of a holder kept, and which values may stand
// in an encrypted column. Whoever could keep a key for another would know what the other seals with from then on.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import { type Acting, type Sql, ticket } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange, SPARES } from './arrangement.ts';
import { arrangeKeys, KEYS, keyTicket, serviceTicket } from './credentials.ts';
import { DEAD, suspend } from './given.ts';
import { DATA_KEYS, keepTenantKey, TENANT_KEYS } from './wrapped.ts';

const acme = TENANTS.acme.id;
const { alice, bob, ada, mallory } = USERS;
const { scout, scribe, rogue, late, bobot } = AGENTS;

const ADD_TENANT_KEY = `select bailiwick.add_tenant_key($1, $2, 'mine', false)`;
const ADD_DATA_KEY = `select bailiwick.add_data_key($1, $2, $3, 'mine', false)`;
const add = (sql: Sql, holder: string, tenantKey: string = TENANT_KEYS.acme) =>
  sql.value(ADD_DATA_KEY, [newId(), holder, tenantKey]);

/** As it is before anybody has sealed anything: a key of each tenant that wraps, and no data key. */
const bare = async (sql: Sql) => {
  await sql.rows('delete from data_keys; delete from tenant_keys');
  await keepTenantKey(sql, acme, TENANT_KEYS.acme);
  await keepTenantKey(sql, acme, TENANT_KEYS.index, 'index');
  await keepTenantKey(sql, TENANTS.globex.id, TENANT_KEYS.globex);
};
const both =
  (...steps: ((sql: Sql) => Promise<unknown>)[]) =>
  async (sql: Sql) => {
    for (const step of steps) {
      await step(sql);
    }
  };

const lifeless: Readonly<
  Record<string, readonly [who: 'alice' | 'scout' | 'scribe' | 'late' | 'rogue', Acting]>
> = {
  'with a token that has expired': ['alice', { tokenExpiresAt: new Date(Date.now() - 1) }],
  'as somebody suspended': ['alice', { given: suspend('alice') }],
  'as an agent of somebody suspended': ['scout', { given: suspend('alice') }],
  'through an expired delegation': ['late', through.late],
  'through a revoked delegation': ['rogue', through.rogue],
  'below a suspended agent': ['scribe', { ...through.scribe, given: suspend('scout') }],
  ...Object.fromEntries(
    Object.entries(DEAD).map(([state, kill]) => [
      `through scout, when ${state}`,
      ['scout', { ...through.scout, given: kill }] as const,
    ]),
  ),
};
const NONE = async () => undefined;

for (const [how, [who, acting]] of Object.entries(lifeless)) {
  test(`no key is kept ${how}, and the context has none`, async ({ as }) => {
    const kill = acting.given ?? NONE;
    const given = both((sql) => sql.rows('delete from data_keys; delete from tenant_keys'), kill);
    await as(who, { ...acting, given }, async (sql) => {
      expect(await sql.value(ADD_TENANT_KEY, [newId(), 'wrap'])).toBe(false);
      expect(await sql.value('select bailiwick.key_holder()')).toBeNull();
      expect(await sql.value('select bailiwick.key_tenant()')).toBeNull();
    });
    await as(who, { ...acting, given: both(bare, kill) }, async (sql) => {
      for (const holder of [alice.id, scout.id, scribe.id]) {
        expect(await add(sql, holder), holder).toBe(false);
      }
      await sql.client.query('reset role');
      expect(await sql.value('select count(*)::int from data_keys')).toBe(0);
    });
  });
}

test('no key is kept by the server itself, nor without a context', async ({ raw, migrate, as }) => {
  await as('alice', itself, NONE);
  await migrate(arrangeKeys);
  for (const shown of [serviceTicket(), undefined]) {
    await raw(async (sql) => {
      await sql.rows('begin');
      if (shown !== undefined) {
        await sql.rows('select bailiwick.open($1, $2)', shown);
      }
      expect(await sql.value(ADD_TENANT_KEY, [newId(), 'index'])).toBe(false);
      expect(await add(sql, bob.id)).toBe(false);
      expect(await sql.value('select bailiwick.key_holder()')).toBeNull();
      expect(await sql.value('select bailiwick.key_tenant()')).toBeNull();
    });
  }
  await migrate((sql) => sql.rows('delete from credentials; delete from issuers'));
});

const notTheirs: Readonly<
  Record<string, readonly [who: 'alice' | 'ada' | 'scout' | 'scribe' | 'mallory', Acting, string]>
> = {
  'a colleague': ['alice', itself, bob.id],
  "a colleague's agent": ['alice', itself, bobot.id],
  'a member of the tenant, as its administrator': ['ada', itself, alice.id],
  "a member's agent, as administrator": ['ada', itself, scout.id],
  'somebody of another tenant': ['alice', itself, mallory.id],
  nobody: ['alice', itself, newId()],
  "its owner's other agents, as itself": ['scout', itself, rogue.id],
  'the agent below it, as itself': ['scout', itself, scribe.id],
  'its owner, as itself': ['scout', itself, alice.id],
  'itself, through a delegation': ['scout', through.scout, scout.id],
  "an agent of the owner's, through a delegation": ['scout', through.scout, rogue.id],
  'a sub-agent itself, through its chain': ['scribe', through.scribe, scribe.id],
};
for (const [holder, [who, acting, id]] of Object.entries(notTheirs)) {
  test(`no data key is kept for ${holder}`, async ({ as }) => {
    await as(who, { ...acting, given: bare }, async (sql) => {
      expect(await add(sql, id)).toBe(false);
      await sql.client.query('reset role');
      expect(await sql.value('select count(*)::int from data_keys')).toBe(0);
    });
  });
}

test('no data key is kept below a key of another tenant, a key for indexes, or none, nor for a twin', async ({
  as,
}) => {
  await as('alice', { given: bare }, async (sql) => {
    for (const above of [TENANT_KEYS.globex, TENANT_KEYS.index, newId()]) {
      expect(await add(sql, alice.id, above), above).toBe(false);
    }
    expect(await sql.outcome(ADD_DATA_KEY, [newId(), alice.id, null])).toBe('1');
  });
  // in the tenant of the twin there is a key, of the very holder, that wraps
  const given = both(arrange, (sql) => sql.rows(`delete from data_keys where tenant_id = $1`, [acme]));
  await as('alice', { given }, async (sql) => {
    expect(await add(sql, alice.id)).toBe(true);
    await sql.client.query('reset role');
    const wraps = 'select tenant_key_id from data_keys where tenant_id = $1';
    expect(await sql.list(wraps, [acme])).toEqual([TENANT_KEYS.acme]);
  });
});

test('a key of a tenant has no other purpose than the two there are', async ({ as }) => {
  await as('alice', { given: bare }, async (sql) => {
    expect(await sql.outcome(ADD_TENANT_KEY, [newId(), 'sign'])).toBe('23514');
    expect(await sql.outcome(ADD_TENANT_KEY, [newId(), null])).toBe('23502');
  });
});

test('the first key is kept, a second one is not, and neither replaces what was destroyed', async ({
  as,
}) => {
  const none = (sql: Sql) => sql.rows('delete from data_keys; delete from tenant_keys');
  for (const [who, acting] of [
    ['alice', itself],
    ['bob', itself],
    ['scout', itself],
    ['scout', through.scout],
    ['scribe', through.scribe],
  ] as const) {
    await as(who, { ...acting, given: none }, async (sql) => {
      const [first, index, second] = [newId(), newId(), newId()];
      expect(await sql.value(ADD_TENANT_KEY, [first, 'wrap']), who).toBe(true);
      expect(await sql.value(ADD_TENANT_KEY, [index, 'index']), who).toBe(true);
      expect(await sql.value(ADD_TENANT_KEY, [second, 'wrap']), who).toBe(false);
      expect(await sql.list('select id from tenant_keys')).toEqual([first, index].sort());
      const holder = String(await sql.value('select bailiwick.key_holder()'));
      expect(await add(sql, holder, first), who).toBe(true);
      expect(await add(sql, holder, first), who).toBe(false);
      expect(await sql.rows('select holder_id, version, wrapped from data_keys')).toEqual([
        { holder_id: holder, version: 1, wrapped: 'mine' },
      ]);
      await sql.client.query('reset role');
      await sql.rows('update data_keys set wrapped = null, destroyed_at = now()');
      await sql.rows('update tenant_keys set wrapped = null, destroyed_at = now()');
      await sql.client.query('set local role bailiwick_runtime');
      expect(await add(sql, holder, first), who).toBe(false);
      expect(await sql.value(ADD_TENANT_KEY, [newId(), 'wrap']), who).toBe(false);
    });
  }
});

test('the holder of a context is its owner: the person, the agent as itself, the person at the root of a chain', async ({
  as,
}) => {
  const holder = 'select bailiwick.key_holder()';
  expect(await as('alice', itself, (sql) => sql.value(holder))).toBe(alice.id);
  expect(await as('scout', itself, (sql) => sql.value(holder))).toBe(scout.id);
  expect(await as('scout', through.scout, (sql) => sql.value(holder))).toBe(alice.id);
  expect(await as('scribe', through.scribe, (sql) => sql.value(holder))).toBe(alice.id);
  expect(await as('mallory', itself, (sql) => sql.value('select bailiwick.key_tenant()'))).toBe(
    TENANTS.globex.id,
  );
  expect(await as('alice', { scopes: [] }, (sql) => sql.value('select bailiwick.key_tenant()'))).toBe(acme);
});

test('a key is kept for an agent of her own by its owner in person, and is hers as its row says', async ({
  as,
}) => {
  await as('alice', { given: bare }, async (sql) => {
    for (const agent of [scout, scribe, rogue, late]) {
      expect(await add(sql, agent.id)).toBe(true);
    }
    expect(await sql.list('select distinct owner_id from data_keys')).toEqual([alice.id]);
    // a world of hers is an entity too; nothing is sealed for one, and a key for it is of no use to anybody else
    expect(await add(sql, WORLDS.workshop.id)).toBe(false);
  });
});

test('of two transactions that keep the first key at once the second waits, and finds the key of the first', async ({
  raw,
  as,
  migrate,
}) => {
  await as('ada', itself, NONE);
  await migrate(arrangeKeys);
  await migrate((sql) => keepTenantKey(sql, acme, TENANT_KEYS.acme));
  const first: string = newId();
  await raw(async (one) => {
    await one.rows('begin');
    await one.rows('select bailiwick.open($1, $2)', ticket('ada'));
    expect(await one.value(ADD_DATA_KEY, [first, ada.id, TENANT_KEYS.acme])).toBe(true);
    await raw(async (two) => {
      await two.rows('begin');
      await two.rows('select bailiwick.open($1, $2)', ticket('ada'));
      let answered = false;
      const second = add(two, ada.id).finally(() => {
        answered = true;
      });
      const waits = `select count(*)::int from pg_locks l join pg_stat_activity a on a.pid = l.pid
                      where not l.granted and a.datname = current_database()`;
      while ((await migrate((sql) => sql.value(waits))) === 0) {
        expect(answered, 'the second did not wait').toBe(false);
      }
      await one.rows('select bailiwick.close(bailiwick.request_id())');
      await one.rows('commit');
      expect(await second).toBe(false);
      expect(await two.list('select id from data_keys')).toEqual([first]);
    });
  });
  await migrate((sql) =>
    sql.rows(`delete from data_keys where id = '${first}'; delete from tenant_keys where id = '${TENANT_KEYS.acme}';
              delete from credentials; delete from issuers`),
  );
});

test('an API key keeps keys as its bearer does', async ({ raw, as, migrate }) => {
  await as('ada', itself, NONE);
  await migrate(arrangeKeys);
  await migrate((sql) => keepTenantKey(sql, acme, TENANT_KEYS.acme));
  await migrate((sql) => sql.rows('delete from data_keys where holder_id = $1', [bob.id]));
  await raw(async (sql) => {
    await sql.rows('begin');
    await sql.rows('select bailiwick.open($1, $2)', keyTicket(KEYS.bob.digest));
    expect(await add(sql, alice.id)).toBe(false);
    expect(await add(sql, bob.id)).toBe(true);
  });
  await migrate((sql) =>
    sql.rows(
      `delete from tenant_keys where id = '${TENANT_KEYS.acme}'; delete from credentials; delete from issuers`,
    ),
  );
});

test('a key under an id that is taken is not kept, and nothing tells that from any other refusal', async ({
  as,
}) => {
  await as('alice', { given: arrange }, async (sql) => {
    const taken = [DATA_KEYS.bob, SPARES.alice.agent, TENANT_KEYS.acme];
    const free = [newId(), SPARES.alice.agent, TENANT_KEYS.acme];
    expect(await sql.value(ADD_DATA_KEY, taken)).toBe(false);
    expect(await sql.value(ADD_DATA_KEY, free)).toBe(true);
  });
});
