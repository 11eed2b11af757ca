// The three database roles: runs prisma/roles.sql, which says what they are, and sets the passwords.
//
// A password never reaches the server. What is sent is the SCRAM verifier made from it (RFC 5802, RFC 7677), because
// a statement that sets a password is text, and text ends up in the log (log_statement = ddl, or any error), in
// pg_stat_activity and in pg_stat_statements. It needs an administrator: neither migrator nor runtime can run this.

import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type Client, escapeLiteral } from 'pg';

/** The text that says what the roles are. */
export const ROLES_SQL = new URL('../../prisma/roles.sql', import.meta.url);

/** PostgreSQL's own default; the passwords here are random, so more rounds would slow only ourselves down. */
const SCRAM_ITERATIONS = 4096;

/**
 * Roles belong to the whole server, where no lock spans the databases. So two administrators can collide: with "tuple
 * concurrently updated" (internal_error) when both alter a role, or with a duplicate when both create it.
 */
const COLLISIONS = new Set(['XX000', '23505', '42710']);
const ATTEMPTS = 5;

export type RolePasswords = {
  /** Printable ASCII, so that SASLprep leaves it as it is. */
  readonly migrator: string;
  readonly runtime: string;
};

/**
 * Makes the roles and the database's ownership what prisma/roles.sql says, in one transaction. Idempotent.
 *
 * @param admin Connected to `database` as an administrator: a superuser or, on a managed service, a role with CREATEROLE,
 *   CREATEDB and BYPASSRLS that owns the database.
 * @param options.passwords Left out, the passwords stay as they are.
 * @returns What the service refused to take away from the runtime role, one sentence per finding.
 * @throws {TypeError} if `admin` is connected to another database; the database's error if the roles cannot be made.
 */
export async function ensureRoles(
  admin: Client,
  { database, passwords }: { database: string; passwords?: RolePasswords },
): Promise<string[]> {
  const { rows } = await admin.query<{ name: string }>('select current_database() as name');
  if (rows[0]?.name !== database) {
    throw new TypeError(`connected to ${rows[0]?.name}, not to ${database}`);
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await applyRoles(admin, passwords);
    } catch (error) {
      if (attempt === ATTEMPTS || !COLLISIONS.has((error as { code?: string }).code ?? '')) {
        throw error;
      }
    }
  }
}

async function applyRoles(admin: Client, passwords: RolePasswords | undefined): Promise<string[]> {
  const findings: string[] = [];
  const note = (notice: { severity?: string | undefined; message?: string | undefined }) => {
    if (notice.severity === 'WARNING') {
      findings.push(notice.message ?? 'a warning without words');
    }
  };
  admin.on('notice', note);
  try {
    await admin.query('begin');
    await admin.query(await readFile(ROLES_SQL, 'utf8'));
    if (passwords !== undefined) {
      await setPassword(admin, 'bailiwick_migrator', passwords.migrator);
      await setPassword(admin, 'bailiwick_runtime', passwords.runtime);
    }
    await admin.query('commit');
    return findings;
  } catch (error) {
    await admin.query('rollback');
    throw error;
  } finally {
    admin.off('notice', note);
  }
}

async function setPassword(admin: Client, role: string, password: string): Promise<void> {
  if (!/^[\x21-\x7e]+$/.test(password)) {
    throw new TypeError(`the password of ${role} must be printable ASCII without spaces`);
  }
  await admin.query(`alter role ${role} password ${escapeLiteral(await scramVerifier(password))}`);
}

/** What PostgreSQL keeps of a password under password_encryption = 'scram-sha-256'. */
async function scramVerifier(password: string): Promise<string> {
  const salt = randomBytes(16);
  const salted = await promisify(pbkdf2)(password, salt, SCRAM_ITERATIONS, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}
