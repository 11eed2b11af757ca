// A pooler of its own for one test, in front of the test's database, with as few backends as show the matter: one, unless said.

import { onTestFinished } from 'vitest';
import type { PoolerMode } from '../../src/db/pooler.ts';
import type { TestDatabase } from '../kit/database.ts';
import { startPgBouncer } from './pooling-server.ts';

/** Puts a pooler in front of a database for the running test. */
export async function pooled(
  database: TestDatabase,
  settings: Record<string, string | number> = {},
  mode: PoolerMode = 'transaction',
): Promise<{ url: string; migratorUrl: string; consoleUrl: string }> {
  const password = (url: string) => decodeURIComponent(new URL(url).password);
  const bouncer = await startPgBouncer({
    target: database.adminUrl,
    passwords: {
      bailiwick_runtime: password(database.directUrl),
      bailiwick_migrator: password(database.migratorUrl),
    },
    settings: { default_pool_size: 1, ...settings },
  });
  onTestFinished(() => bouncer.stop());
  return {
    url: bouncer.through(database.directUrl, mode),
    migratorUrl: bouncer.through(database.migratorUrl, mode),
    consoleUrl: bouncer.consoleUrl,
  };
}
