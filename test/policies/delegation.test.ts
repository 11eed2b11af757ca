// What a chain of delegations allows (prisma/policies/01-delegation.sql, rules D1 to D12, D17, D19 and D23 to D26): an
// intersection, evaluated anew on every statement. Granting and ending stand in tests of their own.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { memoryOf } from './arrangement.ts';
import { DEAD, delegate, suspend } from './given.ts';

const TABLES = `select relname from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
  and relname <> 'tenants' and has_table_privilege(c.oid, 'select')`;
const OWNERS = 'select distinct owner_id from memories';
const NOTE = `insert into memories (tenant_id, id, owner_id, content, tags, world_id)
  values ('${TENANTS.acme.id}', gen_random_uuid(), '${USERS.alice.id}', 'New.', '{}', $1)`;

/** What any authority that is alive has, whatever it may do: wrapped keys, which open nothing by themselves. */
const WRAPPED = ['data_keys', 'tenant_keys'];

/** Tables in which anything is seen. */
async function seen(sql: Sql): Promise<string[]> {
  const tables: string[] = [];
  for (const table of await sql.list(TABLES)) {
    if ((await sql.touched(`select from ${table}`)) > 0) {
      tables.push(table);
    }
  }
  return tables;
}

for (const [state, given] of Object.entries(DEAD)) {
  test(`nothing is seen or written through scout, nor through scribe below it, when ${state}`, async ({
    as,
  }) => {
    for (const who of ['scout', 'scribe'] as const) {
      await as(who, { ...through[who], given }, async (sql) => {
        expect(await seen(sql), who).toEqual([]);
        expect(await sql.outcome(NOTE, [null])).toBe('42501');
        expect(await sql.touched(`update memories set kind = 'changed'`)).toBe(0);
        expect(await sql.touched('delete from memories')).toBe(0);
        expect(await sql.value(`select bailiwick.describe() -> 'capabilities'`)).toEqual([]);
      });
    }
  });
}

test('a suspended sub-agent sees nothing, while the agent above it still does', async ({ as }) => {
  const given = suspend('scribe');
  expect(await as('scribe', { ...through.scribe, given }, seen)).toEqual([]);
  expect(await as('scout', { ...through.scout, given }, (sql) => sql.list(OWNERS))).toEqual([USERS.alice.id]);
});

test('a suspended person, an agent of a suspended owner and everybody of a suspended tenant see nothing as themselves', async ({
  as,
}) => {
  const { 'the owner is suspended': owner, 'the tenant is suspended': tenant } = DEAD;
  expect(await as('alice', { given: owner }, seen)).toEqual([]);
  expect(await as('scout', { given: owner }, seen)).toEqual([]);
  expect(await as('scout', { given: suspend('scout') }, seen)).toEqual([]);
  expect(await as('ada', { given: tenant }, seen)).toEqual([]);
  expect(await as('bobot', { given: tenant }, seen)).toEqual([]);
});

test('an agent sees nothing of its owner without a delegation, whatever its token says', async ({ as }) => {
  await as('scout', itself, async (sql) => {
    expect(await sql.list(OWNERS)).toEqual([AGENTS.scout.id]);
    expect(await sql.list('select id from worlds')).toEqual([]);
    expect(await sql.list('select id from users')).toEqual([]);
    expect(await sql.list('select id from agents')).toEqual([AGENTS.scout.id]);
  });
});

// Otherwise an agent could mix two principals' data in one operation.
test("under a delegation an agent sees its owner's rows and none of its own", async ({ as }) => {
  expect(await as('scout', through.scout, (sql) => sql.list(OWNERS))).toEqual([USERS.alice.id]);
  expect(await as('scribe', through.scribe, (sql) => sql.list(OWNERS))).toEqual([USERS.alice.id]);
});

// Foreign keys forbid all of these. Whoever has switched them off must still not hand an agent two masters.
const unchecked =
  (statement: string, ...values: unknown[]) =>
  async (sql: Sql) => {
    await sql.rows('reset role');
    await sql.rows('set local session_replication_role = replica');
    await sql.rows(statement, values);
    await sql.rows('set local session_replication_role = origin');
  };

test('an agent that has changed owner acts no longer through what its old owner granted, nor does anybody below it', async ({
  as,
}) => {
  const given = unchecked('update entities set owner_id = $1 where id = $2', USERS.bob.id, AGENTS.scout.id);
  for (const who of ['scout', 'scribe'] as const) {
    expect(await as(who, { ...through[who], given }, seen), who).toEqual([]);
  }
});

test('a chain whose hops do not fit together opens nothing', async ({ as }) => {
  for (const column of ['owner_id', 'delegator_id']) {
    const given = unchecked(
      `update delegations set ${column} = $1 where id = $2`,
      USERS.bob.id,
      DELEGATIONS.scribe.id,
    );
    await expect(as('scribe', { ...through.scribe, given }, seen)).rejects.toMatchObject({ code: '28000' });
  }
});

