// What everybody who acts is held to besides their chain (bailiwick.in_good_standing): ceilings, their owner's too, and the
// little that an agent may do as itself.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { insertion } from './arrangement.ts';

const tenant_id = TENANTS.acme.id;
const { alice } = USERS;
const { scout } = AGENTS;

const ceiling = (id: string, capabilities: readonly string[]) => (sql: Sql) =>
  sql.touched('update entities set ceiling = $1::jsonb where tenant_id = $2 and id = $3', [
    JSON.stringify(capabilities),
    tenant_id,
    id,
  ]);
const insert = (sql: Sql, table: string, row: Readonly<Record<string, unknown>>) => {
  const { text, values } = insertion(table, { tenant_id, id: newId(), ...row });
  return sql.outcome(text, values);
};
const remember = (sql: Sql) =>
  insert(sql, 'memories', { owner_id: alice.id, content: 'New.', tags: [], agent_id: null });

test('what an owner may not do, her agent may not do for her', async ({ as }) => {
  const given = ceiling(alice.id, ['memory:read']);
  await as('scout', { ...through.scout, given }, async (sql) => {
    expect(await remember(sql)).toBe('42501');
    expect((await sql.list('select id from memories')).length).toBeGreaterThan(0);
  });
});

test('an agent with an empty ceiling sees not even what it holds', async ({ as }) => {
  const held = 'select id from delegations where delegate_id = $1';
  await as('scout', { given: ceiling(scout.id, []) }, async (sql) => {
    expect(await sql.list(held, [scout.id])).toEqual([]);
  });
  await as('scout', itself, async (sql) => {
    expect(await sql.list(held, [scout.id])).toContain(DELEGATIONS.scout.id);
  });
});

test('an agent as itself owns no agent and no world', async ({ as }) => {
  await as('scout', itself, async (sql) => {
    for (const kind of ['agent', 'world']) {
      expect(await insert(sql, 'entities', { kind, status: 'active', owner_id: scout.id })).toBe('42501');
    }
  });
});

test('an agent as itself holds nothing but its closed list, whatever its token says', async ({ as }) => {
  await as('scout', itself, async (sql) => {
    expect(await sql.value(`select bailiwick.describe()->'capabilities'`)).toEqual([
      'agent:read',
      'delegation:read',
      'delegation:update',
      'memory:create',
      'memory:delete',
      'memory:read',
      'memory:update',
    ]);
  });
});

test('a delegation of no capabilities at all is refused, however nothing is written', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    for (const capabilities of [null, []]) {
      const refusal = await sql.value(
        `select bailiwick.grant_refusal($1, $1, $2, null, 1, 0, $3::text[], null, now(), now() + interval '1 hour')`,
        [alice.id, scout.id, capabilities],
      );
      expect(refusal).toBe('capabilities');
    }
  });
});
