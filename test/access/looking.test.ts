// An owner's view of what an agent sees, in the database (00-session.sql, bailiwick.viewed in 85-explaining.sql): who gets none, that
// nothing can be written in one, that it shows no more than the viewer's own credential, and exactly what the agent sees.

import { expect } from 'vitest';
import { SCOPES } from '../../src/capabilities.ts';
import { type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS, type DelegationName } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { itself } from '../kit/cast.ts';
import { arrangeHung, HUNG, issuedTicket, KEYS, signedTicket } from '../policies/credentials.ts';
import { OPEN, test } from '../policies/on-stage.ts';
import { unchecked } from './courses.ts';
import { type Looking, lookingTicket, sight } from './viewing.ts';

const SCOUT = DELEGATIONS.scout.id;
const READING = 'set transaction read only';
const unset = `select coalesce(current_setting('bailiwick.context', true), '')`;
const refused = async (sql: Sql, shown: readonly [string, string]) => {
  await sql.rows(READING);
  expect(await sql.outcome(OPEN, shown)).toBe('28000');
  expect(await sql.value(unset)).toBe('');
};

const strangers: Readonly<Record<string, readonly [ActorName, Looking]>> = {
  'another owner': ['bob', { viewAs: SCOUT }],
  'the administrator of the tenant': ['ada', { viewAs: SCOUT }],
  'somebody of another tenant': ['mallory', { viewAs: SCOUT }],
  'the agent itself, as itself': ['scout', { viewAs: SCOUT }],
  'the agent itself, through that delegation': ['scout', { viewAs: SCOUT, delegation: SCOUT }],
  'an agent that may read delegations, of another agent': [
    'scout',
    { viewAs: DELEGATIONS.scribe.id, delegation: SCOUT },
  ],
  'another agent of the owner': ['scribe', { viewAs: SCOUT }],
  'the owner, of a delegation that is not there': ['alice', { viewAs: newId() }],
  'the owner, of another owner’s': ['alice', { viewAs: DELEGATIONS.bobot.id }],
  'the owner, of another tenant’s': ['alice', { viewAs: DELEGATIONS.mimic.id }],
  'the owner with a token that is not for reading delegations': [
    'alice',
    { viewAs: SCOUT, scopes: SCOPES.filter((scope) => scope !== 'delegation:read') },
  ],
  'the owner with a token that has expired': [
    'alice',
    { viewAs: SCOUT, tokenExpiresAt: new Date(Date.now() - 1000) },
  ],
};
for (const [who, [actor, looking]] of Object.entries(strangers)) {
  test(`${who} gets no view of a delegation`, async ({ stage }) => {
    await stage((sql) => refused(sql, lookingTicket(actor, looking)));
  });
}

test('an owner who is suspended, and the server itself, get no view', async ({ stage }) => {
  await stage(
    (sql) => refused(sql, lookingTicket('alice', { viewAs: SCOUT })),
    (sql) => sql.rows(`update entities set status = 'suspended' where id = $1`, [USERS.alice.id]),
  );
  await stage((sql) => refused(sql, signedTicket({ service: 'identity', view_as: SCOUT })));
});

test('a key and a token of our own of an agent get no view, the owner’s do', async ({ stage }) => {
  const looking = (name: 'alice' | 'scout' | 'bob') =>
    signedTicket({ key: KEYS[name].digest, view_as: SCOUT });
  for (const name of ['scout', 'bob'] as const) {
    await stage((sql) => refused(sql, looking(name)));
  }
  for (const hung of [HUNG.agentSession, HUNG.boundClient]) {
    await stage((sql) => refused(sql, issuedTicket(hung.id, { viewAs: SCOUT })), arrangeHung);
  }
  for (const [shown, credential] of [
    [looking('alice'), `view:key:${KEYS.alice.id}`],
    [issuedTicket(HUNG.session.id, { viewAs: SCOUT }), `view:session:${HUNG.session.id}`],
  ] as const) {
    await stage(async (sql) => {
      await sql.rows(READING);
      expect(await sql.value(OPEN, shown)).toMatchObject({ actorId: AGENTS.scout.id, credential });
    }, arrangeHung);
  }
});

