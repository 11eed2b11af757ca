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
