// A memory changes hands while its old owner and its new one both write to it: each change by the old owner lies before that
// moment and each by the new one after it, and neither sees the row out of its turn.
//
// There is no transfer in the product yet (rule D21), so it is the operator who changes the owner. The row itself keeps the
// order: every change adds a word to it. RACES=… and SEED=… as in races.long.test.ts; waiting.test.ts has the certain cases.

import pg from 'pg';
import { expect, test } from 'vitest';
import { issueTicket } from '../../../src/db/ticket.ts';
import { newId, type RequestId } from '../../../src/ids.ts';
import { KEY, trustTickets } from '../../kit/as.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { report } from '../../kit/report.ts';
import { dice, SEED } from './dice.ts';
import { makeParties, type Party, partyOf } from './parties.ts';
import { claimsOf } from './race.ts';

const RACES = Math.max(20, Math.round(Number(process.env.RACES || 10_000) / 10));
const LANES = 2;
const OWNERS = { owner: 'old', host: 'new' } as const;

type Tally = { changes: Record<'old' | 'new', number>; turned: number; refused: number; wrong: string[] };

test('a memory that changes hands is written by its old owner only before, and by the new one only after', async () => {
  const database = await createTestDatabase();
  const open: pg.Client[] = [];
  const tally: Tally = { changes: { old: 0, new: 0 }, turned: 0, refused: 0, wrong: [] };
  try {
    await trustTickets(database);
    await makeParties(database, 'hands', RACES, { depth: 1 });
    let next = 0;
    const lane = async () => {
      const [operator, old, fresh] = await Promise.all([
        connect(database, 'migratorUrl', open),
        connect(database, 'runtimeUrl', open),
        connect(database, 'runtimeUrl', open),
      ]);
      for (let n = next++; n < RACES; n = next++) {
        await race({ operator, old, fresh }, partyOf('hands', n), dice(n)(3), tally);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    await Promise.all(open.map((client) => client.end()));
    await database.drop();
  }
  expect(tally.wrong).toEqual([]);
  expect(tally.turned).toBe(RACES);
  report({
    instrument: 'concurrency',
    what: 'change of owner against update',
    figures: {
      races: RACES,
      'changes by the old owner': tally.changes.old,
      'changes by the new owner': tally.changes.new,
      'attempts out of turn that reached nothing': tally.refused,
      'out of turn': tally.wrong.length,
    },
    details: [`seed ${SEED}`],
  });
});

type Hands = { readonly operator: pg.Client; readonly old: pg.Client; readonly fresh: pg.Client };

async function race(
  { operator, old, fresh }: Hands,
  party: Party,
  patience: number,
  tally: Tally,
): Promise<void> {
  let over = false;
  const begun = Promise.withResolvers<void>();
  /** Writes again and again, until it has written once after the change. */
  const write = async (client: pg.Client, subject: keyof typeof OWNERS) => {
    for (let late = false, n = 0; !late; n += 1) {
      late = over;
      const reached = await change(client, party, subject);
      tally.changes[OWNERS[subject]] += reached;
      tally.refused += 1 - reached;
      if (late && reached !== (subject === 'host' ? 1 : 0)) {
        tally.wrong.push(`${party.slug}: after the change ${subject} reached ${reached} rows`);
      }
      if (subject === 'owner' && n === patience) {
        begun.resolve();
      }
    }
  };
  const move = async () => {
    await begun.promise;
    await operator.query({
      name: 'hands_move',
      text: `update memories set owner_id = $3, tags = tags || array['moved'] where tenant_id = $1 and id = $2`,
      values: [party.tenantId, party.memory(1), party.entity('host')],
    });
    over = true;
  };
  await Promise.all([write(old, 'owner'), write(fresh, 'host'), move()]);
  const { rows } = await operator.query<{ order: string }>(
    "select array_to_string(tags, ' ') as order from memories where tenant_id = $1 and id = $2",
    [party.tenantId, party.memory(1)],
  );
  const order = rows[0]?.order ?? '';
  if (!/^(old )*moved( new)*$/.test(order)) {
    tally.wrong.push(`${party.slug}: ${order}`);
  }
  tally.turned += /^old .*moved new/.test(order) ? 1 : 0;
}

/** One transaction in one write: how many rows it changed. */
async function change(client: pg.Client, party: Party, subject: keyof typeof OWNERS): Promise<number> {
  const requestId = newId<RequestId>();
  const values = issueTicket(claimsOf(party, subject, { requestId }), KEY);
  const [, , { rowCount }, , committed] = await Promise.all([
    client.query({ name: 'hands_begin', text: 'begin isolation level read committed' }),
    client.query({ name: 'hands_open', text: 'select bailiwick.open($1, $2)', values }),
    client.query({
      name: 'hands_write',
      text: 'update memories set tags = tags || array[$2::text] where id = $1',
      values: [party.memory(1), OWNERS[subject]],
    }),
    client.query({ name: 'hands_close', text: 'select bailiwick.close($1)', values: [requestId] }),
    client.query({ name: 'hands_commit', text: 'commit' }),
  ]);
  expect(committed.command).toBe('COMMIT');
  return rowCount ?? 0;
}

async function connect(
  database: TestDatabase,
  as: 'migratorUrl' | 'runtimeUrl',
  open: pg.Client[],
): Promise<pg.Client> {
  const options = { connectionString: database[as], pipeline: true };
  const client = new pg.Client(options);
  await client.connect();
  open.push(client);
  return client;
}
