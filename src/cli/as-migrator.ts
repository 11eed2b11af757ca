// What the operator's commands work with: a connection of the migrator to this installation's database, for as long as the command runs.

import type pg from 'pg';
import { readConfig } from '../config.ts';
import { openDatabase } from '../db/connect.ts';
import { withClient } from '../db/with-client.ts';
import type { Io } from './command.ts';

/** Runs `work` as the migrator. An embedded database is started for it, unless it runs already. */
export async function asMigrator<Result>(
  io: Pick<Io, 'env'>,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const connection = await openDatabase(readConfig(io.env), { mode: 'attach' });
  try {
    return await withClient(connection.migratorUrl, work);
  } finally {
    await connection.stop();
  }
}