// A snapshot or a cached right would let a stopped agent go on until its transaction ends.
test('a revocation takes effect on the next statement of a transaction that is running', async ({
  as,
  migrate,
}) => {
  const delegation = await migrate((sql) => delegate(sql, { from: 'alice', to: 'late' }));
  await as('late', { delegation }, async (sql) => {
    expect(await sql.list(OWNERS)).toEqual([USERS.alice.id]);
    await as('alice', { commit: true }, (other) =>
      other.rows('select bailiwick.revoke_delegation($1)', [delegation]),
    );
    expect(await sql.list(OWNERS)).toEqual([]);
  });
});

test('a delegation that expires in the middle of a transaction ends there', async ({ as, migrate }) => {
  const delegation = await migrate((sql) => delegate(sql, { from: 'alice', to: 'late', expires: 0.6 }));
  await as('late', { delegation }, async (sql) => {
    expect(await sql.list(OWNERS)).toEqual([USERS.alice.id]);
    await sql.rows('select pg_sleep(0.7)');
    expect(await sql.list(OWNERS)).toEqual([]);
  });
});

test('a hop ends with the one above it, even where its own row says later', async ({ as }) => {
  const [upper, lower] = [newId<DelegationId>(), newId<DelegationId>()];
  const given = async (sql: Sql) => {
    await delegate(sql, { id: upper, from: 'alice', to: 'scout', begins: -60, expires: -1 });
    await delegate(sql, { id: lower, from: 'scout', to: 'scribe', parent: upper, expires: 3000 });
  };
  expect(await as('scribe', { delegation: lower, given }, seen)).toEqual([]);
});

test('a hop never adds a capability that the one above it lacks, even where its own row names it', async ({
  as,
}) => {
  const [upper, lower] = [newId<DelegationId>(), newId<DelegationId>()];
  const given = async (sql: Sql) => {
    await delegate(sql, { id: upper, from: 'alice', to: 'scout', capabilities: ['memory:read'] });
    const capabilities = ['memory:read', 'memory:create', 'memory:delete', 'user:read'];
    await delegate(sql, { id: lower, from: 'scout', to: 'scribe', parent: upper, capabilities });
  };
  await as('scribe', { delegation: lower, given }, async (sql) => {
    expect(await sql.list(OWNERS)).toEqual([USERS.alice.id]);
    expect(await sql.outcome(NOTE, [null])).toBe('42501');
    expect(await sql.touched('delete from memories')).toBe(0);
    expect(await sql.list('select id from users')).toEqual([]);
  });
});

test('a token never allows more than the delegation, and the delegation never more than the token', async ({
  as,
}) => {
  await as('scribe', { ...through.scribe, scopes: ['memory:read', 'memory:create'] }, async (sql) => {
    expect(await sql.outcome(NOTE, [null])).toBe('42501');
  });
  await as('scout', { ...through.scout, scopes: ['memory:read'] }, async (sql) => {
    expect(await sql.list(OWNERS)).toEqual([USERS.alice.id]);
    expect(await sql.outcome(NOTE, [null])).toBe('42501');
    expect(await sql.list('select id from users')).toEqual([]);
  });
  expect(await as('alice', { scopes: [] }, seen)).toEqual(WRAPPED);
  expect(await as('alice', { scopes: ['memory:*', '*', 'memory:READ'] }, seen)).toEqual(WRAPPED);
});

test('the ceiling of any agent in the chain limits the whole chain', async ({ as }) => {
  const ceiling = (id: string, to: string) => (sql: Sql) =>
    sql.touched('update entities set ceiling = $1 where tenant_id = $2 and id = $3', [
      to,
      TENANTS.acme.id,
      id,
    ]);
  const nothing = ceiling(AGENTS.scout.id, '[]');
  expect(await as('scout', { ...through.scout, given: nothing }, (sql) => sql.list(OWNERS))).toEqual([]);
  expect(await as('scribe', { ...through.scribe, given: nothing }, (sql) => sql.list(OWNERS))).toEqual([]);
  await as('scout', { ...through.scout, given: ceiling(AGENTS.scout.id, '["memory:read"]') }, async (sql) => {
    expect(await sql.list(OWNERS)).toEqual([USERS.alice.id]);
    expect(await sql.outcome(NOTE, [null])).toBe('42501');
  });
  expect(
    await as('alice', { given: ceiling(USERS.alice.id, '["user:read"]') }, (sql) => sql.list(OWNERS)),
  ).toEqual([]);
});

