// What the database's refusals mean to a caller: the whole table, and each sort of refusal provoked on a real database.

import { expect } from 'vitest';
import { translate } from '../../src/db/failures.ts';
import type { Session } from '../../src/db/session.ts';
import { AGENTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { BailiwickError, ERROR_CODES, type ErrorCode } from '../../src/errors.ts';
import { test } from '../kit/cast.ts';
import { asAdmin } from '../kit/database.ts';
import { expectIsolated, note, notesKept, openLane } from './lane.ts';

const MEANINGS: Readonly<Record<string, ErrorCode>> = {
  '28000': 'UNAUTHENTICATED',
  '42501': 'FORBIDDEN',
  '23503': 'NOT_FOUND',
  P2025: 'NOT_FOUND',
  '23001': 'CONFLICT',
  '23505': 'CONFLICT',
  '23P01': 'CONFLICT',
  '40001': 'CONFLICT',
  '40P01': 'CONFLICT',
  '55P03': 'CONFLICT',
  '22001': 'BAD_USER_INPUT',
  '22003': 'BAD_USER_INPUT',
  '22007': 'BAD_USER_INPUT',
  '22008': 'BAD_USER_INPUT',
  '22021': 'BAD_USER_INPUT',
  '22P02': 'BAD_USER_INPUT',
  '22P05': 'BAD_USER_INPUT',
  '23502': 'BAD_USER_INPUT',
  '23514': 'BAD_USER_INPUT',
  '25P03': 'TIMEOUT',
  '25P04': 'TIMEOUT',
  '57014': 'TIMEOUT',
  '08007': 'UNAVAILABLE',
  '53100': 'UNAVAILABLE',
  '53200': 'UNAVAILABLE',
  '53300': 'UNAVAILABLE',
  '53400': 'UNAVAILABLE',
  '57P01': 'UNAVAILABLE',
  '57P02': 'UNAVAILABLE',
  '57P03': 'UNAVAILABLE',
  '57P05': 'UNAVAILABLE',
  ECONNREFUSED: 'UNAVAILABLE',
  ECONNRESET: 'UNAVAILABLE',
  EHOSTUNREACH: 'UNAVAILABLE',
  ENOENT: 'UNAVAILABLE',
  EPIPE: 'UNAVAILABLE',
  ETIMEDOUT: 'UNAVAILABLE',
  // what nobody can answer for: our own mistakes
  '22012': 'INTERNAL',
  '25001': 'INTERNAL',
  '25006': 'INTERNAL',
  '25P02': 'INTERNAL',
  '42601': 'INTERNAL',
  '42P01': 'INTERNAL',
  P2028: 'INTERNAL',
  XX000: 'INTERNAL',
};

const SECRET = 'words of the database';
const refusal = (code: string) =>
  Object.assign(new Error(SECRET), { code, detail: SECRET, constraint: SECRET });

test.for(Object.entries(MEANINGS))('%s means %s and tells nothing else', ([sqlstate, code]) => {
  const original = refusal(sqlstate);
  const error = translate(original);
  expect(error).toMatchObject({ code, cause: original });
  expect(error.message).not.toContain(SECRET);
  if (sqlstate !== '08007') {
    expect(error.message).toBe(ERROR_CODES[code].meaning);
  }
});

test('a code that means nothing to a caller is INTERNAL, whatever it is', () => {
  for (const odd of [
    undefined,
    null,
    0,
    'text',
    {},
    refusal(''),
    refusal('__proto__'),
    refusal('constructor'),
  ]) {
    expect(translate(odd)).toMatchObject({ code: 'INTERNAL', message: ERROR_CODES.INTERNAL.meaning });
  }
});

test('the first failure of a transaction goes before what follows from it', () => {
  const first = refusal('23505');
  expect(translate(refusal('25P02'), first)).toMatchObject({ code: 'CONFLICT', cause: first });
  expect(translate(new BailiwickError('NOT_FOUND'), first)).toMatchObject({ code: 'CONFLICT', cause: first });
  expect(translate(refusal('23514'), refusal('XX000'))).toMatchObject({ code: 'BAD_USER_INPUT' });
});

test('an error that is meant for the caller stays what it is', () => {
  const own = new BailiwickError('LIMIT_EXCEEDED', 'too many');
  expect(translate(own)).toBe(own);
  expect(translate(own, refusal('XX000'))).toBe(own);
});

test('an exhausted pool, a lost connection and a limit of Prisma are told from a mistake', () => {
  for (const [message, code] of [
    ['timeout exceeded when trying to connect', 'UNAVAILABLE'],
    ['Connection terminated unexpectedly', 'UNAVAILABLE'],
    ['Transaction API error: Unable to start a transaction in the given time.', 'UNAVAILABLE'],
    ['Transaction API error: A query cannot be executed on an expired transaction.', 'TIMEOUT'],
    [
      'Transaction API error: Transaction already closed: A query cannot be executed on a committed transaction.',
      'INTERNAL',
    ],
  ] as const) {
    expect(translate(new Error(message))).toMatchObject({ code });
  }
});

const ALICES = MEMORIES.find(({ owner }) => owner === 'alice')?.id;

// What alice does; the SQLSTATE with which the database refuses; what she is told.
const PROVOKED: Readonly<
  Record<string, readonly [(session: Session) => Promise<unknown>, sqlstate: string, code: ErrorCode]>
> = {
  'a key that is taken': [
    ({ db }) => db.memory.create({ data: { id: ALICES, content: 'provoked' } as never }),
    '23505',
    'CONFLICT',
  ],
  'a reference to nothing': [
    ({ db }) =>
      db.memory.create({
        data: { agentId: '019a0000-0000-7002-8000-00000000dead', content: 'provoked' } as never,
      }),
    '23503',
    'NOT_FOUND',
  ],
  "a reference to another's row": [
    ({ db }) => db.memory.create({ data: { agentId: AGENTS.bobot.id, content: 'provoked' } as never }),
    '23503',
    'NOT_FOUND',
  ],
  'a value that no row may have': [(session) => note(session, ''), '23514', 'BAD_USER_INPUT'],
  'a value that is missing': [
    ({ db, actorId, tenantId }) => db.$executeRaw`
      insert into memories (tenant_id, id, owner_id, content)
      values (${tenantId}::uuid, gen_random_uuid(), ${actorId}::uuid, null)`,
    '23502',
    'BAD_USER_INPUT',
  ],
  "a row in another's name": [
    ({ db, tenantId }) => db.$executeRaw`
      insert into memories (tenant_id, id, owner_id, content)
      values (${tenantId}::uuid, gen_random_uuid(), ${USERS.bob.id}::uuid, 'provoked')`,
    '42501',
    'FORBIDDEN',
  ],
  'a row in a world of somebody else': [
    ({ db }) => db.memory.create({ data: { worldId: WORLDS.workshop.id, content: 'provoked' } as never }),
    '42501',
    'FORBIDDEN',
  ],
  'a column that is not granted': [
    ({ db, actorId }) => db.user.updateMany({ where: { id: actorId }, data: { role: 'admin' } }),
    '42501',
    'FORBIDDEN',
  ],
  'a table that is not granted': [({ db }) => db.identity.findMany(), '42501', 'FORBIDDEN'],
  'a NUL byte': [(session) => note(session, 'provoked\0'), '22021', 'BAD_USER_INPUT'],
  'half a surrogate pair in JSON': [
    ({ db }) => db.$queryRaw`select ${'"\\ud800"'}::jsonb`,
    '22P02',
    'BAD_USER_INPUT',
  ],
  'text that is no UUID': [
    ({ db }) => db.memory.findFirst({ where: { id: 'provoked' } }),
    '22P02',
    'BAD_USER_INPUT',
  ],
  'a number out of range': [
    ({ db }) => db.$queryRaw`select ${'99999999999'}::text::int`,
    '22003',
    'BAD_USER_INPUT',
  ],
  'a time that does not exist': [
    ({ db }) => db.$queryRaw`select ${'2026-02-31'}::text::date::text`,
    '22008',
    'BAD_USER_INPUT',
  ],
  'a division by zero': [({ db }) => db.$queryRaw`select 1 / ${0}::int`, '22012', 'INTERNAL'],
  'SQL that is none': [({ db }) => db.$queryRawUnsafe('provoked'), '42601', 'INTERNAL'],
  'a table that does not exist': [({ db }) => db.$queryRaw`select * from provoked`, '42P01', 'INTERNAL'],
  'a context that was tampered with': [
    ({ db }) =>
      db.$queryRaw`select set_config('bailiwick.context', 's1|provoked', true), bailiwick.actor_id()::text`,
    '28000',
    'UNAUTHENTICATED',
  ],
};

test.for(Object.entries(PROVOKED))(
  'of %s the caller learns the code and nothing in the words of the database',
  async ([_what, [provoke, sqlstate, code]], { database }) => {
    const lane = await openLane(database);
    const error: unknown = await lane.run('alice', provoke).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(BailiwickError);
    expect(error).toMatchObject({ code, message: ERROR_CODES[code].meaning, cause: { code: sqlstate } });
    const { cause, ...shown } = error as BailiwickError;
    expect(JSON.stringify(shown)).not.toMatch(/memories|provoked|policy|constraint|violates|relation|column/);
    expect(await notesKept(database, 'provoked')).toBe(0);
    await expectIsolated(lane);
  },
);

test('an update that waits for a lock too long, and one that deadlocks, are told to try again', async ({
  database,
}) => {
  const lane = await openLane(database, { size: 2, statementMs: 4000, transactionMs: 6000 });
  const locked = asAdmin(database.adminUrl, async (client) => {
    await client.query('begin');
    await client.query('select from memories where id = $1 for update', [ALICES]);
    const attempt = lane.run('alice', async ({ db }) => {
      await db.$queryRaw`select set_config('lock_timeout', '50', true)`;
      await db.memory.updateMany({ data: { kind: 'provoked' } });
    });
    await expect(attempt).rejects.toMatchObject({ code: 'CONFLICT', cause: { code: '55P03' } });
    await client.query('rollback');
  });
  await locked;
  const ids = MEMORIES.filter(({ owner }) => owner === 'alice').map(({ id }) => id);
  const [first = '', second = ''] = ids;
  const met = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const crossing = (from: string, to: string, mine: 0 | 1) =>
    lane.run('alice', async ({ db }) => {
      await db.memory.updateMany({ where: { id: from }, data: { tags: ['provoked'] } });
      met[mine].resolve();
      await met[mine === 0 ? 1 : 0].promise;
      await db.memory.updateMany({ where: { id: to }, data: { tags: ['provoked'] } });
    });
  const outcomes = await Promise.allSettled([crossing(first, second, 0), crossing(second, first, 1)]);
  const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  expect(failed).toMatchObject([{ code: 'CONFLICT', cause: { code: '40P01' } }]);
});
