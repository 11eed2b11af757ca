// The posture check: is this installation as strong as its design says? Run at every start, by `doctor`, and by the tests.
//
// Isolation rests on facts of the catalog that anybody with enough rights can change by one statement and that no test
// of behaviour notices: a role's attribute, a grant, a table without row security. The checks stand next door, by what
// they look at (posture/*.ts), as data. One pass asks them all in one go and repairs nothing.

import pg from 'pg';
import { PostureError } from '../errors.ts';
import { diagnose, MIGRATIONS_FOLDER } from './engine.ts';
import { policyChecksum, readPolicies } from './policies.ts';
import { poolerOf } from './pooler.ts';
import { ACTIVITY_CHECKS } from './posture/activity.ts';
import type { Check, Fault, Finding, Queryable } from './posture/check.ts';
import { inspectWays, type Ways } from './posture/connections.ts';
import { readDeclared } from './posture/declared.ts';
import { ENCRYPTION_CHECKS } from './posture/encryption.ts';
import { POLICY_CHECKS } from './posture/policies.ts';
import { PRIVILEGE_CHECKS } from './posture/privileges.ts';
import { inspectReplica } from './posture/replica.ts';
import { ROLE_CHECKS } from './posture/roles.ts';
import { judgeVersion, SERVER_CHECKS } from './posture/server.ts';
import { TABLE_CHECKS } from './posture/tables.ts';

export type { Finding } from './posture/check.ts';

/** The database, as its two roles. */
export type PostureTarget = Ways;

/** Every check that is a query, in the order of the report. */
export const CHECKS: readonly Check[] = [
  ...ROLE_CHECKS,
  ...PRIVILEGE_CHECKS,
  ...TABLE_CHECKS,
  ...POLICY_CHECKS,
  ...ENCRYPTION_CHECKS,
  ...ACTIVITY_CHECKS,
  ...SERVER_CHECKS,
];

/** Milliseconds after which a query of the check is given up. */
const QUERY_LIMIT = 10_000;

/**
 * Looks for everything that makes this installation weaker than its design.
 *
 * @returns The findings, those that refuse first; none when all is well.
 * @throws the driver's error when either URL cannot be connected to.
 */
export async function inspectPosture(target: PostureTarget): Promise<Finding[]> {
  const { migratorUrl, runtimeUrl } = target;
  const ways = await inspectWays(target);
  if (ways.length > 0) {
    // what is not a connection to one database answers no further questions
    return ways;
  }
  const history = diagnose(migratorUrl, { migrationsDir: MIGRATIONS_FOLDER });
  const catalog = withClients([migratorUrl, runtimeUrl], ([migrator, runtime]) =>
    inspectCatalog(migrator, runtime),
  );
  const standby = target.replica === undefined ? [] : inspectReplica(target.replica.url, target.migratorUrl);
  const [sentences, findings, others] = await Promise.all([history, catalog, standby]);
  return sorted([...sentences.map(historyFinding), ...findings, ...others]);
}

/**
 * Refuses a weak posture.
 *
 * @returns The findings that are only warnings.
 * @throws {PostureError} with every finding that refuses.
 */
export async function assertPosture(target: PostureTarget): Promise<Finding[]> {
  const findings = await inspectPosture(target);
  const refusals = findings.filter(({ level }) => level === 'refuse');
  if (refusals.length > 0) {
    throw new PostureError(
      'This database would not isolate its rows:',
      refusals.map(({ check, message }) => `${check}: ${message}`),
    );
  }
  return findings;
}

/**
 * The part that asks the catalog, on connections that are open already.
 *
 * @param migrator As the owner of the tables.
 * @param runtime As requests connect.
 */
