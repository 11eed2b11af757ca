// `bailiwick policies`: applies the policy files, or says whether what is in force is what they say.
//
// Applying replaces every policy and every grant in one transaction. It is skipped when the files are in force by their
// checksum; --force does it all the same, which is the repair for whatever `status` finds.

import { readConfig } from '../config.ts';
import { openDatabase } from '../db/connect.ts';
import { applyPolicies, policyChecksum, readPolicies } from '../db/policies.ts';
import { CHECKS, inspectPosture } from '../db/posture.ts';
import { defineCommand } from './command.ts';
import { formatFindings } from './doctor.ts';

/** The checks that compare the database with the files. */
const COMPARISONS = new Set([
  'installation',
  'policy-checksum',
  ...CHECKS.filter(({ declared }) => declared !== undefined).map(({ name }) => name),
]);

export const command = defineCommand(
  {
    name: 'policies',
    summary: 'Applies prisma/policies to the database, or compares the two',
    actions: {
      apply: 'Apply the files, unless they are in force already',
      status: 'Compare; exits with 1 when the database has other policies, grants or functions',
    },
    options: {
      force: { type: 'boolean', about: 'apply: also when they are in force, to undo changes by hand' },
      json: { type: 'boolean', about: 'status: print it as JSON' },
    },
  },
  async ({ force = false, json = false }, io, action) => {
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
