// Guarantees of prisma/policies/14-agent-instructions.sql: what an agent is told is between it and its owner.
// An instruction that another agent could read would be the first thing a stolen one asks for.

import { expect } from 'vitest';
import { DELEGABLE } from '../../src/capabilities.ts';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange, insertion, SPARES } from './arrangement.ts';
import { delegate } from './given.ts';
import { keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';
import { keyOf, under } from './wrapped.ts';

const SEEN = 'select id from agent_instructions';
const CHANGE = `update agent_instructions set private_instructions = system_prompt`;
const { scout, scribe, bobot } = AGENTS;
const instruct = (who: 'alice' | 'bob') =>
  insertion('agent_instructions', {
    tenant_id: TENANTS.acme.id,
    id: SPARES[who].agent,
    owner_id: USERS[who].id,
    system_prompt: under(keyOf(SPARES[who].agent)),
  });

keepsTenantsApart('agent_instructions');
takesOnlyColumns('agent_instructions', {
  insert: ['tenant_id', 'id', 'owner_id', 'system_prompt', 'private_instructions', 'updated_at'],
  update: ['system_prompt', 'private_instructions', 'updated_at'],
});

test('no delegation reaches instructions, not even one that names everything', async ({ as, migrate }) => {
  const delegation = await migrate((sql) =>
    delegate(sql, { from: 'alice', to: 'scout', capabilities: DELEGABLE }),
  );
  for (const [who, acting] of [
    ['scout', { delegation }],
    ['scout', through.scout],
    ['scribe', through.scribe],
  ] as const) {
    await as(who, { ...acting, given: arrange }, async (sql) => {
      expect(await sql.list(SEEN), who).toEqual([]);
      expect(await sql.touched(CHANGE), who).toBe(0);
      const { text, values } = instruct('alice');
      expect(await sql.outcome(text, values), who).toBe('42501');
    });
  }
});

test('bob sees, changes and writes the instructions of his own agents alone', async ({ as }) => {
  await as('bob', { given: arrange }, async (sql) => {
    expect(await sql.list(SEEN)).toEqual([bobot.id]);
    expect(await sql.touched(`${CHANGE} where id = $1`, [scout.id])).toBe(0);
    expect(await sql.touched(CHANGE)).toBe(1);
    const { text, values } = instruct('alice');
    expect(await sql.outcome(text, values)).toBe('42501');
  });
});

test('an administrator reads no instructions', async ({ as }) => {
  expect(await as('ada', itself, (sql) => sql.list(SEEN))).toEqual([]);
});

test('an agent reads what it is told itself, not what the one above it is told, and changes none of it', async ({
  as,
}) => {
  for (const [who, { id }] of [
    ['scout', scout],
    ['scribe', scribe],
  ] as const) {
    await as(who, itself, async (sql) => {
      expect(await sql.list(SEEN)).toEqual([id]);
      expect(await sql.touched(CHANGE)).toBe(0);
    });
  }
});

test('with a token that may read agents but not update them, the owner changes no instruction', async ({
  as,
}) => {
  await as('alice', { scopes: ['agent:read'], given: arrange }, async (sql) => {
    expect(await sql.touched(CHANGE)).toBe(0);
    const { text, values } = instruct('alice');
    expect(await sql.outcome(text, values)).toBe('42501');
  });
  expect(await as('alice', { scopes: ['memory:read'] }, (sql) => sql.list(SEEN))).toEqual([]);
});

test('alice in person reads, writes and changes what her agents are told', async ({ as }) => {
  expect(await as('alice', itself, (sql) => sql.list(SEEN))).toEqual([scout.id, scribe.id].sort());
  await as('alice', { given: arrange }, async (sql) => {
    const { text, values } = instruct('alice');
    expect(await sql.outcome(text, values)).toBe('1');
    expect(await sql.touched(`${CHANGE} where id = $1`, [scout.id])).toBe(1);
  });
});
