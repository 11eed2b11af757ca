// PostgreSQL and the model give the same answers: random worlds are loaded, everybody tries everything, and nothing differs.
// A few worlds here, hundreds in differential.long.test.ts, which also shows that it notices. And what the instrument must know.

import { expect } from 'vitest';
import { sampleWorlds } from '../../../src/assurance/generate.ts';
import { CHANGEABLE, INSERTABLE, REMOVABLE, SEALED } from '../../../src/assurance/moves.ts';
import { rowsOf, TABLES } from '../../../src/assurance/rows.ts';
import { firstKeyOf, type World } from '../../../src/assurance/world.ts';
import { chosen, compareWorlds, test } from './stage.ts';

test('in random worlds everybody gets what the model says, by every move', { timeout: 120_000 }, async ({
  stage,
}) => {
  expect(await compareWorlds(stage, chosen(3))).toBeGreaterThan(3000);
});

// A table or a verb that is granted and that nobody tries here would be proved by nobody.
test('every verb that the runtime role has on any table is tried', async ({ stage }) => {
  const { rows } = await stage.migrator.query<{ table: string; verb: string }>(
    `select c.relname as "table", v.verb
       from pg_class c, unnest(array['select', 'insert', 'update', 'delete']) v (verb)
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
        and (has_table_privilege('bailiwick_runtime', c.oid, v.verb)
             or v.verb <> 'delete' and has_any_column_privilege('bailiwick_runtime', c.oid, v.verb))`,
  );
  const granted = (verb: string) =>
    rows
      .filter((row) => row.verb === verb)
      .map(({ table }) => table)
      .sort();
  expect(granted('select')).toEqual([...TABLES].sort());
  expect(granted('insert')).toEqual([...INSERTABLE].sort());
  expect(granted('update')).toEqual([...CHANGEABLE].sort());
  expect(granted('delete')).toEqual([...REMOVABLE].sort());
});

test('random worlds hold chains of every depth, limited and unlimited, dead and alive', () => {
  const worlds = sampleWorlds(20261121, 300);
  const delegations = worlds.flatMap(({ tenants }) => tenants.flatMap((tenant) => tenant.delegations));
  for (const depth of [1, 2, 3, 4]) {
    const some = delegations.filter((one) => one.depth === depth);
    expect(some.length, `depth ${depth}`).toBeGreaterThan(5);
    expect(new Set(some.map(({ place }) => place === null)).size, `limits at depth ${depth}`).toBe(2);
  }
  expect(delegations.filter(({ revoked }) => revoked).length).toBeGreaterThan(20);
  expect(delegations.filter(({ starts }) => starts > 0).length).toBeGreaterThan(20);
  expect(delegations.filter(({ ends }) => ends < 0).length).toBeGreaterThan(20);
  expect(
    worlds.some(({ tenants }) => tenants.some(({ agents }) => agents.some(({ parent }) => parent !== null))),
  ).toBe(true);
});

test('random worlds hold data keys in every state, and what is sealed under each', () => {
  const worlds = sampleWorlds(20261121, 300);
  const stateOf = ({ tenant, sealed }: { tenant: number; sealed?: number | null }, world: World) =>
    world.tenants[tenant]?.dataKeys[sealed ?? -1]?.state;
  const under = worlds.flatMap((world) =>
    rowsOf(world).flatMap((row) =>
      typeof row.sealed === 'number' ? `${row.table} ${stateOf(row, world)}` : [],
    ),
  );
  for (const state of ['live', 'destroyed', 'retired'] as const) {
    for (const table of SEALED) {
      expect(under.filter((one) => one === `${table} ${state}`).length, `${table} ${state}`).toBeGreaterThan(
        10,
      );
    }
  }
  expect(
    worlds.flatMap(rowsOf).filter(({ table, sealed }) => table === 'agent_instructions' && sealed === null)
      .length,
  ).toBeGreaterThan(20);
  const holders = worlds
    .flatMap(({ tenants }) => tenants)
    .map(({ dataKeys }) => dataKeys.map(({ holder }) => holder));
  expect(holders.filter((some) => some.some((one, n) => some.indexOf(one) < n)).length).toBeGreaterThan(20);
});

test('random worlds hold credentials for services of each sort, and agents that may have them used and read', () => {
  const tenants = sampleWorlds(20261121, 300).flatMap((world) => world.tenants);
  const services = tenants.flatMap((tenant) => tenant.services);
  const chains = tenants.flatMap((tenant) => tenant.delegations.filter(({ place }) => place === null));
  const naming = (capability: string) =>
    chains.filter(({ capabilities }) => capabilities.includes(capability));
  const sorts = {
    'for one agent': services.filter(({ agent }) => agent !== null),
    'the owner’s alone': services.filter(({ ownerOnly }) => ownerOnly),
    'for agents to read': services.filter(({ ownerOnly }) => !ownerOnly),
    expired: services.filter(({ ends }) => (ends ?? 0) < 0),
    'expiring later': services.filter(({ ends }) => (ends ?? 0) > 0),
    'without a secret': tenants.flatMap((tenant) =>
      tenant.services.filter(({ owner }) => firstKeyOf(tenant, `u${owner}`) === null),
    ),
    seen: naming('credential:read'),
    used: naming('credential:execute'),
    read: naming('secret:read'),
    'seen and not used': naming('credential:read').filter(
      ({ capabilities }) => !capabilities.includes('credential:execute'),
    ),
  };
  expect(Object.entries(sorts).filter(([, some]) => some.length < 20)).toEqual([]);
});

