// What the kernel says about access (85-explaining.sql): nothing to whom it does not concern, nothing of what is hidden, and
// otherwise exactly what the policies and the rules of delegation do. Each answer is held against the thing that it explains.

import { expect } from 'vitest';
import { type ActorName, AGENTS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS, type DelegationName } from '../../src/demo/delegations.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { newId } from '../../src/ids.ts';
import { CLOSE, COURSES, set } from '../access/courses.ts';
import { sight } from '../access/viewing.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';

type Missing = { where: string; kind: string | null; id: string | null };
type Why = { held: boolean; missing: Missing[]; hops: { id: string; carries: boolean }[] };
type Explained = {
  known: boolean;
  allowed: boolean;
  clauses: { policy: string; restrictive: boolean; holds: boolean; capabilities: unknown[] }[];
  requirements: (Why & { means: string; capability: string })[];
};

const { scout, scribe } = AGENTS;
const { garden } = WORLDS;
const MEANS = ['owner', 'direct_owner', 'worlds', 'shared_worlds', 'party', 'administered_tenant'] as const;
const VERBS = ['read', 'update', 'delete'] as const;

const why = (sql: Sql, means: string, capability: string) =>
  sql.value('select bailiwick.why($1, $2)', [means, capability]) as Promise<Why>;
const explain = (sql: Sql, table: string, id: string, verb: string) =>
  sql.value('select bailiwick.explain($1, $2, $3)', [table, id, verb]) as Promise<Explained>;

const ACTING: readonly (readonly [ActorName, DelegationName | undefined])[] = [
  ['alice', undefined],
  ['ada', undefined],
  ['bob', undefined],
  ['mallory', undefined],
  ['scout', undefined],
  ['scout', 'scout'],
  ['scout', 'scoutInGarden'],
  ['scribe', 'scribe'],
  ['bobot', 'bobot'],
  ['late', 'late'],
  ['rogue', 'rogue'],
];

test('without a context, nothing is explained of anything', async ({ raw }) => {
  await raw(async (sql) => {
    expect(await sql.value(`select bailiwick.why('owner', 'memory:read')`)).toBeNull();
    expect(await sql.value('select bailiwick.effective($1, true, 100)', [scout.id])).toBeNull();
    expect(await explain(sql, 'memories', MEMORIES[0]?.id ?? '', 'read')).toMatchObject({
      known: false,
      allowed: false,
      clauses: [],
    });
  });
});

test('a hidden row is explained like an absent one, whoever asks, whatever table and verb', async ({
  as,
}) => {
  const rows = await as('alice', itself, sight);
  for (const [actor, delegation] of [
    ['bob', undefined],
    ['mallory', undefined],
    ['mimic', 'mimic'],
    ['scribe', undefined],
    ['late', 'late'],
  ] as const) {
    await as(actor, { delegation: delegation && DELEGATIONS[delegation].id }, async (sql) => {
      const seen = await sight(sql);
      for (const [table, ids] of Object.entries(rows)) {
        const hidden = ids.find((id) => !seen[table]?.includes(id));
        for (const verb of hidden === undefined ? [] : VERBS) {
          const said = await explain(sql, table, hidden ?? '', verb);
          expect(said.known).toBe(false);
          expect(JSON.stringify(said)).toBe(JSON.stringify(await explain(sql, table, newId(), verb)));
        }
      }
    });
  }
});

test('what is no table, or no verb, is not explained', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    for (const [table, verb] of [
      ['memories; drop table memories', 'read'],
      ['memories" where true --', 'read'],
      ['nothing', 'read'],
      ['memories', 'insert'],
      ['memories', ''],
    ] as const) {
      expect(await sql.outcome('select bailiwick.explain($1, $2, $3)', [table, newId(), verb])).toBe('22023');
    }
  });
});

test('of other agents in its chain, an agent is not told which one is suspended or limited', async ({
  as,
}) => {
  const other = { delegation: DELEGATIONS.scribe.id };
  for (const [change, where] of [
    ["status = 'suspended'", 'standing'],
    [`ceiling = '[]'`, 'ceiling'],
  ] as const) {
    await as('scribe', { ...other, given: set('entities', change, scout.id) }, async (sql) => {
      expect((await why(sql, 'owner', 'memory:read')).missing).toEqual([{ where, kind: 'agent', id: null }]);
    });
    await as('scribe', { ...other, given: set('entities', change, scribe.id) }, async (sql) => {
      expect((await why(sql, 'owner', 'memory:read')).missing).toEqual([
        { where, kind: 'agent', id: scribe.id },
      ]);
    });
  }
});

