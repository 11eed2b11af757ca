// Every check of the posture, on a fault that it must find. A fault is made by the administrator inside a transaction, looked
// at from inside as the two roles, and rolled back, which is its repair: so nothing of it reaches another test, though
// roles belong to the whole server. What cannot be seen from inside a transaction is made and repaired for real.

import { createHash } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Queryable } from '../../src/db/posture/check.ts';
import { judgeVersion } from '../../src/db/posture/server.ts';
import { assertPosture, CHECKS, type Finding, inspectCatalog, inspectPosture } from '../../src/db/posture.ts';
import { PostureError } from '../../src/errors.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { FAULTS } from './posture/faults.ts';

// What depends on the server that a run was given, and not on us.
const OF_THE_SERVER = new Set(['server-patch-level', 'server-log-parameters']);

let database: TestDatabase;
let admin: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  admin = new pg.Client(database.adminUrl);
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await database.drop();
});

type Roles = { migrator: string; runtime: string };
const ROLES: Roles = { migrator: 'bailiwick_migrator', runtime: 'bailiwick_runtime' };

/** Both roles on the administrator's one connection, one statement after the other. */
function inside({ migrator, runtime }: Roles): [Queryable, Queryable] {
  let last: Promise<unknown> = Promise.resolve();
  const as = (role: string): Queryable => ({
    query(text, values) {
      const answer = last.then(async () => {
        await admin.query(`set local session authorization ${role}`);
        return await admin.query(text, values);
      });
      last = answer;
      return answer;
    },
  });
  return [as(migrator), as(runtime)];
}

/** The findings in presence of a fault, by check and subject. */
async function findingsWith(fault: string, roles = ROLES): Promise<[check: string, subject: string][]> {
  await admin.query('begin');
  try {
    await admin.query(fault);
    return namesOf(await inspectCatalog(...inside(roles)));
  } finally {
    await admin.query('rollback');
  }
}

function namesOf(findings: readonly Finding[]): [check: string, subject: string][] {
  return findings
    .filter(({ check }) => !OF_THE_SERVER.has(check))
    .map(({ check, subject }) => [check, subject]);
}

test('a healthy database has no finding but the age of its server', async () => {
  expect(namesOf(await inspectPosture(database))).toEqual([]);
  expect(namesOf(await assertPosture(database))).toEqual([]);
});

test.each(FAULTS)('%s finds %j', async (check, subjects, fault) => {
  const expected = subjects.map((subject) => [check, subject.replace('$database', database.name)]);
  expect(await findingsWith(fault)).toEqual(expected);
});

test('nothing is found any more when the faults are gone', async () => {
  expect(await findingsWith('select')).toEqual([]);
});

test('one fault that breaks several rules is reported under each', async () => {
  expect(await findingsWith('alter policy select_own on public.baselines to public')).toEqual([
    ['table-policies', 'public.baselines for SELECT'],
    ['policy-altered', 'select_own on public.baselines'],
    ['policy-role', 'select_own on public.baselines'],
  ]);
  expect(await findingsWith('drop policy select_own on public.baselines')).toEqual([
    ['table-policies', 'public.baselines for SELECT'],
    ['policy-declared', 'select_own on public.baselines'],
  ]);
  expect(await findingsWith('alter table public.memories owner to bailiwick_runtime')).toEqual([
    ['runtime-owns', 'table public.memories'],
    ['table-grants', 'bailiwick_runtime on public.memories'],
    ['table-owner', 'public.memories'],
  ]);
  expect(await findingsWith('drop policy insert_sealed on public.agent_instructions')).toEqual([
    ['policy-declared', 'insert_sealed on public.agent_instructions'],
    ['encrypted-policy', 'agent_instructions.private_instructions'],
    ['encrypted-policy', 'agent_instructions.system_prompt'],
  ]);
  expect(
    await findingsWith(`drop policy insert_sealed on public.service_secrets;
      grant update (origin) on public.service_credentials to bailiwick_runtime`),
  ).toEqual([
    ['table-grants', 'bailiwick_runtime on public.service_credentials'],
    ['policy-declared', 'insert_sealed on public.service_secrets'],
    ['encrypted-policy', 'service_secrets.secret'],
  ]);
  // there is one still, and it does not ask
  expect(
    await findingsWith(`drop policy update_sealed on public.memories;
      create policy update_sealed on public.memories as restrictive for update to bailiwick_runtime with check (not sensitive)`),
  ).toEqual([
    ['policy-altered', 'update_sealed on public.memories'],
    ['encrypted-policy', 'memories.content'],
    ['encrypted-policy', 'memories.metadata'],
  ]);
});

