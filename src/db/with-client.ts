// One connection for one piece of the operator's work, closed whatever comes of it. Requests never go this way: theirs is
// the sealed pool (pool.ts).

import pg from 'pg';

/**
 * Runs `work` on a connection of its own. What was not committed ends with it.
 *
 * @throws the driver's error when it cannot connect, or whatever `work` throws.
 */
export async function withClient<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url, application_name: 'bailiwick operator' });
  // A connection lost while `work` is busy elsewhere shows in its next statement, and must not end the process here.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}
