// Two hundred tenants on one connection, twenty thousand operations: not one foreign row, and every row accounted for.
//
// Reads, writes, refusals, rollbacks, stale handles and lost connections alternate as a seeded generator wills (SEED; the
// order in which eight workers get the connection is chance). Each operation looks at the table through row security
// alone. Not a benchmark. Left out of `npm test`.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { SCOPES } from '../../../src/capabilities.ts';
import { createClient } from '../../../src/db/client.ts';
import { SealedPool } from '../../../src/db/pool.ts';
import { Rollback, type Session, withSession } from '../../../src/db/session.ts';
import { newId } from '../../../src/ids.ts';
import { backendOf, note, versionOf } from '../../db/lane.ts';
import { ISSUER, KEY, trustTickets } from '../../kit/as.ts';
import { asAdmin, createTestDatabase } from '../../kit/database.ts';
import { testEncryption } from '../../kit/keys.ts';
import { report } from '../../kit/report.ts';
import { type Member, makeCrowd, tally } from './crowd.ts';
import { dice, SEED } from './dice.ts';

const TENANTS = 200;
const OPERATIONS = Number(process.env.OPERATIONS || 20_000);
const WORKERS = 8;
const MEMORIES_EACH = 5;

type Seen = { readonly tenant: string; readonly owner: string };

/** What an operation works with. */
type Stage = {
  readonly session: Session;
  /** Somebody of another tenant. */
  readonly other: Member;
  /** The session of an operation that is over. */
  readonly stale: Session | undefined;
  readonly kill: (pid: number) => Promise<unknown>;
};

type Act = {
  /** How many of about ten thousand operations. */
  readonly weight: number;
  readonly readOnly?: true;
  /** What it adds to the memories of its user, if it succeeds. */
  readonly adds?: number;
  /** The code with which it must fail; left out, it must succeed. */
  readonly fails?: string;
  readonly work: (stage: Stage) => Promise<unknown>;
};

const ACTS: Readonly<Record<string, Act>> = {
  'reads nothing more': { weight: 4700, readOnly: true, work: async () => undefined },
  'reads through the model': { weight: 2000, readOnly: true, work: ({ session }) => rowsOf(session) },
  'reads by a foreign key': {
    weight: 600,
    readOnly: true,
    work: async ({ session: { db }, other }) => {
      const found = await db.$queryRaw<Seen[]>`
        select tenant_id::text as tenant, owner_id::text as owner from memories where owner_id = ${other.userId}::uuid`;
      expect(found).toEqual([]);
    },
  },
  writes: { weight: 1000, adds: 1, work: ({ session }) => note(session, 'soak') },
  changes: {
    weight: 500,
    work: ({ session: { db } }) => db.$executeRaw`update memories set kind = 'changed'`,
  },
  'removes and adds': {
    weight: 300,
    work: async ({ session }) => {
      await note(session, 'removed at once');
      await session.db.$executeRaw`delete from memories where content = 'removed at once'`;
    },
  },
  'leaves things behind': {
    weight: 300,
    work: async ({ session: { db } }) => {
      await db.$executeRaw`declare soak cursor with hold for select content from memories`;
      await db.$queryRaw`
        select set_config('bailiwick.context', current_setting('bailiwick.context'), false)`;
    },
  },
  'writes what is refused': {
    weight: 60,
    fails: 'BAD_USER_INPUT',
    work: async ({ session }) => {
      await note(session, 'soak');
      await note(session, '');
    },
  },
  "writes in another's name": {
    weight: 60,
    fails: 'FORBIDDEN',
    work: ({ session: { db }, other }) => db.$executeRaw`
      insert into memories (tenant_id, id, owner_id, content)
      values (${other.tenantId}::uuid, gen_random_uuid(), ${other.userId}::uuid, 'forged')`,
  },
  'swallows a failure': {
    weight: 30,
    fails: 'BAD_USER_INPUT',
    work: async ({ session }) => {
      await note(session, 'soak');
      await note(session, '').catch(() => undefined);
    },
  },
  'rolls back': {
    weight: 60,
    work: async ({ session }) => {
      await note(session, 'soak');
      throw new Rollback(undefined);
    },
  },
  throws: {
    weight: 30,
    fails: 'INTERNAL',
    work: async ({ session }) => {
      await note(session, 'soak');
      throw new Error('soak');
    },
  },
  'ends its own transaction': {
    weight: 20,
    fails: 'INTERNAL',
    work: async ({ session }) => {
      await session.db.$executeRawUnsafe('rollback');
      expect(await rowsOf(session)).toEqual([]);
    },
  },
  'uses a stale handle': {
    weight: 200,
    work: async ({ stale }) => {
      const late = stale === undefined ? [] : await rowsOf(stale).catch(() => []);
      expect(late).toEqual([]);
    },
  },
  'leaves a query behind': {
    weight: 100,
    work: async ({ session }) => {
      setTimeout(() => note(session, 'too late').catch(() => undefined), 2);
    },
  },
  'loses its connection': {
    weight: 30,
    fails: 'UNAVAILABLE',
    work: async ({ session, kill }) => {
      await note(session, 'soak');
      await kill(await backendOf(session));
      await rowsOf(session);
    },
  },
  'is too slow': {
    weight: 4,
    fails: 'TIMEOUT',
    work: async ({ session }) => {
      await note(session, 'soak');
      await session.db.$queryRaw`select pg_sleep(5)::text`;
    },
  },
};