test('there is no view in a transaction that could write, and none becomes one', async ({ stage }) => {
  await stage(async (sql) => {
    expect(await sql.outcome(OPEN, lookingTicket('alice', { viewAs: SCOUT }))).toBe('28000');
    expect(await sql.value(unset)).toBe('');
  });
  await stage(async (sql) => {
    await sql.rows(READING);
    await sql.rows(OPEN, lookingTicket('alice', { viewAs: SCOUT }));
    expect(await sql.outcome('set transaction read write')).toBe('25001');
    expect(await sql.outcome(`update memories set kind = 'changed'`)).toBe('25006');
    expect(await sql.outcome('delete from memories')).toBe('25006');
    expect(await sql.outcome(`select bailiwick.audit($1, 'x', 'x', null, '{}')`, [newId()])).toBe('25006');
  });
});

test('a view shows no more than the viewer’s own token is for', async ({ stage }) => {
  const seen = (scopes: readonly string[]) =>
    stage(async (sql) => {
      await sql.rows(READING);
      await sql.rows(OPEN, lookingTicket('alice', { viewAs: SCOUT, scopes }));
      return await sight(sql);
    });
  expect((await seen(SCOPES)).memories?.length).toBeGreaterThan(0);
  const less = await seen(['delegation:read', 'world:read']);
  expect(less.worlds).toEqual([WORLDS.garden.id]);
  expect([less.memories, less.agents, less.users]).toEqual([[], [], []]);
});

const delegates: Readonly<Record<DelegationName, ActorName>> = {
  scout: 'alice',
  scoutInGarden: 'alice',
  scribe: 'alice',
  bobot: 'bob',
  mimic: 'mallory',
  late: 'alice',
  rogue: 'alice',
};
for (const [name, owner] of Object.entries(delegates) as [DelegationName, ActorName][]) {
  test(`an owner sees through the delegation ${name} what its delegate sees, table by table`, async ({
    stage,
    as,
  }) => {
    const { id, delegate } = DELEGATIONS[name];
    const agents = await as(delegate, { delegation: id }, async (sql) => ({
      rows: await sight(sql),
      told: (await sql.value('select bailiwick.describe()')) as Record<string, unknown>,
    }));
    const own = await as(owner, itself, sight);
    await stage(async (sql) => {
      await sql.rows(READING);
      await sql.rows(OPEN, lookingTicket(owner, { viewAs: id }));
      expect(await sight(sql)).toEqual(agents.rows);
      expect(await sight(sql)).not.toEqual(own);
      const told = (await sql.value('select bailiwick.describe()')) as Record<string, unknown>;
      const { actor, owner: whose, worldId, live, capabilities, chain, administrator } = agents.told;
      expect(told).toMatchObject({ actor, owner: whose, worldId, live, capabilities, chain, administrator });
      expect(told.credential).toBe('view');
    });
  });
}

test('through a delegation that was revoked or has expired, nothing of the owner is shown', async ({
  stage,
}) => {
  for (const name of ['late', 'rogue'] as const) {
    await stage(async (sql) => {
      await sql.rows(READING);
      await sql.rows(OPEN, lookingTicket('alice', { viewAs: DELEGATIONS[name].id }));
      const { tenants, ...rest } = await sight(sql);
      // the name of the tenant is in everybody's token
      expect(tenants).toEqual([TENANTS.acme.id]);
      expect(Object.values(rest).flat()).toEqual([]);
    });
  }
});

test('there is no view of an agent that holds or has granted anything for another owner', async ({
  stage,
}) => {
  const below = "depth = 2, parent_id = id, expires_at = not_before + interval '1 hour'";
  const others = ['delegate_id = $1', `delegator_id = $1, ${below}`].map((change) =>
    unchecked(`update delegations set ${change} where id = $2`, AGENTS.scout.id, DELEGATIONS.bobot.id),
  );
  for (const given of others) {
    await stage((sql) => refused(sql, lookingTicket('alice', { viewAs: SCOUT })), given);
  }
});

test('no agent holds anything of a former owner that a view could show', async ({ migrate }) => {
  await migrate(async (sql) => {
    await sql.rows('begin');
    const outcome = await sql.outcome(
      `insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, depth, redelegate, capabilities, not_before,
         expires_at, created_by, request_id)
       select tenant_id, $1, $2, $2, delegate_id, 1, 0, capabilities, not_before, expires_at, $2, request_id
         from delegations where id = $3`,
      [newId(), USERS.bob.id, SCOUT],
    );
    expect(outcome).toBe('23503');
    expect(
      await sql.outcome('update agents set owner_id = $1 where id = $2', [USERS.bob.id, AGENTS.scout.id]),
    ).toMatch(/^23(001|503)$/);
    await sql.rows('rollback');
  });
});
