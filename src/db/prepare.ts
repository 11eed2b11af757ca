// Makes a database fit to serve: migrations, policies, ticket key, and then the proof, by the posture check.
// Everything is skipped that is in place already.

import { applyMigrations, MIGRATIONS_FOLDER } from './engine.ts';
import { applyPolicies, installTicketKey } from './policies.ts';
import { assertPosture, type Finding } from './posture.ts';
import { withClient } from './with-client.ts';

export type Prepared = {
  /** `server_version_num` */
  readonly serverVersion: number;
  readonly migrations: readonly string[];
  readonly policiesApplied: boolean;
  readonly warnings: readonly Finding[];
};

/** @throws {PostureError} when the database is not fit to serve even then. */
export async function prepareDatabase(
  urls: { readonly migratorUrl: string; readonly runtimeUrl: string },
  ticket: { readonly kid: string; readonly secret: Uint8Array },
): Promise<Prepared> {
  const migrations = await applyMigrations(urls.migratorUrl, { migrationsDir: MIGRATIONS_FOLDER });
  const policiesApplied = await applyPolicies(urls.migratorUrl);
  await installTicketKey(urls.migratorUrl, ticket.kid, ticket.secret);
  const warnings = await assertPosture(urls);
  return { serverVersion: await versionOf(urls.migratorUrl), migrations, policiesApplied, warnings };
}

function versionOf(url: string): Promise<number> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ version: string }>(
      "select current_setting('server_version_num') as version",
    );
    return Number(rows[0]?.version);
  });
}