test('random worlds hold rules of every shape and requests in every state, and agents that may ask', () => {
  const tenants = sampleWorlds(20261121, 300).flatMap((world) => world.tenants);
  const rules = tenants.flatMap(({ permissions }) => permissions);
  const requests = tenants.flatMap(({ approvals }) => approvals);
  const naming = (capability: string) =>
    tenants.flatMap(({ delegations }) =>
      delegations.filter(({ capabilities }) => capabilities.includes(capability)),
    );
  const sorts = {
    ...Object.fromEntries(
      (['allow', 'ask', 'deny'] as const).map((word) => [
        word,
        rules.filter(({ effect }) => effect === word),
      ]),
    ),
    'about one agent': rules.filter(({ agent }) => agent !== null),
    'about one service': rules.filter(({ service }) => service !== '*'),
    'about everything': rules.filter(({ service, action }) => service === '*' && action === '*'),
    'about what begins alike': rules.filter(({ action }) => action.endsWith('.*')),
    'of one owner': tenants.filter(
      ({ permissions }) => new Set(permissions.map(({ owner }) => owner)).size < permissions.length,
    ),
    waiting: requests.filter(({ decision }) => decision === null),
    rejected: requests.filter(({ decision }) => decision === 'rejected'),
    approved: requests.filter(({ decision, redeemed }) => decision === 'approved' && !redeemed),
    redeemed: requests.filter(({ redeemed }) => redeemed),
    'over before they were decided on': requests.filter(
      ({ decision, ends }) => decision === null && ends < 0,
    ),
    'under rules that changed': requests.filter(({ current }) => !current),
    asking: naming('approval:create'),
    'reading rules': naming('permission:read'),
  };
  expect(Object.entries(sorts).filter(([, some]) => some.length < 20)).toEqual([]);
});

test('random worlds hold what is shared by members, guests and those who have left, and agents that are sent there', () => {
  const tenants = sampleWorlds(20261121, 600).flatMap((world) => world.tenants);
  const shared = tenants.flatMap((tenant) =>
    tenant.memories
      .filter((memory) => memory.shared)
      .map(({ owner, place }) => ({
        own: tenant.members.find((one) => one.place === place && `u${one.user}` === owner),
        others: tenant.members.filter((one) => one.place === place && `u${one.user}` !== owner),
        sent: tenant.delegations.filter((one) => one.place === place && `u${one.owner}` !== owner),
      })),
  );
  const baselines = tenants.flatMap((tenant) => tenant.baselines);
  const receipts = tenants.flatMap((tenant) =>
    tenant.receipts.map(({ agent, owner }) => `u${tenant.agents[agent]?.owner}` === owner),
  );
  const sorts = {
    'by members': shared.filter(({ own }) => own?.guest === false),
    'by guests': shared.filter(({ own }) => own?.guest),
    'by those who have left': shared.filter(({ own }) => own === undefined),
    'with others': shared.filter(({ others }) => others.length > 0),
    'with guests': shared.filter(({ others }) => others.some(({ guest }) => guest)),
    'with agents that are sent there': shared.filter(({ sent }) => sent.length > 0),
    'baselines that are frozen': baselines.filter(({ frozen, lenient }) => frozen && !lenient),
    'baselines that are learned': baselines.filter(({ frozen }) => !frozen),
    'baselines that let everything pass': baselines.filter(({ lenient }) => lenient),
    'receipts of one’s own agents': receipts.filter((own) => own),
    'receipts of others’': receipts.filter((own) => !own),
  };
  expect(Object.entries(sorts).filter(([, some]) => some.length < 20)).toEqual([]);
});

test('random worlds hold credentials of each kind in every state, and whoever comes with them', () => {
  const tenants = sampleWorlds(20261121, 300).flatMap((world) => world.tenants);
  const keys = tenants.flatMap((tenant) => tenant.keys);
  const states = {
    revoked: keys.filter(({ revoked }) => revoked),
    expired: keys.filter(({ ends }) => ends < 0),
    'of agents': keys.filter(({ entity }) => entity.startsWith('a')),
    bound: keys.filter(({ pinned }) => pinned !== null),
    clients: keys.filter(({ kind }) => kind === 'client'),
    'bound clients': keys.filter(({ kind, pinned }) => kind === 'client' && pinned !== null),
    sessions: keys.filter(({ kind }) => kind === 'session'),
    'sessions of agents': keys.filter(({ kind, entity }) => kind === 'session' && entity.startsWith('a')),
    'sessions that ended': keys.filter(
      ({ kind, ends, revoked }) => kind === 'session' && (revoked || ends < 0),
    ),
    services: tenants.flatMap(({ users }) => users.filter(({ service }) => service)),
    'ended tokens': tenants.flatMap(({ users }) => users.filter(({ epoch }) => (epoch ?? 0) > 0)),
    'suspended issuers': tenants.filter(({ issuer }) => issuer === 'suspended'),
  };
  expect(Object.entries(states).filter(([, some]) => some.length < 20)).toEqual([]);
});
