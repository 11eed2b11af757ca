// Catalog lints: looks for what makes row security weaker than it seems, in anybody's database.
//
// Each lint is a file of prisma/lints: a query on the catalog that returns a row per fault, under a comment that says what
// is wrong, what somebody gains by it and how to repair it. They are run one by one in a transaction that can only read,
// with a limit on their time. Nothing is changed, and nothing of ours is needed in the database: neither roles nor a schema.
// Whether our own installation may start is not asked here but by the posture check (posture.ts).

import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Acceptance, parseAccepted } from './lints/accepted.ts';
import { withClient } from './with-client.ts';

/** The folder of the lints in this package, and of the exceptions for our own database. */
export const LINT_FOLDER = fileURLToPath(new URL('../../prisma/lints/', import.meta.url));

/** In the order of the report. error: rows get to the wrong people; warning: only care keeps them apart; info: costs. */
export const LEVELS = ['error', 'warning', 'info'] as const;
export type Level = (typeof LEVELS)[number];

export type Lint = {
  /** Also the name of its file, in kebab-case. */
  readonly name: string;
  readonly level: Level;
  /** The first sentence of its comment. */
  readonly title: string;
  /** The whole comment, in one line. */
  readonly about: string;
  /** Rules of other tools that look for the same: `splinter 0013`, `pgrls SEC001`. */
  readonly like: readonly string[];
  /** Returns `object`, `detail` and, where one statement repairs it, `repair`. May use $1 (schemas) and $2 (tenant column). */
  readonly sql: string;
};

export type LintFinding = {
  readonly lint: string;
  readonly level: Level;
  /** What is at fault, by its full name. */
  readonly object: string;
  readonly detail: string;
  /** SQL that repairs it, for the owner to read before running it; null where it takes a decision. */
  readonly repair: string | null;
};

export type LintOptions = {
  /** Only these schemas; by default all but the system's and those of extensions. */
  readonly schemas?: readonly string[];
  /** The column that says whose a row is. */
  readonly tenantColumn?: string;
  readonly accepted?: readonly Acceptance[];
  readonly lints?: readonly Lint[];
};

export type LintReport = {
  readonly lints: readonly Lint[];
  readonly schemas: readonly string[];
  /** Tables in these schemas that have the tenant column. */
  readonly tenantTables: number;
  /** Errors first, then in the order of the lints. */
  readonly findings: readonly LintFinding[];
  readonly accepted: readonly (LintFinding & { readonly reason: string })[];
};

export const TENANT_COLUMN = 'tenant_id';

/** Milliseconds after which one lint is given up. */
const QUERY_LIMIT = 30_000;

/** As much of a connection as a lint needs. */
type Queryable = { query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> };

/** All lints, in the order of their names. */
export function readLints(folder = LINT_FOLDER): Lint[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => parseLint(basename(file, '.sql'), readFileSync(`${folder}/${file}`, 'utf8')));
}

/** @throws when the file does not open with its name, sentences, a level and a source. */
export function parseLint(name: string, sql: string): Lint {
  const lines = (sql.match(/^(?:--.*\n)*/)?.[0] ?? '')
    .split('\n')
    .map((line) => line.replace(/^-- ?/, '').trim());
  const field = (key: string) => lines.find((line) => line.startsWith(`${key}: `))?.slice(key.length + 2);
  const level = LEVELS.find((one) => one === field('level'));
  const like = field('like');
  const about = lines
    .slice(1)
    .filter((line) => line !== '' && !/^(level|like): /.test(line))
    .join(' ');
  const title = about.match(/^.*?\.(?= |$)/)?.[0];
  if (lines[0] !== name || level === undefined || like === undefined || title === undefined) {
    throw new Error(`lint ${name}: its comment must be its name, sentences, "level: ..." and "like: ..."`);
  }
  return { name, level, title, about, like: like.split(', '), sql };
}

/** The exceptions that are accepted for our own database. */
export function readAccepted(file = `${LINT_FOLDER}accepted.txt`): Acceptance[] {
  return parseAccepted(readFileSync(file, 'utf8'));
}

/**
 * Lints the database of a URL, as whoever the URL says: any role that can read the catalog will do.
 *
 * @throws the driver's error when it cannot connect.
 */
