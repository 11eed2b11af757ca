// `bailiwick adopt report` and `accept`: what isolation would have hidden, in a table and over time, and what of it is as it should be.

import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import {
  accept,
  CLAUSES,
  fold,
  type Moment,
  readCourse,
  readFindings,
  type ShadowFinding,
} from '../../adoption/findings.ts';
import { readInstallation } from '../../adoption/installation.ts';
import { grouped } from '../../adoption/obstacles.ts';
import type { AdoptValues } from '../adopt.ts';
import { type ExitCode, type Io, UsageError } from '../command.ts';
import { milliseconds } from './work.ts';

const EVERY = 5000;
const WIDTH = 72;
const HEIGHT = 6;
const MINUTE = 60_000;

export async function report(client: pg.Client, values: AdoptValues, io: Io): Promise<ExitCode> {
  await readInstallation(client);
  await fold(client);
  for (;;) {
    const since =
      values.since === undefined ? new Date(0) : new Date(Date.now() - milliseconds('since', values.since));
    const findings = (await readFindings(client, since)).filter(
      ({ table }) => values.table === undefined || values.table.includes(table),
    );
    const course = await readCourse(client, since);
    const open = findings.filter(({ accepted }) => accepted === null);
    if (values.json === true) {
      io.out(
        `${JSON.stringify({ clear: open.length === 0, findings, course }, null, values.follow === true ? 0 : 2)}\n`,
      );
    } else {
      io.out(shown(findings, course));
    }
    if (values.follow !== true || io.signal.aborted) {
      return open.length === 0 ? 0 : 1;
    }
    await sleep(EVERY, undefined, { signal: io.signal }).catch((error: Error) => {
      if (error.name !== 'AbortError') {
        throw error;
      }
    });
  }
}

export async function accepting(client: pg.Client, values: AdoptValues, io: Io): Promise<ExitCode> {
  const { reason, finding, all } = values;
  if (reason === undefined || reason.trim().length < 10) {
    throw new UsageError('say why, in ten characters or more: --reason "…"');
  }
  if ((finding === undefined) === (all !== true)) {
    throw new UsageError('say which: --finding id, or --all');
  }
  await readInstallation(client);
  const accepted = await accept(client, reason.trim(), finding);
  io.out(values.json === true ? `${JSON.stringify({ accepted })}\n` : `${accepted} accepted.\n`);
  return finding !== undefined && accepted === 0 ? 1 : 0;
}

function shown(findings: readonly ShadowFinding[], course: readonly Moment[]): string {
  const open = findings.filter(({ accepted }) => accepted === null).length;
  if (findings.length === 0) {
    return 'Isolation would have hidden nothing.\n';
  }
  return [
    chart(course),
    ...findings.map(findingLine),
    `\n${findings.length} findings, ${open} of them unexplained.\n`,
  ].join('');
}

/** A finding in four lines. */
export function findingLine(one: ShadowFinding): string {
  const actors = Object.entries(one.actors)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 4)
    .map(([actor, rows]) => `${actor} ${grouped(rows)}`);
  const more = Object.keys(one.actors).length - actors.length;
  return [
    `\n${one.id}  ${one.table}, ${one.verb}: ${grouped(one.rows)} rows in ${grouped(one.statements)} statements, ${CLAUSES[one.clause] ?? one.clause}`,
    `          ${one.query.length > 100 ? `${one.query.slice(0, 99)}…` : one.query}`,
    `          by ${actors.join(', ')}${more > 0 ? ` and ${more} more` : ''}, as ${one.roles.join(', ')}; such as ${one.samples.join(', ')}`,
    `          ${minute(one.firstAt)} to ${minute(one.lastAt)}${one.accepted === null ? '' : `; accepted: ${one.accepted}`}`,
    '',
  ].join('\n');
}

/** Rows over time, as columns of blocks: each column is as many minutes as it takes for all to fit. */
function chart(course: readonly Moment[]): string {
  const [first, last] = [course[0], course.at(-1)];
  if (first === undefined || last === undefined) {
    return '';
  }
  const minutes = Math.round((last.at.getTime() - first.at.getTime()) / MINUTE) + 1;
  const wide = Math.ceil(minutes / WIDTH);
  const columns = Array.from({ length: Math.ceil(minutes / wide) }, () => 0);
  for (const { at, rows } of course) {
    const column = Math.floor((at.getTime() - first.at.getTime()) / MINUTE / wide);
    columns[column] = (columns[column] ?? 0) + rows;
  }
  const most = Math.max(...columns);
  const eighths = ' ▁▂▃▄▅▆▇█';
  const lines = Array.from({ length: HEIGHT }, (_, n) => {
    const floor = HEIGHT - 1 - n;
    const line = columns
      .map((rows) => eighths[Math.max(0, Math.min(8, Math.round((rows / most) * HEIGHT * 8) - floor * 8))])
      .join('');
    return `${n === 0 ? grouped(most).padStart(10) : ' '.repeat(10)} |${line}\n`;
  });
  return `Rows that isolation would have hidden, every ${wide === 1 ? 'minute' : `${wide} minutes`}\n${lines.join('')}${' '.repeat(11)}+${'-'.repeat(columns.length)}\n${' '.repeat(12)}${minute(first.at)} to ${minute(last.at)}\n`;
}

const minute = (at: Date) => at.toISOString().slice(0, 16).replace('T', ' ');
