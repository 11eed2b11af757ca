// Makes a database fit to serve: migrations, policies, ticket key, and then the proof, by the posture check.
// Everything is skipped that is in place already.

import { applyMigrations, MIGRATIONS_FOLDER } from './engine.ts';
import { ensurePartitions } from './partitions.ts';
import { applyPolicies, installTicketKey } from './policies.ts';
import { assertPosture, type Finding, type PostureTarget } from './posture.ts';
import { readUnsealed } from './sealing/phase.ts';
import { withClient } from './with-client.ts';

export type Prepared = {
  /** `server_version_num` */
  readonly serverVersion: number;
  /** Whether statements may be planned once for all values: not where the operator has said how, as on Citus. */
  readonly plansOnce: boolean;
  readonly migrations: readonly string[];
  readonly policiesApplied: boolean;
  /** Constraints of the columns that may still hold values in clear. */
  readonly unsealed: ReadonlySet<string>;
  readonly warnings: readonly Finding[];
};

/** @throws {PostureError} when the database is not fit to serve even then. */
export async function prepareDatabase(
  urls: PostureTarget,
  ticket: { readonly kid: string; readonly secret: Uint8Array },
): Promise<Prepared> {
  const migrations = await applyMigrations(urls.migratorUrl, { migrationsDir: MIGRATIONS_FOLDER });
  const policiesApplied = await applyPolicies(urls.migratorUrl);
  await installTicketKey(urls.migratorUrl, ticket.kid, ticket.secret);
  await withClient(urls.migratorUrl, (client) => ensurePartitions(client));
  const warnings = await assertPosture(urls);
  return { ...(await stateOf(urls.migratorUrl)), migrations, policiesApplied, warnings };
}

function stateOf(url: string): Promise<Pick<Prepared, 'serverVersion' | 'plansOnce' | 'unsealed'>> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ version: string; unsaid: boolean }>(
      `select current_setting('server_version_num') as version, current_setting('plan_cache_mode') = 'auto' as unsaid`,
    );
    return {
      serverVersion: Number(rows[0]?.version),
      plansOnce: rows[0]?.unsaid ?? false,
      unsealed: await readUnsealed(client),
    };
  });
}
