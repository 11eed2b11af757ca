// The posture of the server: its patch level, what it logs, what it publishes, and the keys that seal contexts.
//
// Mostly warnings, because another team often runs the server. Below the oldest supported major version, or without a
// seal key, nothing can work, so these refuse.

import type { Check } from './check.ts';

/** The minor release of each supported major version that closes all known holes in row security (November 2026). */
const PATCHED: ReadonlyMap<number, number> = new Map([
  [15, 20],
  [16, 16],
  [17, 12],
  [18, 7],
]);

/** Settings that put the parameters of statements, and so tickets and rows, into the log; with the value that does not. */
const LOG_SETTINGS = `(values
  ('log_parameter_max_length', '0'), ('log_parameter_max_length_on_error', '0'),
  ('auto_explain.log_parameter_max_length', '0'), ('pgaudit.log_parameter', 'off'))`;

export const SERVER_CHECKS: readonly Check[] = [
  {
    name: 'server-log-parameters',
    level: 'warn',
    as: 'runtime',
    sql: `
      select s.name as subject, current_setting(s.name, true) as detail
        from ${LOG_SETTINGS} s (name, silent)
       where current_setting(s.name, true) <> s.silent`,
    message: ({ subject, detail }) =>
      `${subject} is ${detail}: the log can come to hold tickets and rows; set it to ${subject === 'pgaudit.log_parameter' ? 'off' : '0'}`,
  },
  {
    name: 'server-publication',
    level: 'warn',
    sql: `select p.pubname as subject, null as detail from pg_publication_tables p
           where p.schemaname = 'bailiwick' and p.tablename = 'context_key'
          union
          select p.pubname, null from pg_publication p where p.puballtables`,
    message: ({ subject }) =>
      `publication ${subject} sends bailiwick.context_key to its subscribers: publish named tables only`,
  },
  {
    name: 'server-read-all-data',
    level: 'warn',
    // that the runtime role and the kernel are members of nothing, other checks see to
    sql: `select r.rolname as subject, null as detail from pg_roles r
           where r.rolcanlogin and not r.rolsuper and r.rolname not in ('bailiwick_migrator', 'bailiwick_runtime', 'bailiwick_kernel')
             and pg_has_role(r.oid, 'pg_read_all_data', 'member')`,
    message: ({ subject }) =>
      `${subject} can read every table, bailiwick.context_key too, and whoever knows those keys is anybody: revoke pg_read_all_data from it`,
  },
  {
    name: 'context-keys',
    level: 'refuse',
    sql: `select 'seal' as subject, null as detail
           where not exists (select from bailiwick.context_key k where k.purpose = 'seal' and k.active)`,
    message: () => 'no active seal key, so no context can be opened: run `bailiwick policies apply --force`',
  },
];

/**
 * Judges a server's version.
 *
 * @param version `server_version_num`: major times 10000 plus minor.
 * @returns What is wrong with it, or null.
 */
export function judgeVersion(version: number): { level: 'refuse' | 'warn'; message: string } | null {
  const major = Math.floor(version / 10_000);
  const minor = version % 10_000;
  const patched = PATCHED.get(major);
  if (major < 15) {
    return {
      level: 'refuse',
      message: `PostgreSQL ${major}.${minor} is too old: views cannot obey row security before 15`,
    };
  }
  if (patched !== undefined && minor < patched) {
    return {
      level: 'warn',
      message: `PostgreSQL ${major}.${minor} has known holes: update to ${major}.${patched} or later`,
    };
  }
  return null;
}
