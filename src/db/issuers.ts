// Issuers that a tenant trusts besides those of the whole installation (prisma/policies/20-issuers.sql). The server reads one
// by its name before it knows who is calling, in nobody's name; what its settings mean is not known here.

import type { IssuerId } from '../ids.ts';
import { type Database, withService } from './session.ts';

/** A row as it stands: the settings may be anything. */
export type IssuerRow = { readonly id: IssuerId; readonly issuer: string; readonly settings: unknown };

/** The active issuer of this exact name, if there is one. */
export async function findIssuer(database: Database, name: string): Promise<IssuerRow | undefined> {
  const [row] = await withService(
    database,
    'identity',
    { readOnly: true },
    (db) => db.$queryRaw<IssuerRow[]>`
      select id::text as id, issuer, settings from issuers where issuer = ${name} and status = 'active'`,
  );
  return row;
}
