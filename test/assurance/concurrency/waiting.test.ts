// Who waits for whom, made certain instead of left to chance: statements that are held up by a lock while the row changes
// hands, the delegation ends or another grant is made, and what they find when they go on.
//
// PostgreSQL's READ COMMITTED judges a row anew when it has waited for it, but evaluates what the chain allows once, when
// the statement starts. So a row that has changed hands is out of reach of a statement that began before; a chain that has
// ended lets a statement that began before finish, and none after it (rule D17). The random races are in races.long.test.ts.

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { test as base, expect, onTestFinished } from 'vitest';
import { issueTicket } from '../../../src/db/ticket.ts';
import { newId, type RequestId } from '../../../src/ids.ts';
import { KEY, trustTickets } from '../../kit/as.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { makeParties, type Party, partyOf } from './parties.ts';
import { claimsOf } from './race.ts';

const DEPTH = 3;
const PARTIES = 20;

const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  .extend('database', { scope: 'file' }, async ({}, { onCleanup }) => {
    const database = await createTestDatabase();
    onCleanup(() => database.drop());
    await trustTickets(database);
    await makeParties(database, 'waiting', PARTIES, { depth: DEPTH });
    return database;
  })
  .extend('stage', async ({ database }) => new Stage(database));

let used = 0;

/** A party of the test's own, and connections in the name of its members. */
class Stage {
  readonly party: Party = partyOf('waiting', used++);
  readonly #database: TestDatabase;

  constructor(database: TestDatabase) {
    this.#database = database;
  }

  /** A member's transaction; under the chain down to `depth`, or as itself. */
  async member(subject: string, depth = 0): Promise<pg.Client> {
    const client = await this.#connect(this.#database.runtimeUrl);
    await this.reopen(client, subject, depth);
    return client;
  }

  async reopen(client: pg.Client, subject: string, depth = 0): Promise<void> {
    const requestId = newId<RequestId>();
    const more = depth > 0 ? { delegation: this.party.delegation(depth), requestId } : { requestId };
    await client.query('begin isolation level read committed');
    await client.query(
      'select bailiwick.open($1, $2)',
      issueTicket(claimsOf(this.party, subject, more), KEY),
    );
  }

  /** The operator's transaction. */
  async operator(): Promise<pg.Client> {
    const client = await this.#connect(this.#database.migratorUrl);
    await client.query('begin');
    return client;
  }

  /** Sends a statement that must be held up by a lock, and returns when it is; `answer` is what becomes of it. */
  async heldUp(
    client: pg.Client,
    text: string,
    values: unknown[],
  ): Promise<{ answer: Promise<pg.QueryResult> }> {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const answer = client.query(text, values);
    answer.catch(() => undefined);
    const watcher = await this.#connect(this.#database.adminUrl);
    for (let patience = 1000; patience > 0; patience -= 1) {
      const waiting = await watcher.query('select from pg_locks where pid = $1 and not granted', [
        rows[0]?.pid,
      ]);
      if (waiting.rowCount !== 0) {
        return { answer };
      }
      await sleep(5);
    }
    throw new Error(`nothing held it up: ${text}`);
  }

  async #connect(url: string): Promise<pg.Client> {
    const client = new pg.Client(url);
    await client.connect();
    onTestFinished(() => client.end());
    return client;
  }
}

const SEEN = 'select id from memories where id = $1';
const GRANT = `insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, parent_id, depth, redelegate,
    capabilities, expires_at)
  select tenant_id, $3, owner_id, delegate_id, $2, id, depth + 1, $4, array['memory:read'], expires_at
    from delegations where id = $1`;

