// Keys of every level are rotated while sixteen clients read and write what they seal, and the command that does it is killed in the
// middle and called again: no value is lost, none is unreadable for a moment, and none is left under an old key.
//
// The command is the real one, in a process of its own; the clients are sessions as the server opens them. Each client alone writes
// its rows, so it knows what it must read. ROWS=… loads another number of rows than a hundred thousand. Left out of `npm test`.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { SCOPES } from '../../../src/capabilities.ts';
import { openDataKeyRing } from '../../../src/crypto/keys.ts';
import { openEnvironmentProvider } from '../../../src/crypto/providers/environment.ts';
import { createClient } from '../../../src/db/client.ts';
import { SealedPool } from '../../../src/db/pool.ts';
import { type Database, type Session, withSession } from '../../../src/db/session.ts';
import { newId } from '../../../src/ids.ts';
import { versionOf } from '../../db/lane.ts';
import { ISSUER, KEY, migrate, trustTickets } from '../../kit/as.ts';
import { createTestDatabase } from '../../kit/database.ts';
import { KEY_ENCRYPTION_KEY } from '../../kit/keys.ts';
import { report } from '../../kit/report.ts';
import { type Dice, dice, SEED } from './dice.ts';
import { audit, countByKey, type Kept, load, makeOwners, metadataOf, type Owner } from './estate.ts';

const ROWS = Number(process.env.ROWS || 100_000);
const OWNERS_EACH = 4;
const CLIENTS_EACH = 2;
const CLIENTS = 2 * OWNERS_EACH * CLIENTS_EACH;
/** Milliseconds that a client rests between two operations, so that there is a processor left for the rotation. */
const REST = 100;
const LIMITS = { size: CLIENTS, waitMs: 30_000, statementMs: 20_000, transactionMs: 30_000 };
const FRESH = randomBytes(32).toString('base64url');
const BIN = fileURLToPath(new URL('../../../bin/bailiwick.js', import.meta.url));

type Tally = { reads: number; updates: number; creations: number; readonly wrong: string[] };

/** One client: reads and writes its own rows until it is told to stop. */
async function work(
  database: Database,
  owner: Owner,
  rows: Kept[],
  { tally, roll, stopped }: { tally: Tally; roll: Dice; stopped: AbortSignal },
): Promise<void> {
  const session = <Result>(readOnly: boolean, of: (session: Session) => Promise<Result>) =>
    withSession(
      database,
      {
        kind: 'token',
        tenant: owner.slug,
        issuer: ISSUER,
        subject: owner.subject,
        scopes: SCOPES,
        tokenExpiresAt: new Date(Date.now() + 60_000),
        tokenIssuedAt: new Date(),
        requestId: newId(),
      },
      { readOnly },
      of,
    );
  const check = (what: string, { id, content }: Kept, found: unknown) => {
    const expected = { content, metadata: JSON.parse(metadataOf(id)) };
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      tally.wrong.push(`${what} of ${id}: ${JSON.stringify(found)} for ${JSON.stringify(expected)}`);
    }
  };
  const read = async (row: Kept) => {
    const found = await session(true, ({ db }) =>
      db.memory.findFirst({ where: { id: row.id }, select: { content: true, metadata: true } }),
    );
    check('reading', row, found);
    tally.reads += 1;
  };

  while (!stopped.aborted && tally.wrong.length < 20) {
    const row = rows[roll(rows.length)] as Kept;
    const kind = roll(10);
    try {
      if (kind < 5) {
        await read(row);
      } else if (kind < 8) {
        const content = `${owner.subject} changed it to ${roll(1_000_000)}`;
        const { count } = await session(false, ({ db }) =>
          db.memory.updateMany({ where: { id: row.id }, data: { content } }),
        );
        // committed: from here on this is what everybody must read
        row.content = content;
        expect(count).toBe(1);
        tally.updates += 1;
        await read(row);
      } else {
        const made = { id: newId() as string, content: `${owner.subject} added ${roll(1_000_000)}` };
        const data = { ...made, sensitive: true, metadata: JSON.parse(metadataOf(made.id)) };
        await session(false, ({ db }) => db.memory.createMany({ data: data as never }));
        rows.push(made);
        tally.creations += 1;
        await read(made);
      }
    } catch (error) {
      tally.wrong.push(
        `operation ${kind} on ${row.id}: ${String(error)} ${String((error as Error).cause ?? '')}`,
      );
    }
    await sleep(REST);
  }
}

/** Calls the real command in a process of its own. */
function call(line: string, env: Record<string, string>) {
  const child: ChildProcess = spawn(process.execPath, [BIN, ...`keys ${line}`.split(' ')], {
    env: { ...env, PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    said,
  }));
  return { child, ended };
}

/** Waits until the rotation has come to the second column of the first row: then about half of all envelopes are under new keys. */
async function halfway(client: Client, first: string, ended: Promise<unknown>): Promise<void> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  for (;;) {
    const { rows } = await client.query<{ turned: boolean }>(
      `select not exists (select from data_keys k where k.retired_at is not null
                             and starts_with(m.metadata #>> '{}', 'bwe1.' || replace(k.id::text, '-', ''))) 
              and exists (select from data_keys where retired_at is not null) as turned
         from memories m where id = $1`,
      [first],
    );
    if (rows[0]?.turned === true) {
      return;
    }
    if (over) {
      throw new Error('the rotation ended before it could be killed');
    }
    await sleep(20);
  }
}

