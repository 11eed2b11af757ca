// `bailiwick policies lint`: the catalog lints by hand, on our own database or on anybody's.
//
// Without --url it looks at the configured database and accepts what prisma/lints/accepted.txt accepts; with it, at that
// database, and accepts only what --accept says. A URL may hold a password, so it is never printed.

import { readFileSync } from 'node:fs';
import { readConfig } from '../config.ts';
import { openDatabase } from '../db/connect.ts';
import { type Acceptance, parseAccepted } from '../db/lints/accepted.ts';
import {
  LEVELS,
  type Lint,
  type LintFinding,
  type LintOptions,
  type LintReport,
  lintDatabase,
  readAccepted,
  TENANT_COLUMN,
} from '../db/lints.ts';
import { checkUrl, type ExitCode, type Io, UsageError } from './command.ts';

export const LINT_OPTIONS = {
  url: {
    type: 'string',
    value: 'postgresql://…',
    about: 'lint: another database, as any role; its password may come from PGPASSWORD',
  },
  schema: { type: 'string', multiple: true, value: 'name', about: 'lint: only this schema; may be repeated' },
  'tenant-column': {
    type: 'string',
    value: 'name',
    about: `lint: the column that says whose a row is; by default ${TENANT_COLUMN}`,
  },
  accept: { type: 'string', value: 'file', about: 'lint: with lines "<lint> <object> because <reason>"' },
} as const;

export type LintArguments = {
  readonly url?: string;
  readonly schema?: string[];
  readonly 'tenant-column'?: string;
  readonly accept?: string;
  readonly json?: boolean;
};

/** @returns 0 when nothing worse than an info is found. */
export async function lintPolicies(values: LintArguments, io: Io): Promise<ExitCode> {
  const options: LintOptions = {
    ...(values.schema === undefined ? {} : { schemas: values.schema }),
    ...(values['tenant-column'] === undefined ? {} : { tenantColumn: values['tenant-column'] }),
    accepted: acceptances(values),
  };
  const report = values.url === undefined ? await lintOurs(io, options) : await lintUrl(values.url, options);
  const clean = report.findings.every(({ level }) => level === 'info');
  if (values.json === true) {
    const { lints, ...rest } = report;
    io.out(
      `${JSON.stringify({ clean, counts: countLevels(report), lints: lints.length, ...rest }, null, 2)}\n`,
    );
    return clean ? 0 : 1;
  }
  if (report.tenantTables === 0) {
    io.err(
      `No table has a column ${options.tenantColumn ?? TENANT_COLUMN}: lints about tenants have nothing to look at (--tenant-column).\n`,
    );
  }
  io.out(formatReport(report));
  return clean ? 0 : 1;
}

async function lintOurs(io: Io, options: LintOptions): Promise<LintReport> {
  const connection = await openDatabase(readConfig(io.env), { mode: 'attach' });
  try {
    return await lintDatabase(connection.migratorUrl, options);
  } finally {
    await connection.stop();
  }
}

async function lintUrl(url: string, options: LintOptions): Promise<LintReport> {
  checkUrl(url);
  return await lintDatabase(url, options);
}

function acceptances({ url, accept }: LintArguments): readonly Acceptance[] {
  if (accept === undefined) {
    return url === undefined ? readAccepted() : [];
  }
  let text: string;
  try {
    text = readFileSync(accept, 'utf8');
  } catch (error) {
    throw new UsageError(
      `--accept ${accept} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
  try {
    return parseAccepted(text);
  } catch (error) {
    throw new UsageError(`--accept ${accept}: ${error instanceof Error ? error.message : error}`);
  }
}

/** The findings by level and lint, then what was accepted, then the counts. */
export function formatReport(report: LintReport): string {
  const { accepted, schemas, lints } = report;
  const groups = Map.groupBy(report.findings, ({ level, lint }) => `${level.padEnd(7)}  ${lint}`);
  const width = Math.max(
    0,
    ...[...report.findings, ...accepted].map(({ object }) => Math.min(object.length, 48)),
  );
  const counts = countLevels(report);
  return [
    ...[...groups].map(
      ([heading, findings]) => `${heading}${titleOf(findings, lints)}\n${list(findings, width)}\n`,
    ),
    ...accepted.map(
      ({ lint, object, reason }) =>
        `accepted  ${lint}\n  ${plain(object).padEnd(width)}  because ${reason}\n\n`,
    ),
    `${LEVELS.map((level) => counted(counts[level], level)).join(', ')}, ${accepted.length} accepted: `,
    `${counted(lints.length, 'lint')} of ${counted(schemas.length, 'schema')} (${schemas.join(', ')}).\n`,
  ].join('');
}

function titleOf([first]: readonly LintFinding[], lints: readonly Lint[]): string {
  const title = lints.find(({ name }) => name === first?.lint)?.title;
  return title === undefined ? '' : `: ${title}`;
}

function list(findings: readonly LintFinding[], width: number): string {
  return findings
    .map(
      ({ object, detail, repair }) =>
        `  ${plain(object).padEnd(width)}  ${plain(detail)}\n${repair === null ? '' : `  ${' '.repeat(width)}  repair: ${plain(repair)}\n`}`,
    )
    .join('');
}

/** Names are others' text: what steers a terminal, and line breaks, are a space. With --json they are as they are. */
const plain = (text: string): string => text.replaceAll(/\p{Cc}\s*/gu, ' ');

function countLevels({ findings }: LintReport): Record<(typeof LEVELS)[number], number> {
  const count = (level: string) => findings.filter((finding) => finding.level === level).length;
  return { error: count('error'), warning: count('warning'), info: count('info') };
}

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;