for (const [what, statement] of [
  ['an update', "update memories set kind = 'mine' where id = $1"],
  ['an update of everything in sight', "update memories set kind = 'mine' where id = $1 or true"],
  ['a removal', 'delete from memories where id = $1'],
  ['a lock', 'select id from memories where id = $1 for update'],
] as const) {
  test(`${what} by the old owner that waited while a memory changed hands does not reach it`, async ({
    stage,
  }) => {
    const { party } = stage;
    const [operator, old] = [await stage.operator(), await stage.member('owner')];
    await operator.query(
      "update memories set owner_id = $3, kind = 'moved' where tenant_id = $1 and id = $2",
      [party.tenantId, party.memory(1), party.entity('host')],
    );
    const { answer } = await stage.heldUp(old, statement, [party.memory(1)]);
    await operator.query('commit');
    const { rows, rowCount } = await answer;
    expect(rows.map(({ id }) => id)).not.toContain(party.memory(1));
    // whatever else it reached is still its own
    expect(rowCount).toBe(statement.includes('true') ? 1 : 0);
    expect((await old.query(SEEN, [party.memory(1)])).rowCount).toBe(0);
    await old.query('commit');
    const { rows: after } = await operator.query('select owner_id, kind from memories where id = $1', [
      party.memory(1),
    ]);
    expect(after).toEqual([{ owner_id: party.entity('host'), kind: 'moved' }]);
  });
}

test('the new owner reaches a memory with the first statement after it changed hands', async ({ stage }) => {
  const { party } = stage;
  const [operator, next] = [await stage.operator(), await stage.member('host')];
  await operator.query('update memories set owner_id = $3 where tenant_id = $1 and id = $2', [
    party.tenantId,
    party.memory(1),
    party.entity('host'),
  ]);
  const update = "update memories set kind = 'mine' where id = $1";
  expect((await next.query(update, [party.memory(1)])).rowCount).toBe(0);
  await operator.query('commit');
  expect((await next.query(update, [party.memory(1)])).rowCount).toBe(1);
});

test("an agent's owner cannot be changed while it holds or once held a delegation", async ({ stage }) => {
  const { party } = stage;
  for (const table of ['entities', 'agents']) {
    const operator = await stage.operator();
    const change = operator.query(`update ${table} set owner_id = $3 where tenant_id = $1 and id = $2`, [
      party.tenantId,
      party.entity('agent1'),
      party.entity('host'),
    ]);
    await expect(change).rejects.toMatchObject({ code: expect.stringMatching(/^(23001|23503)$/) });
  }
});

test('a write that a lock held up while the chain was revoked may finish, and is the last', async ({
  stage,
}) => {
  const { party } = stage;
  const [operator, agent] = [await stage.operator(), await stage.member('agent1', 1)];
  await operator.query("update memories set kind = 'busy' where id = $1", [party.memory(1)]);
  const update = "update memories set kind = 'late' where id = $1";
  const { answer } = await stage.heldUp(agent, update, [party.memory(1)]);
  await revoke(stage, 1);
  await operator.query('commit');
  expect((await answer).rowCount).toBe(1);
  expect((await agent.query(update, [party.memory(1)])).rowCount).toBe(0);
  expect((await agent.query(SEEN, [party.memory(1)])).rowCount).toBe(0);
});

test('no role of the server can hold a revocation up by locking the chain; the operator can', async ({
  stage,
}) => {
  const { party } = stage;
  for (const lock of ['for key share', 'for share', 'for update']) {
    const agent = await stage.member('agent1', 1);
    const locking = agent.query(`select id from delegations where id = $1 ${lock}`, [party.delegation(1)]);
    await expect(locking).rejects.toMatchObject({ code: '42501' });
  }
  const [operator, owner] = [await stage.operator(), await stage.member('owner')];
  await operator.query('select from delegations where id = any ($1) for share', [
    [1, 2, 3].map((n) => party.delegation(n)),
  ]);
  const { answer } = await stage.heldUp(owner, 'select bailiwick.revoke_delegation($1) as ended', [
    party.delegation(2),
  ]);
  // what is irreversible is done here, and the chain is still in force
  const agent = await stage.member('agent3', 3);
  expect((await agent.query(SEEN, [party.memory(1)])).rowCount).toBe(1);
  await operator.query('commit');
  expect((await answer).rows[0]?.ended).toBeInstanceOf(Date);
  await owner.query('commit');
  expect((await agent.query(SEEN, [party.memory(1)])).rowCount).toBe(0);
});