test('keys of every level are rotated under load, with the command killed in between, and nobody notices', async () => {
  const began = performance.now();
  const seconds = () => Number(((performance.now() - began) / 1000).toFixed(1));
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  await trustTickets(database);
  const env = {
    DATABASE_URL: database.runtimeUrl,
    MIGRATION_DATABASE_URL: database.migratorUrl,
    KEY_ENCRYPTION_KEY,
  };
  // the next key is known to everybody before anything is wrapped with it
  const ring = () => openDataKeyRing({ provider: openEnvironmentProvider([KEY_ENCRYPTION_KEY, FRESH]) });

  await migrate(database, async ({ client }) => {
    const owners = await makeOwners(client, OWNERS_EACH);
    const loading = ring();
    const loaded = new Map<Owner, Kept[]>();
    for (const owner of owners) {
      loaded.set(owner, await load(client, loading, owner, ROWS / owners.length));
    }
    await client.query('analyze memories');
    const details = [`loaded after ${seconds()} s`];

    const pool = new SealedPool(database.runtimeUrl, LIMITS, await versionOf(database));
    const prisma = createClient(pool, { keys: ring(), unsealed: new Set() });
    onTestFinished(async () => {
      await prisma.$disconnect();
      await pool.end();
    });
    const opened = {
      client: prisma,
      ticketKey: KEY,
      transactionMs: LIMITS.transactionMs,
      waitMs: LIMITS.waitMs,
    };
    const tally: Tally = { reads: 0, updates: 0, creations: 0, wrong: [] };
    const stop = new AbortController();
    const ledgers = owners.flatMap((owner) =>
      Array.from({ length: CLIENTS_EACH }, (_, n) => {
        const rows = (loaded.get(owner) ?? []).filter((_row, at) => at % CLIENTS_EACH === n);
        return { owner, rows };
      }),
    );
    const clients = ledgers.map(({ owner, rows }, n) =>
      work(opened, owner, rows, { tally, roll: dice(n), stopped: stop.signal }),
    );
    onTestFinished(() => stop.abort());

    // killed in the middle
    const killed = call('rotate data --no-wait --pause 0', env);
    const { rows: order } = await client.query<{ id: string }>(
      'select id from memories order by tenant_id, id limit 1',
    );
    await halfway(client, order[0]?.id ?? '', killed.ended);
    killed.child.kill('SIGKILL');
    expect(await killed.ended).toEqual({ code: null, signal: 'SIGKILL', said: expect.any(String) });
    const half = await countByKey(client);
    const share = half.live / (half.live + half.retired);
    details.push(`killed after ${seconds()} s, with ${half.retired} envelopes under old keys`);
    expect(half.unknown).toBe(0);
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.9);

    // and called again to the end, and for the levels above
    const again = await call('rotate data --no-wait --pause 0', env).ended;
    expect(again).toMatchObject({
      code: 0,
      said: expect.stringMatching(/went on: 0 new data keys, \d+ values/),
    });
    details.push(`went on to the end after ${seconds()} s`);
    const kek = { ...env, KEY_ENCRYPTION_KEY: `${FRESH},${KEY_ENCRYPTION_KEY}` };
    for (const line of ['rotate tenant', 'rotate kek']) {
      expect(await call(line, kek).ended).toMatchObject({ code: 0, signal: null });
    }
    const meanwhile = { ...tally, all: tally.reads + tally.updates + tally.creations };
    stop.abort();
    await Promise.all(clients);
    expect(tally.wrong).toEqual([]);
    expect(meanwhile.all).toBeGreaterThan(CLIENTS * 10);

    // what late clients sealed with the old keys is left for the call that comes when no server does any more
    const late = await countByKey(client);
    await client.query("update data_keys set retired_at = retired_at - interval '5 minutes'");
    const only = { ...env, KEY_ENCRYPTION_KEY: FRESH };
    expect(await call('rotate data --pause 0', only).ended).toMatchObject({ code: 0 });
    const values = 2 * (ROWS + tally.creations);
    expect(await countByKey(client)).toEqual({ live: values, retired: 0, unknown: 0 });
    const { code, said } = await call('verify --pause 0 --batch 5000', only).ended;
    expect([code, said]).toEqual([
      0,
      expect.stringContaining(`${values} values open, 0 were destroyed, 0 do not open`),
    ]);

    // and not by the word of the command alone
    const last = openDataKeyRing({ provider: openEnvironmentProvider([FRESH]) });
    let rows = 0;
    for (const owner of owners) {
      const its = ledgers.filter((ledger) => ledger.owner === owner).flatMap((ledger) => ledger.rows);
      const found = await audit(client, last, owner, new Map(its.map(({ id, content }) => [id, content])));
      expect(found.wrong.slice(0, 5)).toEqual([]);
      expect(found.rows).toBe(its.length);
      rows += found.rows;
    }
    expect(rows).toBe(ROWS + tally.creations);
    report({
      instrument: 'concurrency',
      what: 'rotation of keys under load, killed and called again',
      figures: {
        rows,
        'killed at': `${Math.round(100 * share)} %`,
        'operations meanwhile': meanwhile.all,
        'errors and wrong values': tally.wrong.length,
        'left under an old key': 0,
        seconds: seconds(),
      },
      details: [
        `seed ${SEED}; ${CLIENTS} clients of ${owners.length} owners in 2 tenants, ${2 * rows} envelopes`,
        ...details,
        `${meanwhile.reads} reads, ${meanwhile.updates} updates, ${meanwhile.creations} new rows meanwhile`,
        `sealed with old keys by late clients: ${late.retired}`,
      ],
    });
  });
});
