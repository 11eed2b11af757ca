// The course on which races are run: several at a time, each on connections of its own, over a database that the test file
// has to itself. It knows how to become a party's member as the server does, and how to make the kernel forgetful.

import pg from 'pg';
import { createClient } from '../../../src/db/client.ts';
import { SealedPool } from '../../../src/db/pool.ts';
import { withSession } from '../../../src/db/session.ts';
import { versionOf } from '../../db/lane.ts';
import { KEY, trustTickets } from '../../kit/as.ts';
import type { TestDatabase } from '../../kit/database.ts';
import { testEncryption } from '../../kit/keys.ts';
import { dice } from './dice.ts';
import type { Fault, Kind, Means } from './endings.ts';
import { makeParties, type Party, partyOf } from './parties.ts';
import { claimsOf, newTally, Race, type Tally } from './race.ts';

/** Races that are run at the same time; each keeps two connections busy. */
export const LANES = 4;
const LIMITS = { size: LANES, waitMs: 30_000, statementMs: 10_000, transactionMs: 20_000 };

export type Course = {
  /** A session as the server opens it, of a party's member; committed. */
  sessions(party: Party): Means['session'];
  /** Runs a number of races of a kind, with parties of their own. */
  run(name: string, kind: Kind, races: number): Promise<Tally>;
  /** Runs `work` over a kernel that has forgotten conditions. */
  without<Result>(faults: readonly Fault[], work: () => Promise<Result>): Promise<Result>;
  /** The server's administrator. */
  readonly administrator: pg.Client;
  close(): Promise<void>;
};

/** Opens a course on a database. */
export async function openCourse(database: TestDatabase): Promise<Course> {
  await trustTickets(database);
  const pool = new SealedPool(database.runtimeUrl, LIMITS, await versionOf(database));
  const client = createClient(pool, testEncryption());
  const opened = { client, ticketKey: KEY, transactionMs: LIMITS.transactionMs, waitMs: LIMITS.waitMs };
  const administrator = await connect(database.adminUrl);
  // what no foreign key would let pass is for it to do
  await administrator.query('set session_replication_role = replica');
  const users = await Promise.all(Array.from({ length: LANES }, () => connect(database.runtimeUrl)));

  const sessions: Course['sessions'] =
    (party) =>
    (subject, work, depth = 0) => {
      const claims = claimsOf(party, subject, depth > 0 ? { delegation: party.delegation(depth) } : {});
      return withSession(opened, claims, { readOnly: false }, work);
    };

  return {
    sessions,
    administrator,
    async run(name, kind, races) {
      await makeParties(database, name, races, kind.make);
      const tally = newTally();
      let next = 0;
      const lane = async (user: pg.Client) => {
        for (let n = next++; n < races && tally.wrong.length < 20; n = next++) {
          const party = partyOf(name, n);
          const end = () => kind.end({ party, administrator, session: sessions(party) });
          const { depth, world = false } = kind.make;
          const ending = { agent: `agent${depth}`, depth, world, end };
          const token = kind.tokenMs && { tokenExpiresAt: new Date(Date.now() + kind.tokenMs) };
          const race = new Race(tally, party, { ...ending, ...token });
          await race.run(user, dice(n));
        }
      };
      await Promise.all(users.map(lane));
      return tally;
    },
    async without(faults, work) {
      const healthy = await Promise.all(faults.map((fault) => definition(administrator, fault.function)));
      const names = new Set(faults.map((fault) => fault.function));
      for (const name of names) {
        let text = await definition(administrator, name);
        for (const { condition, instead = 'true' } of faults.filter((fault) => fault.function === name)) {
          if (!text.includes(condition)) {
            throw new TypeError(`${name} has no condition ${condition}: adapt the fault`);
          }
          text = text.replace(condition, instead);
        }
        await administrator.query(text);
      }
      try {
        return await work();
      } finally {
        for (const text of healthy) {
          await administrator.query(text);
        }
      }
    },
    async close() {
      await Promise.all([...users, administrator].map((connection) => connection.end()));
      await client.$disconnect();
      await pool.end();
    },
  };
}

async function connect(url: string): Promise<pg.Client> {
  // as the product's pool connects; @types/pg does not know the option yet
  const options = { connectionString: url, pipeline: true };
  const client = new pg.Client(options);
  await client.connect();
  return client;
}

async function definition(administrator: pg.Client, name: string): Promise<string> {
  const { rows } = await administrator.query<{ text: string }>(
    "select pg_get_functiondef(oid) as text from pg_proc where proname = $1 and pronamespace = 'bailiwick'::regnamespace",
    [name],
  );
  return rows[0]?.text ?? '';
}