const ASKED = [
  'memory:read',
  'memory:update',
  'agent:read',
  'credential:read',
  'permission:read',
  'delegation:read',
];
const UNASKED = ['key:read', 'made:up'];

for (const [course, given] of Object.entries(COURSES)) {
  test(`something is missing exactly where a capability is not held, ${course}`, async ({ as }) => {
    for (const [actor, acting] of CLOSE) {
      await as(actor, { ...acting, given }, async (sql) => {
        const wrong = await sql.list(
          `select concat_ws(' ', w->>'means', w->>'capability', w->>'held', w->>'missing')
             from unnest($1::text[]) m, unnest($2::text[]) k, bailiwick.why(m, k) w
            where (w->>'held')::boolean <> (w->'missing' = '[]')`,
          [MEANS, [...ASKED, ...UNASKED, 'tenant:administer']],
        );
        // administered_tenant asks for one capability only, whichever is named
        expect([actor, wrong.filter((line) => !/^administered_tenant (?!tenant)/.test(line))]).toEqual([
          actor,
          [],
        ]);
      });
    }
  });
}

const world = { kind: 'world', id: garden.id };
const hop = (name: DelegationName) => ({ where: 'delegation', kind: 'delegation', id: DELEGATIONS[name].id });
const lacking = (where: string, kind: string | null = null) => [{ where, kind, id: null }];
const short: readonly (readonly [string, ActorName, Acting, string, string, readonly unknown[]])[] = [
  ['its scope', 'alice', { scopes: ['agent:read'] }, 'owner', 'memory:read', lacking('scope')],
  [
    'the time of its credential',
    'alice',
    { tokenExpiresAt: new Date(Date.now() - 1000) },
    'owner',
    'memory:read',
    lacking('expiry'),
  ],
  ['a hop', 'scribe', through.scribe, 'owner', 'memory:update', [hop('scribe')]],
  [
    'two hops',
    'scribe',
    through.scribe,
    'owner',
    'memory:fly',
    [hop('scout'), hop('scribe'), { where: 'scope', kind: null, id: null }],
  ],
  ['a person', 'scout', through.scout, 'direct_owner', 'agent:read', lacking('person')],
  ['a delegation', 'scout', itself, 'owner', 'permission:read', lacking('delegation')],
  ['a role', 'bob', itself, 'administered_tenant', 'tenant:administer', lacking('role')],
  [
    'both a person and a role',
    'scout',
    through.scout,
    'administered_tenant',
    'tenant:administer',
    [hop('scout'), { where: 'person', kind: null, id: null }, { where: 'role', kind: null, id: null }],
  ],
  [
    'a world in which it stands',
    'scout',
    { delegation: DELEGATIONS.scoutInGarden.id },
    'owner',
    'credential:read',
    [hop('scoutInGarden'), { where: 'world', ...world }],
  ],
  [
    'a world to be sent to',
    'scout',
    through.scout,
    'shared_worlds',
    'memory:read',
    lacking('world', 'world'),
  ],
];
for (const [what, actor, acting, means, capability, missing] of short) {
  test(`who lacks ${what} is told so, and which`, async ({ as }) => {
    await as(actor, acting, async (sql) => {
      const said = await why(sql, means, capability);
      expect(said.held).toBe(false);
      const order = (list: readonly unknown[]) =>
        list.map((one) => JSON.stringify(one, ['where', 'kind', 'id'])).sort();
      expect(order(said.missing)).toEqual(order(missing));
    });
  });
}

const nothing = async () => undefined;

test('each hop is named, with whether it carries the capability', async ({ as }) => {
  await as('scribe', through.scribe, async (sql) => {
    expect((await why(sql, 'owner', 'memory:update')).hops).toEqual([
      { id: DELEGATIONS.scout.id, carries: true },
      { id: DELEGATIONS.scribe.id, carries: false },
    ]);
  });
  for (const course of ['after the root was revoked', 'before the root begins'] as const) {
    await as('scribe', { ...through.scribe, given: COURSES[course] ?? nothing }, async (sql) => {
      const { hops } = await why(sql, 'owner', 'memory:read');
      expect(hops.map(({ carries }) => carries)).toEqual([false, true]);
    });
  }
});