test('a hop granted while the hop above is revoked allows nothing, whichever commits first', async ({
  stage,
}) => {
  const { party } = stage;
  const granting = await stage.member('agent1', 1);
  const child = newId();
  const grant = [party.delegation(1), party.entity('agent3'), child, 0];
  expect((await granting.query(GRANT, grant)).rowCount).toBe(1);
  // does not wait for the grant either
  await revoke(stage, 1);
  await expect(
    granting.query(GRANT, [party.delegation(1), party.entity('agent2'), newId(), 0]),
  ).resolves.toMatchObject({
    // it no longer sees the delegation that it would pass on
    rowCount: 0,
  });
  await granting.query('commit');
  const agent = await stage.member('agent3');
  await agent.query('rollback');
  await agent.query('begin');
  const claims = claimsOf(party, 'agent3', { delegation: child as never });
  await agent.query('select bailiwick.open($1, $2)', issueTicket(claims, KEY));
  expect((await agent.query('select id from memories')).rowCount).toBe(0);
});

test('of two hops granted at the same time neither allows more hops than the one above leaves', async ({
  stage,
}) => {
  const { party } = stage;
  const [one, two] = [await stage.member('agent2', 2), await stage.member('agent2', 2)];
  const { rows } = await one.query('select redelegate from delegations where id = $1', [party.delegation(2)]);
  const left = Number(rows[0]?.redelegate);
  const ids = [newId(), newId()];
  await Promise.all(
    [one, two].map((by, n) =>
      by.query(GRANT, [party.delegation(2), party.entity('agent3'), ids[n], left - 1]),
    ),
  );
  for (const by of [one, two]) {
    await by.query('savepoint more');
    const more = by.query(GRANT, [party.delegation(2), party.entity('agent3'), newId(), left]);
    await expect(more).rejects.toMatchObject({ code: '42501' });
    await by.query('rollback to more');
    await by.query('commit');
  }
});

test('of two revocations at the same time the first stands', async ({ stage }) => {
  const { party } = stage;
  const [owner, host] = [await stage.member('owner'), await stage.member('host')];
  const revocation = 'select bailiwick.revoke_delegation($1) as ended';
  const first = await owner.query(revocation, [party.delegation(1)]);
  const { answer } = await stage.heldUp(host, revocation, [party.delegation(1)]);
  await owner.query('commit');
  expect((await answer).rows).toEqual(first.rows);
  await host.query('commit');
  await stage.reopen(owner, 'owner');
  const { rows } = await owner.query('select revoked_by from delegations where id = $1', [
    party.delegation(1),
  ]);
  expect(rows).toEqual([{ revoked_by: party.entity('owner') }]);
});

test('of two ends set at the same time the earlier stands', async ({ stage }) => {
  const { party } = stage;
  const [owner, host] = [await stage.member('owner'), await stage.member('host')];
  const narrowing = 'select bailiwick.narrow_delegation($1, now() + $2::interval) as ends';
  const first = await owner.query(narrowing, [party.delegation(1), '20 minutes']);
  const { answer } = await stage.heldUp(host, narrowing, [party.delegation(1), '40 minutes']);
  await owner.query('commit');
  expect((await answer).rows).toEqual(first.rows);
});

test('the kill switch ends what the agent holds; what its owner grants afterwards is a new decision', async ({
  stage,
}) => {
  const { party } = stage;
  const [owner, host] = [await stage.member('owner'), await stage.member('host')];
  const fresh = newId();
  await owner.query(
    `insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, capabilities, expires_at)
     values ($1, $2, $3, $3, $4, array['memory:read'], now() + interval '1 hour')`,
    [party.tenantId, fresh, party.entity('owner'), party.entity('agent1')],
  );
  const { rows } = await host.query('select bailiwick.revoke_agent($1) as ended', [party.entity('agent1')]);
  expect(rows).toEqual([{ ended: [party.delegation(1)] }]);
  await host.query('commit');
  await owner.query('commit');
  await stage.reopen(owner, 'owner');
  const { rows: left } = await owner.query(
    'select id from delegations where delegate_id = $1 and revoked_at is null',
    [party.entity('agent1')],
  );
  expect(left).toEqual([{ id: fresh }]);
});

/** The owner ends a hop, in a transaction of its own. */
async function revoke(stage: Stage, depth: number): Promise<void> {
  const owner = await stage.member('owner');
  const { rows } = await owner.query('select bailiwick.revoke_delegation($1) as ended', [
    stage.party.delegation(depth),
  ]);
  expect(rows[0]?.ended).toBeInstanceOf(Date);
  await owner.query('commit');
}