export async function lintDatabase(url: string, options: LintOptions = {}): Promise<LintReport> {
  return withClient(url, async (client) => {
    await client.query('begin isolation level repeatable read');
    return await lint(client, options);
  });
}

/**
 * Lints on a connection that is inside a transaction, and leaves the transaction as it was. A lint that cannot be run is
 * a finding, under its own name.
 */
export async function lint(client: Queryable, options: LintOptions = {}): Promise<LintReport> {
  const { lints = readLints(), tenantColumn = TENANT_COLUMN } = options;
  await client.query('savepoint lints');
  try {
    await client.query(CAREFUL);
    const schemas = options.schemas ?? (await ask<{ name: string }>(client, SCHEMAS)).map(({ name }) => name);
    const tables = await ask<{ found: number }>(client, TENANT_TABLES, [schemas, tenantColumn]);
    const found: LintFinding[] = [];
    for (const one of lints) {
      found.push(...(await run(client, one, [schemas, tenantColumn])));
    }
    const judged = judge(found, options);
    return { lints, schemas, tenantTables: tables[0]?.found ?? 0, ...judged };
  } finally {
    await client.query('rollback to savepoint lints');
  }
}

// Every name written out in full, and nobody's own objects taken for the catalog's; no compiling, which takes longer than
// these queries do.
const CAREFUL = `
  set local search_path = pg_catalog;
  set local statement_timeout = ${QUERY_LIMIT};
  set local transaction_read_only = on;
  set local jit = off`;

const SCHEMAS = `
  select n.nspname as name
    from pg_namespace n
   where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
     and not exists (select from pg_depend e
                      where e.classid = 'pg_namespace'::regclass and e.objid = n.oid and e.deptype = 'e')
   order by 1`;

const TENANT_TABLES = `
  select count(*)::int as found
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1)
    join pg_attribute a on a.attrelid = c.oid and a.attname = $2 and not a.attisdropped
   where c.relkind in ('r', 'p')`;

type Row = { readonly object: string; readonly detail: string; readonly repair?: string | null };

async function run(
  client: Queryable,
  { name, level, sql }: Lint,
  values: readonly unknown[],
): Promise<LintFinding[]> {
  await client.query('savepoint one_lint');
  try {
    // PostgreSQL takes exactly the parameters that a query names
    const count = Math.max(0, ...[...sql.matchAll(/\$(\d)/g)].map(([, number]) => Number(number)));
    const rows = await ask<Row>(client, sql, values.slice(0, count));
    return rows
      .toSorted((a, b) => a.object.localeCompare(b.object))
      .map(({ object, detail, repair = null }) => ({ lint: name, level, object, detail, repair }));
  } catch (error) {
    await client.query('rollback to savepoint one_lint');
    return [
      {
        lint: name,
        level: 'error',
        object: 'the lint itself',
        detail: `could not be run: ${String(error)}`,
        repair: null,
      },
    ];
  }
}

/** Sets the accepted apart, and adds the acceptances that accept nothing: what they were for has been repaired or renamed. */
function judge(
  found: readonly LintFinding[],
  { accepted = [], schemas }: LintOptions,
): Pick<LintReport, 'findings' | 'accepted'> {
  const reasons = new Map(accepted.map(({ lint, object, reason }) => [`${lint} ${object}`, reason]));
  const reasonFor = ({ lint, object }: Pick<LintFinding, 'lint' | 'object'>) =>
    reasons.get(`${lint} ${object}`);
  const names = new Set(found.map(({ lint, object }) => `${lint} ${object}`));
  // with some schemas only, an acceptance may be for another one
  const stale =
    schemas !== undefined ? [] : accepted.filter(({ lint, object }) => !names.has(`${lint} ${object}`));
  const findings = [
    ...found.filter((finding) => reasonFor(finding) === undefined),
    ...stale.map(({ lint, object }) => ({
      lint: 'accepted',
      level: 'warning' as const,
      object: `${lint} ${object}`,
      detail: 'is accepted but no longer found: remove the line',
      repair: null,
    })),
  ];
  return {
    findings: findings.toSorted((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level)),
    accepted: found.flatMap((finding) => {
      const reason = reasonFor(finding);
      return reason === undefined ? [] : [{ ...finding, reason }];
    }),
  };
}

async function ask<R>(client: Queryable, sql: string, values: unknown[] = []): Promise<R[]> {
  return (await client.query(sql, values)).rows as R[];
}