test('who holds or granted a delegation is its party, whatever the chain carries', async ({ as }) => {
  await as('scribe', through.scribe, async (sql) => {
    expect(await why(sql, 'party', 'delegation:read')).toMatchObject({ held: true, missing: [] });
    expect(await why(sql, 'owner', 'delegation:read')).toMatchObject({ held: false });
  });
});

test('what is explained as allowed is what the database does, row by row', async ({ as }) => {
  let tried = 0;
  for (const [actor, name] of ACTING) {
    await as(actor, { delegation: name && DELEGATIONS[name].id }, async (sql) => {
      for (const [table, ids] of Object.entries(await sight(sql))) {
        const [column] = await sql.list(
          `select a.attname from pg_attribute a
            where a.attrelid = $1::regclass and a.attnum > 0 and has_column_privilege(a.attrelid, a.attnum, 'update')`,
          [`public.${table}`],
        );
        for (const id of ids.slice(0, 4)) {
          // a change that changes nothing asks every policy; a foreign key that stands against a removal comes after them
          const update =
            column && (await sql.outcome(`update ${table} set ${column} = ${column} where id = $1`, [id]));
          const removed = await sql.outcome(`delete from ${table} where id = $1`, [id]);
          const done = {
            read: true,
            update: update === '1',
            delete: ['1', '23503', '23001'].includes(removed),
          };
          await sql.rows('rollback to savepoint attempt').catch(() => undefined);
          for (const verb of VERBS) {
            const { known, allowed } = await explain(sql, table, id, verb);
            expect([actor, name, table, id, verb, known, allowed]).toEqual([
              actor,
              name,
              table,
              id,
              verb,
              verb === 'read' || known,
              done[verb],
            ]);
            tried += 1;
          }
        }
      }
    });
  }
  expect(tried).toBeGreaterThan(200);
});

test('the clauses of an answer are those that decide, in the words of the policies', async ({ as }) => {
  const mine = MEMORIES.find(({ owner }) => owner === 'alice')?.id ?? '';
  await as('alice', itself, async (sql) => {
    const { clauses } = await explain(sql, 'memories', mine, 'update');
    expect(clauses.map(({ policy, restrictive, holds }) => [policy, restrictive, holds])).toEqual([
      ['update_own', false, true],
      ['tenant_floor', true, true],
      ['world_limit', true, true],
    ]);
    expect(clauses[0]).toMatchObject({
      sentence: 'The owner changes memories, or an agent that may update them.',
      capabilities: [{ means: 'owner', capability: 'memory:update' }],
    });
  });
});

test('every capability that a policy of the runtime role asks for is among those explained', async ({
  as,
}) => {
  const tables = ['entities', 'delegations', 'world_members', 'memories'];
  await as('alice', itself, async (sql) => {
    const asked = await sql.list(
      `select distinct m[1]
         from pg_policy p, regexp_matches(pg_get_expr(p.polqual, p.polrelid), '\\m((?:direct_)?owner|(?:shared_)?worlds|party|administered_tenant)\\(', 'g') m
        where 'bailiwick_runtime'::regrole = any (p.polroles) and p.polrelid = any ($1::regclass[])`,
      [tables],
    );
    const said = new Set<string>();
    for (const table of tables) {
      for (const verb of VERBS) {
        for (const { means } of (await explain(sql, table, newId(), verb)).requirements) {
          said.add(means);
        }
      }
    }
    expect([...said].sort()).toEqual(asked);
    expect(asked.length).toBe(MEANS.length);
  });
});

test('one restrictive clause that does not hold, or a missing grant, stands against all that hold', async ({
  as,
}) => {
  const mine = MEMORIES.find(({ owner }) => owner === 'alice')?.id ?? '';
  for (const change of [
    `create policy kept on memories as restrictive for delete to bailiwick_runtime using (kind = 'made up')`,
    'revoke delete on memories from bailiwick_runtime',
  ]) {
    await as('alice', { given: (sql) => sql.rows(change) }, async (sql) => {
      expect(await explain(sql, 'memories', mine, 'delete')).toMatchObject({ known: true, allowed: false });
      expect(await explain(sql, 'memories', mine, 'update')).toMatchObject({ known: true, allowed: true });
    });
  }
});