test('a runtime URL that logs in as somebody else is refused', async () => {
  const found = await findingsWith('select', { ...ROLES, runtime: 'bailiwick_migrator' });
  expect(found).toEqual([['runtime-identity', 'bailiwick_migrator']]);
});

test('URLs that lead to two databases are refused', async () => {
  const other = await createTestDatabase();
  try {
    const found = await inspectPosture({ migratorUrl: database.migratorUrl, runtimeUrl: other.runtimeUrl });
    expect(namesOf(found)).toEqual([['one-database', 'DATABASE_URL']]);
  } finally {
    await other.drop();
  }
});

test('a server that logs bind parameters is warned of', async () => {
  await admin.query('begin; set local log_parameter_max_length = 100');
  const findings = await inspectCatalog(...inside(ROLES));
  await admin.query('rollback');
  expect(findings.filter(({ subject }) => subject === 'log_parameter_max_length')).toEqual([
    {
      check: 'server-log-parameters',
      level: 'warn',
      subject: 'log_parameter_max_length',
      message: 'log_parameter_max_length is 100B: the log can come to hold tickets and rows; set it to 0',
    },
  ]);
});

test('a database without policies is one finding', async () => {
  expect(await findingsWith('drop table bailiwick.policy_state')).toEqual([['installation', 'database']]);
});

test.each([
  [140020, 'refuse'],
  [150019, 'warn'],
  [150020, undefined],
  [160016, undefined],
  [170011, 'warn'],
  [180004, 'warn'],
  [180007, undefined],
  [190000, undefined],
])('server version %i', (version, level) => {
  expect(judgeVersion(version)?.level).toBe(level);
});

test.each([
  ['refuse', 'pending', "delete from _prisma_migrations where migration_name like '%_foundation'"],
  [
    'refuse',
    'edited',
    `update _prisma_migrations set checksum = '${createHash('sha256').digest('hex')}' where migration_name like '%_foundation'`,
  ],
  [
    'refuse',
    'failed',
    "update _prisma_migrations set finished_at = null where migration_name like '%_foundation'",
  ],
  [
    'warn',
    'unknown',
    `insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at)
     values ('x', 'x', '99990101000000_later', now(), now())`,
  ],
])('%s: a history with a migration that is %s', async (level, _how, fault) => {
  await admin.query('create table kept as table _prisma_migrations; alter table kept set schema bailiwick');
  try {
    await admin.query(fault);
    const found = (await inspectPosture(database)).filter(({ check }) => check === 'migrations');
    expect(found.map((finding) => finding.level)).toEqual([level]);
  } finally {
    await admin.query(
      'truncate _prisma_migrations; insert into _prisma_migrations table bailiwick.kept; drop table bailiwick.kept',
    );
  }
});

test('a refusal names every fault and what to do', async () => {
  await admin.query(
    'alter table public.memories no force row level security; grant truncate on public.agents to bailiwick_runtime',
  );
  const refusal = await assertPosture(database).catch((error: unknown) => error);
  await admin.query(
    'alter table public.memories force row level security; revoke truncate on public.agents from bailiwick_runtime',
  );
  expect(refusal).toBeInstanceOf(PostureError);
  expect((refusal as PostureError).findings).toEqual([
    'runtime-forbidden-privilege: bailiwick_runtime has TRUNCATE on public.agents, which row security does not filter: revoke it',
    'table-rls: row security is not forced on public.memories: alter table public.memories enable row level security, force row level security',
  ]);
  expect(namesOf(await inspectPosture(database))).toEqual([]);
});

test('every check is tried on a fault', () => {
  const elsewhere = [
    'runtime-identity',
    'table-policies',
    'policy-role',
    'encrypted-policy',
    'server-log-parameters',
  ];
  const tried = new Set([...FAULTS.map(([check]) => check), ...elsewhere]);
  expect(CHECKS.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
});
