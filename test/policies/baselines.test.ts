// Guarantees of prisma/policies/29-baselines.sql: who sees what is usual for an agent, that the owner in person decides of it and the
// agent does not, how far calls are from it, and that a broken one is written down and told to the owner alone.

import { expect } from 'vitest';
import { type ActorName, AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type DelegationId, newId } from '../../src/ids.ts';
import { add, idOf } from '../activity/given.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange, insertion, NARROW, SPARES } from './arrangement.ts';
import { delegate, EVERYTHING, granted, REACHES_NOTHING } from './given.ts';
import { keepsProvenance, keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';
import { look } from './happened.ts';
import { BASELINES, CALLS, keepBaseline, LEARNED, type Network } from './usual.ts';

const SEEN = 'select id from baselines';
const CHANGES = ['frozen_at = now()', 'threshold = 1', "learned = '[]'", 'since = now()'];
const { alice } = USERS;
const { scout, scribe, rogue, bobot } = AGENTS;
const of = (...agents: readonly (keyof typeof AGENTS)[]) => agents.map((agent) => BASELINES[agent]).sort();
const arranged = (acting: Acting = itself): Acting => ({ ...acting, given: arrange });

const begin = (sql: Sql, row: Readonly<Record<string, unknown>>) => {
  const { text, values } = insertion('baselines', { tenant_id: TENANTS.acme.id, id: newId(), ...row });
  return sql.outcome(text, values);
};

keepsTenantsApart('baselines');
keepsProvenance('baselines', { delegated: false });
takesOnlyColumns('baselines', {
  insert: [
    ...['tenant_id', 'id', 'owner_id', 'agent_id', 'since', 'frozen_at', 'learned', 'threshold'],
    ...['created_by', 'request_id', 'updated_at'],
  ],
  update: ['since', 'frozen_at', 'learned', 'threshold', 'updated_at'],
});

test('no agent begins, freezes or changes a baseline, neither as itself nor through whatever delegation', async ({
  as,
}) => {
  for (const [who, acting] of [
    ['scout', itself],
    ['scout', through.scout],
    ['scout', granted('scout', EVERYTHING)],
    ['scribe', through.scribe],
    ['late', through.late],
    ['rogue', through.rogue],
    ['bobot', through.bobot],
    ['mimic', through.mimic],
  ] as const) {
    const given = async (sql: Sql) => {
      await arrange(sql);
      await ('given' in acting ? acting.given?.(sql) : undefined);
    };
    await as(who, { ...acting, given }, async (sql) => {
      const { owner } = AGENTS[who];
      for (const owner_id of [AGENTS[who].id, USERS[owner].id]) {
        expect(await begin(sql, { owner_id, agent_id: SPARES.alice.agent }), who).toBe('42501');
      }
      for (const set of CHANGES) {
        expect(await sql.outcome(`update baselines set ${set}`), `${who}: ${set}`).toBe('0');
      }
    });
  }
});

test("nobody begins, freezes or changes another's, not even an administrator, and nobody writes an alert", async ({
  as,
}) => {
  for (const who of ['bob', 'ada', 'mallory'] as const) {
    await as(who, arranged(), async (sql) => {
      expect(await begin(sql, { owner_id: alice.id, agent_id: SPARES.alice.agent }), who).toBe('42501');
      for (const set of CHANGES) {
        const touched = `update baselines set ${set} where owner_id = $1`;
        expect(await sql.outcome(touched, [alice.id]), `${who}: ${set}`).toBe('0');
      }
      expect(await begin(sql, { owner_id: USERS[who].id, agent_id: SPARES.alice.agent }), who).toMatch(
        /^(23503|42501)$/,
      );
    });
  }
  await as('alice', arranged(), async (sql) => {
    expect(await sql.outcome('update baselines set alert = null, alerted_at = null')).toBe('42501');
    expect(
      await sql.outcome(`select bailiwick.announce(null, 'baseline.broken', 'baseline', $1, null)`, [
        newId(),
      ]),
    ).toBe('42501');
  });
});

test('there is one baseline of an agent, of its own owner, and it has learned nothing before it is frozen', async ({
  as,
}) => {
  const row = { owner_id: alice.id, agent_id: SPARES.alice.agent };
  const frozen = { frozen_at: new Date() };
  await as('alice', arranged(), async (sql) => {
    expect(await begin(sql, { ...row, agent_id: scout.id })).toBe('23505');
    expect(await begin(sql, { ...row, agent_id: bobot.id })).toBe('23503');
    expect(await begin(sql, { ...row, learned: JSON.stringify(LEARNED) })).toBe('23514');
    expect(await begin(sql, { ...row, ...frozen, learned: '{}' })).toBe('23514');
    const many = JSON.stringify(Array.from({ length: 1001 }, (_, n) => ({ host: `${n}` })));
    expect(await begin(sql, { ...row, ...frozen, learned: many })).toBe('23514');
    for (const threshold of [0, 0.04, 1.01, -1, 'NaN']) {
      expect(await begin(sql, { ...row, threshold }), String(threshold)).toBe('23514');
    }
    expect(await begin(sql, { ...row, ...frozen, learned: JSON.stringify(LEARNED), threshold: 0.05 })).toBe(
      '1',
    );
  });
});

const SEES: Readonly<Record<string, readonly [ActorName, Acting, readonly string[]]>> = {
  alice: ['alice', itself, of('scout', 'scribe', 'late', 'rogue')],
  bob: ['bob', itself, of('bobot')],
  'the administrator': ['ada', itself, []],
  mallory: ['mallory', itself, of('mimic')],
  'scout as itself': ['scout', itself, []],
  'scout in the Garden': ['scout', through.scoutInGarden, []],
  'scout, whose delegation names baselines': ['scout', { delegation: NARROW.watched.id }, of('scout')],
  'late, whose delegation names baselines': ['late', { delegation: NARROW.teller.id }, of('late')],
  'late, whose delegation names something else': ['late', { delegation: NARROW.listener.id }, []],
  bobot: ['bobot', through.bobot, []],
  mimic: ['mimic', through.mimic, []],
  'alice, whose token is for something else': ['alice', { scopes: ['memory:read', 'baseline:update'] }, []],
};
for (const [who, [actor, acting, seen]] of Object.entries(SEES)) {
  test(`${who} sees ${seen.length === 0 ? 'no baseline' : `the baselines of ${seen.length}`}`, async ({
    as,
  }) => {
    expect(await as(actor, arranged(acting), (sql) => sql.list(SEEN))).toEqual(seen);
  });
}

for (const [state, { who, made, after }] of Object.entries(REACHES_NOTHING)) {
  test(`an agent does not see its own through a delegation that ${state}`, async ({ as }) => {
    const acting = granted(who, ['baseline:read'], after, made);
    const given = async (sql: Sql) => {
      await arrangeTwinless(sql);
      await acting.given?.(sql);
    };
    expect(await as(who, { ...acting, given }, (sql) => sql.list(SEEN))).toEqual([]);
  });
}

test('the owner in person begins one, freezes it and begins anew, and removes none', async ({ as }) => {
  await as('alice', arranged(), async (sql) => {
    expect(await begin(sql, { owner_id: alice.id, agent_id: SPARES.alice.agent })).toBe('1');
    const set = (to: string) => sql.outcome(`update baselines set ${to} where id = $1`, [BASELINES.rogue]);
    expect(await set(`frozen_at = now(), learned = '[{"host": "example.org"}]', threshold = 0.8`)).toBe('1');
    expect(await set(`frozen_at = null, learned = '[]', since = now()`)).toBe('1');
    expect(await sql.outcome('delete from baselines')).toBe('42501');
  });
  await as('alice', arranged({ scopes: ['baseline:read', 'baseline:create'] }), async (sql) => {
    expect(await sql.touched('update baselines set threshold = 1')).toBe(0);
  });
  await as('alice', arranged({ scopes: ['baseline:read', 'baseline:update'] }), async (sql) => {
    expect(await begin(sql, { owner_id: alice.id, agent_id: SPARES.alice.agent })).toBe('42501');
  });
});

for (const [what, [network, score, dimensions, learned = LEARNED]] of Object.entries(CALLS)) {
  const deviates = dimensions.length === 0 ? 'is usual' : `deviates by ${score}, in ${dimensions.join(', ')}`;
  test(`a call ${what} ${deviates}`, async ({ raw }) => {
    const said = await raw((sql) =>
      sql.value('select bailiwick.deviation($1, $2)', [JSON.stringify(learned), JSON.stringify(network)]),
    );
    expect(said).toEqual({
      score,
      deviations: dimensions.map((dimension) => ({
        dimension,
        value: String(network[dimension]),
        weight: { host: 0.9, port: 0.6, method: 0.4, tls: 0.8, fingerprint: 0.8 }[dimension],
      })),
    });
  });
}

const usual: Network = { host: 'api.example.org', method: 'GET', port: 443, tls: true };
const strange: Network = { host: 'elsewhere.example.org' };
const WATCH = 'select bailiwick.watch($1)';
const ALERTS =
  'select agent_id, alert, alerted_at is not null as told from baselines where alert is not null';
const watched: Acting = { delegation: NARROW.watched.id, given: arrange };

/** Notes calls of scout's, in this order, and says which entries they are. */
async function note(sql: Sql, ...calls: readonly (Network | null)[]): Promise<string[]> {
  const entries: string[] = [];
  for (const network of calls) {
    const id = newId();
    const chain = [NARROW.watched.id];
    expect(await add(sql, { id, chain, network: network && JSON.stringify(network) })).toBe('1');
    entries.push(id);
  }
  return entries;
}

test('nothing is watched without a context, in person, as itself, or for an agent whose baseline is not frozen', async ({
  as,
  raw,
}) => {
  const entry = newId();
  expect(await raw((sql) => sql.touched(WATCH, [[entry]]))).toBe(1);
  const given = async (sql: Sql) => {
    await arrange(sql);
    for (const { id, name, delegation } of [
      { id: entry, name: 'scout', delegation: NARROW.watched.id },
      { id: newId(), name: 'late', delegation: NARROW.teller.id },
    ] as const) {
      await put(sql, { id, agent: name, delegation, network: strange });
    }
  };
  for (const [who, acting] of [
    ['alice', itself],
    ['scout', itself],
    ['late', { delegation: NARROW.teller.id }],
    ['bob', itself],
    ['mimic', through.mimic],
  ] as const) {
    await as(who, { ...acting, given }, async (sql) => {
      const all = await sql.list('select id from activity_entries where network is not null');
      await sql.rows(WATCH, [[entry, ...all]]);
      await sql.client.query('reset role');
      expect(await sql.rows(ALERTS), who).toEqual([]);
    });
  }
});

test('an agent is not held to what another has done, to what was done before, or to what it does not name', async ({
  as,
}) => {
  const [theirs, old, twins] = [newId(), idOf(310), newId()];
  const given = async (sql: Sql) => {
    await arrange(sql);
    await put(sql, { id: theirs, agent: 'rogue', delegation: DELEGATIONS.rogue.id, network: strange });
    await put(sql, { id: old, agent: 'scout', delegation: NARROW.watched.id, network: strange });
    await put(sql, {
      ...{ id: twins, tenant: 'globex', agent: 'scout', delegation: DELEGATIONS.scout.id, network: strange },
    });
  };
  await as('scout', { ...watched, given }, async (sql) => {
    await note(sql, strange);
    const nowhere = await note(sql, null);
    for (const entries of [null, [], [null], [newId()], [theirs], [old], [twins], nowhere]) {
      await sql.rows(WATCH, [entries]);
      expect(await sql.rows(ALERTS)).toEqual([]);
    }
  });
});

test('what is usual, or nearer than the owner lets pass, alerts nobody, and what is exactly as far does', async ({
  as,
}) => {
  await as('scout', watched, async (sql) => {
    const near = await note(sql, usual, { ...usual, method: 'DELETE' });
    await sql.rows(WATCH, [near]);
    expect(await sql.rows(ALERTS)).toEqual([]);
    const [exactly] = await note(sql, { ...usual, port: 22 });
    await sql.rows(WATCH, [[exactly]]);
    const deviations = [{ dimension: 'port', value: '22', weight: 0.6 }];
    expect(await sql.rows(ALERTS)).toEqual([
      { agent_id: scout.id, alert: { score: 0.6, deviations, entryId: exactly }, told: true },
    ]);
  });
});

test('of several calls the farthest is written down, and of those as far the first', async ({ as }) => {
  await as('scout', watched, async (sql) => {
    const port = { ...usual, port: 22 };
    const entries = await note(sql, port, strange, strange, usual);
    await sql.rows(WATCH, [entries.toReversed()]);
    expect(await sql.rows(ALERTS)).toMatchObject([{ alert: { score: 0.9, entryId: entries[1] } }]);
    await sql.client.query('reset role');
    expect(await sql.rows(ALERTS), 'of no other agent or tenant').toHaveLength(1);
  });
});

test('how a call ended is compared as well, once', async ({ as }) => {
  await as('scout', watched, async (sql) => {
    const [started, ended] = [newId(), newId()];
    expect(await add(sql, { id: started, chain: [NARROW.watched.id], outcome: 'started' })).toBe('1');
    const finish = 'select bailiwick.finish_call($1, $2, $3, 5, $4)';
    expect(await sql.value(finish, [ended, started, 'succeeded', JSON.stringify(strange)])).toBe(true);
    expect(await sql.rows(ALERTS)).toMatchObject([{ alert: { score: 0.9, entryId: ended } }]);
    expect(await sql.value(finish, [newId(), started, 'succeeded', JSON.stringify(usual)])).toBe(false);
  });
});

test('that a baseline was broken is heard by its owner and by nobody else, not even the agent', async ({
  as,
  migrate,
}) => {
  const delegation = newId<DelegationId>();
  const capabilities = ['activity:create', 'baseline:read', 'agent:read', 'delegation:read'];
  await migrate(async (sql) => {
    await delegate(sql, { id: delegation, from: 'alice', to: 'scout', capabilities });
    await keepBaseline(sql, { id: BASELINES.scout, owner: alice.id, agent: scout.id, frozen: true });
  });
  const { snapshot: since } = await as('alice', itself, (sql) => look(sql, { since: null }));
  const entry = newId();
  await as('scout', { delegation, commit: true }, async (sql) => {
    await add(sql, { id: entry, chain: [delegation], network: JSON.stringify(strange) });
    await sql.rows(WATCH, [[entry]]);
  });
  for (const [who, acting] of [
    ['bob', itself],
    ['ada', itself],
    ['mallory', itself],
    ['scout', itself],
    ['scout', { delegation }],
    ['scribe', through.scribe],
    ['alice', { scopes: ['activity:read', 'memory:read'] }],
  ] as const) {
    const { events } = await as(who, acting, (sql) => look(sql, { since }));
    expect(events, who).toEqual([]);
  }
  const { events } = await as('alice', itself, (sql) => look(sql, { since }));
  expect(events).toMatchObject([{ kind: 'baseline', event: 'baseline.broken', id: BASELINES.scout }]);
});

/** A baseline of every agent of the cast, and nothing else. */
async function arrangeTwinless(sql: Sql): Promise<void> {
  for (const agent of [scout, scribe, rogue, AGENTS.late]) {
    await keepBaseline(sql, { id: newId(), owner: alice.id, agent: agent.id });
  }
}

type Put = {
  readonly id: string;
  readonly tenant?: 'acme' | 'globex';
  readonly agent: 'scout' | 'late' | 'rogue';
  readonly delegation: DelegationId;
  readonly network: Network;
};

/** Puts an entry of an agent of alice's into the log, whatever the policies would say to it. */
async function put(sql: Sql, { id, tenant = 'acme', agent, delegation, network }: Put): Promise<void> {
  const { id: agent_id } = AGENTS[agent];
  const { text, values } = insertion('activity_entries', {
    ...{ tenant_id: TENANTS[tenant].id, id, owner_id: alice.id, agent_id, service: 'desk', action: 'a' },
    ...{ outcome: 'succeeded', chain: [delegation], network: JSON.stringify(network) },
    ...{ created_by: agent_id, delegation_id: delegation, request_id: newId() },
  });
  await sql.rows(text, values);
}
