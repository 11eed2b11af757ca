// `bailiwick policies`: applies the policy files, or says whether what is in force is what they say.
//
// Applying replaces every policy and every grant in one transaction. It is skipped when the files are in force by their
// checksum; --force does it all the same, which is the repair for whatever `status` finds. Comparing what policies do
// and linting are next door (policies-diff.ts, policies-lint.ts).

import { readConfig } from '../config.ts';
import { openDatabase } from '../db/connect.ts';
import { applyPolicies, policyChecksum, readPolicies } from '../db/policies.ts';
import { CHECKS, inspectPosture } from '../db/posture.ts';
import { defineCommand } from './command.ts';
import { formatFindings } from './doctor.ts';
import { DIFF_OPTIONS, diffAgainst } from './policies-diff.ts';
import { LINT_OPTIONS, lintPolicies } from './policies-lint.ts';

/** The checks that compare the database with the files. */
const COMPARISONS = new Set([
  'installation',
  'policy-checksum',
  ...CHECKS.filter(({ declared }) => declared !== undefined).map(({ name }) => name),
]);

export const command = defineCommand(
  {
    name: 'policies',
    summary: 'Applies prisma/policies to the database, compares, or lints a database',
    details: [
      'Linting works on any PostgreSQL from version 15 on, changes nothing, and exits with 1 on errors and warnings.',
    ],
    actions: {
      apply: 'Apply the files, unless they are in force already',
      status: 'Compare; exits with 1 when the database has other policies, grants or functions',
      diff: 'Say what a change of the files lets people do, or takes away; exits with 1 on an undecided widening',
      lint: 'Look for what weakens row security, in the configured database or the one of --url',
    },
    options: {
      force: { type: 'boolean', about: 'apply: also when they are in force, to undo changes by hand' },
      json: { type: 'boolean', about: 'status, diff, lint: print it as JSON' },
      ...DIFF_OPTIONS,
      ...LINT_OPTIONS,
    },
  },
  async ({ force = false, json = false, ...rest }, io, action) => {
    if (action === 'lint') {
      return await lintPolicies({ ...rest, json }, io);
    }
    if (action === 'diff') {
      return await diffAgainst({ ...rest, json }, io);
    }
    const connection = await openDatabase(readConfig(io.env), { mode: 'attach' });
    try {
      const checksum = policyChecksum();
      if (action === 'apply') {
        const applied = await applyPolicies(connection.migratorUrl, { force });
        io.out(`${applied ? 'applied' : 'in force already'}: ${readPolicies().length} files, ${checksum}\n`);
        return 0;
      }
      const differences = (await inspectPosture(connection)).filter(({ check }) => COMPARISONS.has(check));
      const inForce = differences.length === 0;
      if (json) {
        io.out(`${JSON.stringify({ inForce, checksum, differences }, null, 2)}\n`);
      } else {
        io.out(`${inForce ? 'in force' : 'not in force'}: ${readPolicies().length} files, ${checksum}\n`);
        io.out(formatFindings(differences));
      }
      return inForce ? 0 : 1;
    } finally {
      await connection.stop();
    }
  },
);
