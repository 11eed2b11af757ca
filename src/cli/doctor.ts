// `bailiwick doctor`: the posture check by hand. Prints what the server would refuse to start with, and what it would warn of.

import { readConfig } from '../config.ts';
import { openDatabase } from '../db/connect.ts';
import { CHECKS, type Finding, inspectPosture } from '../db/posture.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand(
  {
    name: 'doctor',
    summary: 'Checks whether the database isolates as it was designed to; changes nothing',
    details: ['Exits with 1 when there is a finding with which the server refuses to start.'],
    options: { json: { type: 'boolean', about: 'Print the findings as JSON' } },
  },
  async ({ json }, io) => {
    const connection = await openDatabase(readConfig(io.env), { mode: 'attach' });
    let findings: Finding[];
    try {
      findings = await inspectPosture(connection);
    } finally {
      await connection.stop();
    }
    const refused = findings.filter(({ level }) => level === 'refuse').length;
    if (json === true) {
      io.out(`${JSON.stringify({ fit: refused === 0, findings }, null, 2)}\n`);
    } else {
      io.out(`${formatFindings(findings)}${verdict(refused, findings.length - refused)}\n`);
    }
    return refused === 0 ? 0 : 1;
  },
);

/** Two lines per finding: level, check and subject in columns, and below what to do. */
export function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(0, ...findings.map(({ check }) => check.length));
  return findings
    .map(
      ({ level, check, subject, message }) =>
        `${level.padEnd(6)}  ${check.padEnd(width)}  ${subject}\n        ${message}\n`,
    )
    .join('');
}

function verdict(refused: number, warned: number): string {
  const warnings = `${warned} ${warned === 1 ? 'warning' : 'warnings'}`;
  return refused === 0
    ? `Fit to serve: ${CHECKS.length} checks, ${warnings}.`
    : `Not fit to serve: ${refused} refused, ${warnings}.`;
}
