// Connections that tests have done with, for the next one: what costs is a new one that knows no table, no function and no plan yet.
//
// Whoever gets one finds it as a new one would be, but for what it knows. A database is dropped only after those to it have ended.

import pg, { type Client } from 'pg';

const idle = new Map<string, Client[]>();

/** As many of one URL as are kept. */
const MOST = 4;

/** Undoes whatever a transaction or a session may have left. */
const AFRESH =
  'rollback; reset session authorization; reset role; reset all; close all; unlisten *; deallocate all; select pg_advisory_unlock_all()';

/** Runs `work` on a connection of this URL that is in no transaction. After a failure it is not used again. */
export async function onConnection<Result>(
  url: string,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = idle.get(url)?.pop() ?? (await connected(url));
  try {
    const result = await work(client);
    await client.query(AFRESH);
    keep(url, client);
    return result;
  } catch (error) {
    await client.end();
    throw error;
  }
}

/** Ends the idle connections to a database. */
export async function endIdle(database: string): Promise<void> {
  for (const [url, clients] of idle) {
    if (new URL(url).pathname === `/${database}`) {
      idle.delete(url);
      await Promise.all(clients.map((client) => client.end()));
    }
  }
}

async function connected(url: string): Promise<Client> {
  const client = new pg.Client({ connectionString: url });
  // one that the server ends while nobody uses it is not used again
  client.on('error', () => {
    idle.set(
      url,
      (idle.get(url) ?? []).filter((one) => one !== client),
    );
  });
  await client.connect();
  return client;
}

function keep(url: string, client: Client): void {
  const clients = idle.get(url) ?? [];
  idle.set(url, clients);
  if (clients.length < MOST) {
    clients.push(client);
  } else {
    void client.end();
  }
}
