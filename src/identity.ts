// Where verifying meets the database: what the verifier asks about issuers, answered from rows. src/auth knows no SQL and
// src/db no tokens; this file knows both, and decides nothing.

import type { Logger } from 'pino';
import type { IssuerDirectory } from './auth/directory.ts';
import { findIssuer } from './db/issuers.ts';
import type { Database } from './db/session.ts';
import { registeredIssuer } from './trust.ts';

/** The issuers that tenants have of their own. A row that says what cannot be trusted counts as none, and is logged. */
export function registeredIssuers(database: Database, log: Logger): IssuerDirectory {
  return {
    async lookup(name) {
      const row = await findIssuer(database, name);
      if (row === undefined) {
        return undefined;
      }
      const { id, issuer, settings } = row;
      const parsed = registeredIssuer.safeParse({ ...(settings as object), issuer, id });
      if (!parsed.success) {
        const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
        log.error({ event: 'issuer.unusable', issuer, id, faults }, 'a registered issuer is not usable');
        return undefined;
      }
      return parsed.data;
    },
  };
}