async function rowsOf({ db }: Session): Promise<Seen[]> {
  const rows = await db.memory.findMany({ select: { tenantId: true, ownerId: true } });
  return rows.map(({ tenantId, ownerId }) => ({ tenant: tenantId, owner: ownerId }));
}

function choose(roll: (sides: number) => number): [name: string, act: Act] {
  const acts = Object.entries(ACTS);
  let left = roll(acts.reduce((sum, [, { weight }]) => sum + weight, 0));
  const chosen = acts.find(([, { weight }]) => {
    left -= weight;
    return left < 0;
  });
  if (chosen === undefined) {
    throw new TypeError('no act was chosen');
  }
  return chosen;
}

test('on one connection two hundred tenants never meet', async () => {
  const database = await createTestDatabase();
  await trustTickets(database);
  const crowd = await makeCrowd(database, TENANTS, MEMORIES_EACH);
  const expected = new Map(crowd.map(({ userId }) => [userId, MEMORIES_EACH]));
  const limits = { size: 1, waitMs: 30_000, statementMs: 250, transactionMs: 2000 };
  const pool = new SealedPool(database.runtimeUrl, limits, await versionOf(database));
  let connections = 0;
  pool.on('connect', () => {
    connections += 1;
  });
  const client = createClient(pool, testEncryption());
  onTestFinished(async () => {
    await client.$disconnect();
    await pool.end();
    await database.drop();
  });
  const opened = { client, ticketKey: KEY, transactionMs: limits.transactionMs, waitMs: limits.waitMs };
  const done: Record<string, number> = {};
  const wrong: string[] = [];
  const times: number[] = [];
  let looked = 0;
  let stale: Session | undefined;
  let next = 0;

  await asAdmin(database.adminUrl, async (admin) => {
    const operate = async (operation: number): Promise<void> => {
      const roll = dice(operation);
      const at = roll(TENANTS);
      const me = crowd[at];
      const other = crowd[(at + 1 + roll(TENANTS - 1)) % TENANTS];
      if (me === undefined || other === undefined) {
        throw new TypeError('nobody there');
      }
      const [name, { readOnly = false, adds = 0, fails, work }] = choose(roll);
      const claims = {
        kind: 'token' as const,
        tenant: me.slug,
        issuer: ISSUER,
        subject: me.slug,
        scopes: SCOPES,
        tokenExpiresAt: new Date(Date.now() + 60_000),
        tokenIssuedAt: new Date(),
        requestId: newId<Session['requestId']>(),
      };
      const began = performance.now();
      const outcome = await withSession(opened, claims, { readOnly }, async (session) => {
        const seen = await session.db.$queryRaw<Seen[]>`
          select tenant_id::text as tenant, owner_id::text as owner from memories`;
        looked += seen.length;
        const before = stale;
        stale = session;
        const foreign = seen.filter(({ tenant, owner }) => tenant !== me.tenantId || owner !== me.userId);
        if (foreign.length > 0 || seen.length === 0) {
          wrong.push(
            `operation ${operation}: ${me.slug} saw ${foreign.length} foreign rows of ${seen.length}`,
          );
        }
        const kill = (pid: number) => admin.query('select pg_terminate_backend($1, 1000)', [pid]);
        await work({ session, other, stale: before, kill });
        return undefined;
      }).then(
        () => undefined,
        (error: unknown) => (error as { code?: string }).code ?? String(error),
      );
      times.push(performance.now() - began);
      if (outcome !== fails) {
        wrong.push(`operation ${operation}: ${me.slug} ${name}: ${outcome}`);
      }
      expected.set(me.userId, (expected.get(me.userId) ?? 0) + adds);
      done[name] = (done[name] ?? 0) + 1;
    };
    const worker = async (): Promise<void> => {
      for (let operation = next++; operation < OPERATIONS && wrong.length < 20; operation = next++) {
        await operate(operation);
      }
    };
    const began = performance.now();
    await Promise.all(Array.from({ length: WORKERS }, worker));
    const seconds = (performance.now() - began) / 1000;
    await sleep(50);
    times.sort((a, b) => a - b);
    const quantile = (q: number) => Math.round(times[Math.floor(times.length * q)] ?? 0);
    expect(wrong).toEqual([]);
    expect(await tally(database)).toEqual(expected);
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 1, 0]);
    report({
      instrument: 'concurrency',
      what: 'many tenants on one connection',
      figures: {
        tenants: TENANTS,
        operations: times.length,
        'rows looked at': looked,
        'foreign rows or wrong outcomes': wrong.length,
        connections,
      },
      details: [
        `seed ${SEED}; ${seconds.toFixed(1)} s, ${Math.round(times.length / seconds)} operations per second`,
        `${WORKERS} operations at a time; p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, waiting included`,
        ...Object.entries(done).map(([name, n]) => `${name}: ${n}`),
      ],
    });
  });
});