test('a delegation limited to a world shows and takes the rows of that world only', async ({ as }) => {
  await as('scout', through.scoutInGarden, async (sql) => {
    expect(await sql.list('select distinct world_id from memories')).toEqual([WORLDS.garden.id]);
    expect(await sql.list('select id from worlds')).toEqual([WORLDS.garden.id]);
    expect(await sql.outcome(NOTE, [null])).toBe('42501');
    expect(await sql.outcome(NOTE, [WORLDS.workshop.id])).toBe('42501');
    expect(await sql.outcome(NOTE, [WORLDS.garden.id])).toBe('1');
    expect(await sql.list('select id from agents')).toEqual([]);
    expect(await sql.list('select id from users')).toEqual([]);
    const hidden = memoryOf('alice');
    expect(await sql.touched(`update memories set kind = 'changed' where id = $1`, [hidden])).toBe(0);
  });
});

test('a delegation limited to a world reaches no kind that stands in none, even where it names the kind', async ({
  as,
}) => {
  const delegation = newId<DelegationId>();
  const capabilities = [
    'memory:read',
    'user:read',
    'user:update',
    'agent:read',
    'agent:create',
    'delegation:read',
  ];
  const given = (sql: Sql) =>
    delegate(sql, { id: delegation, from: 'alice', to: 'scout', world: WORLDS.garden.id, capabilities });
  await as('scout', { delegation, given }, async (sql) => {
    expect(await seen(sql)).toEqual(['data_keys', 'delegations', 'memories', 'tenant_keys']);
    expect(await sql.list('select distinct delegator_id from delegations')).not.toContain(AGENTS.scribe.id);
    expect(
      await sql.list('select delegate_id from delegations where delegate_id = $1', [AGENTS.late.id]),
    ).toEqual([]);
    expect(await sql.touched(`update users set display_name = 'Changed'`)).toBe(0);
  });
});

test('two different worlds in one chain leave nothing', async ({ as }) => {
  const [upper, lower] = [newId<DelegationId>(), newId<DelegationId>()];
  const capabilities = ['memory:read', 'memory:create', 'world:read'];
  const given = async (sql: Sql) => {
    // so that each of the two, taken by itself, would show something
    const joined = `insert into world_members (tenant_id, id, world_id, owner_id, entity_id, created_by, request_id)
      values ($1, gen_random_uuid(), $2, $3, $4, $4, $4)`;
    await sql.rows(joined, [TENANTS.acme.id, WORLDS.workshop.id, USERS.bob.id, USERS.alice.id]);
    await sql.touched('update memories set world_id = $1 where world_id is null and owner_id = $2', [
      WORLDS.workshop.id,
      USERS.alice.id,
    ]);
    await delegate(sql, { id: upper, from: 'alice', to: 'scout', world: WORLDS.garden.id, capabilities });
    await delegate(sql, {
      id: lower,
      from: 'scout',
      to: 'scribe',
      parent: upper,
      world: WORLDS.workshop.id,
      capabilities,
    });
  };
  await as('scribe', { delegation: lower, given }, async (sql) => {
    expect(await seen(sql)).toEqual([]);
    expect(await sql.outcome(NOTE, [WORLDS.garden.id])).toBe('42501');
  });
});

test('a delegation limited to a world ends when its owner is no longer a member, or the world no longer active', async ({
  as,
}) => {
  const leave = (sql: Sql) => sql.touched('delete from world_members where entity_id = $1', [USERS.alice.id]);
  for (const given of [leave, suspend('garden')]) {
    expect(await as('scout', { ...through.scoutInGarden, given }, (sql) => sql.list(OWNERS))).toEqual([]);
  }
});

test('what is written through a chain says so without being told: owner, actor, delegation, request', async ({
  as,
}) => {
  await as('scout', through.scout, async (sql) => {
    const [row] = await sql.rows(
      `${NOTE} returning owner_id, created_by, delegation_id, request_id = bailiwick.request_id() as ours`,
      [null],
    );
    expect(row).toEqual({
      owner_id: USERS.alice.id,
      created_by: AGENTS.scout.id,
      delegation_id: DELEGATIONS.scout.id,
      ours: true,
    });
  });
});

test('a row that is hidden and a row that is not there get the same answer', async ({ as }) => {
  await as('bob', itself, async (sql) => {
    for (const id of [memoryOf('alice'), memoryOf('mallory'), newId()]) {
      expect(await sql.list('select id from memories where id = $1', [id])).toEqual([]);
      expect(await sql.touched(`update memories set kind = 'changed' where id = $1`, [id])).toBe(0);
      expect(await sql.touched('delete from memories where id = $1', [id])).toBe(0);
    }
    for (const id of [DELEGATIONS.scout.id, DELEGATIONS.mimic.id, newId()]) {
      expect(await sql.list('select id from delegations where id = $1', [id])).toEqual([]);
      expect(await sql.value('select bailiwick.revoke_delegation($1)', [id])).toBeNull();
    }
  });
});
