// Guarantees of prisma/policies/13-agents.sql: who sees, makes and edits an agent's profile.
// Its status stands in entities, what it is told in agent_instructions; each has a test of its own.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange, insertion, NARROW, SPARES } from './arrangement.ts';
import { hidesFromTheDead, keepsProvenance, keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';

const SEEN = 'select id from agents';
const RENAME = `update agents set name = 'Changed'`;
const { scout, scribe, late, rogue, bobot, mimic } = AGENTS;
const alices = [scout, scribe, late, rogue].map(({ id }) => id).sort();
const spare = (of: 'alice' | 'bob', owner = USERS[of].id) =>
  insertion('agents', {
    tenant_id: TENANTS.acme.id,
    id: SPARES[of].agentEntity,
    owner_id: owner,
    name: 'New',
  });

keepsTenantsApart('agents');
hidesFromTheDead('agents');
keepsProvenance('agents');
takesOnlyColumns('agents', {
  insert: [
    ...['tenant_id', 'id', 'owner_id', 'parent_id', 'name', 'icon', 'description', 'model', 'settings'],
    ...['updated_at', 'created_by', 'delegation_id', 'request_id'],
  ],
  update: ['name', 'icon', 'description', 'model', 'settings', 'updated_at'],
});

test("bob sees his own agent and can neither rename alice's nor make one for her", async ({ as }) => {
  await as('bob', { given: arrange }, async (sql) => {
    expect(await sql.list(SEEN)).toEqual([bobot.id, SPARES.bob.agent].sort());
    expect(await sql.touched(`${RENAME} where id = $1`, [scout.id])).toBe(0);
    expect(await sql.touched(RENAME)).toBe(2);
    const { text, values } = spare('alice');
    expect(await sql.outcome(text, values)).toBe('42501');
  });
});

test('an administrator sees no profile of an agent, only that it exists', async ({ as }) => {
  expect(await as('ada', itself, (sql) => sql.list(SEEN))).toEqual([]);
});

test('an agent as itself sees its own profile and not the ones beside it, and renames nobody', async ({
  as,
}) => {
  await as('scout', itself, async (sql) => {
    expect(await sql.list(SEEN)).toEqual([scout.id]);
    expect(await sql.touched(RENAME)).toBe(0);
  });
});

test('through a delegation that does not name agents an agent sees none, not even itself', async ({ as }) => {
  expect(await as('scribe', through.scribe, (sql) => sql.list(SEEN))).toEqual([]);
  expect(await as('scout', through.scoutInGarden, (sql) => sql.list(SEEN))).toEqual([]);
  expect(await as('bobot', through.bobot, (sql) => sql.list(SEEN))).toEqual([]);
});

test('an agent that may read agents neither renames nor makes one', async ({ as }) => {
  await as('scout', { ...through.scout, given: arrange }, async (sql) => {
    expect(await sql.touched(RENAME)).toBe(0);
    const { text, values } = spare('alice');
    expect(await sql.outcome(text, values)).toBe('42501');
  });
  expect(await as('scout', through.scout, (sql) => sql.list(SEEN))).toEqual(alices);
  expect(await as('mimic', through.mimic, (sql) => sql.list(SEEN))).toEqual([mimic.id]);
});

// A sub-agent under another owner would be a bridge between two bailiwicks.
test('nobody hangs an agent under an agent of another owner', async ({ as, migrate }) => {
  await as('alice', { given: arrange }, async (sql) => {
    const row = { id: SPARES.alice.agentEntity, owner_id: USERS.alice.id, name: 'New', parent_id: bobot.id };
    const { text, values } = insertion('agents', { tenant_id: TENANTS.acme.id, ...row });
    expect(await sql.outcome(text, values)).toBe('23503');
  });
  const move = migrate((sql) =>
    sql.rows('update agents set owner_id = $1 where id = $2', [USERS.bob.id, scout.id]),
  );
  await expect(move).rejects.toMatchObject({ code: expect.stringMatching(/^23(001|503)$/) });
});

test('alice, and an agent that may, makes and renames agents; the agent says that it did', async ({ as }) => {
  const { text, values } = spare('alice');
  await as('alice', { given: arrange }, async (sql) => {
    expect(await sql.outcome(text, values)).toBe('1');
    expect(await sql.touched(`${RENAME} where id = $1`, [scout.id])).toBe(1);
  });
  await as('rogue', { delegation: NARROW.maker.id, given: arrange }, async (sql) => {
    expect(await sql.rows(`${text} returning created_by, delegation_id`, values)).toEqual([
      { created_by: rogue.id, delegation_id: NARROW.maker.id },
    ]);
    expect(await sql.touched(`${RENAME} where id = $1`, [late.id])).toBe(1);
  });
});
