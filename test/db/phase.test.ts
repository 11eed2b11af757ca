// While a column is being encrypted: values in clear are read as they are, and a row that is changed, in whatever column, is sealed
// with the change, because the database takes nothing else any more.

import { expect } from 'vitest';
import { sealAll } from '../../src/db/custody/resealing.ts';
import { AGENTS, USERS } from '../../src/demo/cast.ts';
import { SERVICES } from '../../src/demo/services.ts';
import { test } from '../kit/cast.ts';
import { testKeys } from '../kit/keys.ts';
import { openLane } from './lane.ts';
import { ENVELOPE, type Migrate } from './sealed.ts';

const UNSEALED = new Set(['memories_content_sealed', 'agent_instructions_private_instructions_sealed']);
const scout = AGENTS.scout.id;

/** Puts a value in clear where one stood sealed, as before the column was declared; the constraint waits. */
async function inClear(migrate: Migrate): Promise<string> {
  return migrate(async (sql) => {
    await sql.rows('alter table memories drop constraint memories_content_sealed');
    await sql.rows(
      'alter table agent_instructions drop constraint agent_instructions_private_instructions_sealed',
    );
    const [memory] = await sql.rows<{ id: string }>(
      `update memories set content = 'in clear' where sensitive and owner_id = $1 returning id`,
      [USERS.alice.id],
    );
    await sql.rows(`update agent_instructions set private_instructions = 'in clear' where id = $1`, [scout]);
    await sql.rows(
      `alter table memories add constraint memories_content_sealed check (not sensitive or starts_with(content, 'bwe1.')) not valid`,
    );
    await sql.rows(
      `alter table agent_instructions add constraint agent_instructions_private_instructions_sealed
         check (starts_with(private_instructions, 'bwe1.')) not valid`,
    );
    return memory?.id ?? '';
  });
}

test('a server that takes the column for sealed refuses a value in clear and changes no row that holds one', async ({
  database,
  migrate,
}) => {
  const id = await inClear(migrate);
  const lane = await openLane(database);
  const row = await lane.read('alice', ({ db }) => db.memory.findFirst({ where: { id } }));
  expect(() => row?.content).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  const change = lane.run('alice', ({ db }) =>
    db.memory.updateMany({ where: { id }, data: { tags: ['x'] } }),
  );
  await expect(change).rejects.toMatchObject({ name: 'BailiwickError' });
});

test('a row with a value in clear is read, changed in another column, and sealed by that', async ({
  database,
  migrate,
}) => {
  const id = await inClear(migrate);
  const lane = await openLane(database, { unsealed: UNSEALED });
  const read = () => lane.read('alice', ({ db }) => db.memory.findFirst({ where: { id } }));
  expect(await read()).toMatchObject({ content: 'in clear' });
  const changed = await lane.run('alice', ({ db }) =>
    db.memory.updateMany({ where: { id }, data: { tags: ['changed'] } }),
  );
  expect(changed).toEqual({ count: 1 });
  expect(await read()).toMatchObject({ content: 'in clear', tags: ['changed'] });
  const stored = await migrate((sql) => sql.value(`select content from memories where id = '${id}'`));
  expect(stored).toMatch(ENVELOPE);
});

test('of two columns of a row, changing the one seals the other', async ({ database, migrate }) => {
  await inClear(migrate);
  const lane = await openLane(database, { unsealed: UNSEALED });
  await lane.run('alice', ({ db }) =>
    db.agentInstructions.updateMany({ where: { id: scout }, data: { systemPrompt: 'told anew' } }),
  );
  const told = await lane.read('alice', ({ db }) => db.agentInstructions.findFirst({ where: { id: scout } }));
  expect(told).toMatchObject({ systemPrompt: 'told anew', privateInstructions: 'in clear' });
  const stored = await migrate((sql) =>
    sql.value(`select private_instructions from agent_instructions where id = '${scout}'`),
  );
  expect(stored).toMatch(ENVELOPE);
});

test('a value is emptied, and what is sealed already is not sealed again', async ({ database, migrate }) => {
  await inClear(migrate);
  const lane = await openLane(database, { unsealed: UNSEALED });
  const stored = () =>
    migrate((sql) =>
      sql.rows<{ a: string | null; b: string | null }>(
        `select system_prompt as a, private_instructions as b from agent_instructions where id = '${scout}'`,
      ),
    );
  const [before] = await stored();
  await lane.run('alice', ({ db }) =>
    db.agentInstructions.updateMany({ where: { id: scout }, data: { privateInstructions: null } }),
  );
  expect(await stored()).toEqual([{ a: before?.a, b: null }]);
});

test('a secret in clear is found by equality, and once it was sealed by the operator through its index', async ({
  database,
  migrate,
}) => {
  const { tracker } = SERVICES;
  await migrate((sql) =>
    sql.rows('alter table service_secrets drop constraint service_secrets_secret_sealed'),
  );
  await migrate((sql) =>
    sql.rows(`update service_secrets set secret = 'in clear', secret_index = '' where id = '${tracker.id}'`),
  );
  const lane = await openLane(database, { unsealed: new Set(['service_secrets_secret_sealed']) });
  const find = () =>
    lane.read('alice', ({ db }) => db.serviceSecret.findMany({ where: { secret: 'in clear' } }));
  expect(await find()).toMatchObject([{ id: tracker.id, secret: 'in clear', secretIndex: '' }]);
  const { done } = await migrate(({ client }) =>
    sealAll({ client, keys: testKeys(), column: 'service_secrets.secret', batch: 100, pauseMs: 0 }),
  );
  expect(done).toBe(1);
  expect(await find()).toMatchObject([{ id: tracker.id, secretIndex: expect.stringMatching(/^[\w-]{43}$/) }]);
  const closed = await openLane(database);
  const found = await closed.read('alice', ({ db }) =>
    db.serviceSecret.findMany({ where: { secret: 'in clear' } }),
  );
  expect(found).toMatchObject([{ id: tracker.id, secret: 'in clear' }]);
});