export async function inspectCatalog(migrator: Queryable, runtime: Queryable): Promise<Finding[]> {
  const [, here, there, [installed]] = await Promise.all([
    // so that every name in a finding is written out in full
    ask(migrator, 'set search_path = pg_catalog'),
    ask<Place>(migrator, PLACE),
    ask<Place>(runtime, PLACE),
    ask<{ complete: boolean }>(migrator, INSTALLED),
  ]);
  const findings = judgePlace(here[0], there[0]);
  if (installed?.complete !== true) {
    const message = 'the roles, the migrations or the policies are missing: run `bailiwick migrate`';
    return sorted([...findings, { check: 'installation', level: 'refuse', subject: 'database', message }]);
  }
  const files = readPolicies();
  const [[state], declared] = await Promise.all([
    ask<{ checksum: string | null }>(
      migrator,
      'select (select checksum from bailiwick.policy_state) as checksum',
    ),
    readDeclared(files),
  ]);
  const inForce = state?.checksum === policyChecksum(files);
  if (!inForce) {
    const message = 'the policies in force are not those of the files: run `bailiwick migrate`';
    findings.push({ check: 'policy-checksum', level: 'refuse', subject: 'policies', message });
  }
  const checks = CHECKS.filter((check) => inForce || check.declared === undefined);
  const found = await Promise.all(
    checks.map(async ({ name, level, sql, declared: parameter, as, message }) => {
      const values = parameter === undefined ? [] : [JSON.stringify(parameter(declared))];
      const faults = await ask<Fault>(as === 'runtime' ? runtime : migrator, sql, values);
      return faults
        .toSorted((a, b) => a.subject.localeCompare(b.subject))
        .map((fault) => ({ check: name, level, subject: fault.subject, message: message(fault) }));
    }),
  );
  return sorted([...findings, ...found.flat()]);
}

type Place = { readonly database: string; readonly cluster: string; readonly version: number };

const PLACE = `
  select current_database() as database, (select system_identifier::text from pg_control_system()) as cluster,
         current_setting('server_version_num')::int as version`;

const INSTALLED = `
  select to_regrole('bailiwick_runtime') is not null and to_regrole('bailiwick_kernel') is not null
     and to_regclass('bailiwick.policy_state') is not null and to_regclass('bailiwick.context_key') is not null
     and to_regtype('bailiwick.context') is not null as complete`;

/** A replica of a cluster counts as the same place. */
function judgePlace(migrator: Place | undefined, runtime: Place | undefined): Finding[] {
  const findings: Finding[] = [];
  if (migrator?.database !== runtime?.database || migrator?.cluster !== runtime?.cluster) {
    const message = `DATABASE_URL leads to database ${runtime?.database}, MIGRATION_DATABASE_URL to another one: correct one of them`;
    findings.push({ check: 'one-database', level: 'refuse', subject: 'DATABASE_URL', message });
  }
  const version = judgeVersion(runtime?.version ?? 0);
  return version === null
    ? findings
    : [...findings, { check: 'server-patch-level', subject: 'PostgreSQL', ...version }];
}

/** A database that is ahead of the code is no reason to refuse: in a rolling release an older server may still restart. */
function historyFinding(sentence: string): Finding {
  const subject = sentence.match(/^migration (\S+)/)?.[1] ?? 'migrations';
  const ahead = sentence.includes('applied but not in the folder');
  return { check: 'migrations', level: ahead ? 'warn' : 'refuse', subject, message: sentence };
}

/** Refusals first; otherwise in the order of the checks. */
function sorted(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => a.level.localeCompare(b.level));
}

async function ask<Row>(on: Queryable, sql: string, values: unknown[] = []): Promise<Row[]> {
  return (await on.query(sql, values)).rows as Row[];
}

/** Pipelined, so that all queries travel together: the number of checks costs no round trips. */
async function withClients<T>(
  [first, second]: readonly [string, string],
  work: (clients: readonly [pg.Client, pg.Client]) => Promise<T>,
): Promise<T> {
  const open = (connectionString: string) =>
    new pg.Client({
      connectionString,
      pipeline: true,
      // through a pooler the role's own limit holds, which is longer
      ...(poolerOf(connectionString) === undefined ? { statement_timeout: QUERY_LIMIT } : {}),
      application_name: 'bailiwick posture',
    });
  const clients = [open(first), open(second)] as const;
  try {
    await Promise.all(clients.map((client) => client.connect()));
    return await work(clients);
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}
