// `bailiwick migrate`: makes a database what this version needs, step by step, and says what it did. Safe to repeat.
//
// The server does the same when it starts, except for the roles of a server of the operator's: making roles needs an
// administrator, whom the server never meets. So this command takes the administrator's URL, from the environment only,
// because arguments can be read by everybody on the machine.

import pg from 'pg';
import { readConfig } from '../config.ts';
import { type DatabaseConnection, openDatabase } from '../db/connect.ts';
import { applyMigrations, MIGRATIONS_FOLDER } from '../db/engine.ts';
import { ensurePartitions } from '../db/partitions.ts';
import { applyPolicies, installTicketKey, policyChecksum } from '../db/policies.ts';
import { inspectPosture } from '../db/posture.ts';
import { ensureRoles } from '../db/roles.ts';
import { ticketKey } from '../db/ticket.ts';
import { withClient } from '../db/with-client.ts';
import { loadSecret } from '../secret.ts';
import { defineCommand, type Io } from './command.ts';
import { formatFindings } from './doctor.ts';

export const command = defineCommand(
  {
    name: 'migrate',
    summary: 'Brings the database up to date: roles, migrations, policies, ticket key',
    details: [
      'Roles are made and checked on the embedded database, and elsewhere when ADMIN_DATABASE_URL is set: a URL of the',
      'same database as an administrator. The passwords then become those of the two other URLs.',
    ],
    options: {},
  },
  async (_values, io) => {
    const config = readConfig(io.env);
    const connection = await openDatabase(config, { mode: 'attach' });
    try {
      io.out(`roles       ${await rolesStep(connection, config.adminUrl, io)}\n`);
      const applied = await applyMigrations(connection.migratorUrl, { migrationsDir: MIGRATIONS_FOLDER });
      io.out(`migrations  ${applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`}\n`);
      const changed = await applyPolicies(connection.migratorUrl);
      io.out(`policies    ${changed ? 'applied' : 'in force already'}, ${policyChecksum().slice(0, 12)}\n`);
      const months = await withClient(connection.migratorUrl, (client) => ensurePartitions(client));
      io.out(months === 0 ? '' : `months      ${months} new ones of the activity log and the audit\n`);
      const secret = loadSecret(config.ticketKey, config.dataDir, 'ticket.key');
      const { kid } = ticketKey(secret);
      await installTicketKey(connection.migratorUrl, kid, secret);
      io.out(`ticket key  ${kid}\n`);
      const findings = await inspectPosture(connection);
      const refused = findings.some(({ level }) => level === 'refuse');
      io.out(`posture     ${refused ? 'not fit to serve' : 'fit to serve'}\n`);
      io.err(formatFindings(findings));
      return refused ? 1 : 0;
    } finally {
      await connection.stop();
    }
  },
);

async function rolesStep(
  { superuserUrl, migratorUrl, runtimeUrl }: DatabaseConnection,
  adminUrl: string | undefined,
  io: Io,
): Promise<string> {
  if (superuserUrl !== undefined) {
    return 'in order (embedded)';
  }
  if (adminUrl === undefined) {
    return 'left alone: ADMIN_DATABASE_URL is not set';
  }
  const passwords = { migrator: passwordOf(migratorUrl), runtime: passwordOf(runtimeUrl) };
  const admin = new pg.Client({ connectionString: adminUrl, application_name: 'bailiwick migrate' });
  try {
    await admin.connect();
    const warnings = await ensureRoles(admin, {
      database: databaseOf(migratorUrl),
      ...(passwords.migrator === '' || passwords.runtime === '' ? {} : { passwords }),
    });
    for (const warning of warnings) {
      io.err(`warning: ${warning}\n`);
    }
  } finally {
    await admin.end();
  }
  return 'in order';
}

function passwordOf(url: string): string {
  return decodeURIComponent(new URL(url).password);
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}
